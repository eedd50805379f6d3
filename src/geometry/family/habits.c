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

#include "base/order.h"
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

/* Heads whose sums are taken side by side: in one order each, and none waits for another. */
enum { ABREAST = 4 };

/* Adds up what row i of ABREAST maps gives to keys that the query sees, are not the first, and do not lie near; returns
 * how many these are. */
static int add_ordinary(const View *view, int i, const real *const *rows, double sums[ABREAST])
{
    const KeyRange *keys = view_keys(view, i);
    int n = 0;
    for (int r = 0; r < KEY_RANGES; r++) {
        const KeyRange parts[] = {{larger(keys[r].first, 1), smaller(keys[r].end, i - NEAR)},
                                  {larger(larger(keys[r].first, 1), i + NEAR + 1), keys[r].end}};
        for (int p = 0; p < 2; p++)
            for (int j = parts[p].first; j < parts[p].end; j++, n++)
                for (int a = 0; a < ABREAST; a++)
                    sums[a] += (double)rows[a][j];
    }
    return n;
}

/* Of up to ABREAST heads of a layer, from `first` on. */
static void start_selectivity(const View *view, int layer, int first, double *ret_values)
{
    const int T = view->length, n_heads = smaller(view->n_heads - first, ABREAST);
    double to_start[ABREAST] = {0}, to_others[ABREAST] = {0};
    int n[ABREAST] = {0};
    for (int i = 1; i < T; i++) {
        const real *rows[ABREAST];
        double sums[ABREAST] = {0};
        for (int a = 0; a < ABREAST; a++) /* in the place of a head that is not there the last one */
            rows[a] = view_map(view, layer, first + smaller(a, n_heads - 1)) + (size_t)i * T;
        const int n_keys = view_sees(view, i, 0) ? add_ordinary(view, i, rows, sums) : 0;
        for (int a = 0; a < n_heads && n_keys > 0; a++) {
            const double other = sums[a] / n_keys;
            if (isnan(other) || view_row_is_empty(view, rows[a]))
                continue;
            to_start[a] += (double)rows[a][0], to_others[a] += other, n[a]++;
        }
    }
    for (int a = 0; a < n_heads; a++)
        if (n[a] > 0)
            ret_values[a] =
                log(fmax(to_start[a] / n[a], least_attention) / fmax(to_others[a] / n[a], least_attention)) / M_LN10;
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
            if (h % ABREAST == 0)
                start_selectivity(view, l, h, &ret_columns[START_SELECTIVITY][at]);
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
