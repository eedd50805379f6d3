/* How long queries, keys and values are, apart from where they point.
 *
 *   query_norm = mean_t ||q_t||, query_norm_start = ||q_0||; likewise of keys and values, as attention uses them (after
 *   norms and rotation);   value_norm_rest = mean_{t>0} ||v_t||;   value_out_norm_start, value_out_norm_rest: the last
 * two of v W, W the head's slice of W_O;   key_peak = max_{t,d} |k_td|, key_peak_at = its t, the first on ties
 *
 * value_drain is value_norm_start over value_norm_rest, and value_drain_out the like of v W: a ratio falls because the
 * first fell or because the others grew, and these say which. Largest components of keys come before the sink in some
 * models, and mark the channel that it lives in.
 */
#include <math.h>

#include "geometry/metric.h"
#include "geometry/norms.h"

enum { QUERY, QUERY_START, KEY, KEY_START, VALUE, VALUE_START, VALUE_REST, OUT_START, OUT_REST, KEY_PEAK, KEY_PEAK_AT };

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    norm_desk(view, scratch);
}

static double mean_of(int n, const double *norms)
{
    double sum = 0;
    for (int t = 0; t < n; t++)
        sum += norms[t];
    return sum / n;
}

/* The mean norm of the others than position 0, which a sequence of one token has not. */
static double mean_of_rest(int n, const double *norms)
{
    return n > 1 ? mean_of(n - 1, norms + 1) : (double)NAN;
}

static void measure_peak(const View *view, const real *keys, double *ret_peak, double *ret_place)
{
    const size_t D = (size_t)view->d_head;
    const real most = view->kernels->largest_magnitude((size_t)view->length * D, keys);
    int at = 0;
    if (isnan(most))
        return;
    while (view->kernels->largest_magnitude(D, keys + (size_t)at * D) != most)
        at++;
    *ret_peak = (double)most, *ret_place = at;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length;
    const NormDesk desk = norm_desk(view, scratch);
    static const struct {
        NormsOf kind;
        int mean, start, rest; /* columns; -1: there is none */
    } kinds[] = {{NORMS_OF_Q, QUERY, QUERY_START, -1},
                 {NORMS_OF_K, KEY, KEY_START, -1},
                 {NORMS_OF_V, VALUE, VALUE_START, VALUE_REST},
                 {NORMS_OF_WRITTEN, -1, OUT_START, OUT_REST}};
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h;
            for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
                const double *norms = norms_of(view, kinds[k].kind, l, h, &desk);
                ret_columns[kinds[k].start][at] = norms[0];
                if (kinds[k].mean >= 0)
                    ret_columns[kinds[k].mean][at] = mean_of(T, norms);
                if (kinds[k].rest >= 0)
                    ret_columns[kinds[k].rest][at] = mean_of_rest(T, norms);
            }
            measure_peak(view, view_rows(view, view->k, l, h), &ret_columns[KEY_PEAK][at],
                         &ret_columns[KEY_PEAK_AT][at]);
        }
}

#define NORM(what, of)                                                                                                 \
    .name = what, .unit = "norm", .level = LEVEL_HEAD, .min = 0, .max = INFINITY, .summary = of, .source = "-"

static const MetricColumn columns[] = {
    [QUERY] = {NORM("query_norm", "mean norm of a query"), .weakness = "blind to direction"},
    [QUERY_START] = {NORM("query_norm_start", "norm of position 0's query"), .weakness = "blind to direction"},
    [KEY] = {NORM("key_norm", "mean norm of a key"), .weakness = "blind to direction"},
    [KEY_START] = {NORM("key_norm_start", "norm of position 0's key"), .weakness = "blind to direction"},
    [VALUE] = {NORM("value_norm", "mean norm of a value"),
               .weakness = "a small value may still be turned into a large output"},
    [VALUE_START] = {NORM("value_norm_start", "norm of position 0's value: what value_drain has above its line"),
                     .weakness = "a small value may still be turned into a large output"},
    [VALUE_REST] = {NORM("value_norm_rest", "mean norm of the other values: what value_drain has below its line"),
                    .weakness = "a small value may still be turned into a large output"},
    [OUT_START] = {NORM("value_out_norm_start", "norm of position 0's value after the head's slice of the output "
                                                "projection: value_drain_out's upper part"),
                   .weakness = "what a token could write: attention decides how much of it is written"},
    [OUT_REST] = {NORM("value_out_norm_rest", "mean of the other values' norms after the head's slice of the output "
                                              "projection: value_drain_out's lower part"),
                  .weakness = "what a token could write: attention decides how much of it is written"},
    [KEY_PEAK] = {NORM("key_peak", "largest component of a key, by absolute value"),
                  .weakness = "a maximum over T D numbers; rotation moves it between two channels"},
    [KEY_PEAK_AT] = {.name = "key_peak_at",
                     .unit = "position",
                     .level = LEVEL_HEAD,
                     .min = 0,
                     .max = INFINITY,
                     .summary = "position of key_peak, the first on ties",
                     .source = "-",
                     .weakness = "its mean over sequences is a place only where its spread is near 0"},
};

extern const MetricFamily family_norms;
const MetricFamily family_norms = {
    .variant = {.name = "norms", .summary = "how long queries, keys and values are", .source = "-"},
    .needs = NEEDS_QKV | NEEDS_WEIGHTS,
    .cost = "O(L H T D C)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
