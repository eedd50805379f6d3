/* The largest logit of a head, and which key has it: what grows without bound where softmax saturates.
 *
 *   logit_max = max over visible (i, j) of s_ij, logit_max_key = its j, the first on ties;   s as in `logit`
 */
#include <math.h>

#include "geometry/metric.h"

enum { MAX, MAX_KEY };

typedef struct {
    double *q, *k; /* (D,), (T,D) */
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t T = (size_t)view->length, D = (size_t)view->d_head;
    return (Desk){ARENA_ARRAY(arena, double, D), ARENA_ARRAY(arena, double, T *D)};
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static void measure_head(const View *view, int layer, int head, const Desk *desk, double *ret_max, double *ret_key)
{
    const int T = view->length, D = view->d_head;
    const real *q = view_rows(view, view->q, layer, head);
    double most = -INFINITY;
    int at = -1, has_nan = 0;
    widen(T * D, view_rows(view, view->k, layer, head), desk->k);
    for (int i = 0; i < T; i++) {
        const real *bias = view_bias(view, layer, head, i);
        const KeyRange *keys = view_keys(view, i);
        widen(D, q + (size_t)i * D, desk->q);
        for (int r = 0; r < KEY_RANGES; r++)
            for (int j = keys[r].first; j < keys[r].end; j++) {
                const double qk = view->kernels->dot(D, desk->q, desk->k + (size_t)j * D);
                const double s = logit_of(&view->logit, qk, bias ? (double)bias[-j] : 0);
                has_nan |= isnan(s);
                if (s > most || (s == most && j < at))
                    most = s, at = j;
            }
    }
    if (at >= 0 && !has_nan)
        *ret_max = most, *ret_key = at;
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
