/* Betti numbers as published: the definition in src/geometry/DEFINITIONS.md by slow algorithms, and what it comes to
 * under a causal mask.
 *
 * Were this file deleted, a distance of 0 that should be no edge, a birth on the diagonal or the choice of 30 points
 * could go wrong and still look like the paper's numbers.
 */
#include "bars.h"
#include "support.h"

#include <math.h>

#include "testing.h"

static void assert_close(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * (1 + fabs(expected))) && !(isnan(value) && isnan(expected)))
        fail_msg("%.17g is not %.17g", value, expected);
}

static const char *const betti_names[2][3] = {{"pub_betti0", "pub_persistence0_mean", "pub_persistence0_max"},
                                              {"pub_betti1", "pub_persistence1_mean", "pub_persistence1_max"}};

/* The definition, slowly: one head is the layer's mean map. */
static void assert_betti_by_definition(Arena *arena, const Built *built)
{
    const int n = built->view.length;
    double *distances = no_edges(arena, n), *births = ARENA_ARRAY(arena, double, n);
    int is_dense = 1;
    for (int i = 0; i < n; i++) {
        births[i] = 1 - built->maps[i * n + i];
        is_dense &= births[i] == 0;
    }
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++) {
            const float d = 1 - built->maps[i * n + j];
            set_edge(n, i, j, d == 0 && !is_dense ? INFINITY : d, distances);
        }
    Persistence bars = bars_by_reduction(arena, n, distances);
    Bar *components = ARENA_ARRAY(arena, Bar, n);
    bars.n_bars[0] = components_by_elder_rule(n, distances, births, components);
    bars.bars[0] = components;
    for (int d = 0; d < 2; d++) {
        double longest;
        int n_finite;
        const double sum = sum_of_lengths(&bars, d, &longest, &n_finite);
        assert_true(measured_one(&built->view, betti_names[d][0]) == bars.n_bars[d]);
        if (n_finite) {
            assert_true(fabs(measured_one(&built->view, betti_names[d][1]) - sum / n_finite) < 1e-9);
            assert_true(fabs(measured_one(&built->view, betti_names[d][2]) - longest) < 1e-9);
        } else {
            assert_true(isnan(measured_one(&built->view, betti_names[d][1])));
            assert_true(isnan(measured_one(&built->view, betti_names[d][2])));
        }
    }
}

/* Random maps; entries of 1, which are distances of 0, off the diagonal and on it. */
static void test_published_betti_by_definition(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(1, "test/pub_betti");
    for (int T = 1; T <= 12; T++)
        for (int kind = 0; kind < 8; kind++) {
            Arena *arena = arena_new();
            Built *built = built_new(arena, 1, 1, T, 1, 1, kind % 2);
            built_randomise(built, &pcg);
            if (kind & 2)
                for (int e = 0; e < T; e++)
                    built->maps[pcg_below(&pcg, (uint32_t)(T * T))] = 1;
            for (int i = 0; i < T && kind & 4; i++)
                built->maps[i * T + i] = 1;
            built_hide(built);
            assert_betti_by_definition(arena, built);
            arena_free(arena);
        }
}

/* More than 30 points are those that are left when the others are taken out; heads are averaged first. */
static void test_published_betti_samples_points_and_averages_heads(void **state)
{
    (void)state;
    enum { N = 30, L = 2, H = 4 };
    Pcg pcg = pcg_named(2, "test/pub_betti");
    for (int T = N; T < 140; T += 27) {
        Arena *arena = arena_new();
        Built *built = built_new(arena, L, H, T, 1, 1, 0), *few = built_map(arena, N, 0);
        built_randomise(built, &pcg);
        for (int l = 0; l < L; l++) {
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++) {
                    double sum = 0;
                    for (int h = 0; h < H; h++)
                        sum += view_map(&built->view, l, h)[(i * (T - 1) / 29) * T + j * (T - 1) / 29];
                    few->maps[i * N + j] = (real)(sum / H);
                }
            for (int d = 0; d < 2; d++)
                for (int c = 0; c < 3; c++)
                    assert_close(measured(arena, &built->view, betti_names[d][c])[l],
                                 measured_one(&few->view, betti_names[d][c]));
        }
        arena_free(arena);
    }
}

/* Under a causal mask the half that is read is hidden: the numbers say how many points there are, and how much they
 * attend to themselves. */
static void test_published_betti_under_a_causal_mask(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(3, "test/pub_betti");
    for (int T = 2; T < 80; T += 3) {
        Arena *arena = arena_new();
        Built *built = built_new(arena, 1, 1, T, 1, 1, 1);
        const int n = T < 30 ? T : 30;
        double sum = 0, largest = 0;
        built_randomise(built, &pcg);
        for (int i = 1; i < n; i++) {
            const int at = T > 30 ? i * (T - 1) / 29 : i;
            const double self = 1 - (double)(1 - built->maps[at * T + at]);
            sum += self, largest = fmax(largest, self);
        }
        assert_true(measured_one(&built->view, "pub_betti0") == n);
        assert_true(measured_one(&built->view, "pub_betti1") == 0);
        assert_close(measured_one(&built->view, "pub_persistence0_mean"), sum / (n - 1));
        assert_close(measured_one(&built->view, "pub_persistence0_max"), largest);
        assert_true(isnan(measured_one(&built->view, "pub_persistence1_mean")));
        assert_true(isnan(measured_one(&built->view, "pub_persistence1_max")));
        map_star(T, 0.9, built->maps); /* a token that gives itself nothing is born when it dies */
        for (int i = 1; i < T; i++)
            built->maps[i * T + i] = 0;
        assert_true(measured_one(&built->view, "pub_betti0") == 1);
        assert_true(isnan(measured_one(&built->view, "pub_persistence0_mean")));
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_betti_by_definition),
        cmocka_unit_test(test_published_betti_samples_points_and_averages_heads),
        cmocka_unit_test(test_published_betti_under_a_causal_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
