/* Metric families: one file each, with a const MetricFamily at its foot; columns carry the schema of each metric, which
 * drives NPZ members, CSVs, `refframe list metrics`, metrics.json and the docs.
 *
 * measure() sees one sequence and writes one value per (layer, head), per layer or for the model, NaN where the metric
 * has none; pool.h makes one of the set's values (what is not finite is left out, and counted) in double, in its order.
 */
#ifndef REFFRAME_GEOMETRY_METRIC_H
#define REFFRAME_GEOMETRY_METRIC_H

#include "base/arena.h"
#include "base/json.h"
#include "base/variant.h"
#include "geometry/view.h"

typedef enum { LEVEL_HEAD, LEVEL_LAYER, LEVEL_MODEL } MetricLevel;
typedef enum { DIRECTION_NONE, DIRECTION_RISES, DIRECTION_FALLS } MetricDirection;

/* What a set of sequences makes of its sequences' values: their mean; or, where a value is an identity (a place, a
 * token id), the share of sequences that have the most frequent one. */
typedef enum { POOL_MEAN, POOL_MODAL_SHARE } MetricPool;

typedef struct {
    const char *name; /* "sink_mass", "sink_rate@0.3" */
    const char *unit;
    MetricLevel level;
    double min, max; /* range of the pooled value, for docs and axes */
    MetricPool pool;
    MetricDirection direction;
    double threshold;     /* emergence: beyond means > max(threshold, ratio*b), or < min(threshold, b/ratio) */
    double ratio;         /* threshold 0: none is declared, the metric has no onset */
    int attention_only;   /* a function of maps: has the uniform and position-only baselines */
    const char *summary;  /* definition in one line */
    const char *source;   /* paper or "-" */
    const char *weakness; /* what it cannot see, "" if none is known */
} MetricColumn;

typedef struct {
    Variant variant; /* keys below measure.FAMILY */
    unsigned needs;
    const char *cost;     /* order of growth for one sequence, "O(L H T^2)" */
    int every, sequences; /* defaults of measure.FAMILY.every (0 counts as 1) and .sequences (0: the whole set) */
    int is_off;           /* never measured by default */
    int is_by_query;      /* its columns are means over queries, so that they can be taken over some of them */
    const MetricColumn *columns;
    int n_columns;
    /* Reads the keys measure.FAMILY.KEY, once; ret_state, memory from arena, is constant from then on. A family without
     * keys leaves it NULL, and its state is NULL. */
    int (*prepare)(Arena *arena, const Settings *settings, void **ret_state, Error *err);
    /* ret_columns[c] -> (L,H), (L,) or one double, initialised to NaN. `scratch` is a fixed arena, cleared: what it
     * hands out is not zeroed. */
    void (*measure)(const void *state, const View *view, double *const *ret_columns, Arena *scratch);
    /* Takes what measure takes for a view of these sizes, on a counting arena too; NULL: nothing. It may be more for a
     * shorter sequence, where a family gives up beyond some length. */
    void (*lay)(const void *state, const View *view, Arena *scratch);
} MetricFamily;

REGISTRY(MetricFamily, family);
const MetricColumn *metric_find(const char *name); /* over all families */

/* Rows of the group measure.FAMILY: `every`, `sequences`, then the family's own params. Memory from arena. */
const SchemaRow *family_rows(Arena *arena, const MetricFamily *family, int *ret_n_rows);

/* The keys measure.FAMILY.KEY of all families, without a run's other keys: n assignments, and defaults. STATUS_INPUT of
 * any other key. Memory from arena. */
int families_resolve(Arena *arena, const Assignment *assignments, int n, Settings *ret_settings, Error *err);

/* The states of all families, as in the registry: by their keys measure.FAMILY.KEY, or, settings NULL, by the defaults
 * of these. Memory from arena. */
int families_prepare(Arena *arena, const Settings *settings, const void *const **ret_states, Error *err);

/* Values of a column for one sequence: L H, L or 1; and how a level is called. */
int level_size(MetricLevel level, int n_layers, int n_heads);
const char *level_name(MetricLevel level);

/* What bit number n of a family's needs is called; NULL beyond the last. */
const char *need_name(int n);

/* Whether maps (and tokens) are all that a family needs: then its attention-only columns have computed baselines. */
int family_sees_maps_only(const MetricFamily *family);

/* Whether a column declares when it has emerged. */
int column_has_onset(const MetricColumn *column);

/* Whether a column of a family has computed baselines. */
int column_has_baselines(const MetricFamily *family, const MetricColumn *column);

/* metrics.json: {"metrics": [...]}, every column with its family, unit, level, pool, range (null: unbounded),
 * direction, threshold (null: none declared), ratio, needs, cost, baselines, summary, source and weakness. */
void metrics_json(JsonWriter *json);

#endif
