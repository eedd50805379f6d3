/* Persistent homology: what any implementation must satisfy, graphs whose bars are known, a reduction of the whole
 * boundary matrix, and Ripser's bars (fixtures/make_ripser.py).
 *
 * Were this file deleted, a bar could be lost where weights tie or where a cleared column was needed, and the numbers
 * of the families would still look like persistence.
 */
#include "bars.h"

#include <math.h>

#include "testing.h"

/* Complete and sparse graphs, with and without ties. */
static const struct {
    double share;
    uint32_t n_values;
} kinds[] = {{1, 1 << 20}, {1, 3}, {0.4, 1 << 20}, {0.4, 4}, {0.15, 2}, {0, 1}};

static int n_infinite(const Persistence *found, int dimension)
{
    int n = 0;
    for (int b = 0; b < found->n_bars[dimension]; b++)
        n += found->bars[dimension][b].death == INFINITY;
    return n;
}

/* ---- properties ---- */

/* Each bar of dimension 0 ends in a merge or never: with births at 0 and positive weights there are n, as many infinite
 * ones as components. */
static void test_counts(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(1, "test/persistence");
    for (size_t k = 0; k < N_TESTS(kinds); k++)
        for (int n = 1; n < 20; n++) {
            Arena *arena = arena_new();
            const double *weights = random_graph(arena, &pcg, n, kinds[k].share, kinds[k].n_values);
            const Persistence found = bars_of(arena, n, weights, NULL, 1), only = bars_of(arena, n, weights, NULL, 0);
            assert_int_equal(found.n_bars[0], n);
            assert_int_equal(only.n_bars[1], 0);
            assert_bars(&only, 0, found.n_bars[0], found.bars[0]);
            if (kinds[k].share == 1) {
                assert_int_equal(n_infinite(&found, 0), 1);
                assert_int_equal(n_infinite(&found, 1), 0); /* all points together are a simplex */
            }
            arena_free(arena);
        }
}

static void test_order_of_points_does_not_matter(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(2, "test/persistence");
    for (size_t k = 0; k < N_TESTS(kinds); k++)
        for (int n = 2; n < 40; n += 3) {
            Arena *arena = arena_new();
            const double *weights = random_graph(arena, &pcg, n, kinds[k].share, kinds[k].n_values);
            double *births = ARENA_ARRAY(arena, double, n), *moved_births = ARENA_ARRAY(arena, double, n);
            double *moved = no_edges(arena, n);
            int *to = ARENA_ARRAY(arena, int, n);
            for (int i = 0; i < n; i++) { /* a random order, by insertion */
                const int at = (int)pcg_below(&pcg, (uint32_t)i + 1);
                to[i] = to[at], to[at] = i;
                births[i] = pcg_below(&pcg, 4) / 16.0;
            }
            for (int i = 0; i < n; i++) {
                moved_births[to[i]] = births[i];
                for (int j = i + 1; j < n; j++)
                    set_edge(n, to[i], to[j], weights[i * n + j], moved);
            }
            const Persistence here = bars_of(arena, n, weights, births, 1);
            const Persistence there = bars_of(arena, n, moved, moved_births, 1);
            assert_same_bars(&here, &there);
            arena_free(arena);
        }
}

/* Only the order of weights counts: a rising function of them maps the bars' ends. */
static void test_rising_functions_map_bars(void **state)
{
    (void)state;
    enum { N = 24 };
    Pcg pcg = pcg_named(3, "test/persistence");
    for (size_t k = 0; k < N_TESTS(kinds); k++) {
        Arena *arena = arena_new();
        const double *weights = random_graph(arena, &pcg, N, kinds[k].share, kinds[k].n_values);
        double *risen = ARENA_ARRAY(arena, double, N *N);
        for (int e = 0; e < N * N; e++)
            risen[e] = weights[e] * 8 - 3;
        const Persistence before = bars_of(arena, N, weights, NULL, 1), after = bars_of(arena, N, risen, NULL, 1);
        assert_int_equal(before.n_bars[1], after.n_bars[1]);
        for (int b = 0; b < before.n_bars[1]; b++) {
            assert_true(after.bars[1][b].birth == before.bars[1][b].birth * 8 - 3);
            assert_true(after.bars[1][b].death == before.bars[1][b].death * 8 - 3);
        }
        arena_free(arena);
    }
}

/* A point joined to all others before anything else fills every loop. */
static void test_cone_has_no_loops(void **state)
{
    (void)state;
    enum { N = 30 };
    Pcg pcg = pcg_named(4, "test/persistence");
    for (size_t k = 0; k < N_TESTS(kinds); k++) {
        Arena *arena = arena_new();
        double *weights = random_graph(arena, &pcg, N, kinds[k].share, kinds[k].n_values);
        for (int i = 0; i < N; i++)
            if (i != 7)
                set_edge(N, 7, i, 1.0 / 64, weights);
        const Persistence found = bars_of(arena, N, weights, NULL, 1);
        assert_int_equal(found.n_bars[1], 0);
        assert_int_equal(n_infinite(&found, 0), 1);
        arena_free(arena);
    }
}

/* ---- graphs whose bars are known ---- */

/* n points evenly on a circle, d the number of steps between them: the loop appears with the sides, at 1, and is filled
 * by the first triangle that holds the centre, at ceil(n/3). */
static void test_circle_is_one_loop(void **state)
{
    (void)state;
    for (int n = 4; n <= 64; n += 5) {
        Arena *arena = arena_new();
        double *weights = no_edges(arena, n);
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < n; j++)
                set_edge(n, i, j, j - i < n - (j - i) ? j - i : n - (j - i), weights);
        const Persistence found = bars_of(arena, n, weights, NULL, 1);
        assert_bars(&found, 1, 1, &(Bar){1, (n + 2) / 3});
        arena_free(arena);
    }
}

static void test_equal_weights_have_no_loops(void **state)
{
    (void)state;
    for (int n = 1; n < 40; n++) {
        Arena *arena = arena_new();
        double *weights = no_edges(arena, n);
        for (int e = 0; e < n * n; e++)
            weights[e] = 1;
        const Persistence one = bars_of(arena, n, weights, NULL, 1);
        assert_int_equal(one.n_bars[0], n);
        assert_int_equal(one.n_bars[1], 0);
        memset(weights, 0, (size_t)n * n * sizeof *weights);
        const Persistence zero = bars_of(arena, n, weights, NULL, 1);
        assert_bars(&zero, 0, 1, &(Bar){0, INFINITY});
        assert_int_equal(zero.n_bars[1], 0);
        arena_free(arena);
    }
}

/* A cycle without chords, a triangle and a lone point: three components and one loop stay for ever. */
static void test_what_stays_is_infinite(void **state)
{
    (void)state;
    enum { N = 9 };
    Arena *arena = arena_new();
    double *weights = no_edges(arena, N);
    for (int i = 0; i < 5; i++)
        set_edge(N, i, (i + 1) % 5, i == 2 ? 3 : 2, weights);
    set_edge(N, 5, 6, 1, weights);
    set_edge(N, 6, 7, 1, weights);
    set_edge(N, 5, 7, 4, weights);
    const Persistence found = bars_of(arena, N, weights, NULL, 1);
    assert_bars(
        &found, 0, N,
        (const Bar[N]){{0, 1}, {0, 1}, {0, 2}, {0, 2}, {0, 2}, {0, 2}, {0, INFINITY}, {0, INFINITY}, {0, INFINITY}});
    assert_bars(&found, 1, 1, &(Bar){3, INFINITY});
    weights[0 * N + 1] = NAN; /* no edge either */
    const Persistence open = bars_of(arena, N, weights, NULL, 1);
    assert_int_equal(open.n_bars[1], 0);
    arena_free(arena);
}

/* The complete bipartite graph holds as many loops as scratch has room for: n n / 4 edges, no triangle. */
static void test_most_loops(void **state)
{
    (void)state;
    for (int n = 2; n <= 32; n += 3) {
        Arena *arena = arena_new();
        double *weights = no_edges(arena, n);
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < n; j++)
                set_edge(n, i, j, i < n / 2 && j >= n / 2 ? 1 : 2, weights);
        const Persistence found = bars_of(arena, n, weights, NULL, 1);
        const int n_loops = (n / 2 - 1) * ((n + 1) / 2 - 1);
        assert_int_equal(found.n_bars[1], n_loops);
        for (int b = 0; b < n_loops; b++)
            assert_true(found.bars[1][b].birth == 1 && found.bars[1][b].death == 2);
        arena_free(arena);
    }
}

/* ---- slow and clear ---- */

static void test_reduction_of_the_boundary_matrix(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(5, "test/persistence");
    for (size_t k = 0; k < N_TESTS(kinds); k++)
        for (int n = 1; n <= 12; n++)
            for (int round = 0; round < 4; round++) {
                Arena *arena = arena_new();
                const double *weights = random_graph(arena, &pcg, n, kinds[k].share, kinds[k].n_values);
                const Persistence found = bars_of(arena, n, weights, NULL, 1);
                const Persistence expected = bars_by_reduction(arena, n, weights);
                assert_same_bars(&found, &expected);
                arena_free(arena);
            }
}

/* Rank mod 2 of the boundary from simplices of n_points + 1 to those of n_points, among the given ones. */
static int boundary_rank(int n_simplices, const Simplex *simplices, int n_points)
{
    static uint8_t matrix[512][512];
    int rows[512], n_rows = 0, n_columns = 0, rank = 0;
    for (int s = 0; s < n_simplices; s++)
        if (simplices[s].n_points == n_points + 1)
            rows[n_rows++] = s;
    for (int f = 0; f < n_simplices; f++)
        if (simplices[f].n_points == n_points) {
            for (int r = 0; r < n_rows; r++)
                matrix[r][n_columns] = (uint8_t)is_face(&simplices[f], &simplices[rows[r]]);
            n_columns++;
        }
    for (int c = 0; c < n_columns; c++) {
        int pivot = rank;
        while (pivot < n_rows && !matrix[pivot][c])
            pivot++;
        if (pivot == n_rows)
            continue;
        for (int x = 0; x < n_columns; x++) {
            const uint8_t swapped = matrix[pivot][x];
            matrix[pivot][x] = matrix[rank][x], matrix[rank][x] = swapped;
        }
        for (int r = 0; r < n_rows; r++)
            for (int x = 0; x < n_columns && r != rank && matrix[r][c]; x++)
                if (x > c)
                    matrix[r][x] ^= matrix[rank][x];
        rank++;
    }
    return rank;
}

static int n_alive(const Persistence *found, int dimension, double at)
{
    int n = 0;
    for (int b = 0; b < found->n_bars[dimension]; b++)
        n += found->bars[dimension][b].birth <= at && at < found->bars[dimension][b].death;
    return n;
}

/* At every threshold the bars that are alive are the Betti numbers: b0 = v - rank d1, b1 = e - rank d1 - rank d2. */
static void test_bars_alive_are_betti_numbers(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(6, "test/persistence");
    for (size_t k = 0; k < N_TESTS(kinds); k++)
        for (int n = 1; n <= 9; n++) {
            Arena *arena = arena_new();
            const double *weights = random_graph(arena, &pcg, n, kinds[k].share, kinds[k].n_values);
            const Persistence found = bars_of(arena, n, weights, NULL, 1);
            Simplex *simplices = ARENA_ARRAY(arena, Simplex, n + n * n + n * n * n);
            const int n_simplices = list_simplices(n, weights, simplices);
            for (int s = 0; s < n_simplices; s++) {
                if (s + 1 < n_simplices && simplices[s + 1].weight == simplices[s].weight)
                    continue; /* not all of this weight yet */
                int n_edges = 0;
                for (int e = 0; e <= s; e++)
                    n_edges += simplices[e].n_points == 2;
                const int rank1 = boundary_rank(s + 1, simplices, 1), rank2 = boundary_rank(s + 1, simplices, 2);
                assert_int_equal(n_alive(&found, 0, simplices[s].weight), n - rank1);
                assert_int_equal(n_alive(&found, 1, simplices[s].weight), n_edges - rank1 - rank2);
            }
            arena_free(arena);
        }
}

/* With births, which edges need not wait for. */
static void test_elder_rule(void **state)
{
    (void)state;
    enum { N = 11 };
    Pcg pcg = pcg_named(7, "test/persistence");
    for (size_t k = 0; k < N_TESTS(kinds); k++)
        for (int round = 0; round < 6; round++) {
            Arena *arena = arena_new();
            const double *weights = random_graph(arena, &pcg, N, kinds[k].share, kinds[k].n_values);
            const double scale = kinds[k].n_values > 16 ? 65536 : 1;
            double births[N];
            Bar expected[N];
            for (int i = 0; i < N; i++)
                births[i] = scale * pcg_below(&pcg, 16) / 16;
            const int n = components_by_elder_rule(N, weights, births, expected);
            const Persistence found = bars_of(arena, N, weights, births, 1),
                              plain = bars_of(arena, N, weights, NULL, 1);
            assert_bars(&found, 0, n, expected);
            assert_bars(&found, 1, plain.n_bars[1], plain.bars[1]); /* dimension 1 knows of no births */
            arena_free(arena);
        }
}

/* ---- Ripser ---- */

static void test_ripser(void **state)
{
    (void)state;
    static const char *const names[] = {"random", "large", "ties", "many_ties", "plane", "sparse", "attention"};
    Arena *arena = arena_new();
    const Npz *npz = ripser(arena);
    for (size_t c = 0; c < N_TESTS(names); c++) {
        const NpyArray *weights = npz_get(npz, arena_format(arena, "%s/weights", names[c]));
        const Persistence expected = ripser_bars(arena, npz, names[c]);
        const Persistence found = bars_of(arena, (int)weights->shape[0], weights->data, NULL, 1);
        assert_same_bars(&found, &expected);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_order_of_points_does_not_matter),
        cmocka_unit_test(test_rising_functions_map_bars),
        cmocka_unit_test(test_cone_has_no_loops),
        cmocka_unit_test(test_circle_is_one_loop),
        cmocka_unit_test(test_equal_weights_have_no_loops),
        cmocka_unit_test(test_what_stays_is_infinite),
        cmocka_unit_test(test_most_loops),
        cmocka_unit_test(test_reduction_of_the_boundary_matrix),
        cmocka_unit_test(test_bars_alive_are_betti_numbers),
        cmocka_unit_test(test_elder_rule),
        cmocka_unit_test(test_ripser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
