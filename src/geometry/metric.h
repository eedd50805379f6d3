/* Metric families: one file each, with a const MetricFamily at its foot; columns carry the schema of each metric, which
 * drives NPZ members, CSVs, `refframe list metrics`, metrics.json and the docs.
 *
 * measure() sees one sequence and writes one value per (layer, head) or per layer, NaN where the metric has none; the
 * driver averages over the measuring set (NaN left out, counted) in double, in the set's order.
 */
#ifndef REFFRAME_GEOMETRY_METRIC_H
#define REFFRAME_GEOMETRY_METRIC_H

#include "base/json.h"
#include "base/schema.h"
#include "geometry/view.h"

typedef enum { LEVEL_HEAD, LEVEL_LAYER } MetricLevel;
typedef enum { DIRECTION_NONE, DIRECTION_RISES, DIRECTION_FALLS } MetricDirection;

typedef struct {
    const char *name; /* "sink_mass", "sink_rate@0.3" */
    const char *unit;
    MetricLevel level;
    double min, max; /* range, for docs and axes */
    MetricDirection direction;
    double threshold;     /* emergence: beyond means > max(threshold, ratio*b), or < min(threshold, b/ratio) */
    double ratio;         /* threshold NaN: none is declared, the metric has no onset */
    int attention_only;   /* a function of maps: has the uniform and position-only baselines */
    const char *summary;  /* definition in one line */
    const char *source;   /* paper or "-" */
    const char *weakness; /* what it cannot see, "" if none is known */
} MetricColumn;

typedef struct {
    const char *name, *summary, *source;
    const SchemaRow *params; /* keys below measure.FAMILY */
    int n_params;
    unsigned needs;
    const char *cost; /* order of growth, "O(L H T^2)" */
    const MetricColumn *columns;
    int n_columns;
    /* ret_columns[c] -> (L,H) or (L,) doubles, initialised to NaN. `scratch`: scratch_bytes(view). */
    void (*measure)(const View *view, double *const *ret_columns, void *scratch);
    size_t (*scratch_bytes)(const View *view); /* NULL: none */
} MetricFamily;

extern const MetricFamily *const family_registry[]; /* NULL-terminated; written from the list in src/meson.build */
const MetricFamily *family_find(const char *name);
const MetricColumn *metric_find(const char *name); /* over all families */

/* Whether maps (and tokens) are all that a family needs: then its attention-only columns have computed baselines. */
int family_sees_maps_only(const MetricFamily *family);

/* Anchor importance a_k (README.md): mean of A_ik over queries i > k (causal) or i != k (full), NaN when there are
 * none, for every layer, head and key: (L,H,T) float32. The classifier works on these alone. */
void anchor_importance(const View *view, float *ret_importance);

/* metrics.json: {"metrics": [...]}, every column with its family, unit, level, range (null: unbounded), direction,
 * threshold (null: none declared), ratio, baselines, summary, source and weakness. */
void metrics_json(JsonWriter *json);

#endif
