/* Attention to oneself, to the start and to either end against their definitions, transcribed as loops over single
 * entries; and on maps whose values are known.
 *
 * Were this file deleted, a near key could count as an ordinary one, or a head as idle that is not, and nobody would
 * know.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "testing.h"

static double entry(const View *view, int h, int i, int j)
{
    return view->maps[((size_t)h * view->length + i) * view->length + j];
}

static int is_counted(const View *view, int h, int i)
{
    double sum = 0;
    for (int j = 0; j < view->length; j++)
        sum += entry(view, h, i, j);
    return sum > 0;
}

/* Mean of A_ik over queries i >= first, but for `skipped`, that see k. */
static double inflow(const View *view, int h, int k, int first, int skipped)
{
    double sum = 0;
    int n = 0;
    for (int i = first; i < view->length; i++)
        if (i != skipped && view_sees(view, i, k) && is_counted(view, h, i))
            sum += entry(view, h, i, k), n++;
    return n ? sum / n : (double)NAN;
}

static double self_mass(const View *view, int h)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < view->length; i++)
        if (view_sees(view, i, i) && keys_count(&view->visible->keys[i]) > 1 && is_counted(view, h, i))
            sum += entry(view, h, i, i), n++;
    return n ? sum / n : (double)NAN;
}

static double start_split(const View *view, int h)
{
    const int end = view->end < 0 ? view->length - 1 : view->end;
    int is_seen = 0;
    for (int i = 0; i < end; i++)
        is_seen |= view_sees(view, i, end);
    const double to_start = inflow(view, h, 0, 0, 0), to_end = is_seen ? inflow(view, h, end, 0, end) : (double)NAN;
    return to_start / (to_start + to_end);
}

static double start_selectivity(const View *view, int h)
{
    double first = 0, others = 0;
    int n = 0;
    for (int i = 1; i < view->length; i++) {
        double sum = 0;
        int n_keys = 0;
        for (int j = 1; j < view->length; j++)
            if (view_sees(view, i, j) && abs(i - j) > 5)
                sum += entry(view, h, i, j), n_keys++;
        if (view_sees(view, i, 0) && n_keys > 0 && is_counted(view, h, i))
            first += entry(view, h, i, 0), others += sum / n_keys, n++;
    }
    return n ? log10(fmax(first / n, 1e-8) / fmax(others / n, 1e-8)) : (double)NAN;
}

static double idle_heads(const View *view, int layer)
{
    int n = 0, n_idle = 0;
    for (int h = layer * view->n_heads; h < (layer + 1) * view->n_heads; h++) {
        n += !isnan(inflow(view, h, 0, 8, -1));
        n_idle += inflow(view, h, 0, 8, -1) > 0.5;
    }
    return n ? (double)n_idle / n : (double)NAN;
}

static const struct {
    const char *name;
    double (*of)(const View *view, int at);
    int per_layer;
} definitions[] = {{"self_mass", self_mass, 0},
                   {"start_split", start_split, 0},
                   {"start_selectivity", start_selectivity, 0},
                   {"idle_heads@0.5", idle_heads, 1}};

static void test_by_definition(void **state)
{
    (void)state;
    enum { L = 2, H = 3 };
    static const int lengths[] = {1, 2, 7, 8, 30, 65};
    Pcg pcg = pcg_named(1, "test/habits");
    for (TestMask mask = 0; mask < N_MASKS; mask++)
        for (size_t t = 0; t < N_TESTS(lengths); t++) {
            const int T = lengths[t];
            Arena *arena = arena_new();
            Built *built = built_new(arena, L, H, T, 4, 8, mask);
            built_randomise(built, &pcg);
            for (int h = 0; h < L * H; h++) {
                memset(built->maps + ((size_t)h * T + (size_t)(T / 3)) * T, 0, (size_t)T * sizeof(real));
                for (int i = 0; i < T && h % 2; i++) /* every second head is a sink's */
                    if (view_sees(&built->view, i, 0))
                        built->maps[((size_t)h * T + (size_t)i) * T] += 2;
            }
            built->view.end = t % 2 ? T / 2 : -1;
            for (size_t d = 0; d < N_TESTS(definitions); d++) {
                const double *found = measured(arena, &built->view, definitions[d].name);
                for (int at = 0; at < (definitions[d].per_layer ? L : L * H); at++) {
                    const double expected = definitions[d].of(&built->view, at);
                    if (!(fabs(found[at] - expected) < 1e-9) && !(isnan(found[at]) && isnan(expected)))
                        fail_msg("%s of %d, mask %d, T %d: %.12g, by definition %.12g", definitions[d].name, at, mask,
                                 T, found[at], expected);
                }
            }
            arena_free(arena);
        }
}

static void test_known_maps(void **state)
{
    (void)state;
    enum { T = 64 };
    const int ends[] = {0, T - 1}, start[] = {0};
    Arena *arena = arena_new();
    Built *built = built_map(arena, T, MASK_FULL);
    map_self(T, 0, 1, built->maps);
    assert_true(measured_one(&built->view, "self_mass") == 1);
    assert_true(isnan(measured_one(&built->view, "start_split")));
    assert_true(measured_one(&built->view, "start_selectivity") == 0); /* both below what is looked at */
    map_uniform(T, 0, built->maps);
    assert_true(fabs(measured_one(&built->view, "start_selectivity")) < 1e-6);
    assert_true(fabs(measured_one(&built->view, "start_split") - 0.5) < 1e-9);
    assert_true(measured_one(&built->view, "idle_heads@0.5") == 0);
    map_anchors(T, 0, 1, 2, ends, built->maps);
    assert_true(fabs(measured_one(&built->view, "start_split") - 0.5) < 1e-9);
    map_anchors(T, 0, 0.9, 1, start, built->maps); /* 0.9 and a share of the rest, against a share of the rest */
    assert_true(fabs(measured_one(&built->view, "start_selectivity") - log10((0.9 + 0.1 / T) / (0.1 / T))) < 1e-6);
    assert_true(measured_one(&built->view, "start_split") > 0.99);
    assert_true(measured_one(&built->view, "idle_heads@0.5") == 1);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_definition),
        cmocka_unit_test(test_known_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
