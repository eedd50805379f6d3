/* What a head does whatever it reads: it looks at itself, at the start rather than elsewhere, at one end rather than at
 * the other.
 *
 *   self_mass = mean of A_ii over queries that see another key, too;   start_split = start_mass / (start_mass +
 *   end_mass);   start_selectivity = log10(mean_i A_i0 / mean_i mean_j A_ij), either at least 1e-8, j the keys that
 * query i sees beyond five places and that are not the first (Xu 2026, arXiv 2606.02378; public code, class
 * first-token) idle_heads@0.5 = share of a layer's heads with sink_mass > 0.5 (dormant heads: Guo et al. 2024, arXiv
 * 2410.13835)
 *
 * Xu draws 50 of those keys and takes the ratio of means over examples at one query each; here all keys and queries of
 * a sequence count, and sequences are pooled by the mean of the logarithms, as one clean sink has no finite ratio.
 */
#include <math.h>

#include "geometry/metric.h"

enum { FIRST_QUERY = 8, NEAR = 5 };
static const double least_attention = 1e-8, idle_from = 0.5;

enum { SELF_MASS, START_SPLIT, START_SELECTIVITY, IDLE_HEADS };

static double self_mass(const View *view, const real *map)
{
    const int T = view->length;
    double sum = 0;
    int n = 0;
    for (int i = 0; i < T; i++) {
        const real *row = map + (size_t)i * T;
        if (!view_sees(view, i, i) || keys_count(&view->visible->keys[i]) < 2 || view_row_is_empty(view, row))
            continue;
        sum += (double)row[i], n++;
    }
    return n ? sum / n : (double)NAN;
}

static double start_split(const View *view, const real *map)
{
    const double to_start = view_mean_inflow(view, map, 0, 0, 0, NULL), to_end = view_end_inflow(view, map);
    return to_start + to_end > 0 ? to_start / (to_start + to_end) : (double)NAN;
}

/* Mean attention of query i to a key that it sees, is not the first, and does not lie near. */
static double ordinary(const View *view, const real *row, int i)
{
    const KeyRange *keys = view_keys(view, i);
    double sum = 0;
    int n = 0;
    for (int r = 0; r < KEY_RANGES; r++)
        for (int j = keys[r].first; j < keys[r].end; j++)
            if (j > 0 && (j < i - NEAR || j > i + NEAR))
                sum += (double)row[j], n++;
    return n ? sum / n : (double)NAN;
}

static double start_selectivity(const View *view, const real *map)
{
    const int T = view->length;
    double to_start = 0, to_others = 0;
    int n = 0;
    for (int i = 0; i < T; i++) {
        const real *row = map + (size_t)i * T;
        const double other =
            i > 0 && view_sees(view, i, 0) && !view_row_is_empty(view, row) ? ordinary(view, row, i) : (double)NAN;
        if (isnan(other))
            continue;
        to_start += (double)row[0], to_others += other, n++;
    }
    return n ? log(fmax(to_start / n, least_attention) / fmax(to_others / n, least_attention)) / M_LN10 : (double)NAN;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state, (void)scratch;
    for (int l = 0; l < view->n_layers; l++) {
        int n = 0, n_idle = 0;
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h;
            const real *map = view_map(view, l, h);
            const double sink = view_mean_inflow(view, map, 0, FIRST_QUERY, -1, NULL);
            ret_columns[SELF_MASS][at] = self_mass(view, map);
            ret_columns[START_SPLIT][at] = start_split(view, map);
            ret_columns[START_SELECTIVITY][at] = start_selectivity(view, map);
            n += !isnan(sink), n_idle += sink > idle_from;
        }
        if (n > 0)
            ret_columns[IDLE_HEADS][l] = (double)n_idle / n;
    }
}

static const MetricColumn columns[] = {
    [SELF_MASS] = {.name = "self_mass",
                   .unit = "share of attention",
                   .level = LEVEL_HEAD,
                   .min = 0,
                   .max = 1,
                   .attention_only = 1,
                   .summary = "mean attention of a query to itself; queries that see nothing else are left out",
                   .source = "-",
                   .weakness = "does not see what a head does with its own value"},
    [START_SPLIT] = {.name = "start_split",
                     .unit = "share of both",
                     .level = LEVEL_HEAD,
                     .min = 0,
                     .max = 1,
                     .attention_only = 1,
                     .summary = "start_mass over start_mass + end_mass: 1 looks at the start alone, 0 at the end alone",
                     .source = "-",
                     .weakness = "a share of what may be little: read start_mass and end_mass beside it"},
    [START_SELECTIVITY] = {.name = "start_selectivity",
                           .unit = "decades",
                           .level = LEVEL_HEAD,
                           .min = -INFINITY,
                           .max = INFINITY,
                           .attention_only = 1,
                           .summary = "log10 of attention to position 0 over that to a key neither first nor near; "
                                      "1.48 is the 30-fold that names a BOS head",
                           .source = "Xu 2026, arXiv 2606.02378",
                           .weakness = "a head that spreads the rest thinly is selective with little attention; the "
                                       "paper also asks that no other class of heads fits better"},
    [IDLE_HEADS] = {.name = "idle_heads@0.5",
                    .unit = "share of heads",
                    .level = LEVEL_LAYER,
                    .min = 0,
                    .max = 1,
                    .attention_only = 1,
                    .summary = "share of the layer's heads with sink_mass > 0.5",
                    .source = "Guo et al. 2024, arXiv 2410.13835",
                    .weakness = "goes by attention alone: head_output_share says what idle heads still write"},
};

extern const MetricFamily family_habits;
const MetricFamily family_habits = {
    .variant = {.name = "habits", .summary = "attention to oneself, to the start, to either end", .source = "-"},
    .needs = NEEDS_MAPS,
    .is_by_query = 1,
    .cost = "O(L H T^2)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
};
