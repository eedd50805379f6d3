/* What a mask hides counts nowhere: uniform attention looks uniform under every mask, and keys are judged by the
 * queries that see them.
 *
 * Were this file deleted, a mask that no family knows by name could make heads look sharp, or sinks appear, that only
 * the mask has made: a window of nine keys halves the entropy of 64.
 */
#include "support.h"

#include <math.h>

#include "geometry/anchor.h"
#include "testing.h"

static const int lengths[] = {2, 13, 33, 64};

/* Of a map (T,T), by definition: queries other than k, at least `eighths` of the sequence away, that see k and attend
 * to something. */
static float importance_of(const View *view, const real *map, int k, int eighths)
{
    const int T = view->length;
    double sum = 0;
    int n = 0;
    for (int i = 0; i < T; i++) {
        double row = 0;
        for (int j = 0; j < T; j++)
            row += map[i * T + j];
        const int is_afar = i != k && 8 * abs(i - k) >= eighths * T;
        const int counts = is_afar && view_sees(view, i, k) && row > 0;
        sum += counts ? map[i * T + k] : 0;
        n += counts;
    }
    return (float)(sum / n);
}

static void test_uniform_attention_is_uniform(void **state)
{
    (void)state;
    for (TestMask mask = 0; mask < N_MASKS; mask++)
        for (size_t t = 0; t < N_TESTS(lengths); t++) {
            Arena *arena = arena_new();
            Built *built = built_map(arena, lengths[t], mask);
            view_uniform_maps(&built->view, built->maps);
            assert_true(fabs(measured_one(&built->view, "attention_entropy_normalised") - 1) < 1e-6);
            assert_true(fabs(measured_one(&built->view, "slot_mass")) < 1e-6);
            assert_true(measured_one(&built->view, "template@uniform") < 1e-3);
            const double n_anchors = measured_one(&built->view, "n_anchors");
            assert_true(anchor_n_eligible(&built->view) ? n_anchors == 0 : isnan(n_anchors));
            assert_true(isnan(measured_one(&built->view, "effective_anchors")));
            arena_free(arena);
        }
}

static void test_importance_is_of_those_who_see(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(1, "test/masks");
    for (TestMask mask = 0; mask < N_MASKS; mask++)
        for (size_t t = 0; t < N_TESTS(lengths); t++) {
            const int T = lengths[t];
            Arena *arena = arena_new();
            Built *built = built_new(arena, 1, 2, T, 1, 1, mask);
            float *found = ARENA_ARRAY(arena, float, 2 * T), *afar = ARENA_ARRAY(arena, float, 2 * DISTANCES * T);
            built_randomise(built, &pcg);
            memset(built->maps + T, 0, (size_t)T * sizeof(real)); /* a query that attends to nothing */
            anchor_importance(&built->view, found, afar);
            for (int h = 0; h < 2; h++)
                for (int k = 0; k < T; k++)
                    for (int d = 0; d <= DISTANCES; d++) {
                        const float expected = importance_of(&built->view, built->maps + h * T * T, k, d);
                        const float own = d ? afar[(h * DISTANCES + d - 1) * T + k] : found[h * T + k];
                        assert_true(fabs(own - expected) < 1e-7 || (isnan(own) && isnan(expected)));
                    }
            arena_free(arena);
        }
}

/* All attention on one key that few see: more than eligible keys have, and yet no anchor. */
static void test_keys_that_few_see_are_no_anchors(void **state)
{
    (void)state;
    enum { T = 64 };
    for (TestMask mask = 0; mask < N_MASKS; mask++) {
        Arena *arena = arena_new();
        Built *built = built_map(arena, T, mask);
        for (int k = 0; k < T; k++) {
            memset(built->maps, 0, (size_t)T * T * sizeof(real));
            for (int i = 0; i < T; i++)
                built->maps[i * T + (view_sees(&built->view, i, k) ? k : i)] = 1;
            built_hide(built);
            const int n_viewers = built->view.visible->n_afar[ANCHOR_AFAR * T + k];
            const double n_anchors = measured_one(&built->view, "n_anchors");
            if (anchor_n_eligible(&built->view) > 0)
                assert_true(n_anchors == (n_viewers >= T / 4));
        }
        arena_free(arena);
    }
}

/* A metric of a place that nobody who is asked can see says nothing. */
static void test_hidden_places_have_no_value(void **state)
{
    (void)state;
    enum { T = 64 };
    static const struct {
        TestMask mask;
        const char *metric;
        int is_there;
    } cases[] = {
        {MASK_BLOCKS, "sink_mass", 0}, /* queries from 8 on; key 0 ends with 6 */
        {MASK_REVERSED, "sink_mass", 0},      {MASK_WINDOW, "sink_mass", 1},       {MASK_REVERSED, "start_mass", 0},
        {MASK_BLOCKS, "start_mass", 1},       {MASK_REVERSED, "alpha", 1},  /* its own query */
        {MASK_WINDOW, "end_mass", 0},         {MASK_BLOCKS, "end_mass", 0}, /* the last block is one token */
        {MASK_REVERSED, "end_mass", 1},       {MASK_AHEAD, "end_mass", 1},         {MASK_WINDOW, "template@first", 1},
        {MASK_BLOCKS, "template@first", 0},   {MASK_AHEAD, "template@next", 1},    {MASK_AHEAD, "template@last", 0},
        {MASK_AHEAD, "template@previous", 0}, {MASK_REVERSED, "template@last", 1}, {MASK_REVERSED, "template@ends", 0},
        {MASK_REVERSED, "template@self", 1},
    };
    Arena *arena = arena_new();
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Built *built = built_map(arena, T, cases[c].mask);
        view_uniform_maps(&built->view, built->maps);
        if (isnan(measured_one(&built->view, cases[c].metric)) == cases[c].is_there)
            fail_msg("%s: %s", test_masks[cases[c].mask].name, cases[c].metric);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform_attention_is_uniform),
        cmocka_unit_test(test_importance_is_of_those_who_see),
        cmocka_unit_test(test_keys_that_few_see_are_no_anchors),
        cmocka_unit_test(test_hidden_places_have_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
