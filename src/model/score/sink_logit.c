/* Softmax with one more logit a layer and head, which is learned and stands for no key (gpt-oss: OpenAI 2025, arXiv
 * 2508.10925).
 *
 *   p_j = exp s_j / (exp b_h + sum_k exp s_k);   ds_j = p_j (dp_j - sum_k dp_k p_k);   db_h = -p_b sum_k dp_k p_k
 *
 * with p_b the weight of the logit itself.
 */
#include <math.h>

#include "model/score/score.h"

typedef struct {
    double initial;
    const size_t *logits; /* (L) where each layer's tensor (1,H) lies */
} SinkLogit;

static const SchemaRow params[] = {
    {"initial", VALUE_NUMBER, "0", -100, 100, NULL, "the logit of each layer and head at step 0; learned from then on",
     FIELD(SinkLogit, initial)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)err;
    SinkLogit *sink = settings_read_new(arena, model->settings, "model.score", ROWS(params), sizeof(SinkLogit));
    const Tensor logits = {.name = "attention.sink_logit",
                           .group = TENSOR_ATTENTION,
                           .rows = 1,
                           .cols = model->n_heads,
                           .initial_value = sink->initial};
    sink->logits = parameters_add_to_layers(arena, parameters, model->n_layers, logits);
    *ret_state = sink;
    return STATUS_OK;
}

static size_t place_of(const SinkLogit *sink, int layer, int head)
{
    return sink->logits[layer] + (size_t)head;
}

static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)i;
    const double logit = (double)parameters[place_of(state, layer, head)];
    double most = logit;
    for (int j = 0; j < n; j++)
        most = fmax(most, scores[j]);
    double sum = exp(logit - most);
    for (int j = 0; j < n; j++) {
        ret_weights[j] = exp(scores[j] - most);
        sum += ret_weights[j];
    }
    for (int j = 0; j < n; j++)
        ret_weights[j] /= sum;
}

static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    const real logit = rows->parameters[place_of(state, rows->layer, rows->head)];
    for (int r = 0; r < rows->n_rows; r++)
        row_state[r] = rows->kernels->softmax_extra_row(rows->width, logit, 1, s + (size_t)r * rows->ld);
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)s;
    double sum = 0;
    for (int r = 0; r < rows->n_rows; r++) {
        const size_t row = (size_t)r * rows->ld;
        sum +=
            (double)row_state[r] * (double)rows->kernels->softmax_extra_row_backward(rows->width, 1, p + row, dp + row);
    }
    gradient[place_of(state, rows->layer, rows->head)] -= (real)sum;
}

const Score score_sink_logit = {
    .variant = {.name = "sink_logit",
                .summary = "softmax with one more logit, learned per layer and head, whose weight no key gets",
                .source = "OpenAI 2025 (gpt-oss), arXiv 2508.10925",
                PARAMS(params)},
    .prepare = prepare,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
