/* Without these, the page could grow with every seed, leave a seed out that it had room for, or draw the curve of other
 * maps than those it plays.
 */
#include "scene.h"

#include "base/json.h"
#include "report/maps.h"
#include "report/seed_maps.h"
#include "report/trace.h"

enum { ARMS = 3, SEEDS = 4, N_OTHERS = ARMS * (SEEDS - 1) - 1 }; /* one run is absent */

/* Every seed of every arm its own. */
static double own_sink(int arm, int seed, int snapshot)
{
    return 0.05 + 0.02 * arm + 0.03 * seed + 0.05 * snapshot;
}

static RunStatus one_absent(int arm, int seed)
{
    return arm == 2 && seed == 1 ? RUN_ABSENT : RUN_FINISHED;
}

static const Scene scene = {.n_arms = ARMS, .n_seeds = SEEDS, .sink = own_sink, .status = one_absent};

static Json *parsed(Arena *arena, Text *text)
{
    Json *value;
    Error err;
    assert_ok(json_parse(arena, "maps", text_string(text), text->size, &value, &err), &err);
    text_free(text);
    return value;
}

static Json *seed_maps_of(Arena *arena, const Report *report, size_t budget)
{
    static const int representative[ARMS] = {0, SEEDS + 2, 2 * SEEDS + 3}; /* seeds 1, 3, 4 */
    Text text = {0};
    JsonWriter json;
    Error err;
    json_start(&json, &text, 0);
    assert_ok(seed_maps_json(report, representative, budget, &json, &err), &err);
    assert_true(text.size <= budget + 12 * 2000); /* keys, tokens, and which cells are shown, of each run */
    return parsed(arena, &text);
}

/* Which seeds an arm has, as bits. */
static unsigned seeds_of(const Json *list, int arm)
{
    unsigned seeds = 0;
    for (int i = 0; i < list->n_items; i++)
        if ((int)json_get_number(list->items[i], "arm", -1) == arm) {
            const unsigned bit = 1u << (int)json_get_number(json_get(list->items[i], "maps"), "seed", 0);
            assert_false(seeds & bit);
            seeds |= bit;
        }
    return seeds;
}

/* With room for all, every finished run but those that the page has already; with a byte less, nothing. */
static void test_all_seeds_are_carried_or_none(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *folder;
    size_t least;
    Error err;
    const Report *report = scene_collect(arena, &scene, &folder);
    assert_ok(maps_least(report, &report->runs[0], &least, &err), &err);
    const struct {
        size_t budget;
        unsigned seeds[ARMS];
    } cases[] = {
        {1000000, {1 << 2 | 1 << 3 | 1 << 4, 1 << 1 | 1 << 2 | 1 << 4, 1 << 2 | 1 << 3}}, /* seed 1 is absent */
        {N_OTHERS * least, {1 << 2 | 1 << 3 | 1 << 4, 1 << 1 | 1 << 2 | 1 << 4, 1 << 2 | 1 << 3}},
        {N_OTHERS * least - 1, {0, 0, 0}},
        {0, {0, 0, 0}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const Json *list = seed_maps_of(arena, report, cases[c].budget);
        for (int a = 0; a < ARMS; a++)
            assert_int_equal(seeds_of(list, a), cases[c].seeds[a]);
        for (int i = 0; i < list->n_items; i++) {
            const Json *maps = json_get(list->items[i], "maps");
            assert_int_equal(json_get(maps, "steps")->n_items, SCENE_SNAPSHOTS);
            assert_int_equal(json_get_number(maps, "pool", 0), 1);
        }
    }
    scratch_remove(folder);
    arena_free(arena);
}

/* The curve beside a run's maps is that run's, head by head, at the snapshots that are played and no others. */
static void test_the_curve_is_that_of_the_maps(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *folder;
    Error err;
    const Report *report = scene_collect(arena, &scene, &folder);
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        for (int is_thin = 0; is_thin < 2 && run->n_snapshots > 0; is_thin++) {
            Text text = {0};
            JsonWriter json;
            json_start(&json, &text, 0);
            assert_ok(maps_json(report, run, is_thin ? 900 : 1000000, &json, &err), &err);
            const Json *maps = parsed(arena, &text), *steps = json_get(maps, "steps"),
                       *curves = json_get(maps, "headline");
            assert_true((steps->n_items < SCENE_SNAPSHOTS) == is_thin);
            assert_int_equal(curves->n_items, SCENE_LAYERS * SCENE_HEADS);
            for (int h = 0; h < curves->n_items; h++) {
                Trace trace;
                assert_int_equal(trace_of(arena, report, run, report->headline, TRACE_HEAD, h / SCENE_HEADS,
                                          h % SCENE_HEADS, &trace),
                                 0);
                assert_int_equal(curves->items[h]->n_items, steps->n_items);
                for (int f = 0; f < steps->n_items; f++)
                    for (int i = 0; i < trace.n; i++)
                        if (trace.steps[i] == steps->items[f]->number)
                            assert_near(curves->items[h]->items[f]->number, trace.values[i], 1e-5);
            }
            assert_near(curves->items[SCENE_HEADS]->items[steps->n_items - 1]->number,
                        own_sink(run->arm, (int)run->seed, SCENE_SNAPSHOTS - 1), 1e-5);
        }
    }
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_seeds_are_carried_or_none),
        cmocka_unit_test(test_the_curve_is_that_of_the_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
