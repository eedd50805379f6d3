/* Why the sink draws attention: its advantage in logits, and the angle of queries to its key.
 *
 *   logit_gap       = mean over i >= 2 of  s_i0 - mean_{j visible, j not in {0,i}} s_ij,  s = q.k/sqrt(D) + bias
 *                     (Guo et al. 2024, arXiv 2410.13835)
 *   query_key_angle = mean_i cos(q_i, k_0), after rotation (Gu et al. 2025, arXiv 2410.10781), beside the mean of
 *                     cos(q_i, k_j) over all visible pairs
 *
 * A mean of products with one query is a product with a mean: both take sums over keys, O(T D) and never O(T^2 D).
 */
#include <math.h>
#include <string.h>

#include "geometry/metric.h"

enum { GAP, GAP_NULL, ANGLE, ANGLE_MEAN };

/* Four partial sums, as in vector_norm. */
static double dot(int n, const real *x, const double *y)
{
    double sums[4] = {0};
    int i = 0;
    for (; i + 4 <= n; i += 4)
        for (int s = 0; s < 4; s++)
            sums[s] += x[i + s] * y[i + s];
    for (; i < n; i++)
        sums[0] += x[i] * y[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* prefix (T+1,D): row j is the sum of keys 0..j-1, each over its norm if `of_directions` (a zero key adds nothing). */
static void key_prefix(const View *view, const real *k, int of_directions, double *prefix)
{
    const int D = view->d_head;
    memset(prefix, 0, (size_t)D * sizeof *prefix);
    for (int j = 0; j < view->length; j++, k += D, prefix += D) {
        const double length = of_directions ? vector_norm(D, k) : 1, scale = length > 0 ? 1 / length : 0;
        for (int d = 0; d < D; d++)
            prefix[D + d] = prefix[d] + k[d] * scale;
    }
}

/* A query that attends to nothing leaves every mean over queries; without maps none is known to. */
static int is_silent(const View *view, const real *map, int i)
{
    return map && view_row_is_empty(view, map + (size_t)i * view->length);
}

/* The advantage of key p over the other keys that a query sees, mean over queries i >= 2 that see p. `bias`: the head's
 * (2T-1,), or NULL. `mean`: (D,) doubles: k_p less the mean of the others. */
static double logit_gap(const View *view, const real *map, const real *q, const real *k, const real *bias, int p,
                        const double *prefix, double *mean)
{
    const int T = view->length, D = view->d_head;
    const real *k_p = k + (size_t)p * D;
    double gap = 0;
    int n = 0;
    for (int i = 2; i < T; i++) {
        const real *own = k + (size_t)i * D, *b = bias ? bias + T - 1 + i : NULL; /* b[-j] is the bias at i - j */
        int first, end;
        view_visible(view, i, &first, &end);
        const int others = end - first - 2; /* without p and i itself, which are two of [first, end) */
        if (i == p || p < first || p >= end || others < 1 || is_silent(view, map, i))
            continue;
        const double share = 1.0 / others;
        double bias_sum = 0;
        for (int j = first; j < end && b; j++)
            bias_sum += j == i || j == p ? 0 : b[-j];
        for (int d = 0; d < D; d++)
            mean[d] = k_p[d] - (prefix[end * D + d] - prefix[first * D + d] - k_p[d] - own[d]) * share;
        gap += dot(D, q + (size_t)i * D, mean) / sqrt(D) + (b ? b[-p] : 0) - bias_sum * share;
        n++;
    }
    return n ? gap / n : NAN;
}

/* mean_i cos(q_i, k_0), and over all visible pairs; zero vectors have no direction and leave the means. */
static double query_key_angle(const View *view, const real *map, const real *q, const double *prefix,
                              const int *nonzero, double *ret_mean)
{
    const int T = view->length, D = view->d_head;
    double first_sum = 0, sum = 0, n_pairs = 0;
    int n_first = 0;
    for (int i = 0; i < T; i++, q += D) {
        const double length = vector_norm(D, q);
        int first, end;
        view_visible(view, i, &first, &end);
        if (!(length > 0))
            continue;
        sum += (dot(D, q, prefix + (size_t)end * D) - dot(D, q, prefix + (size_t)first * D)) / length;
        n_pairs += nonzero[end] - nonzero[first];
        if (first == 0 && nonzero[1] && !is_silent(view, map, i)) {
            first_sum += dot(D, q, prefix + D) / length;
            n_first++;
        }
    }
    *ret_mean = n_pairs > 0 ? sum / n_pairs : NAN;
    return n_first ? first_sum / n_first : NAN;
}

static void measure(const View *view, double *const *ret_columns, void *scratch)
{
    const int T = view->length, D = view->d_head;
    double *prefix = scratch, *mean = prefix + (size_t)(T + 1) * D;
    int *nonzero = (int *)(mean + D); /* (T+1,): keys before j that are not zero */
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h;
            const real *q = view_rows(view, view->q, l, h), *k = view_rows(view, view->k, l, h);
            const real *map = view->maps ? view_map(view, l, h) : NULL;
            const real *bias = view->bias ? view->bias + (size_t)at * (2 * T - 1) : NULL;
            key_prefix(view, k, 0, prefix);
            const int other = view_null_position(view, l, h, 0);
            ret_columns[GAP][at] = logit_gap(view, map, q, k, bias, 0, prefix, mean);
            if (other >= 0)
                ret_columns[GAP_NULL][at] = logit_gap(view, map, q, k, bias, other, prefix, mean);
            nonzero[0] = 0;
            for (int j = 0; j < T; j++)
                nonzero[j + 1] = nonzero[j] + (vector_norm(D, k + (size_t)j * D) > 0);
            key_prefix(view, k, 1, prefix);
            ret_columns[ANGLE][at] = query_key_angle(view, map, q, prefix, nonzero, &ret_columns[ANGLE_MEAN][at]);
        }
}

static size_t scratch_bytes(const View *view)
{
    const size_t T = (size_t)view->length, D = (size_t)view->d_head;
    return (T + 2) * D * sizeof(double) + (T + 1) * sizeof(int);
}

#define GU "Gu et al. 2025, arXiv 2410.10781"

static const MetricColumn columns[] = {
    [GAP] = {.name = "logit_gap",
             .unit = "nats",
             .level = LEVEL_HEAD,
             .min = -INFINITY,
             .max = INFINITY,
             .direction = DIRECTION_RISES,
             .threshold = 3, /* e^3 = 20 times the odds of an average key: half of a row of 20 */
             .ratio = 3,
             .summary = "logit of key 0 less the mean logit of the other keys, over queries i >= 2",
             .source = "Guo et al. 2024, arXiv 2410.13835",
             .weakness = "a mean of logits: one strong rival key hardly moves it"},
    [GAP_NULL] = {.name = "logit_gap_null",
                  .unit = "nats",
                  .level = LEVEL_HEAD,
                  .min = -INFINITY,
                  .max = INFINITY,
                  .direction = DIRECTION_NONE,
                  .threshold = NAN,
                  .ratio = 1,
                  .summary = "logit_gap of another key, drawn per sequence and head: the null of logit_gap",
                  .source = "-",
                  .weakness = "one draw per sequence: noisy in small measuring sets"},
    [ANGLE] = {.name = "query_key_angle",
               .unit = "cosine",
               .level = LEVEL_HEAD,
               .min = -1,
               .max = 1,
               .direction = DIRECTION_RISES,
               .threshold = NAN,
               .ratio = 1,
               .summary = "mean cosine of queries with key 0, after rotation",
               .source = GU,
               .weakness = "blind to norms and to any bias; read it against query_key_angle_mean"},
    [ANGLE_MEAN] = {.name = "query_key_angle_mean",
                    .unit = "cosine",
                    .level = LEVEL_HEAD,
                    .min = -1,
                    .max = 1,
                    .direction = DIRECTION_NONE,
                    .threshold = NAN,
                    .ratio = 1,
                    .summary = "mean cosine over all visible pairs of query and key",
                    .source = GU,
                    .weakness = "includes key 0"},
};

const MetricFamily family_logit = {
    .name = "logit",
    .summary = "the first key's advantage before the softmax",
    .source = "Guo et al. 2024, arXiv 2410.13835",
    .needs = NEEDS_QKV,
    .cost = "O(L H T (T + D))",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .scratch_bytes = scratch_bytes,
};
