/* A head's Vietoris-Rips bars against Ripser, a reduction of the whole boundary matrix, and maps whose bars are known.
 *
 * Were this file deleted, a map read by its columns, or a sum over infinite bars, would show nowhere else.
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

static void assert_rips(const View *view, const Persistence *bars)
{
    double longest;
    int n;
    assert_close(measured_one(view, "rips0_total"), sum_of_lengths(bars, 0, &longest, &n));
    assert_close(measured_one(view, "rips0_longest"), longest);
    assert_close(measured_one(view, "rips1_total"), sum_of_lengths(bars, 1, &longest, &n));
    assert_close(measured_one(view, "rips1_longest"), longest);
    assert_true(measured_one(view, "rips1_bars") == bars->n_bars[1]);
}

static void test_rips_of_a_head_by_ripser(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Npz *npz = ripser(arena);
    const NpyArray *map = npz_get(npz, "attention/map");
    const int T = (int)map->shape[0];
    const Persistence bars = ripser_bars(arena, npz, "attention");
    Built *built = built_map(arena, T, 1), *turned = built_map(arena, T, 0);
    for (int i = 0; i < T; i++)
        for (int j = 0; j < T; j++)
            built->maps[i * T + j] = turned->maps[j * T + i] = ((const float *)map->data)[i * T + j];
    assert_rips(&built->view, &bars);
    assert_rips(&turned->view, &bars); /* who attends to whom does not matter */
    arena_free(arena);
}

static void test_rips_by_reduction(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(2, "test/rips");
    for (int T = 1; T < 12; T++)
        for (int is_causal = 0; is_causal < 2; is_causal++) {
            Arena *arena = arena_new();
            Built *built = built_new(arena, 1, 1, T, 1, 1, is_causal);
            double *distances = no_edges(arena, T);
            built_randomise(built, &pcg);
            for (int i = 0; i < T; i++)
                for (int j = i + 1; j < T; j++) {
                    const double a = built->maps[i * T + j], b = built->maps[j * T + i];
                    set_edge(T, i, j, 1 - fmax(a, b), distances);
                }
            const Persistence bars = bars_by_reduction(arena, T, distances);
            assert_rips(&built->view, &bars);
            arena_free(arena);
        }
}

/* A star is a tree that is there before all else; a ring in which each query splits its attention between two
 * neighbours is a loop from 1/2 to 1; above T = 64 loops are not looked for. */
static void test_rips_of_known_maps(void **state)
{
    (void)state;
    for (int T = 8; T <= 80; T += 8) {
        Arena *arena = arena_new();
        Built *star = built_map(arena, T, 1), *ring = built_map(arena, T, 0);
        map_star(T, 0.75, star->maps);
        for (int i = 0; i < T; i++)
            ring->maps[i * T + (i + 1) % T] = ring->maps[i * T + (i + T - 1) % T] = 0.5;
        assert_close(measured_one(&star->view, "rips0_total"), (T - 1) * 0.25);
        assert_close(measured_one(&star->view, "rips0_longest"), 0.25);
        assert_close(measured_one(&star->view, "rips1_bars"), T > 64 ? NAN : 0);
        assert_close(measured_one(&star->view, "rips1_longest"), T > 64 ? NAN : 0);
        assert_close(measured_one(&ring->view, "rips0_total"), (T - 1) * 0.5);
        assert_close(measured_one(&ring->view, "rips1_bars"), T > 64 ? NAN : 1);
        assert_close(measured_one(&ring->view, "rips1_total"), T > 64 ? NAN : 0.5);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rips_of_a_head_by_ripser),
        cmocka_unit_test(test_rips_by_reduction),
        cmocka_unit_test(test_rips_of_known_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
