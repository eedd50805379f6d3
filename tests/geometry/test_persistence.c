/* Persistent homology: what any implementation must satisfy, graphs whose bars are known, a reduction of the whole
 * boundary matrix, and Ripser's bars (fixtures/make_ripser.py). Then the metrics that are made of bars or components,
 * held to their definitions in src/geometry/README.md.
 *
 * Were this file deleted, a bar could be lost where weights tie or where a cleared column was needed, and the numbers
 * of the families would still look like persistence.
 */
#include "support.h"

#include <math.h>

#include "geometry/persistence.h"
#include "store/npz.h"
#include "testing.h"

/* ---- bars as multisets, graphs ---- */

static int by_birth_then_death(const void *a, const void *b)
{
    const Bar *x = a, *y = b;
    return x->birth != y->birth ? (x->birth > y->birth ? 1 : -1) : (x->death > y->death) - (x->death < y->death);
}

/* The bars of a graph, sorted; what they lie in holds a guard, and the weights' lower half is poison. */
static Persistence bars_of(Arena *arena, int n, const double *weights, const double *births, int last_dimension)
{
    enum { GUARD = 64 };
    const size_t bytes = persistence_scratch_bytes(n, last_dimension);
    unsigned char *scratch = arena_alloc(arena, bytes + GUARD);
    double *upper = ARENA_ARRAY(arena, double, n *n);
    Persistence found;
    memset(scratch, 0xa5, bytes + GUARD);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            upper[i * n + j] = j > i ? weights[i * n + j] : -1e300;
    persistence_find(n, upper, births, last_dimension, scratch, &found);
    for (int g = 0; g < GUARD; g++)
        assert_int_equal(scratch[bytes + (size_t)g], 0xa5);
    assert_true(found.n_bars[0] <= n && found.n_bars[1] <= n * n / 4);
    for (int d = 0; d < 2; d++) {
        Bar *sorted = ARENA_ARRAY(arena, Bar, found.n_bars[d] + 1);
        for (int b = 0; b < found.n_bars[d]; b++)
            sorted[b] = found.bars[d][b];
        qsort(sorted, (size_t)found.n_bars[d], sizeof *sorted, by_birth_then_death);
        found.bars[d] = sorted;
        for (int b = 0; b < found.n_bars[d]; b++)
            assert_true(sorted[b].death > sorted[b].birth);
    }
    return found;
}

static void assert_bars(const Persistence *found, int dimension, int n, const Bar *expected)
{
    if (found->n_bars[dimension] != n)
        fail_msg("%d bars in dimension %d instead of %d", found->n_bars[dimension], dimension, n);
    for (int b = 0; b < n; b++)
        if (found->bars[dimension][b].birth != expected[b].birth ||
            found->bars[dimension][b].death != expected[b].death)
            fail_msg("bar %d of dimension %d is [%.17g, %.17g), expected [%.17g, %.17g)", b, dimension,
                     found->bars[dimension][b].birth, found->bars[dimension][b].death, expected[b].birth,
                     expected[b].death);
}

static void assert_same_bars(const Persistence *a, const Persistence *b)
{
    for (int d = 0; d < 2; d++)
        assert_bars(a, d, b->n_bars[d], b->bars[d]);
}

static int n_infinite(const Persistence *found, int dimension)
{
    int n = 0;
    for (int b = 0; b < found->n_bars[dimension]; b++)
        n += found->bars[dimension][b].death == INFINITY;
    return n;
}

static void set_edge(int n, int i, int j, double weight, double *weights)
{
    weights[i * n + j] = weights[j * n + i] = weight;
}

static double *no_edges(Arena *arena, int n)
{
    double *weights = ARENA_ARRAY(arena, double, n *n);
    for (int e = 0; e < n * n; e++)
        weights[e] = INFINITY;
    return weights;
}

/* Each edge with the given probability; weights among few values (ties) or among many. */
static double *random_graph(Arena *arena, Pcg *pcg, int n, double share, uint32_t n_values)
{
    double *weights = no_edges(arena, n);
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (pcg_below(pcg, 1000) < share * 1000)
                set_edge(n, i, j, (1 + pcg_below(pcg, n_values)) / 16.0, weights);
    return weights;
}

static const struct {
    double share;
    uint32_t n_values;
} kinds[] = {{1, 1 << 20}, {1, 3}, {0.4, 1 << 20}, {0.4, 4}, {0.15, 2}, {0, 1}};

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

typedef struct {
    int n_points; /* 1, 2 or 3 */
    int points[3];
    double weight;
} Simplex;

static double weight_of(int n, const double *weights, int n_points, const int *points)
{
    double weight = 0;
    for (int a = 0; a < n_points; a++)
        for (int b = a + 1; b < n_points; b++)
            weight = fmax(weight, weights[points[a] * n + points[b]]);
    return weight;
}

static int by_weight_then_size(const void *a, const void *b)
{
    const Simplex *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? 1 : -1;
    return x->n_points != y->n_points ? x->n_points - y->n_points : memcmp(x->points, y->points, sizeof x->points);
}

/* Every simplex of up to three points, by weight, faces before what they bound. */
static int list_simplices(int n, const double *weights, Simplex *ret)
{
    int n_simplices = 0;
    for (int n_points = 1; n_points <= 3; n_points++)
        for (int i = 0; i < n; i++)
            for (int j = n_points > 1 ? i + 1 : n; j < n || (n_points == 1 && j == n); j++)
                for (int k = n_points > 2 ? j + 1 : n; k < n || (n_points < 3 && k == n); k++) {
                    Simplex simplex = {n_points, {i, n_points > 1 ? j : -1, n_points > 2 ? k : -1}, 0};
                    simplex.weight = weight_of(n, weights, n_points, simplex.points);
                    if (simplex.weight < INFINITY)
                        ret[n_simplices++] = simplex;
                }
    qsort(ret, (size_t)n_simplices, sizeof *ret, by_weight_then_size);
    return n_simplices;
}

static int is_face(const Simplex *face, const Simplex *simplex)
{
    int n_shared = 0;
    for (int a = 0; a < face->n_points; a++)
        for (int b = 0; b < simplex->n_points; b++)
            n_shared += face->points[a] == simplex->points[b];
    return face->n_points == simplex->n_points - 1 && n_shared == face->n_points;
}

static int last_one(int n, const uint8_t *column)
{
    while (n > 0 && !column[n - 1])
        n--;
    return n - 1;
}

/* The textbook's algorithm: columns of the boundary matrix from left to right, each reduced by those before it. */
static Persistence bars_by_reduction(Arena *arena, int n, const double *weights)
{
    Simplex *simplices = ARENA_ARRAY(arena, Simplex, n + n * n + n * n * n);
    const int n_simplices = list_simplices(n, weights, simplices);
    uint8_t *columns = ARENA_ARRAY(arena, uint8_t, (size_t)n_simplices * n_simplices);
    int *low = ARENA_ARRAY(arena, int, n_simplices), *killer = ARENA_ARRAY(arena, int, n_simplices);
    for (int s = 0; s < n_simplices; s++)
        killer[s] = -1;
    for (int s = 0; s < n_simplices; s++) {
        uint8_t *column = columns + (size_t)s * n_simplices;
        for (int f = 0; f < s; f++)
            column[f] = (uint8_t)is_face(&simplices[f], &simplices[s]);
        while ((low[s] = last_one(s, column)) >= 0 && killer[low[s]] >= 0)
            for (int f = 0; f <= low[s]; f++)
                column[f] ^= columns[(size_t)killer[low[s]] * n_simplices + f];
        if (low[s] >= 0)
            killer[low[s]] = s;
    }
    Persistence found = {{0, 0}, {NULL, NULL}};
    for (int d = 0; d < 2; d++) {
        Bar *bars = ARENA_ARRAY(arena, Bar, n_simplices);
        for (int s = 0; s < n_simplices; s++)
            if (simplices[s].n_points == d + 1 && low[s] < 0) {
                const double death = killer[s] < 0 ? INFINITY : simplices[killer[s]].weight;
                if (death > simplices[s].weight)
                    bars[found.n_bars[d]++] = (Bar){simplices[s].weight, death};
            }
        qsort(bars, (size_t)found.n_bars[d], sizeof *bars, by_birth_then_death);
        found.bars[d] = bars;
    }
    return found;
}

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

/* The oldest birth that point i reaches over edges of at most `weight`. */
static double oldest(int n, const double *weights, const double *births, int i, double weight)
{
    uint8_t reached[64] = {0};
    double birth = births[i];
    reached[i] = 1;
    for (int round = 0; round < n; round++)
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++) {
                const double w = weights[a < b ? a * n + b : b * n + a];
                if (reached[a] && a != b && w <= weight)
                    reached[b] = 1, birth = fmin(birth, births[b]);
            }
    return birth;
}

/* With births that differ, a point's component dies at the least weight at which it reaches an older point: entries
 * below the diagonal are not read, and edges may come before their points. */
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
            int n = 0;
            for (int i = 0; i < N; i++) /* all different */
                births[i] = scale * ((int)pcg_below(&pcg, 4) + i / 16.0) / 4;
            for (int i = 0; i < N; i++) {
                double death = INFINITY;
                for (int e = 0; e < N * N; e++)
                    if (e / N < e % N && weights[e] < death && oldest(N, weights, births, i, weights[e]) < births[i])
                        death = weights[e];
                if (death > births[i])
                    expected[n++] = (Bar){births[i], death};
            }
            qsort(expected, (size_t)n, sizeof *expected, by_birth_then_death);
            const Persistence found = bars_of(arena, N, weights, births, 1),
                              plain = bars_of(arena, N, weights, NULL, 1);
            assert_bars(&found, 0, n, expected);
            assert_bars(&found, 1, plain.n_bars[1], plain.bars[1]); /* dimension 1 knows of no births */
            arena_free(arena);
        }
}

/* ---- Ripser ---- */

static const Npz *ripser(Arena *arena)
{
    Error err;
    Npz *npz = ARENA_ARRAY(arena, Npz, 1);
    assert_ok(npz_read(arena, FIXTURES "/ripser.npz", npz, &err), &err);
    return npz;
}

static Persistence ripser_bars(Arena *arena, const Npz *npz, const char *name)
{
    Persistence expected = {{0, 0}, {NULL, NULL}};
    for (int d = 0; d < 2; d++) {
        const NpyArray *array = npz_get(npz, arena_format(arena, "%s/bars%d", name, d));
        Bar *bars = ARENA_ARRAY(arena, Bar, array->n_items / 2 + 1);
        assert_int_equal(array->type, NPY_FLOAT64);
        memcpy(bars, array->data, array->n_items * sizeof(double));
        expected.n_bars[d] = (int)array->n_items / 2;
        qsort(bars, array->n_items / 2, sizeof *bars, by_birth_then_death);
        expected.bars[d] = bars;
    }
    return expected;
}

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

/* ---- topology ---- */

static const char *const topology_names[] = {"0.025", "0.05", "0.1", "0.25", "0.5", "0.75"};

static double topology_of(Arena *arena, const View *view, int dimension, const char *threshold)
{
    return measured(arena, view, arena_format(arena, "b%d@%s", dimension, threshold))[0];
}

/* Components by letting the least label spread, edges by looking at every pair, on maps with entries at a threshold. */
static void test_topology_by_definition(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(8, "test/persistence");
    for (int T = 1; T < 70; T += 4)
        for (int is_causal = 0; is_causal < 2; is_causal++) {
            Arena *arena = arena_new();
            Built *built = built_new(arena, 1, 1, T, 1, 1, is_causal);
            real *map = built->maps;
            int *label = ARENA_ARRAY(arena, int, T);
            built_randomise(built, &pcg);
            for (int e = 0; e < 2 * T; e++) /* not rows of attention any more; nor need they be */
                map[pcg_below(&pcg, (uint32_t)(T * T))] =
                    strtof(topology_names[pcg_below(&pcg, N_TESTS(topology_names))], NULL);
            for (size_t t = 0; t < N_TESTS(topology_names); t++) {
                const real threshold = strtof(topology_names[t], NULL);
                int n_edges = 0, n_components = 0;
                for (int i = 0; i < T; i++)
                    label[i] = i;
                for (int round = 0; round < T; round++)
                    for (int i = 0; i < T; i++)
                        for (int j = 0; j < T; j++) {
                            const int is_edge = i != j && (map[i * T + j] >= threshold || map[j * T + i] >= threshold);
                            n_edges += round == 0 && i < j && is_edge;
                            if (is_edge && label[j] < label[i])
                                label[i] = label[j];
                        }
                for (int i = 0; i < T; i++)
                    n_components += label[i] == i;
                assert_true(topology_of(arena, &built->view, 0, topology_names[t]) == n_components);
                assert_true(topology_of(arena, &built->view, 1, topology_names[t]) == n_edges - T + n_components);
            }
            arena_free(arena);
        }
}

/* A star and a chain are trees as far as their weight reaches; uniform attention of 40 keys is the complete graph at
 * 0.025 (1/40 in float32 is that threshold, and counts) and, under a causal mask at 0.25, that of the first 4. */
static void test_topology_of_known_maps(void **state)
{
    (void)state;
    enum { N = 33, FORTY = 40 };
    static const int four[] = {0, 8, 16, 24};
    Arena *arena = arena_new();
    Built *built = built_map(arena, N, 1), *full = built_map(arena, FORTY, 0), *causal = built_map(arena, FORTY, 1);
    for (int is_chain = 0; is_chain < 2; is_chain++) {
        if (is_chain)
            map_previous(N, 0.6, built->maps);
        else
            map_star(N, 0.6, built->maps);
        assert_true(topology_of(arena, &built->view, 0, "0.5") == 1);
        assert_true(topology_of(arena, &built->view, 1, "0.5") == 0);
    }
    map_star(N, 0.6, built->maps);
    assert_true(topology_of(arena, &built->view, 0, "0.75") == N);
    map_anchors(N, 1, 0.8, 4, four, built->maps);
    /* 0.25 < w / 3: everything sees one of the first three anchors, all of them up to the fourth, and 0.2 + 0.2 / 25 is
     * too little for the fourth's own queries */
    assert_true(topology_of(arena, &built->view, 0, "0.25") == 1 + (N - 24));
    memset(built->maps, 0, (size_t)N * N * sizeof(real));
    assert_true(topology_of(arena, &built->view, 0, "0.025") == N);
    assert_true(topology_of(arena, &built->view, 1, "0.025") == 0);
    map_uniform(FORTY, 0, full->maps);
    assert_true(topology_of(arena, &full->view, 0, "0.025") == 1);
    assert_true(topology_of(arena, &full->view, 1, "0.025") == FORTY * (FORTY - 1) / 2 - FORTY + 1);
    assert_true(topology_of(arena, &full->view, 0, "0.05") == FORTY);
    map_uniform(FORTY, 1, causal->maps);
    assert_true(topology_of(arena, &causal->view, 0, "0.25") == FORTY - 3);
    assert_true(topology_of(arena, &causal->view, 1, "0.25") == 3);
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
        cmocka_unit_test(test_topology_by_definition),
        cmocka_unit_test(test_topology_of_known_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
