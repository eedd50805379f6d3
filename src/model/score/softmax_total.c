/* Softmax scaled to a total: rows sum to it, more or less than one (Gu et al. 2025, arXiv 2410.10781, who
 * vary the scale of the normalisation).
 *
 *   p_j = c exp s_j / sum_k exp s_k;   ds_j = p_j (dp_j - sum_k dp_k p_k / c)
 */
#include <math.h>

#include "model/score/score.h"

typedef struct {
    double total; /* c */
} SoftmaxTotal;

static const SchemaRow params[] = {
    {"total", VALUE_NUMBER, "0.5", 1e-3, 1000, NULL, "what the weights of each query sum to",
     FIELD(SoftmaxTotal, total)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.score", ROWS(params), sizeof(SoftmaxTotal));
    return STATUS_OK;
}

static int sums_to_one(const void *state)
{
    return ((const SoftmaxTotal *)state)->total == 1;
}

static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)parameters, (void)layer, (void)head, (void)i;
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        most = fmax(most, scores[j]);
    for (int j = 0; j < n; j++) {
        ret_weights[j] = exp(scores[j] - most);
        sum += ret_weights[j];
    }
    for (int j = 0; j < n; j++)
        ret_weights[j] *= ((const SoftmaxTotal *)state)->total / sum;
}

static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    (void)row_state;
    const real total = (real)((const SoftmaxTotal *)state)->total;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->softmax_extra_row(rows->width, -(real)INFINITY, total, s + (size_t)r * rows->ld);
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)s, (void)row_state, (void)gradient;
    const real total = (real)((const SoftmaxTotal *)state)->total;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->softmax_extra_row_backward(rows->width, total, p + (size_t)r * rows->ld,
                                                  dp + (size_t)r * rows->ld);
}

const Score score_softmax_total = {
    .variant = {.name = "softmax_total",
                .summary = "softmax scaled, so that rows sum to a total of one's choice",
                .source = "Gu et al. 2025, arXiv 2410.10781",
                PARAMS(params)},
    .prepare = prepare,
    .rows_sum_to_one = sums_to_one,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
