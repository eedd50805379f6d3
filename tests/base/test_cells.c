/* Without these, the maps on a page could be others than those that were measured: a pooled row could lose weight, a
 * mean count queries that are not there, or bytes be put on cells that the mask hides.
 */
#include "base/cells.h"

#include <math.h>

#include "base/pcg.h"
#include "testing.h"

enum { T = 22 };

static void assert_near(double found, double expected, double within)
{
    if (!(fabs(found - expected) <= within))
        fail_msg("%.9g is not within %g of %.9g", found, within, expected);
}

static void show_causal(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0] = (KeyRange){0, i + 1};
}

/* The first two keys and a window. */
static void show_two(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0] = (KeyRange){0, i < 2 ? i + 1 : 2};
    ret_keys->range[1] = (KeyRange){i < 3 ? 0 : i - 3, i + 1};
}

static const MaskRule rules[] = {{"causal", NULL, show_causal}, {"two", NULL, show_two}};

/* A map whose rows sum to one over what a mask shows; the first is the loudest. */
static float *attention(Arena *arena, const Visible *visible, int seed)
{
    float *map = ARENA_ARRAY(arena, float, T *T);
    Pcg pcg = pcg_new((uint64_t)seed, 1);
    for (int i = 0; i < T; i++) {
        double sum = 0, row[T] = {0};
        for (int j = 0; j < T; j++)
            if (keys_include(&visible->keys[i], j))
                sum += row[j] = (j == 0 ? 9 : 1) * (0.01 + (double)(pcg_next(&pcg) % 1000) / 1000);
        for (int j = 0; j < T; j++)
            map[i * T + j] = (float)(row[j] / sum);
    }
    return map;
}

static Cells shown(Arena *arena, const Visible *visible, int pool)
{
    Cells cells = cells_new(arena, T, pool);
    cells_show(&cells, visible, T);
    return cells;
}

/* Every byte is its weight's, within the step of a square root, and stands on the cell that the order says. */
static void test_bytes_are_weights(void **state)
{
    const Scratch *s = *state;
    for (size_t r = 0; r < N_TESTS(rules); r++) {
        const Visible visible = visible_new(s->arena, &rules[r], T);
        const Cells cells = shown(s->arena, &visible, 1);
        const float *map = attention(s->arena, &visible, 1);
        double sums[T * T] = {0}, n_queries[T] = {0};
        unsigned char bytes[T * T + 1];
        size_t n = 0;
        assert_int_equal(cells.n, visible_pairs(&visible));
        memset(bytes, 0xee, sizeof bytes);
        cells_add(&cells, T, map, sums, n_queries);
        cells_pack(&cells, sums, n_queries, bytes);
        for (int i = 0; i < T; i++)
            for (int j = 0; j < T; j++)
                if (keys_include(&visible.keys[i], j))
                    assert_near(bytes[n++] / 255.0, sqrt((double)map[i * T + j]), 0.5 / 255 + 1e-9);
        assert_int_equal(bytes[n], 0xee);
    }
}

/* Whatever is pooled, also where the last cell has fewer positions: a row of cells sums to what its queries' rows do.
 */
static void test_pooled_rows_keep_their_sum(void **state)
{
    static const int pools[] = {1, 2, 4, 5, 16, 32};
    const Scratch *s = *state;
    const Visible visible = visible_new(s->arena, &rules[1], T);
    const float *map = attention(s->arena, &visible, 2);
    for (size_t p = 0; p < N_TESTS(pools); p++) {
        const Cells cells = shown(s->arena, &visible, pools[p]);
        double sums[T * T] = {0}, n_queries[T] = {0};
        assert_int_equal(cells.side, (T + pools[p] - 1) / pools[p]);
        cells_add(&cells, T, map, sums, n_queries);
        for (int i = 0; i < cells.side; i++) {
            double sum = 0;
            for (int j = 0; j < cells.side; j++) {
                sum += sums[i * cells.side + j];
                assert_true(cells.shows[i * cells.side + j] || sums[i * cells.side + j] == 0);
            }
            assert_near(sum / n_queries[i], 1, 1e-6);
        }
    }
}

/* A mean over maps of which one is shorter, and another not a number behind its end, is over those that have the query.
 */
static void test_a_mean_is_over_those_that_have_the_query(void **state)
{
    enum { SHORT = 9 };
    const Scratch *s = *state;
    const Visible visible = visible_new(s->arena, &rules[0], T);
    const Cells cells = shown(s->arena, &visible, 1);
    const float *whole = attention(s->arena, &visible, 3);
    float *cut = ARENA_ARRAY(s->arena, float, T *T), brief[SHORT * SHORT];
    double sums[T * T] = {0}, n_queries[T] = {0};
    for (int i = 0; i < T; i++)
        for (int j = 0; j < T; j++) {
            cut[i * T + j] = i < SHORT ? whole[i * T + j] : NAN;
            if (i < SHORT && j < SHORT)
                brief[i * SHORT + j] = whole[i * T + j];
        }
    cells_add(&cells, T, whole, sums, n_queries);
    cells_add(&cells, T, cut, sums, n_queries);
    cells_add(&cells, SHORT, brief, sums, n_queries);
    for (int i = 0; i < T; i++) {
        assert_near(n_queries[i], i < SHORT ? 3 : 1, 0);
        for (int j = 0; j < T; j++)
            assert_near(sums[i * T + j] / n_queries[i], (double)whole[i * T + j], 1e-6);
    }
}

static void test_runs_are_what_is_shown(void **state)
{
    const Scratch *s = *state;
    for (int pool = 1; pool <= 3; pool++) {
        const Visible visible = visible_new(s->arena, &rules[1], T);
        const Cells cells = shown(s->arena, &visible, pool);
        Text text = {0};
        JsonWriter json;
        Json *document;
        Error err;
        unsigned char *shows = ARENA_ARRAY(s->arena, unsigned char, T *T);
        json_start(&json, &text, 0);
        json_open_object(&json);
        cells_put_visible(&cells, &json);
        json_close_object(&json);
        assert_ok(json_parse(s->arena, "cells", text_string(&text), text.size, &document, &err), &err);
        const Json *rows = json_get(document, "visible");
        assert_int_equal(rows->n_items, cells.side);
        for (int i = 0; i < cells.side; i++)
            for (int r = 0; r < rows->items[i]->n_items; r++)
                for (int j = (int)rows->items[i]->items[r]->items[0]->number;
                     j < (int)rows->items[i]->items[r]->items[1]->number; j++)
                    shows[i * cells.side + j] = 1;
        assert_memory_equal(shows, cells.shows, (size_t)cells.side * (size_t)cells.side);
        text_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes_are_weights, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_pooled_rows_keep_their_sum, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_a_mean_is_over_those_that_have_the_query, scratch_set_up,
                                        scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_runs_are_what_is_shown, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
