/* What is an anchor and what only looks like one.
 *
 * Were this file deleted, previous-token heads, self heads, or ALiBi's own preference could pass for reference frames,
 * and the program would find what it looks for in an untrained model.
 */
#include "support.h"

#include <math.h>

#include "geometry/anchor.h"
#include "testing.h"

static void find(const View *view, Anchors *ret_anchors)
{
    Arena *arena = arena_new();
    const AnchorDesk desk = anchor_desk(view, arena);
    anchors_find(view, 0, 0, &desk, ret_anchors);
    arena_free(arena);
}

/* Of a causal sequence the first keys, of a full one all of them; of a short one none. */
static void test_eligible_keys(void **state)
{
    (void)state;
    static const struct {
        int T, end;
    } causal[] = {{2, 0}, {12, 0}, {13, 0}, {14, 3}, {16, 5}, {33, 16}, {48, 25}, {64, 33}, {65, 32}, {256, 129}};
    Arena *arena = arena_new();
    for (size_t c = 0; c < N_TESTS(causal); c++) {
        const int T = causal[c].T;
        const View view = shape_under(arena, MASK_CAUSAL, 1, 1, T), full = shape_under(arena, MASK_FULL, 1, 1, T);
        for (int k = 0; k < T; k++) {
            assert_int_equal(anchor_is_eligible(&view, k), k < causal[c].end);
            if (T >= 16)
                assert_true(anchor_is_eligible(&full, k));
        }
        assert_int_equal(anchor_n_eligible(&view), causal[c].end);
        if (T >= 16)
            assert_int_equal(anchor_n_eligible(&full), T);
    }
    for (TestMask mask = 0; mask < N_MASKS; mask++) {
        const View single = shape_under(arena, mask, 1, 1, 1);
        assert_int_equal(anchor_n_eligible(&single), 0);
    }
    arena_free(arena);
}

/* Evenly shared anchors under a full mask: their number, their effective number, the first of equal ones on top. */
static void test_even_anchors(void **state)
{
    (void)state;
    enum { T = 64 };
    static const int places[] = {5, 20, 40, 63};
    Arena *arena = arena_new();
    Built *built = built_map(arena, T, 0);
    for (int n = 1; n <= 4; n++) {
        Anchors anchors;
        map_anchors(T, 0, 0.8, n, places, built->maps);
        find(&built->view, &anchors);
        assert_int_equal(anchors.n, n);
        assert_int_equal(anchors.top, places[0]);
        assert_true(fabs(anchors.effective - n) < 1e-4);
    }
    arena_free(arena);
}

/* Under a causal mask the second half holds no anchors, whatever is drawn there. */
static void test_late_keys_are_no_anchors(void **state)
{
    (void)state;
    enum { T = 64 };
    Arena *arena = arena_new();
    Built *built = built_map(arena, T, 1);
    for (int place = 0; place < T; place++) {
        Anchors anchors;
        map_anchors(T, 1, 0.9, 1, &place, built->maps);
        find(&built->view, &anchors);
        assert_int_equal(anchors.n, place <= 32);
        assert_int_equal(anchors.top, place <= 32 ? place : -1);
    }
    arena_free(arena);
}

static void test_what_is_no_anchor(void **state)
{
    (void)state;
    static const int lengths[] = {16, 33, 64, 200};
    for (size_t t = 0; t < N_TESTS(lengths); t++)
        for (int is_causal = 0; is_causal < 2; is_causal++) {
            const int T = lengths[t];
            Arena *arena = arena_new();
            Built *built = built_map(arena, T, is_causal);
            real *bias = ARENA_ARRAY(arena, real, 2 * T - 1);
            Anchors anchors;
            view_uniform_maps(&built->view, built->maps);
            find(&built->view, &anchors);
            assert_int_equal(anchors.n, 0);
            map_self(T, is_causal, 1, built->maps);
            find(&built->view, &anchors);
            assert_int_equal(anchors.n, 0);
            if (is_causal) {
                map_previous(T, 0.9, built->maps);
                find(&built->view, &anchors);
                assert_int_equal(anchors.n, 0);
            }
            /* A bias that favours the farthest key makes the start an anchor by position alone: its own baseline. */
            for (int sign = -1; sign <= 1; sign += 2) {
                for (int d = 0; d < 2 * T - 1; d++)
                    bias[d] = (real)(sign * 0.5 * abs(d - (T - 1)));
                softmax_maps(arena, &built->view, bias, built->maps);
                built->view.baseline = softmax_baseline(arena, &built->view, bias);
                find(&built->view, &anchors);
                assert_int_equal(anchors.n, 0);
                built->view.baseline = NULL;
                built->view.bias = bias; /* learned: what it draws is an anchor */
                find(&built->view, &anchors);
                assert_int_equal(anchors.n > 0, sign > 0);
            }
            arena_free(arena);
        }
}

/* The baseline in closed form is the importance of the baseline maps. */
static void test_baseline_is_that_of_the_maps(void **state)
{
    (void)state;
    enum { T = 90, at = ANCHOR_AFAR * T };
    Pcg pcg = pcg_named(5, "test/anchor");
    for (TestMask mask = 0; mask < N_MASKS; mask++) {
        Arena *arena = arena_new();
        Built *built = built_map(arena, T, mask);
        float *uniform = ARENA_ARRAY(arena, float, DISTANCES *T), *position = ARENA_ARRAY(arena, float, DISTANCES *T);
        real *bias = ARENA_ARRAY(arena, real, 2 * T - 1);
        for (int d = 0; d < 2 * T - 1; d++)
            bias[d] = (real)(2 * pcg_normal(&pcg));
        view_uniform_maps(&built->view, built->maps);
        anchor_importance(&built->view, NULL, uniform);
        softmax_maps(arena, &built->view, bias, built->maps);
        anchor_importance(&built->view, NULL, position);
        const double *baseline = softmax_baseline(arena, &built->view, bias);
        for (int k = 0; k < T; k++)
            if (built->view.visible->n_afar[ANCHOR_AFAR * T + k] == 0)
                assert_true(isnan(baseline[k]) && isnan(uniform[at + k]) && isnan(position[at + k]));
            else
                assert_true(fabs(baseline[k] - fmaxf(uniform[at + k], position[at + k])) < 1e-6);
        arena_free(arena);
    }
}

/* Every third query attends to nothing, every fourth to less than a map can hold. */
static void scarce_weights(const void *context, int layer, int head, int i, double *ret_weights)
{
    const View *shape = context;
    (void)layer, (void)head;
    for (int j = 0; j < shape->length; j++)
        ret_weights[j] = !view_sees(shape, i, j) || i % 3 == 0 ? 0 : i % 4 == 0 ? 1e-60 : 1.0 / (2 + (i + j) % 5);
}

/* Rows need not sum to one: a query that attends to nothing is in no mean, in rows as in their maps. */
static void test_baseline_of_rows_that_attend_to_nothing(void **state)
{
    (void)state;
    enum { T = 40, at = ANCHOR_AFAR * T };
    for (TestMask mask = 0; mask < N_MASKS; mask++) {
        Arena *arena = arena_new();
        Built *built = built_map(arena, T, mask);
        const PositionRows rows = {&built->view, scarce_weights};
        float *uniform = ARENA_ARRAY(arena, float, DISTANCES *T), *position = ARENA_ARRAY(arena, float, DISTANCES *T);
        double *baseline = ARENA_ARRAY(arena, double, T);
        view_uniform_maps(&built->view, built->maps);
        anchor_importance(&built->view, NULL, uniform);
        view_position_maps(&built->view, &rows, ARENA_ARRAY(arena, double, T), built->maps);
        anchor_importance(&built->view, NULL, position);
        anchor_baseline(&built->view, &rows, arena, baseline);
        for (int k = 0; k < T; k++) {
            const double expected = (double)fmaxf(uniform[at + k], position[at + k]); /* the number, if one is none */
            assert_true(fabs(baseline[k] - expected) < 1e-6 || (isnan(baseline[k]) && isnan(expected)));
        }
        arena_free(arena);
    }
}

static void test_null_positions(void **state)
{
    (void)state;
    enum { T = 64, N = 4000 };
    int32_t tokens[T];
    int counts[T] = {0}, differs_by_head = 0;
    Arena *arena = arena_new();
    View view = shape_under(arena, MASK_CAUSAL, 2, 2, T), sparse = shape_under(arena, MASK_WINDOW, 2, 2, T);
    view.tokens = sparse.tokens = tokens;
    for (int n = 0; n < N; n++) {
        for (int i = 0; i < T; i++)
            tokens[i] = (n * 31 + i * i) % 97;
        tokens[0] = n;
        const int place = anchor_null_position(&view, 0, 0, 0);
        assert_int_equal(place, anchor_null_position(&view, 0, 0, 0));
        assert_in_range(place, 1, 32);
        differs_by_head += place != anchor_null_position(&view, 1, 1, 0);
        counts[place]++;
        assert_int_equal(anchor_null_position(&sparse, 0, 0, 0), -1); /* only the first two are seen from afar */
    }
    for (int k = 1; k <= 32; k++) /* N / 32 = 125 each, standard deviation 11 */
        assert_in_range(counts[k], 125 - 55, 125 + 55);
    assert_true(differs_by_head > N * 9 / 10);
    view = shape_under(arena, MASK_CAUSAL, 2, 2, 12);
    assert_int_equal(anchor_null_position(&view, 0, 0, 0), -1);
    arena_free(arena);
}

/* Eight heads on one anchor agree wholly; drawn anew they hardly do. Two heads cannot agree less than by half. */
static void test_head_agreement(void **state)
{
    (void)state;
    enum { H = 8, T = 64 };
    Arena *arena = arena_new();
    Built *built = built_new(arena, 1, H, T, 1, 1, 0);
    for (int n_same = 1; n_same <= H; n_same++) {
        for (int h = 0; h < H; h++) {
            const int place = h < n_same ? 7 : 10 + h;
            map_anchors(T, 0, 0.8, 1, &place, built->maps + h * T * T);
        }
        assert_true(measured(arena, &built->view, "head_agreement")[0] == (double)n_same / H);
        assert_true(measured(arena, &built->view, "head_agreement_null")[0] <= 0.5);
    }
    view_uniform_maps(&built->view, built->maps);
    assert_true(isnan(measured(arena, &built->view, "head_agreement")[0]));
    for (int h = 0; h < 2; h++) {
        const int place = h + 1;
        map_anchors(T, 0, 0.8, 1, &place, built->maps + h * T * T);
    }
    assert_true(measured(arena, &built->view, "head_agreement")[0] == 0.5); /* heads without an anchor do not vote */
    assert_true(measured(arena, &built->view, "head_agreement_null")[0] >= 0.5);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eligible_keys),
        cmocka_unit_test(test_even_anchors),
        cmocka_unit_test(test_late_keys_are_no_anchors),
        cmocka_unit_test(test_what_is_no_anchor),
        cmocka_unit_test(test_baseline_of_rows_that_attend_to_nothing),
        cmocka_unit_test(test_baseline_is_that_of_the_maps),
        cmocka_unit_test(test_null_positions),
        cmocka_unit_test(test_head_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
