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
#include "num/kernels.h"

enum { QUERY, QUERY_START, KEY, KEY_START, VALUE, VALUE_START, VALUE_REST, OUT_START, OUT_REST, KEY_PEAK, KEY_PEAK_AT };

typedef struct {
    real *matmul, *written; /* MATMUL_SCRATCH; (T,C) v W */
    double *norms;          /* (T,) */
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    Desk desk;
    desk.matmul = ARENA_ARRAY(arena, real, MATMUL_SCRATCH);
    desk.written = ARENA_ARRAY(arena, real, (size_t)view->length * view->d_model);
    desk.norms = ARENA_ARRAY(arena, double, view->length);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
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

/* Position 0's norm beside the mean of the others', which a sequence of one token has not. */
static void split_norms(int length, const double *norms, double *ret_start, double *ret_rest)
{
    double sum = 0;
    for (int t = 1; t < length; t++)
        sum += norms[t];
    *ret_start = norms[0];
    if (length > 1)
        *ret_rest = sum / (length - 1);
}

static void measure_values(const View *view, int layer, int head, const Desk *desk, double *const *ret_columns)
{
    const int T = view->length, D = view->d_head, C = view->d_model, at = layer * view->n_heads + head;
    const real *v = view_rows(view, view->v, layer, head);
    const real *weight = view->output_weight[layer] + (size_t)head * D * C;
    row_norms(view->kernels, T, D, v, desk->norms);
    split_norms(T, desk->norms, &ret_columns[VALUE_START][at], &ret_columns[VALUE_REST][at]);
    view->kernels->matmul(MATMUL_NN, T, C, D, 1, v, D, weight, C, 0, desk->written, C, desk->matmul);
    row_norms(view->kernels, T, C, desk->written, desk->norms);
    split_norms(T, desk->norms, &ret_columns[OUT_START][at], &ret_columns[OUT_REST][at]);
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const Desk desk = lay_desk(view, scratch);
    const struct {
        const real *rows;
        int mean, start;
    } kinds[] = {{view->q, QUERY, QUERY_START}, {view->k, KEY, KEY_START}, {view->v, VALUE, VALUE_START}};
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h;
            for (int k = 0; k < 3; k++)
                measure_norms(view, view_rows(view, kinds[k].rows, l, h), desk.norms, &ret_columns[kinds[k].mean][at],
                              &ret_columns[kinds[k].start][at]);
            measure_values(view, l, h, &desk, ret_columns);
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
