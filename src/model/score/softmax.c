/* Softmax over the visible keys (Vaswani et al. 2017, equation 1): rows sum to one.
 *
 *   p_j = exp(s_j - log sum_k exp s_k);   ds_j = p_j (dp_j - sum_k dp_k p_k)
 */
#include <math.h>

#include "model/score/score.h"

static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)state, (void)parameters, (void)layer, (void)head, (void)i;
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        most = fmax(most, scores[j]);
    for (int j = 0; j < n; j++) {
        ret_weights[j] = exp(scores[j] - most);
        sum += ret_weights[j];
    }
    const double scale = 1 / sum;
    for (int j = 0; j < n; j++)
        ret_weights[j] *= scale;
}

static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    (void)state, (void)row_state;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->softmax_row(rows->width, s + (size_t)r * rows->ld, NULL);
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)state, (void)s, (void)row_state, (void)gradient;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->softmax_row_backward(rows->width, p + (size_t)r * rows->ld, dp + (size_t)r * rows->ld);
}

const Score score_softmax = {
    .variant = {.name = "softmax",
                .summary = "exponentials over their sum; rows sum to one",
                .source = "Vaswani et al. 2017, arXiv 1706.03762, equation 1"},
    .rows_sum_to_one = rows_always_sum_to_one,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
