/* changes_json: see changes.h. */
#include "report/changes.h"

#include "report/series.h"

enum { SETUPS_ON_PAGE = 200 }; /* rows of set-ups that the page carries; changes.csv has them all */

/* Seeds in which a pair differs: where a seed has one pair, its share is 0 or 1 and their interval says little. */
static int count_changed(const Changed *changed, int n_seeds)
{
    int n = 0;
    for (int i = 0; i < n_seeds; i++)
        n += changed->shares[i] > 0; /* NaN: no share */
    return n;
}

static void put_changed(const Changed *changed, int n_seeds, const char *key, JsonWriter *json)
{
    json_key(json, key);
    json_open_object(json);
    json_put_number(json, "pairs", changed->n_pairs);
    json_put_number(json, "n", changed->interval.n);
    json_put_number(json, "n_changed", count_changed(changed, n_seeds));
    json_put_number(json, "coverage", series_rounded(changed->interval.coverage));
    series_put_numbers(json, "values", 3,
                       (double[]){changed->interval.median, changed->interval.low, changed->interval.high});
    json_put_number(json, "floor", series_rounded(changed->floor));
    json_put_number(json, "floor_dealt", series_rounded(changed->floor_dealt));
    json_put_number(json, "p", series_rounded(changed->test.p));
    json_put_number(json, "unlabelled", changed->n_unlabelled);
    json_close_object(json);
}

static void put_switch(const Changes *changes, const Switch *which, JsonWriter *json)
{
    static const char *const keys[4] = {"changed", "changed_by_token", "framed", "framed_by_token"};
    Arena *arena = arena_new();
    const ReportAxis *axis = which->axis == CHANGES_OF_SEED ? NULL : &changes->report->axes[which->axis];
    Changed changed[4];
    for (int k = 0; k < 4; k++)
        changes_of(arena, changes, NULL, which, k % 2, k / 2, &changed[k]);
    if (changed[0].n_pairs > 0) {
        json_open_object(json);
        json_put_string(json, "axis", axis ? axis->name : NULL);
        json_put_string(json, "from", which->from == CHANGES_ALL ? NULL : axis->values[which->from]);
        json_put_string(json, "to", which->to == CHANGES_ALL ? NULL : axis->values[which->to]);
        json_put_string(json, "setup", which->setup == CHANGES_ALL ? NULL : changes_setup(arena, changes, which));
        for (int k = 0; k < 4; k++)
            put_changed(&changed[k], changes->report->n_seeds, keys[k], json);
        json_close_object(json);
    }
    arena_free(arena);
}

void changes_json(const Report *report, JsonWriter *json)
{
    Arena *arena = arena_new();
    Changes changes;
    Switch *list;
    changes_new(arena, report, &changes);
    const int n = changes_list(arena, &changes, &list);
    json_open_array(json);
    for (int i = 0, n_setups = 0; i < n; i++)
        if (list[i].setup == CHANGES_ALL || ++n_setups <= SETUPS_ON_PAGE)
            put_switch(&changes, &list[i], json);
    json_close_array(json);
    arena_free(arena);
}
