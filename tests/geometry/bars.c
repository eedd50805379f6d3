/* See bars.h. */
#include "bars.h"

#include <math.h>

#include "testing.h"

double *no_edges(Arena *arena, int n)
{
    double *weights = ARENA_ARRAY(arena, double, n *n);
    for (int e = 0; e < n * n; e++)
        weights[e] = INFINITY;
    return weights;
}

void set_edge(int n, int i, int j, double weight, double *weights)
{
    weights[i * n + j] = weights[j * n + i] = weight;
}

double *random_graph(Arena *arena, Pcg *pcg, int n, double share, uint32_t n_values)
{
    double *weights = no_edges(arena, n);
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (pcg_below(pcg, 1000) < share * 1000)
                set_edge(n, i, j, (1 + pcg_below(pcg, n_values)) / 16.0, weights);
    return weights;
}

static int by_birth_then_death(const void *a, const void *b)
{
    const Bar *x = a, *y = b;
    return x->birth != y->birth ? (x->birth > y->birth ? 1 : -1) : (x->death > y->death) - (x->death < y->death);
}

Persistence bars_of(Arena *arena, int n, const double *weights, const double *births, int last_dimension)
{
    enum { GUARD = 64 };
    Arena *counting = arena_new_counting();
    persistence_desk(counting, n, last_dimension);
    const size_t bytes = arena_used(counting);
    arena_free(counting);
    Arena *scratch = arena_within(arena, bytes + GUARD);
    unsigned char *guard = arena_alloc(scratch, bytes + GUARD);
    double *upper = ARENA_ARRAY(arena, double, n *n);
    Persistence found;
    memset(guard, 0xa5, bytes + GUARD);
    arena_clear(scratch);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            upper[i * n + j] = j > i ? weights[i * n + j] : -1e300;
    persistence_find(persistence_desk(scratch, n, last_dimension), upper, births, &found);
    guard = arena_alloc(scratch, GUARD);
    for (int g = 0; g < GUARD; g++)
        assert_int_equal(guard[g], 0xa5);
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

void assert_bars(const Persistence *found, int dimension, int n, const Bar *expected)
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

void assert_same_bars(const Persistence *a, const Persistence *b)
{
    for (int d = 0; d < 2; d++)
        assert_bars(a, d, b->n_bars[d], b->bars[d]);
}

double sum_of_lengths(const Persistence *bars, int dimension, double *ret_longest, int *ret_n)
{
    double sum = 0;
    *ret_longest = 0, *ret_n = 0;
    for (int b = 0; b < bars->n_bars[dimension]; b++) {
        const double length = bars->bars[dimension][b].death - bars->bars[dimension][b].birth;
        if (length < INFINITY)
            sum += length, *ret_longest = fmax(*ret_longest, length), ++*ret_n;
    }
    return sum;
}

/* ---- slow and clear ---- */

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

int list_simplices(int n, const double *weights, Simplex *ret)
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

int is_face(const Simplex *face, const Simplex *simplex)
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

Persistence bars_by_reduction(Arena *arena, int n, const double *weights)
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

static int meets_elder(int n, const double *weights, const double *births, int i, double weight)
{
    uint8_t reached[64] = {0};
    int meets = 0;
    reached[i] = 1;
    for (int round = 0; round < n; round++)
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++)
                if (reached[a] && a != b && weights[a * n + b] <= weight) {
                    reached[b] = 1;
                    meets |= births[b] < births[i] || (births[b] == births[i] && b < i);
                }
    return meets;
}

int components_by_elder_rule(int n, const double *weights, const double *births, Bar *ret)
{
    int n_bars = 0;
    for (int i = 0; i < n; i++) {
        double death = INFINITY;
        for (int e = 0; e < n * n; e++)
            if (weights[e] < death && meets_elder(n, weights, births, i, weights[e]))
                death = weights[e];
        if (death > births[i])
            ret[n_bars++] = (Bar){births[i], death};
    }
    qsort(ret, (size_t)n_bars, sizeof *ret, by_birth_then_death);
    return n_bars;
}

/* ---- Ripser ---- */

const Npz *ripser(Arena *arena)
{
    Error err;
    Npz *npz = ARENA_ARRAY(arena, Npz, 1);
    assert_ok(npz_read(arena, FIXTURES "/ripser.npz", npz, &err), &err);
    return npz;
}

Persistence ripser_bars(Arena *arena, const Npz *npz, const char *name)
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
