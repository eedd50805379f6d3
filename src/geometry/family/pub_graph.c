/* The published graph metrics: a layer's mean map cut at a threshold (DEFINITIONS.md, "As published").
 *
 *   B_ij = 1 where A_ij > tau, W = (B + B')/2, L = D - W:   fiedler = lambda_2, laplacian_gap = lambda_3 - lambda_2
 *   star = max in-degree / (n'-1);   centralization = sum (max - in_j)/(m-1)^2;   Gini and variance of in-degrees;
 *   star_improved = 0.3 max/(m-1) + 0.7 Gini;   density = sum B / n^2
 *
 * n' counts the positions that have an edge, m all positions up to n = 50 and n' beyond. The graphs are nested: every
 * entry is compared with all thresholds once, and a threshold that takes no edge away takes the last one's eigenvalues.
 * Positions tied to no other add eigenvalues 0, and only the rest is put before the solver.
 */
#include <math.h>
#include <string.h>

#include "geometry/metric.h"
#include "geometry/published.h"
#include "num/spectrum.h"

enum { N_TAUS = 7, ALL_POSITIONS_UP_TO = 50 };
enum {
    FIEDLER,
    GAP,
    STAR,
    STAR_IMPROVED,
    CENTRALIZATION,
    GINI,
    VARIANCE,
    N_EFFECTIVE,
    DENSITY = N_EFFECTIVE,
    N_METRICS
};

static const double taus[N_TAUS] = {0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2};

typedef struct {
    const Kernels *kernels;
    unsigned char *level;    /* (n,n) thresholds below the entry, B at threshold t being level > t; 0 on the diagonal */
    unsigned char *by_key;   /* (n,n) the same transposed */
    unsigned char *self;     /* (n,) the diagonal's */
    unsigned char *has_edge; /* (n,) any edge, a self-loop included */
    int *in, *out;           /* (n,) degrees, in with self-loops, out without */
    int *tied;               /* (n,) the positions with an edge to or from another */
    int *counts;             /* (n+1,) how many positions have that in-degree */
    double *laplacian;       /* (n,n) */
    void *solver;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t N = (size_t)view->length;
    Desk desk = {.kernels = view->kernels};
    desk.level = ARENA_ARRAY(arena, unsigned char, N *N);
    desk.by_key = ARENA_ARRAY(arena, unsigned char, N *N);
    desk.self = ARENA_ARRAY(arena, unsigned char, N);
    desk.has_edge = ARENA_ARRAY(arena, unsigned char, N);
    desk.in = ARENA_ARRAY(arena, int, N);
    desk.out = ARENA_ARRAY(arena, int, N);
    desk.tied = ARENA_ARRAY(arena, int, N);
    desk.counts = ARENA_ARRAY(arena, int, N + 1);
    desk.laplacian = ARENA_ARRAY(arena, double, N *N);
    desk.solver = arena_alloc(arena, spectrum_scratch_bytes(view->length));
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

/* Compared in float32, threshold and entry alike: an exact tie is no edge. */
static void take_levels(int n, const double *map, Desk *desk)
{
    for (int i = 0; i < n; i++) {
        unsigned char *level = desk->level + (size_t)i * n;
        for (int j = 0; j < n; j++) {
            const float a = (float)map[(size_t)i * n + j];
            int above = 0;
            for (int t = 0; t < N_TAUS; t++)
                above += a > (float)taus[t];
            level[j] = (unsigned char)above;
        }
        desk->self[i] = level[i];
        level[i] = 0;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            desk->by_key[(size_t)j * n + i] = desk->level[(size_t)i * n + j];
}

static int count_above(int n, const unsigned char *level, int t)
{
    int n_above = 0;
    for (int j = 0; j < n; j++)
        n_above += level[j] > t;
    return n_above;
}

/* Degrees and who has an edge; returns the number of edges. */
static int count_edges(int n, int t, Desk *desk)
{
    int n_edges = 0;
    for (int i = 0; i < n; i++) {
        const int self = desk->self[i] > t;
        desk->in[i] = count_above(n, desk->by_key + (size_t)i * n, t) + self;
        desk->out[i] = count_above(n, desk->level + (size_t)i * n, t);
        desk->has_edge[i] = desk->in[i] + desk->out[i] > 0;
        n_edges += desk->in[i];
    }
    return n_edges;
}

/* lambda_2 and lambda_3 of the Laplacian, which has one zero for each position that is tied to no other. */
static void solve(int n, int t, Desk *desk, double *ret_fiedler, double *ret_gap)
{
    int m = 0;
    for (int i = 0; i < n; i++)
        if (desk->in[i] - (desk->self[i] > t) + desk->out[i] > 0)
            desk->tied[m++] = i;
    for (int r = 0; r < m; r++) {
        const int i = desk->tied[r];
        const unsigned char *level = desk->level + (size_t)i * n, *by_key = desk->by_key + (size_t)i * n;
        double *row = desk->laplacian + (size_t)r * m;
        for (int s = 0; s < r; s++) {
            const int j = desk->tied[s];
            row[s] = -((level[j] > t) + (by_key[j] > t)) / 2.0;
        }
        row[r] = (desk->in[i] - (desk->self[i] > t) + desk->out[i]) / 2.0;
    }
    double smallest[3] = {0, 0, 0}, values[3] = {0, 0, 0};
    if (m > 0)
        spectrum_smallest(desk->kernels, m, desk->laplacian, 3, desk->solver, smallest);
    for (int k = n - m, s = 0; k < 3 && s < m; k++, s++)
        values[k] = fmax(smallest[s], 0);
    *ret_fiedler = n > 1 ? values[1] : 0;
    *ret_gap = n > 2 ? fmax(values[2] - values[1], 0) : (double)NAN;
}

/* The metrics of in-degrees, over all positions or those with an edge. */
static void measure_degrees(int n, Desk *desk, double *ret)
{
    int n_with = 0, most = 0, m = 0;
    double sum = 0, squares = 0, below = 0, ranked = 0;
    memset(desk->counts, 0, ((size_t)n + 1) * sizeof *desk->counts);
    for (int j = 0; j < n; j++) {
        n_with += desk->has_edge[j];
        most = desk->in[j] > most ? desk->in[j] : most;
    }
    for (int j = 0; j < n; j++)
        if (n <= ALL_POSITIONS_UP_TO || desk->has_edge[j]) {
            sum += desk->in[j];
            below += most - desk->in[j];
            desk->counts[desk->in[j]]++;
            m++;
        }
    for (int degree = 0, rank = 0; degree <= n; degree++)
        for (int k = 0; k < desk->counts[degree]; k++)
            ranked += (double)++rank * degree;
    for (int j = 0; j < n; j++)
        if (n <= ALL_POSITIONS_UP_TO || desk->has_edge[j])
            squares += (desk->in[j] - sum / m) * (desk->in[j] - sum / m);
    ret[GINI] = sum > 0 ? 2 * ranked / (m * sum) - (m + 1.0) / m : (double)NAN;
    ret[STAR] = n_with > 1 ? most / (n_with - 1.0) : 0;
    ret[STAR_IMPROVED] = m > 1 ? 0.3 * most / (m - 1.0) + 0.7 * ret[GINI] : 0;
    ret[CENTRALIZATION] = m > 1 ? below / ((m - 1.0) * (m - 1.0)) : 0;
    ret[VARIANCE] = squares / m;
}

static void measure_layer(const View *view, int layer, Desk *desk, double *const *ret_columns)
{
    const int n = view->length;
    int last_edges = -1;
    double fiedler = 0, gap = 0;
    take_levels(n, view_layer_map(view, layer), desk);
    for (int t = 0; t < N_TAUS; t++) {
        double values[N_METRICS] = {[GINI] = (double)NAN, [DENSITY] = (double)NAN};
        const int n_edges = count_edges(n, t, desk);
        if (n > 1 && n_edges >= 2) {
            values[DENSITY] = n_edges / ((double)n * n);
            if (n_edges != last_edges)
                solve(n, t, desk, &fiedler, &gap);
            last_edges = n_edges;
            values[FIEDLER] = fiedler, values[GAP] = gap;
            measure_degrees(n, desk, values);
        }
        const int is_effective = (values[DENSITY] >= 0.05 && values[DENSITY] <= 0.95) || layer % 4 == 0;
        for (int m = 0; m < N_METRICS; m++)
            ret_columns[m * N_TAUS + t][layer] = values[m];
        for (int m = 0; m < N_EFFECTIVE && is_effective; m++)
            ret_columns[(N_METRICS + m) * N_TAUS + t][layer] = values[m];
    }
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        measure_layer(view, l, &desk, ret_columns);
}

#define COLUMN(name_, tau, unit_, max_, summary_, weakness_)                                                           \
    {                                                                                                                  \
        .name = name_ "@" tau, .unit = unit_, .level = LEVEL_LAYER, .min = 0, .max = max_, .attention_only = 1,        \
        .source = RUSCIO, .summary = summary_ " of the layer's mean map cut at " tau, .weakness = weakness_            \
    }

#define AT_EVERY_TAU(name, unit, max, summary, weakness)                                                               \
    COLUMN(name, "0.001", unit, max, summary, weakness), COLUMN(name, "0.005", unit, max, summary, weakness),          \
        COLUMN(name, "0.01", unit, max, summary, weakness), COLUMN(name, "0.02", unit, max, summary, weakness),        \
        COLUMN(name, "0.05", unit, max, summary, weakness), COLUMN(name, "0.1", unit, max, summary, weakness),         \
        COLUMN(name, "0.2", unit, max, summary, weakness)

#define OF_DEGREES "counts edges, not attention; under a causal mask early keys have more queries, whatever is learnt"

#define EXACT "exact: beyond 50 tokens the published solver misses repeated zeros, and gives more"

/* Plain, and again where the threshold is effective: N_METRICS then N_EFFECTIVE blocks of N_TAUS, in the order of the
 * enum. */
#define SEVEN(prefix, where)                                                                                           \
    AT_EVERY_TAU(prefix "fiedler", "edges", INFINITY, "second smallest eigenvalue of the Laplacian" where,             \
                 "n/2 for uniform causal attention and 1/2 for a star: it falls as a sink forms; " EXACT),             \
        AT_EVERY_TAU(prefix "laplacian_gap", "edges", INFINITY,                                                        \
                     "third less second smallest eigenvalue of the Laplacian" where,                                   \
                     "near 0 for stars and for uniform attention alike; " EXACT),                                      \
        AT_EVERY_TAU(prefix "star", "share", 2, "largest in-degree over the other positions that have an edge" where,  \
                     "near 1 for any causal map at a small threshold: every query sees position 0"),                   \
        AT_EVERY_TAU(prefix "star_improved", "share", 2, "0.3 star + 0.7 Gini" where, OF_DEGREES),                     \
        AT_EVERY_TAU(prefix "centralization", "share", 2,                                                              \
                     "sum of (largest in-degree - in-degree) over (positions - 1) squared" where, OF_DEGREES),         \
        AT_EVERY_TAU(prefix "gini", "share", 1, "Gini coefficient of the in-degrees" where, OF_DEGREES),               \
        AT_EVERY_TAU(prefix "degree_variance", "edges squared", INFINITY, "variance of the in-degrees" where,          \
                     "grows with the length; " OF_DEGREES)

static const MetricColumn columns[] = {
    SEVEN("pub_", ""),
    AT_EVERY_TAU("pub_density", "share", 1, "share of entries above the threshold",
                 "at most (n+1)/2n under a causal mask; falls with the length for the same attention"),
    SEVEN("pub_effective_", ", where density is in [0.05, 0.95] or the layer's index a multiple of 4,"),
};

const MetricFamily family_pub_graph = {
    .variant = {.name = "pub_graph",
                .summary = "as published: a layer's mean map as a graph cut at a threshold",
                .source = RUSCIO},
    .needs = NEEDS_LAYER_MAPS,
    .cost = "O(L T^3)",
    .every = 4,
    .sequences = 4,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
