/* Why the sink draws attention: its advantage in logits, and the angle of queries to its key.
 *
 *   logit_gap       = mean over i >= 2 of  s_i0 - mean_{j visible, j not in {0,i}} s_ij,  s the scores
 *                     that the score function gets, q.k/sqrt(D) + bias unless the model says otherwise (num/logit.h;
 *                     Guo et al. 2024, arXiv 2410.13835)
 *   query_key_angle = mean_i cos(q_i, k_0), after rotation (Gu et al. 2025, arXiv 2410.10781), beside the mean of
 *                     cos(q_i, k_j) over all visible pairs
 *
 * A mean of products with one query is a product with a mean: both take sums over keys, O(T D) and never O(T^2 D),
 * but for capped scores, of which each is made by itself.
 */
#include <math.h>
#include <string.h>

#include "geometry/anchor.h"
#include "geometry/metric.h"
#include "geometry/norms.h"

enum { GAP, GAP_NULL, ANGLE, ANGLE_MEAN };

/* One head, laid out so that every mean over keys is one product. */
typedef struct {
    const Kernels *kernels;
    const real *map;               /* (T,T), or NULL */
    double *q, *k;                 /* (T,D) */
    const double *q_norm, *k_norm; /* (T,), the View's or in */
    NormDesk q_norms, k_norms;
    double *sums;       /* (T+1,D) of keys 0..j-1, or of their directions */
    double *bias_sums;  /* (2T,) of the first entries of the bias table, or of each query's row of it */
    size_t bias_stride; /* from one query's to the next's */
    double *to_all;     /* (T,) sum of each query's logits over all keys that it sees */
    int *nonzero;       /* (T+1,) keys before j that are not zero */
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t T = (size_t)view->length, D = (size_t)view->d_head;
    Desk desk = {.kernels = view->kernels};
    desk.q = ARENA_ARRAY(arena, double, T *D);
    desk.k = ARENA_ARRAY(arena, double, T *D);
    desk.q_norms.norms = ARENA_ARRAY(arena, double, T);
    desk.k_norms.norms = ARENA_ARRAY(arena, double, T);
    desk.sums = ARENA_ARRAY(arena, double, (T + 1) * D);
    desk.bias_sums = ARENA_ARRAY(arena, double, 2 * T * (view->bias_by_query ? T : 1));
    desk.to_all = ARENA_ARRAY(arena, double, T);
    desk.bias_stride = view->bias_by_query ? 2 * T : 0;
    desk.nonzero = ARENA_ARRAY(arena, int, T + 1);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static void take_head(const View *view, int layer, int head, Desk *desk)
{
    const int T = view->length, D = view->d_head;
    desk->map = view->maps ? view_map(view, layer, head) : NULL;
    desk->kernels->widen((size_t)T * D, view_rows(view, view->q, layer, head), desk->q);
    desk->kernels->widen((size_t)T * D, view_rows(view, view->k, layer, head), desk->k);
    desk->q_norm = norms_of(view, NORMS_OF_Q, layer, head, &desk->q_norms);
    desk->k_norm = norms_of(view, NORMS_OF_K, layer, head, &desk->k_norms);
    desk->nonzero[0] = 0;
    for (int t = 0; t < T; t++)
        desk->nonzero[t + 1] = desk->nonzero[t] + (desk->k_norm[t] > 0);
    for (int i = 0; i < (view->bias_by_query ? T : 1); i++) {
        const real *bias = view_bias(view, layer, head, i) ? view_bias(view, layer, head, i) - (T - 1) - i : NULL;
        double *sums = desk->bias_sums + (size_t)i * desk->bias_stride;
        sums[0] = 0;
        for (int d = 0; d < 2 * T - 1; d++)
            sums[d + 1] = sums[d] + (bias ? bias[d] : 0);
    }
}

/* Of keys, or of their directions (a zero key adds nothing). */
static void sum_keys(const View *view, int of_directions, Desk *desk)
{
    const int D = view->d_head;
    const double *k = desk->k;
    double *sums = desk->sums;
    memset(sums, 0, (size_t)D * sizeof *sums);
    for (int j = 0; j < view->length; j++, k += D, sums += D) {
        const double norm = of_directions ? desk->k_norm[j] : 1, scale = norm > 0 ? 1 / norm : 0;
        for (int d = 0; d < D; d++)
            sums[D + d] = sums[d] + k[d] * scale;
    }
}

/* A query that attends to nothing leaves every mean over queries; without maps none is known to. */
static int is_silent(const View *view, const Desk *desk, int i)
{
    return desk->map && view_row_is_empty(view, desk->map + (size_t)i * view->length);
}

/* Query i times the sum of what sums holds of its keys. */
static double times_sum(const View *view, const Desk *desk, int i)
{
    const int D = view->d_head;
    const double *q = desk->q + (size_t)i * D;
    double sum = 0;
    for (int r = 0; r < KEY_RANGES; r++) {
        const int first = view_keys(view, i)[r].first, end = view_keys(view, i)[r].end;
        if (first < end)
            sum += desk->kernels->dot(D, q, desk->sums + (size_t)end * D);
        if (first < end && first > 0)
            sum -= desk->kernels->dot(D, q, desk->sums + (size_t)first * D);
    }
    return sum;
}

/* Sum of the biases of query i towards keys [first, end). */
static double bias_sum(const View *view, const Desk *desk, int i, int first, int end)
{
    const double *sums = /* key j's entry ends at sums[-j] */
        desk->bias_sums + (size_t)i * desk->bias_stride + view->length + i;
    return sums[-first] - sums[-end];
}

/* The logit of query i for key j. */
static double logit(const View *view, const Desk *desk, int i, int j)
{
    const int D = view->d_head;
    return logit_of(&view->logit, desk->kernels->dot(D, desk->q + (size_t)i * D, desk->k + (size_t)j * D),
                    bias_sum(view, desk, i, j, j + 1));
}

/* Sum of the logits of query i over all keys that it sees. */
static double logit_sum(const View *view, const Desk *desk, int i)
{
    const KeyRange *keys = view_keys(view, i);
    const Logit *made = &view->logit;
    double sum = made->softcap > 0 ? 0 : times_sum(view, desk, i) / (made->divisor * made->temperature);
    for (int r = 0; r < KEY_RANGES; r++) {
        if (made->softcap == 0)
            sum += bias_sum(view, desk, i, keys[r].first, keys[r].end) / made->temperature;
        for (int j = keys[r].first; made->softcap > 0 && j < keys[r].end; j++)
            sum += logit(view, desk, i, j);
    }
    return sum;
}

/* The advantage of key p over the other keys that a query sees, mean over queries i >= 2 that see p. */
static double logit_gap(const View *view, const Desk *desk, int p)
{
    double gap = 0;
    int n = 0;
    for (int i = 2; i < view->length; i++) {
        const int sees_itself = view_sees(view, i, i);
        const int others = keys_count(&view->visible->keys[i]) - 1 - sees_itself; /* without p and i itself */
        if (i == p || !view_sees(view, i, p) || others < 1 || is_silent(view, desk, i))
            continue;
        const double to_p = logit(view, desk, i, p), to_self = sees_itself ? logit(view, desk, i, i) : 0;
        gap += to_p - (desk->to_all[i] - to_p - to_self) / others;
        n++;
    }
    return n ? gap / n : (double)NAN;
}

/* mean_i cos(q_i, k_0), and over all visible pairs; zero vectors have no direction and leave the means. */
static double query_key_angle(const View *view, const Desk *desk, double *ret_mean)
{
    double first_sum = 0, sum = 0, n_pairs = 0;
    int n_first = 0;
    for (int i = 0; i < view->length; i++) {
        const double norm = desk->q_norm[i];
        const KeyRange *keys = view_keys(view, i);
        if (!(norm > 0))
            continue;
        sum += times_sum(view, desk, i) / norm;
        for (int r = 0; r < KEY_RANGES; r++)
            n_pairs += desk->nonzero[keys[r].end] - desk->nonzero[keys[r].first];
        if (view_sees(view, i, 0) && desk->nonzero[1] && !is_silent(view, desk, i)) {
            const double *q = desk->q + (size_t)i * view->d_head;
            first_sum += desk->kernels->dot(view->d_head, q, desk->sums + view->d_head) / norm;
            n_first++;
        }
    }
    *ret_mean = n_pairs > 0 ? sum / n_pairs : (double)NAN;
    return n_first ? first_sum / n_first : (double)NAN;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h, other = anchor_null_position(view, l, h, 0);
            take_head(view, l, h, &desk);
            sum_keys(view, 0, &desk);
            for (int i = 2; i < view->length; i++)
                desk.to_all[i] = logit_sum(view, &desk, i);
            ret_columns[GAP][at] = logit_gap(view, &desk, 0);
            if (other >= 0)
                ret_columns[GAP_NULL][at] = logit_gap(view, &desk, other);
            sum_keys(view, 1, &desk);
            ret_columns[ANGLE][at] = query_key_angle(view, &desk, &ret_columns[ANGLE_MEAN][at]);
        }
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
                  .summary = "logit_gap of another key, drawn per sequence and head: the null of logit_gap",
                  .source = "-",
                  .weakness = "one draw per sequence: noisy in small measuring sets"},
    [ANGLE] = {.name = "query_key_angle",
               .unit = "cosine",
               .level = LEVEL_HEAD,
               .min = -1,
               .max = 1,
               .direction = DIRECTION_RISES,
               .summary = "mean cosine of queries with key 0, after rotation",
               .source = GU,
               .weakness = "blind to norms and to any bias; read it against query_key_angle_mean"},
    [ANGLE_MEAN] = {.name = "query_key_angle_mean",
                    .unit = "cosine",
                    .level = LEVEL_HEAD,
                    .min = -1,
                    .max = 1,
                    .summary = "mean cosine over all visible pairs of query and key",
                    .source = GU,
                    .weakness = "includes key 0"},
};

const MetricFamily family_logit = {
    .variant = {.name = "logit",
                .summary = "the first key's advantage before the softmax",
                .source = "Guo et al. 2024, arXiv 2410.13835"},
    .needs = NEEDS_QKV,
    .cost = "O(L H T (T + D)); with model.score.softcap O(L H T^2 D)",
    .sequences = 16,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
