/* The published loss of diversity when sinks are taken out (DEFINITIONS.md, "As published").
 *
 *   sinks: tokens whose sum over heads and queries is at or above the 100 t-th percentile;
 *   KL_h = mean_i KL(A[h]_i || M_i), M the heads' mean;
 *   kl_reduction = mean_h (KL_h - KL_h with the sinks' columns zeroed and rows renormalised)
 *
 * over 20 rows, as the authors do, and over all. A row p of mass m outside the sinks becomes p/m there, so that its
 * logarithms are ln p - ln m, and only the mean's have to be taken again for each t.
 */
#include <math.h>
#include <string.h>

#include "geometry/metric.h"
#include "geometry/published.h"
#include "num/kernels.h"

enum { N_SHARES = 3, SOME_ROWS = 20, N_STATES = 1 + N_SHARES }; /* states: before, then after each t */
enum { REDUCTION, REDUCTION_ALL = N_SHARES };

static const int percents[N_SHARES] = {80, 90, 95};

typedef struct {
    const Kernels *kernels;
    double *p, *log_p, *q;   /* (H,n) one query's rows, normalised, their logarithms; the rows without sinks */
    double *mean, *log_mean; /* (n,) */
    double *sums, *sorted;   /* (n,) */
    double *keep;            /* (N_SHARES,n) 0 for sinks, 1 for others */
    double *ones;            /* (n,) */
    int n_sinks[N_SHARES];
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t n = (size_t)view->length, H = (size_t)view->n_heads;
    Desk desk = {.kernels = view->kernels};
    desk.p = ARENA_ARRAY(arena, double, H *n);
    desk.log_p = ARENA_ARRAY(arena, double, H *n);
    desk.q = ARENA_ARRAY(arena, double, H *n);
    desk.mean = ARENA_ARRAY(arena, double, n);
    desk.log_mean = ARENA_ARRAY(arena, double, n);
    desk.sums = ARENA_ARRAY(arena, double, n);
    desk.sorted = ARENA_ARRAY(arena, double, n);
    desk.ones = ARENA_ARRAY(arena, double, n);
    desk.keep = ARENA_ARRAY(arena, double, N_SHARES *n);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
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
        for (int j = 0; j < n; j++) {
            desk->keep[t * n + j] = desk->sums[j] < line;
            desk->n_sinks[t] += desk->sums[j] >= line;
        }
    }
}

/* The first `width` entries of query i's rows of all heads, normalised, and their logarithms; a row of zeros becomes
 * uniform, for which the caller must ask for all n. */
static void take_rows(const View *view, int layer, int i, int width, Desk *desk)
{
    const int n = view->length;
    for (int h = 0; h < view->n_heads; h++) {
        double *p = desk->p + (size_t)h * n;
        desk->kernels->widen((size_t)width, view_map(view, layer, h) + (size_t)i * n, p);
        const double sum = desk->kernels->dot(width, p, desk->ones);
        for (int j = 0; j < width; j++)
            p[j] = sum > 0 ? p[j] / sum : 1.0 / n;
        desk->kernels->logarithm((size_t)width, p, desk->log_p + (size_t)h * n);
    }
}

/* Mean over heads of KL(row of the head || mean row) for the rows taken, as they are (t < 0) or without sinks. A row
 * that is emptied becomes uniform outside the sinks, wherever these lie: then all n entries count. */
static double diversity(const View *view, int t, int width, Desk *desk)
{
    const Kernels *kernels = desk->kernels;
    const int n = view->length, H = view->n_heads;
    const double *keep = t < 0 ? desk->ones : desk->keep + (size_t)t * n;
    double sum = 0;
    int end = width;
    for (int h = 0; h < H; h++)
        if (!(kernels->dot(width, desk->p + (size_t)h * n, keep) > 0))
            end = n;
    for (int j = 0; j < end; j++)
        desk->mean[j] = 0;
    for (int h = 0; h < H; h++) {
        double *q = desk->q + (size_t)h * n;
        const double *p = desk->p + (size_t)h * n, mass = kernels->dot(width, p, keep);
        for (int j = 0; j < end; j++)
            q[j] = !(mass > 0) ? keep[j] / (n - desk->n_sinks[t]) : j < width ? p[j] * keep[j] / mass : 0;
        for (int j = 0; j < end; j++)
            desk->mean[j] += q[j] / H;
    }
    kernels->logarithm((size_t)end, desk->mean, desk->log_mean);
    for (int h = 0; h < H; h++) {
        const double *q = desk->q + (size_t)h * n, mass = kernels->dot(width, desk->p + (size_t)h * n, keep);
        if (mass > 0) /* ln q = ln p - ln mass, and q sums to one */
            sum += kernels->divergence(width, q, desk->log_p + (size_t)h * n, desk->log_mean) - log(mass);
        else
            sum += -kernels->divergence(n, q, desk->log_mean, NULL) - log(n - desk->n_sinks[t]);
    }
    return sum / H;
}

/* Entries of query i's rows that may be other than 0: all of them where a row of zeros becomes uniform. */
static int width_of(const View *view, int layer, int i)
{
    for (int h = 0; h < view->n_heads; h++)
        if (view_row_is_empty(view, view_map(view, layer, h) + (size_t)i * view->length))
            return view->length;
    return view_keys(view, i)[KEY_RANGES - 1].end;
}

static void measure_layer(const View *view, int layer, Desk *desk, double *const *ret_columns)
{
    const int n = view->length, n_some = n > SOME_ROWS ? SOME_ROWS : n;
    double all[N_STATES] = {0}, some[N_STATES] = {0};
    find_sinks(view, layer, desk);
    for (int i = 0, next = 0; i < n; i++) {
        const int is_one = n <= SOME_ROWS || i == next * (n - 1) / (SOME_ROWS - 1);
        next += is_one;
        const int width = width_of(view, layer, i);
        take_rows(view, layer, i, width, desk);
        for (int state = 0; state < N_STATES; state++) {
            if (state > 0 && desk->n_sinks[state - 1] == n)
                continue;
            const double kl = diversity(view, state - 1, width, desk);
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

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    Desk desk = lay_desk(view, scratch);
    for (int j = 0; j < view->length; j++)
        desk.ones[j] = 1;
    for (int l = 0; l < view->n_layers; l++)
        measure_layer(view, l, &desk, ret_columns);
}

#define COLUMN(name_, t, rows)                                                                                         \
    {                                                                                                                  \
        .name = name_ "@" t, .unit = "nats", .level = LEVEL_LAYER, .min = -INFINITY, .max = INFINITY,                  \
        .attention_only = 1, .source = RUSCIO,                                                                         \
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
    .variant = {.name = "pub_kl",
                .summary = "as published: how much of the heads' diversity lies in the sinks",
                .source = RUSCIO},
    .needs = NEEDS_MAPS,
    .cost = "O(L H T^2)",
    .every = 4,
    .sequences = 4,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
