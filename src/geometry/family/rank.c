/* How many dimensions the residual stream uses (matrix-based entropy, arXiv 2510.06477).
 *
 *   X (T,C) a layer's output, sigma its singular values, p_j = sigma_j^2 / sum sigma^2
 *   effective_rank = exp(H), matrix_entropy = H / ln min(T,C),  H = -sum p ln p;   _rest: without position 0's row
 *
 * A sink's row can dwarf all others, and the whole is then of rank one: what the rest does shows without it. The p_j
 * are the eigenvalues of X X' or X' X, whichever is smaller, over their sum.
 */
#include <math.h>
#include <string.h>

#include "geometry/metric.h"
#include "num/kernels.h"
#include "num/spectrum.h"

enum { MATRIX_ENTROPY, EFFECTIVE_RANK, MATRIX_ENTROPY_REST, EFFECTIVE_RANK_REST };

/* -sum p ln p of n eigenvalues, which may be negative by a rounding; NaN if all are 0. */
static double entropy_of(int n, const double *values)
{
    double total = 0, sum = 0;
    for (int i = 0; i < n; i++)
        total += fmax(values[i], 0);
    for (int i = 0; i < n; i++)
        if (values[i] > 0)
            sum -= values[i] / total * log(values[i] / total);
    return total > 0 ? sum : (double)NAN;
}

typedef struct {
    const Kernels *kernels;
    double *wide;   /* (T,C), or transposed */
    double *gram;   /* (m,m), m = min(T,C) */
    double *values; /* (m,) */
    void *solver;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t T = (size_t)view->length, C = (size_t)view->d_model, m = T < C ? T : C;
    Desk desk = {.kernels = view->kernels};
    desk.wide = ARENA_ARRAY(arena, double, T *C);
    desk.gram = ARENA_ARRAY(arena, double, m *m);
    desk.values = ARENA_ARRAY(arena, double, m);
    desk.solver = arena_alloc(arena, spectrum_scratch_bytes((int)m));
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

/* Rows of x (rows, C) are multiplied by one another, or columns, whichever are fewer: how many that is. */
static int take_gram(int rows, int C, const real *x, const Desk *desk)
{
    const int is_tall = rows > C, m = is_tall ? C : rows, n = is_tall ? rows : C;
    for (int t = 0; t < rows; t++)
        for (int c = 0; c < C; c++)
            desk->wide[is_tall ? (size_t)c * n + t : (size_t)t * n + c] = x[(size_t)t * C + c];
    if (m > 0)
        desk->kernels->gram(m, n, n, desk->wide, m, desk->gram);
    return m;
}

/* The products without the first row's: of m, m - 1 are left. */
static int drop_first(int m, double *gram)
{
    for (int r = 1; r < m; r++)
        memmove(gram + (size_t)(r - 1) * (m - 1), gram + (size_t)r * m + 1, (size_t)r * sizeof *gram);
    return m - 1;
}

/* Entropy and rank by the m products. */
static void measure_gram(int m, const Desk *desk, double *ret_entropy, double *ret_rank)
{
    if (m < 1)
        return;
    spectrum_symmetric(desk->kernels, m, desk->gram, desk->solver, desk->values);
    const double entropy = entropy_of(m, desk->values);
    *ret_rank = exp(entropy);
    if (m > 1)
        *ret_entropy = entropy / log(m);
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length, C = view->d_model;
    const Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++) {
        const real *x = view->residual + (size_t)(l + 1) * T * C;
        const int m = take_gram(T, C, x, &desk);
        measure_gram(m, &desk, &ret_columns[MATRIX_ENTROPY][l], &ret_columns[EFFECTIVE_RANK][l]);
        const int m_rest = T <= C ? drop_first(m, desk.gram) : take_gram(T - 1, C, x + C, &desk);
        measure_gram(m_rest, &desk, &ret_columns[MATRIX_ENTROPY_REST][l], &ret_columns[EFFECTIVE_RANK_REST][l]);
    }
}

#define SOURCE "arXiv 2510.06477"
#define ENTROPY                                                                                                        \
    .unit = "share of the largest possible", .level = LEVEL_LAYER, .min = 0, .max = 1, .direction = DIRECTION_FALLS
#define RANK .unit = "dimensions", .level = LEVEL_LAYER, .min = 1, .max = INFINITY, .direction = DIRECTION_FALLS

static const MetricColumn columns[] = {
    [MATRIX_ENTROPY] = {.name = "matrix_entropy",
                        ENTROPY,
                        .source = SOURCE,
                        .summary = "entropy of the layer output's squared singular values over ln min(T, C)",
                        .weakness = "one massive row makes it small whatever the others do"},
    [EFFECTIVE_RANK] = {.name = "effective_rank",
                        RANK,
                        .source = SOURCE,
                        .summary = "exp of the entropy of the layer output's squared singular values",
                        .weakness = "one massive row makes it small whatever the others do; at most min(T, C)"},
    [MATRIX_ENTROPY_REST] = {.name = "matrix_entropy_rest",
                             ENTROPY,
                             .source = SOURCE,
                             .summary = "matrix_entropy without position 0",
                             .weakness = "still includes a sink that stands elsewhere"},
    [EFFECTIVE_RANK_REST] = {.name = "effective_rank_rest",
                             RANK,
                             .source = SOURCE,
                             .summary = "effective_rank without position 0",
                             .weakness = "still includes a sink that stands elsewhere; at most min(T - 1, C)"},
};

const MetricFamily family_rank = {
    .variant = {.name = "rank", .summary = "dimensions that the residual stream uses", .source = SOURCE},
    .needs = NEEDS_RESIDUAL,
    .cost = "O(L min(T,C)^2 (T + C))",
    .every = 4,
    .sequences = 4,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
