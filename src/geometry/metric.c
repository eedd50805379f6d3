/* Finding families and columns by name, and the schema of every metric as JSON. */
#include "geometry/metric.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/resolve.h"

int column_has_onset(const MetricColumn *column)
{
    return column->threshold != 0;
}

int column_has_baselines(const MetricFamily *family, const MetricColumn *column)
{
    return column->attention_only && family_sees_maps_only(family);
}

int family_sees_maps_only(const MetricFamily *family)
{
    return (family->needs & ~(unsigned)(NEEDS_MAPS | NEEDS_LAYER_MAPS | NEEDS_TOKENS)) == 0;
}

const SchemaRow *family_rows(Arena *arena, const MetricFamily *family, int *ret_n_rows)
{
    enum { N_COMMON = 2 };
    SchemaRow *rows = ARENA_ARRAY(arena, SchemaRow, N_COMMON + family->variant.n_params);
    rows[0] = (SchemaRow){"every",
                          VALUE_INT,
                          family->is_off ? "0" : arena_format(arena, "%d", family->every ? family->every : 1),
                          0,
                          1e6,
                          NULL,
                          "at every Nth snapshot, the first and the last; 0: never",
                          BY_HAND};
    rows[1] = (SchemaRow){"sequences", VALUE_INT, arena_format(arena, "%d", family->sequences),    0,
                          65536,       NULL,      "on the first N measuring sequences; 0: on all", BY_HAND};
    for (int p = 0; p < family->variant.n_params; p++)
        rows[N_COMMON + p] = family->variant.params[p];
    *ret_n_rows = N_COMMON + family->variant.n_params;
    return rows;
}

static int count_families(void)
{
    int n = 0;
    while (family_registry[n])
        n++;
    return n;
}

int families_resolve(Arena *arena, const Assignment *assignments, int n_assignments, Settings *ret_settings, Error *err)
{
    const int n = count_families();
    SchemaPart *parts = ARENA_ARRAY(arena, SchemaPart, n);
    for (int f = 0; f < n; f++) {
        parts[f].group = arena_format(arena, "measure.%s", family_registry[f]->variant.name);
        parts[f].rows = family_rows(arena, family_registry[f], &parts[f].n_rows);
    }
    return settings_resolve(arena, &(Schema){.parts = parts, .n_parts = n}, assignments, n_assignments, ret_settings,
                            NULL, err);
}

int families_prepare(Arena *arena, const Settings *settings, const void *const **ret_states, Error *err)
{
    Settings defaults;
    void **states = ARENA_ARRAY(arena, void *, count_families());
    int status = settings ? STATUS_OK : families_resolve(arena, NULL, 0, &defaults, err);
    for (int f = 0; family_registry[f] && status == STATUS_OK; f++)
        if (family_registry[f]->prepare)
            status = family_registry[f]->prepare(arena, settings ? settings : &defaults, &states[f], err);
    if (status == STATUS_OK)
        *ret_states = (const void *const *)states;
    return status;
}

int level_size(MetricLevel level, int n_layers, int n_heads)
{
    return level == LEVEL_HEAD ? n_layers * n_heads : level == LEVEL_LAYER ? n_layers : 1;
}

const char *level_name(MetricLevel level)
{
    static const char *const names[] = {[LEVEL_HEAD] = "head", [LEVEL_LAYER] = "layer", [LEVEL_MODEL] = "model"};
    return names[level];
}

const MetricColumn *metric_find(const char *name)
{
    for (const MetricFamily *const *family = family_registry; *family; family++)
        for (int c = 0; c < (*family)->n_columns; c++)
            if (strcmp((*family)->columns[c].name, name) == 0)
                return &(*family)->columns[c];
    return NULL;
}

const char *need_name(int n)
{
    static const char *const names[] = {"maps",       "qkv",      "residual",     "weights",    "tokens",
                                        "layer_maps", "gradient", "intervention", "intervened", "slots"};
    return n < (int)(sizeof names / sizeof *names) ? names[n] : NULL;
}

static void needs_json(JsonWriter *json, unsigned needs)
{
    json_key(json, "needs");
    json_open_array(json);
    for (int n = 0; need_name(n); n++)
        if (needs & 1u << n)
            json_string(json, need_name(n));
    json_close_array(json);
}

static void column_json(JsonWriter *json, const MetricFamily *family, const MetricColumn *column)
{
    static const char *const directions[] = {
        [DIRECTION_NONE] = "none", [DIRECTION_RISES] = "rises", [DIRECTION_FALLS] = "falls"};
    const int has_computed = column_has_baselines(family, column);
    json_open_object(json);
    json_put_string(json, "name", column->name);
    json_put_string(json, "family", family->variant.name);
    json_put_string(json, "unit", column->unit);
    json_put_string(json, "level", level_name(column->level));
    json_put_string(json, "pool", column->pool == POOL_MEAN ? "mean" : "modal share");
    json_key(json, "range");
    json_open_array(json);
    json_number(json, column->min);
    json_number(json, column->max);
    json_close_array(json);
    json_put_string(json, "direction", directions[column->direction]);
    json_put_number(json, "threshold", column_has_onset(column) ? column->threshold : (double)NAN);
    json_put_number(json, "ratio", column_has_onset(column) ? column->ratio : 1);
    json_put_bool(json, "attention_only", column->attention_only);
    needs_json(json, family->needs);
    json_put_string(json, "cost", family->cost);
    json_key(json, "baselines");
    json_open_array(json);
    if (has_computed) {
        json_string(json, "uniform");
        json_string(json, "position");
    }
    json_string(json, "start");
    json_close_array(json);
    json_put_string(json, "summary", column->summary);
    json_put_string(json, "source", column->source);
    json_put_string(json, "weakness", column->weakness);
    json_close_object(json);
}

void metrics_json(JsonWriter *json)
{
    json_open_object(json);
    json_key(json, "metrics");
    json_open_array(json);
    for (const MetricFamily *const *family = family_registry; *family; family++)
        for (int c = 0; c < (*family)->n_columns; c++)
            column_json(json, *family, &(*family)->columns[c]);
    json_close_array(json);
    json_close_object(json);
}
