/* Softmax stretched and clipped, so that weights may be exactly 0 or 1 (Bondarenko et al. 2023, arXiv 2306.12929,
 * section 4.1).
 *
 *   q = softmax(s), z_j = (zeta - gamma) q_j + gamma, p_j = min(max(z_j, 0), 1);
 *   ds_j = q_j (d_j - sum_k d_k q_k),   d_j = (zeta - gamma) dp_j where 0 <= z_j <= 1, else 0
 *
 * A row whose weights are all clipped to 0 has no gradient: under even attention that is where it sees more than
 * 1 - zeta / gamma keys.
 */
#include <math.h>

#include "model/score/score.h"

typedef struct {
    double gamma, zeta;
} ClippedSoftmax;

static const SchemaRow params[] = {
    {"gamma", VALUE_NUMBER, "-0.03", -100, 0, NULL, "what a weight of 0 is stretched to, before it is clipped",
     FIELD(ClippedSoftmax, gamma)},
    {"zeta", VALUE_NUMBER, "1", 1, 100, NULL, "what a weight of 1 is stretched to, before it is clipped",
     FIELD(ClippedSoftmax, zeta)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.score", ROWS(params), sizeof(ClippedSoftmax));
    return STATUS_OK;
}

static int sums_to_one(const void *state)
{
    const ClippedSoftmax *clipped = state;
    return clipped->gamma == 0 && clipped->zeta == 1;
}

static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)parameters, (void)layer, (void)head, (void)i;
    const ClippedSoftmax *clipped = state;
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        most = fmax(most, scores[j]);
    for (int j = 0; j < n; j++) {
        ret_weights[j] = exp(scores[j] - most);
        sum += ret_weights[j];
    }
    for (int j = 0; j < n; j++)
        ret_weights[j] = fmin(fmax((clipped->zeta - clipped->gamma) * ret_weights[j] / sum + clipped->gamma, 0), 1);
}

/* row_state: what makes weights of the exponentials. */
static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    const ClippedSoftmax *clipped = state;
    for (int r = 0; r < rows->n_rows; r++)
        row_state[r] = rows->kernels->clipped_softmax_row(rows->width, (real)clipped->gamma, (real)clipped->zeta,
                                                          s + (size_t)r * rows->ld);
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)p, (void)gradient;
    const ClippedSoftmax *clipped = state;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->clipped_softmax_row_backward(rows->width, (real)clipped->gamma, (real)clipped->zeta,
                                                    row_state[r], s + (size_t)r * rows->ld, dp + (size_t)r * rows->ld);
}

const Score score_clipped_softmax = {
    .variant = {.name = "clipped_softmax",
                .summary = "softmax stretched from [0, 1] to [gamma, zeta] and clipped again; weights may be exactly 0",
                .source = "Bondarenko et al. 2023, arXiv 2306.12929, section 4.1",
                PARAMS(params)},
    .prepare = prepare,
    .rows_sum_to_one = sums_to_one,
    .keeps_scores = 1,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
