/* The largest logit of a head, and which key has it: what grows without bound where softmax saturates.
 *
 *   logit_max = max over visible (i, j) of s_ij, logit_max_key = its j, the first on ties;   s as in `logit`
 */
#include <math.h>
#include <string.h>

#include "geometry/metric.h"

enum { MAX, MAX_KEY };

typedef struct {
    int ld;
    double *q, *k; /* (D,), (D,ld) by channel */
    double *row;   /* (ld,) products of a query */
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t D = (size_t)view->d_head, ld = (size_t)view->length + DOTS_UNIT;
    return (Desk){(int)ld, ARENA_ARRAY(arena, double, D), ARENA_ARRAY(arena, double, D *ld),
                  ARENA_ARRAY(arena, double, ld)};
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

/* The keys (T,D) by channel; behind them zeros. */
static void take_keys(const View *view, const real *k, const Desk *desk)
{
    for (int d = 0; d < view->d_head; d++) {
        double *column = desk->k + (size_t)d * desk->ld;
        for (int t = 0; t < view->length; t++)
            column[t] = (double)k[(size_t)t * view->d_head + d];
        memset(column + view->length, 0, (size_t)(desk->ld - view->length) * sizeof *column);
    }
}

/* The largest so far, whose key; whether a logit was not a number. */
typedef struct {
    double most;
    int at, has_nan;
} Peak;

static void look_at(const View *view, const KeyRange *keys, const double *products, const real *bias, Peak *peak)
{
    for (int j = keys->first; j < keys->end; j++) {
        const double s = logit_of(&view->logit, products[j - keys->first], bias ? (double)bias[-j] : 0);
        peak->has_nan |= isnan(s);
        if (s > peak->most || (s == peak->most && j < peak->at))
            peak->most = s, peak->at = j;
    }
}

/* The largest bias of a query towards keys; no number where one is none. */
static double largest_bias(const KeyRange *keys, const real *bias)
{
    real most = -(real)INFINITY;
    if (!bias)
        return 0;
    for (int j = keys->first; j < keys->end; j++) {
        if (isnan(bias[-j]))
            return (double)NAN;
        most = bias[-j] > most ? bias[-j] : most;
    }
    return (double)most;
}

/* A logit grows with the product and with the bias, rounding included: where the largest of both give less than the
 * largest so far, no key of the row is it. A cap's exp, the C library's, need not grow to the last bit. */
static void measure_head(const View *view, int layer, int head, const Desk *desk, double *ret_max, double *ret_key)
{
    const int T = view->length, D = view->d_head;
    const real *q = view_rows(view, view->q, layer, head);
    const int is_bounded = view->logit.softcap == 0;
    Peak peak = {-(double)INFINITY, -1, 0};
    take_keys(view, view_rows(view, view->k, layer, head), desk);
    for (int i = 0; i < T; i++) {
        const real *bias = view_bias(view, layer, head, i);
        const KeyRange *keys = view_keys(view, i);
        view->kernels->widen((size_t)D, q + (size_t)i * D, desk->q);
        for (int r = 0; r < KEY_RANGES; r++) {
            const double largest = view->kernels->dots(keys[r].end - keys[r].first, D, desk->q, desk->ld,
                                                       desk->k + keys[r].first, desk->row);
            if (!is_bounded || !(logit_of(&view->logit, largest, largest_bias(&keys[r], bias)) < peak.most))
                look_at(view, &keys[r], desk->row, bias, &peak);
        }
    }
    if (peak.at >= 0 && !peak.has_nan)
        *ret_max = peak.most, *ret_key = peak.at;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h;
            measure_head(view, l, h, &desk, &ret_columns[MAX][at], &ret_columns[MAX_KEY][at]);
        }
}

static const MetricColumn columns[] = {
    [MAX] = {.name = "logit_max",
             .unit = "nats",
             .level = LEVEL_HEAD,
             .min = -INFINITY,
             .max = INFINITY,
             .summary = "largest logit of a query for a key that it sees",
             .source = "Dehghani et al. 2023, arXiv 2302.05442, section 2",
             .weakness = "a maximum over T^2 numbers; softmax is blind to what a row has in common"},
    [MAX_KEY] = {.name = "logit_max_key",
                 .unit = "position",
                 .level = LEVEL_HEAD,
                 .min = 0,
                 .max = INFINITY,
                 .summary = "position of the key of logit_max, the first on ties",
                 .source = "-",
                 .weakness = "its mean over sequences is a place only where its spread is near 0"},
};

extern const MetricFamily family_peak;
const MetricFamily family_peak = {
    .variant = {.name = "peak",
                .summary = "the largest logit of a head, and whose it is",
                .source = "Dehghani et al. 2023, arXiv 2302.05442"},
    .needs = NEEDS_QKV,
    .cost = "O(L H T^2 D)",
    .every = 8,
    .sequences = 8,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
