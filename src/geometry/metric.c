/* Finding families and columns by name, and the schema of every metric as JSON. */
#include "geometry/metric.h"

#include <string.h>

int family_sees_maps_only(const MetricFamily *family)
{
    return (family->needs & ~(unsigned)(NEEDS_MAPS | NEEDS_TOKENS)) == 0;
}

const MetricFamily *family_find(const char *name)
{
    for (const MetricFamily *const *family = family_registry; *family; family++)
        if (strcmp((*family)->name, name) == 0)
            return *family;
    return NULL;
}

const MetricColumn *metric_find(const char *name)
{
    for (const MetricFamily *const *family = family_registry; *family; family++)
        for (int c = 0; c < (*family)->n_columns; c++)
            if (strcmp((*family)->columns[c].name, name) == 0)
                return &(*family)->columns[c];
    return NULL;
}

static void column_json(JsonWriter *json, const MetricFamily *family, const MetricColumn *column)
{
    static const char *const levels[] = {[LEVEL_HEAD] = "head", [LEVEL_LAYER] = "layer"};
    static const char *const directions[] = {
        [DIRECTION_NONE] = "none", [DIRECTION_RISES] = "rises", [DIRECTION_FALLS] = "falls"};
    const int has_computed = column->attention_only && family_sees_maps_only(family);
    json_open_object(json);
    json_put_string(json, "name", column->name);
    json_put_string(json, "family", family->name);
    json_put_string(json, "unit", column->unit);
    json_put_string(json, "level", levels[column->level]);
    json_key(json, "range");
    json_open_array(json);
    json_number(json, column->min);
    json_number(json, column->max);
    json_close_array(json);
    json_put_string(json, "direction", directions[column->direction]);
    json_put_number(json, "threshold", column->threshold);
    json_put_number(json, "ratio", column->ratio);
    json_put_bool(json, "attention_only", column->attention_only);
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
