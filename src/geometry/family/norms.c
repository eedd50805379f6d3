/* How long queries, keys and values are, apart from where they point.
 *
 *   query_norm = mean_t ||q_t||, query_norm_start = ||q_0||; likewise of keys and values, as attention uses them (after
 *   norms and rotation);   key_peak = max_{t,d} |k_td|, key_peak_at = its t, the first on ties
 *
 * value_drain is a ratio: these say whether the first value fell or the others grew. Largest components of keys come
 * before the sink in some models, and mark the channel that it lives in.
 */
#include <math.h>

#include "geometry/metric.h"

enum { QUERY, QUERY_START, KEY, KEY_START, VALUE, VALUE_START, KEY_PEAK, KEY_PEAK_AT };

static double *lay_norms(const View *view, Arena *arena)
{
    return ARENA_ARRAY(arena, double, view->length);
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_norms(view, scratch);
}

static void measure_norms(const View *view, const real *rows, double *norms, double *ret_mean, double *ret_start)
{
    double sum = 0;
    row_norms(view->kernels, view->length, view->d_head, rows, norms);
    for (int t = 0; t < view->length; t++)
        sum += norms[t];
    *ret_mean = sum / view->length, *ret_start = norms[0];
}

static void measure_peak(const View *view, const real *keys, double *ret_peak, double *ret_place)
{
    int at = 0, has_nan = 0;
    for (int i = 0; i < view->length * view->d_head; i++) {
        at = fabs((double)keys[i]) > fabs((double)keys[at]) ? i : at;
        has_nan |= isnan((double)keys[i]);
    }
    if (!has_nan)
        *ret_peak = fabs((double)keys[at]), *ret_place = at / view->d_head;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    double *norms = lay_norms(view, scratch);
    const struct {
        const real *rows;
        int mean, start;
    } kinds[] = {{view->q, QUERY, QUERY_START}, {view->k, KEY, KEY_START}, {view->v, VALUE, VALUE_START}};
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h;
            for (int k = 0; k < 3; k++)
                measure_norms(view, view_rows(view, kinds[k].rows, l, h), norms, &ret_columns[kinds[k].mean][at],
                              &ret_columns[kinds[k].start][at]);
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
    .needs = NEEDS_QKV,
    .cost = "O(L H T D)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
