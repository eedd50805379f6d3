/* The published loss of diversity when sinks are taken out (README.md, "As published").
 *
 *   sinks: tokens whose sum over heads and queries is at or above the 100 t-th percentile;  KL_h = mean_i KL(A[h]_i ||
 * M_i), M the heads' mean;   kl_reduction = mean_h (KL_h - KL_h with the sinks' columns zeroed and rows renormalised)
 *
 * over 20 rows, as the authors do, and over all. A row p of mass m outside the sinks becomes p/m there, so that its
 * logarithms are ln p - ln m, and only the mean's have to be taken again for each t.
 */
#include <math.h>
#include <string.h>

#include "geometry/metric.h"
#include "geometry/published.h"
#include "geometry/scratch.h"
#include "num/kernels.h"

enum { N_SHARES = 3, SOME_ROWS = 20, N_STATES = 1 + N_SHARES }; /* states: before, then after each t */
enum { REDUCTION, REDUCTION_ALL = N_SHARES };

static const int percents[N_SHARES] = {80, 90, 95};

typedef struct {
    double *p, *log_p;           /* (H,n) one query's rows, normalised */
    double *q, *mean, *log_mean; /* (n,) */
    double *sums, *sorted;       /* (n,) */
    unsigned char *is_sink;      /* (N_SHARES,n) */
    int n_sinks[N_SHARES];
} Desk;

static Desk lay_desk(const View *view, void *scratch)
{
    const size_t n = (size_t)view->length, H = (size_t)view->n_heads;
    Desk desk;
    desk.p = scratch_take(&scratch, H * n * sizeof(double));
    desk.log_p = scratch_take(&scratch, H * n * sizeof(double));
    desk.q = scratch_take(&scratch, n * sizeof(double));
    desk.mean = scratch_take(&scratch, n * sizeof(double));
    desk.log_mean = scratch_take(&scratch, n * sizeof(double));
    desk.sums = scratch_take(&scratch, n * sizeof(double));
    desk.sorted = scratch_take(&scratch, n * sizeof(double));
    desk.is_sink = scratch_take(&scratch, N_SHARES * n);
    return desk;
}

static size_t scratch_bytes(const View *view)
{
    const size_t n = (size_t)view->length, H = (size_t)view->n_heads;
    return 2 * scratch_room(H * n * sizeof(double)) + 5 * scratch_room(n * sizeof(double)) + scratch_room(N_SHARES * n);
}

static void find_sinks(const View *view, int layer, Desk *desk)
{
    const int n = view->length;
    memset(desk->sums, 0, (size_t)n * sizeof *desk->sums);
    for (int h = 0; h < view->n_heads; h++) {
        const real *map = view_map(view, layer, h);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                desk->sums[j] += map[(size_t)i * n + j];
    }
    for (int t = 0; t < N_SHARES; t++) {
        const double line = published_percentile(n, desk->sums, percents[t], desk->sorted);
        desk->n_sinks[t] = 0;
        for (int j = 0; j < n; j++)
            desk->n_sinks[t] += desk->is_sink[t * n + j] = desk->sums[j] >= line;
    }
}

/* Query i's rows of all heads, normalised, and their logarithms; a row of zeros becomes uniform. */
static void take_rows(const View *view, int layer, int i, Desk *desk)
{
    const int n = view->length;
    for (int h = 0; h < view->n_heads; h++) {
        const real *row = view_map(view, layer, h) + (size_t)i * n;
        double *p = desk->p + (size_t)h * n, sum = 0;
        for (int j = 0; j < n; j++)
            sum += row[j];
        for (int j = 0; j < n; j++)
            p[j] = sum > 0 ? row[j] / sum : 1.0 / n;
        kernels_best()->logarithm((size_t)n, p, desk->log_p + (size_t)h * n);
    }
}

/* q = p without the sinks, over its mass there (returned), or uniform outside them where none is left (0 is returned).
 */
static double without_sinks(int n, const double *p, const unsigned char *is_sink, int n_sinks, double *ret_q)
{
    double mass = 0;
    for (int j = 0; j < n; j++) {
        ret_q[j] = is_sink[j] ? 0 : p[j];
        mass += ret_q[j];
    }
    for (int j = 0; j < n; j++)
        ret_q[j] = mass > 0 ? ret_q[j] / mass : is_sink[j] ? 0 : 1.0 / (n - n_sinks);
    return mass;
}

/* Mean over heads of KL(row of the head || mean row) for the rows taken, as they are (t < 0) or without sinks. */
static double diversity(const View *view, int t, Desk *desk)
{
    const Kernels *kernels = kernels_best();
    const int n = view->length, H = view->n_heads;
    const unsigned char *is_sink = desk->is_sink + (t < 0 ? 0 : t) * n;
    double sum = 0;
    memset(desk->mean, 0, (size_t)n * sizeof *desk->mean);
    for (int pass = 0; pass < 2; pass++) { /* the mean row, then each head against it */
        for (int h = 0; h < H; h++) {
            const double *p = desk->p + (size_t)h * n, *q = p;
            double mass = 1;
            if (t >= 0) {
                mass = without_sinks(n, p, is_sink, desk->n_sinks[t], desk->q);
                q = desk->q;
            }
            if (pass == 0)
                for (int j = 0; j < n; j++)
                    desk->mean[j] += q[j] / H;
            else if (mass > 0) /* ln q = ln p - ln mass, and q sums to one */
                sum += kernels->divergence(n, q, desk->log_p + (size_t)h * n, desk->log_mean) - log(mass);
            else
                sum += -kernels->divergence(n, q, desk->log_mean, NULL) - log(n - desk->n_sinks[t]);
        }
        if (pass == 0)
            kernels->logarithm((size_t)n, desk->mean, desk->log_mean);
    }
    return sum / H;
}

static void measure_layer(const View *view, int layer, Desk *desk, double *const *ret_columns)
{
    const int n = view->length, n_some = n > SOME_ROWS ? SOME_ROWS : n;
    double all[N_STATES] = {0}, some[N_STATES] = {0};
    find_sinks(view, layer, desk);
    for (int i = 0, next = 0; i < n; i++) {
        const int is_one = n <= SOME_ROWS || i == next * (n - 1) / (SOME_ROWS - 1);
        next += is_one;
        take_rows(view, layer, i, desk);
        for (int state = 0; state < N_STATES; state++) {
            if (state > 0 && desk->n_sinks[state - 1] == n)
                continue;
            const double kl = diversity(view, state - 1, desk);
            all[state] += kl / n;
            some[state] += is_one ? kl / n_some : 0;
        }
    }
    for (int t = 0; t < N_SHARES; t++) {
        if (desk->n_sinks[t] == n)
            continue;
        ret_columns[REDUCTION + t][layer] = some[0] - some[1 + t];
        ret_columns[REDUCTION_ALL + t][layer] = all[0] - all[1 + t];
    }
}

static void measure(const View *view, double *const *ret_columns, void *scratch)
{
    Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        measure_layer(view, l, &desk, ret_columns);
}

#define COLUMN(name_, t, rows)                                                                                         \
    {                                                                                                                  \
        .name = name_ "@" t, .unit = "nats", .level = LEVEL_LAYER, .min = -INFINITY, .max = INFINITY,                  \
        .attention_only = 1, PUBLISHED,                                                                                \
        .summary = "fall of the heads' divergence from their mean, over " rows ", when columns from the 100*" t        \
                   "th percentile on are taken out",                                                                   \
        .weakness = "positive for random causal maps too, 0.05 over 20 rows and 0.025 over all at n = 64, t = 0.95; "  \
                    "0 for a single head"                                                                              \
    }

static const MetricColumn columns[] = {
    [REDUCTION] = COLUMN("pub_kl_reduction", "0.8", "20 rows"),
    COLUMN("pub_kl_reduction", "0.9", "20 rows"),
    COLUMN("pub_kl_reduction", "0.95", "20 rows"),
    [REDUCTION_ALL] = COLUMN("pub_kl_reduction_all", "0.8", "all rows"),
    COLUMN("pub_kl_reduction_all", "0.9", "all rows"),
    COLUMN("pub_kl_reduction_all", "0.95", "all rows"),
};

const MetricFamily family_pub_kl = {
    .name = "pub_kl",
    .summary = "as published: how much of the heads' diversity lies in the sinks",
    .source = RUSCIO,
    .needs = NEEDS_MAPS,
    .cost = "O(L H T^2)",
    .every = 4,
    .sequences = 8,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .scratch_bytes = scratch_bytes,
};
