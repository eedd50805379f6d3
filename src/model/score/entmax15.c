/* 1.5-entmax, between softmax and its sparse cousin sparsemax (Peters, Niculae & Martins 2019, arXiv 1905.05702,
 * section 3.1 and appendix B.2 for the gradient): rows sum to one, and far scores have no weight at all.
 *
 *   p_j = max(s_j / 2 - t, 0)^2 with t so that sum_k p_k = 1;   g_j = sqrt p_j;
 *   ds_j = g_j (dp_j - sum_k g_k dp_k / sum_k g_k)
 *
 * Newton's method finds t, which needs no sorting: the sum is convex in t and falls, so that from max(s) / 2 - 1 on,
 * where it is at least one, steps only rise; the last is the one that rounding swallows.
 */
#include <math.h>

#include "model/score/score.h"

static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)state, (void)parameters, (void)layer, (void)head, (void)i;
    double most = -INFINITY, threshold = -1, before = -INFINITY;
    for (int j = 0; j < n; j++)
        most = fmax(most, scores[j]);
    while (threshold > before) {
        double sum = 0, squares = 0;
        for (int j = 0; j < n; j++) {
            const double above = fmax((scores[j] - most) / 2 - threshold, 0);
            sum += above;
            squares += above * above;
        }
        before = threshold;
        threshold += (squares - 1) / (2 * sum);
    }
    for (int j = 0; j < n; j++) {
        const double above = fmax((scores[j] - most) / 2 - before, 0);
        ret_weights[j] = above * above;
    }
}

static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    (void)state, (void)row_state;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->entmax15_row(rows->width, s + (size_t)r * rows->ld);
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)state, (void)s, (void)row_state, (void)gradient;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->entmax15_row_backward(rows->width, p + (size_t)r * rows->ld, dp + (size_t)r * rows->ld);
}

const Score score_entmax15 = {
    .variant = {.name = "entmax15",
                .summary = "1.5-entmax, a sparse softmax: rows sum to one, and far scores have no weight at all",
                .source = "Peters et al. 2019, arXiv 1905.05702"},
    .rows_sum_to_one = rows_always_sum_to_one,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
