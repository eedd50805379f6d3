/* Softmax with one more logit, which is zero and stands for no key: a head may attend to nothing (Miller 2023,
 * "Attention Is Off By One", evanmiller.org; Kaul et al. 2024, arXiv 2410.17174). It is sink_logit with logits of 0.
 *
 *   p_j = exp s_j / (1 + sum_k exp s_k);   ds_j = p_j (dp_j - sum_k dp_k p_k)
 */
#include <math.h>

#include "model/score/score.h"

static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)state, (void)parameters, (void)layer, (void)head, (void)i;
    double most = 0;
    for (int j = 0; j < n; j++)
        most = fmax(most, scores[j]);
    double sum = exp(-most);
    for (int j = 0; j < n; j++) {
        ret_weights[j] = exp(scores[j] - most);
        sum += ret_weights[j];
    }
    for (int j = 0; j < n; j++)
        ret_weights[j] /= sum;
}

static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    (void)state, (void)row_state;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->softmax_extra_row(rows->width, 0, 1, s + (size_t)r * rows->ld);
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)state, (void)s, (void)row_state, (void)gradient;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->softmax_extra_row_backward(rows->width, 1, p + (size_t)r * rows->ld, dp + (size_t)r * rows->ld);
}

const Score score_softmax_one = {
    .variant = {.name = "softmax_one",
                .summary = "softmax with one more logit of zero, whose weight no key gets",
                .source = "Miller 2023, Attention Is Off By One; Kaul et al. 2024, arXiv 2410.17174"},
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
