/* Softpick, a rectified softmax (Zuhri et al. 2025, arXiv 2504.20966): no sink is needed, as scores below 0 have no
 * weight, and yet a gradient.
 *
 *   p_j = max(exp s_j - 1, 0) / z,   z = sum_k |exp s_k - 1| + 1e-6;
 *   ds_j = exp(s_j) / z (dp_j [s_j > 0] - sign(s_j) sum_k dp_k p_k)
 *
 * with numerator and z times exp(-max(0, s)), so that nothing overflows. A row of which no score is above 0 is empty.
 */
#include <math.h>

#include "model/score/score.h"

static const double epsilon = 1e-6;

static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)state, (void)parameters, (void)layer, (void)head, (void)i;
    double most = 0;
    for (int j = 0; j < n; j++)
        most = fmax(most, scores[j]);
    double sum = epsilon * exp(-most);
    for (int j = 0; j < n; j++) {
        const double risen = exp(scores[j] - most) - exp(-most);
        ret_weights[j] = fmax(risen, 0);
        sum += fabs(risen);
    }
    for (int j = 0; j < n; j++)
        ret_weights[j] /= sum;
}

/* row_state: z times exp(-max(0, s)). */
static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    (void)state;
    for (int r = 0; r < rows->n_rows; r++)
        row_state[r] = rows->kernels->softpick_row(rows->width, (real)epsilon, s + (size_t)r * rows->ld);
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)state, (void)gradient;
    for (int r = 0; r < rows->n_rows; r++) {
        const size_t row = (size_t)r * rows->ld;
        rows->kernels->softpick_row_backward(rows->width, row_state[r], s + row, p + row, dp + row);
    }
}

const Score score_softpick = {
    .variant = {.name = "softpick",
                .summary = "a softmax of exp(s) - 1, rectified above and of absolute values below; a row may be empty",
                .source = "Zuhri et al. 2025, arXiv 2504.20966"},
    .keeps_scores = 1,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
