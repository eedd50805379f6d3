/* ReLU of each score by itself, over a number of keys (Wortsman et al. 2023, arXiv 2309.08586, who divide by the
 * sequence's length; arXiv 2603.11487, by the query's place), or over the row's sum.
 *
 *   r_j = max(s_j, 0), p_j = r_j / d;   ds_j = dp_j / d where s_j > 0, else 0
 *   position d = i + 1;  visible d = keys that query i sees, slots among them: without slots the same under a causal
 * mask; sum d = sum_k r_k, where ds_j = (dp_j - sum_k dp_k p_k) / d; of 0 / 0 it makes 0
 *
 * A row may be all zeros: its query attends to nothing.
 */
#include "model/score/score.h"

typedef enum { BY_POSITION, BY_VISIBLE, BY_SUM } Divide;

typedef struct {
    Divide divide;
} Relu;

static const char *const divide_names[] = {
    [BY_POSITION] = "position", [BY_VISIBLE] = "visible", [BY_SUM] = "sum", NULL};

static const SchemaRow params[] = {
    {"divide", VALUE_CHOICE, "position", 0, 0, divide_names,
     "by the query's place from 1 on, by how many keys it sees (the same under a causal mask), or by the row's sum",
     FIELD(Relu, divide)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.score", ROWS(params), sizeof(Relu));
    return STATUS_OK;
}

/* Of query i, which sees n keys, slots among them; 0 stands for the row's sum. */
static int divisor(const Relu *relu, int i, int n)
{
    return relu->divide == BY_POSITION ? i + 1 : relu->divide == BY_VISIBLE ? n : 0;
}

static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)parameters, (void)layer, (void)head;
    double by = divisor(state, i, n), sum = 0;
    for (int j = 0; j < n; j++) {
        ret_weights[j] = scores[j] > 0 ? scores[j] : 0;
        sum += ret_weights[j];
    }
    by = by > 0 ? by : sum > 0 ? sum : 1;
    for (int j = 0; j < n; j++)
        ret_weights[j] /= by;
}

/* row_state: what the row was divided by. */
static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    for (int r = 0; r < rows->n_rows; r++) {
        const int by = divisor(state, rows->row + r, rows->n_slots + keys_count(&rows->keys[r]));
        row_state[r] = rows->kernels->relu_row(rows->width, (real)by, s + (size_t)r * rows->ld);
    }
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)s, (void)gradient;
    const int is_normalised = ((const Relu *)state)->divide == BY_SUM;
    for (int r = 0; r < rows->n_rows; r++)
        rows->kernels->relu_row_backward(rows->width, is_normalised, row_state[r], p + (size_t)r * rows->ld,
                                         dp + (size_t)r * rows->ld);
}

const Score score_relu = {
    .variant = {.name = "relu",
                .summary = "ReLU of each score by itself, over a number of keys or the row's sum; a row may be empty",
                .source = "Wortsman et al. 2023, arXiv 2309.08586",
                PARAMS(params)},
    .prepare = prepare,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
