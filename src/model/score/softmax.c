/* Softmax over the visible keys (Vaswani et al. 2017, equation 1): rows sum to one.
 *
 *   p_j = exp(s_j - log sum_k exp s_k);   ds_j = p_j (dp_j - sum_k dp_k p_k)
 */
#include "model/score/score.h"

static void forward(const Kernels *kernels, int n_rows, int width, int ld, real *s, real *row_state)
{
    (void)row_state;
    for (int r = 0; r < n_rows; r++)
        kernels->softmax_row(width, s + (size_t)r * ld, NULL);
}

static void backward(const Kernels *kernels, int n_rows, int width, int ld, const real *p, const real *row_state,
                     real *dp)
{
    (void)row_state;
    for (int r = 0; r < n_rows; r++)
        kernels->softmax_row_backward(width, p + (size_t)r * ld, dp + (size_t)r * ld);
}

const Score score_softmax = {
    .variant = {.name = "softmax",
                .summary = "exponentials over their sum; rows sum to one",
                .source = "Vaswani et al. 2017, arXiv 1706.03762, equation 1"},
    .rows_sum_to_one = 1,
    .forward = forward,
    .backward = backward,
};
