/* Importance of the first token, and the sink rate (Gu et al., ICLR 2025, arXiv 2410.10781, section 3.1).
 *
 *   alpha_k = mean of A_ik over the queries that see k, 1/(T-k) sum_{i>=k} A_ik under a causal mask;
 *   Sink_k^eps = share with alpha_k > eps
 *
 * Uniform attention alone gives alpha_0 = H_T/T under a causal mask (H the harmonic number): 0.127 at T = 32, 0.074 at
 * 64. Where eps is below twice that floor, a head may pass it without any sink and the rate is not available.
 */
#include <math.h>

#include "geometry/anchor.h"
#include "geometry/metric.h"

enum { ALPHA, RATE_FIRST, N_RATES = 5, ALPHA_NULL = RATE_FIRST + N_RATES };

static const double epsilons[N_RATES] = {0.1, 0.2, 0.3, 0.5, 0.8};

static double alpha(const View *view, const real *map, int k)
{
    return view_mean_inflow(view, map, k, 0, -1, NULL);
}

/* alpha_0 of uniform attention under the mask. */
static double floor_of(const View *view)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < view->length; i++)
        if (view_sees(view, i, 0)) {
            sum += 1.0 / keys_count(&view->visible->keys[i]);
            n++;
        }
    return sum / n;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state, (void)scratch;
    const double floor = floor_of(view);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h, other = anchor_null_position(view, l, h, 0);
            const real *map = view_map(view, l, h);
            const double alpha_0 = alpha(view, map, 0);
            ret_columns[ALPHA][at] = alpha_0;
            for (int e = 0; e < N_RATES; e++)
                if (!isnan(alpha_0) &&
                    epsilons[e] >= 2 * floor * (1 - 1e-12)) /* a tie is available: a sum of roundings may exceed it */
                    ret_columns[RATE_FIRST + e][at] = alpha_0 > epsilons[e];
            if (other > 0)
                ret_columns[ALPHA_NULL][at] = alpha(view, map, other);
        }
}

#define GU "Gu et al. 2025, arXiv 2410.10781"

/* Emergence of a rate: more often than not, in this head or over all heads. Its uniform baseline is 0
 * by construction. */
#define RATE(epsilon)                                                                                                  \
    {                                                                                                                  \
        .name = "sink_rate@" epsilon, .unit = "share", .level = LEVEL_HEAD, .min = 0, .max = 1,                        \
        .direction = DIRECTION_RISES, .threshold = 0.5, .ratio = 3, .attention_only = 1,                               \
        .summary = "share of sequences with alpha above " epsilon ", not available below twice the uniform floor",     \
        .source = GU, .weakness = "jumps where alpha crosses the line; sees position 0 only",                          \
    }

static const MetricColumn columns[] = {
    [ALPHA] = {.name = "alpha",
               .unit = "share of attention",
               .level = LEVEL_HEAD,
               .min = 0,
               .max = 1,
               .direction = DIRECTION_RISES,
               .threshold = 0.3, /* the headline eps of the source */
               .ratio = 3,
               .attention_only = 1,
               .summary = "importance of position 0: mean of A_i0 over all queries",
               .source = GU,
               .weakness = "counts position 0's own query and the first few, which have little else to see: its floor "
                           "is H_T/T"},
    [RATE_FIRST + 0] = RATE("0.1"),
    [RATE_FIRST + 1] = RATE("0.2"),
    [RATE_FIRST + 2] = RATE("0.3"),
    [RATE_FIRST + 3] = RATE("0.5"),
    [RATE_FIRST + 4] = RATE("0.8"),
    [ALPHA_NULL] = {.name = "alpha_null",
                    .unit = "share of attention",
                    .level = LEVEL_HEAD,
                    .min = 0,
                    .max = 1,
                    .attention_only = 1,
                    .summary = "alpha of another position, drawn per sequence and head: the null of alpha",
                    .source = "-",
                    .weakness = "one draw per sequence: noisy in small measuring sets"},
};

const MetricFamily family_importance = {
    .variant = {.name = "importance",
                .summary = "how much attention the first token draws, and how often it counts as a sink",
                .source = GU},
    .needs = NEEDS_MAPS,
    .is_by_query = 1,
    .cost = "O(L H T)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
};
