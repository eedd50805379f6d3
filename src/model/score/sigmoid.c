/* A sigmoid of each score by itself, after Ramapuram et al. 2024 (arXiv 2409.04431, section 3), or over the row's sum.
 *
 *   y_j = 1 / (1 + exp -(s_j + b));   raw p = y, ds_j = p_j (1 - y_j) dp_j;
 *   normalised p_j = y_j / sum_k y_k, ds_j = p_j (1 - y_j) (dp_j - sum_k dp_k p_k)
 *
 * Their b is -ln n of the sequence's length n, with which even attention begins with a total of one; that is the
 * default. Under a causal mask early queries then begin with less, as they see fewer keys: `visible` takes those.
 */
#include <math.h>

#include "model/score/score.h"

typedef enum { FROM_LENGTH, FROM_VISIBLE, FROM_NOTHING } BiasFrom;

typedef struct {
    BiasFrom bias_from;
    int is_normalised;
    double bias, of_length; /* what is added; -ln of the context length */
} Sigmoid;

static const char *const bias_names[] = {
    [FROM_LENGTH] = "length", [FROM_VISIBLE] = "visible", [FROM_NOTHING] = "none", NULL};

static const SchemaRow params[] = {
    {"bias_from", VALUE_CHOICE, "length", 0, 0, bias_names,
     "the bias of all scores: -ln of the context length, or of the keys that a query sees, or none",
     FIELD(Sigmoid, bias_from)},
    {"bias", VALUE_NUMBER, "0", -100, 100, NULL, "added to that bias", FIELD(Sigmoid, bias)},
    {"normalised", VALUE_BOOL, "false", 0, 0, NULL, "weights are divided by their sum, and so sum to one",
     FIELD(Sigmoid, is_normalised)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    Sigmoid *sigmoid = settings_read_new(arena, model->settings, "model.score", ROWS(params), sizeof(Sigmoid));
    sigmoid->of_length = -log((double)model->context_length);
    *ret_state = sigmoid;
    return STATUS_OK;
}

/* Of a query that sees n keys, slots among them. */
static double bias_of(const Sigmoid *sigmoid, int n)
{
    return sigmoid->bias + (sigmoid->bias_from == FROM_LENGTH    ? sigmoid->of_length
                            : sigmoid->bias_from == FROM_VISIBLE ? -log((double)n)
                                                                 : 0);
}

static int sums_to_one(const void *state)
{
    return ((const Sigmoid *)state)->is_normalised;
}

/* With all arguments below 0 over the exponential of the largest, or small ones had no sum to divide by. */
static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)parameters, (void)layer, (void)head, (void)i;
    const Sigmoid *sigmoid = state;
    const double bias = bias_of(sigmoid, n);
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        most = fmax(most, scores[j] + bias);
    const double shift = sigmoid->is_normalised ? fmin(most, 0) : 0;
    for (int j = 0; j < n; j++) {
        const double z = scores[j] + bias;
        ret_weights[j] = shift < 0 ? exp(z - shift) / (1 + exp(z)) : 1 / (1 + exp(-z));
        sum += ret_weights[j];
    }
    for (int j = 0; j < n && sigmoid->is_normalised; j++)
        ret_weights[j] /= sum;
}

/* row_state: the row's sum. */
static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    const Sigmoid *sigmoid = state;
    for (int r = 0; r < rows->n_rows; r++) {
        const double bias = bias_of(sigmoid, rows->n_slots + keys_count(&rows->keys[r]));
        row_state[r] =
            rows->kernels->sigmoid_row(rows->width, (real)bias, sigmoid->is_normalised, s + (size_t)r * rows->ld);
    }
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)s, (void)gradient;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->sigmoid_row_backward(rows->width, sums_to_one(state), row_state[r], p + (size_t)r * rows->ld,
                                            dp + (size_t)r * rows->ld);
}

const Score score_sigmoid = {
    .variant = {.name = "sigmoid",
                .summary = "a sigmoid of each score by itself, with a bias; raw, or divided by the row's sum",
                .source = "Ramapuram et al. 2024, arXiv 2409.04431, section 3",
                PARAMS(params)},
    .prepare = prepare,
    .rows_sum_to_one = sums_to_one,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
