/* Template of a score function; the tests compile it and hold it to everything that a registered one must pass. As an
 * example, a sigmoid of each score by itself, over a fixed number of keys, with a learned offset for each head: a head
 * may attend to nothing (after Ramapuram et al. 2024, arXiv 2409.04431, section 3, whose offset is fixed).
 *
 *   p_j = sigmoid(s_j - b_h) / n,   sigmoid(z) = 1 / (1 + exp -z);   ds_j = dp_j n p_j (1/n - p_j);   db_h = -sum ds
 *
 * Of the C library's inexact functions use none but exp, exp2, log, pow, sin and cos: the record of a machine tries
 * those (tests/layout).
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/score' in src/meson.build, and a row to README.md.
 */
#include <math.h>

#include "model/score/score.h"

/* 2. What prepare reads and builds; constant afterwards, since many threads read it. */
typedef struct {
    double n_keys, offset;
    const size_t *offsets; /* (L) where each layer's tensor (1,H) lies in the parameter block */
} Template;

/* 3. Keys below model.score that are valid with this kind: key, type, default, range, choices, help, and the member
 * that holds the value. */
static const SchemaRow params[] = {
    {"n_keys", VALUE_NUMBER, "4", 1, 16384, NULL, "every weight is divided by it", FIELD(Template, n_keys)},
    {"offset", VALUE_NUMBER, "0", -100, 100, NULL, "of the scores of each head at step 0; learned from then on",
     FIELD(Template, offset)},
};

/* 4. Read them, check them against the sizes (settings_error names the place), declare what you learn, here
 * one tensor a layer: a name, group, shape, an initial std or constant, whether it decays. Leave prepare out if you
 * need none of it. */
static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)err;
    Template *template = settings_read_new(arena, model->settings, "model.score", ROWS(params), sizeof(Template));
    const Tensor offsets = {.name = "attention.score_offset",
                            .group = TENSOR_ATTENTION,
                            .rows = 1,
                            .cols = model->n_heads,
                            .initial_value = template->offset};
    template->offsets = parameters_add_to_layers(arena, parameters, model->n_layers, offsets);
    *ret_state = template;
    return STATUS_OK;
}

/* 5. The definition: one row, in double. What training runs is held to it, and it makes the position-only baseline. */
static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)i;
    const Template *template = state;
    const double offset = parameters[template->offsets[layer] + (size_t)head];
    for (int j = 0; j < n; j++)
        ret_weights[j] = 1 / (1 + exp(offset - scores[j])) / template->n_keys;
}

/* 6. In place over whole rows; num's kernels for rows are in rows->kernels, what each query sees in rows->keys. Hidden
 * keys hold -INFINITY and must become exactly 0. row_state keeps one number a row for backward; leave it alone if you
 * need none. */
static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    const Template *template = state;
    const double offset = rows->parameters[template->offsets[rows->layer] + (size_t)rows->head];
    (void)row_state;
    for (int r = 0; r < rows->n_rows; r++)
        for (int c = 0; c < rows->width; c++) {
            real *at = &s[(size_t)r * rows->ld + c];
            *at = (real)(1 / (1 + exp(offset - (double)*at)) / template->n_keys);
        }
}

/* 7. From p as forward left it and dp, in place, to ds; 0 for hidden keys, where dp is any finite number. The gradients
 * of what you learn are added. If you need the scores, too, set keeps_scores: s is NULL without. */
static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    const Template *template = state;
    (void)s, (void)row_state;
    double sum = 0;
    for (int r = 0; r < rows->n_rows; r++)
        for (int c = 0; c < rows->width; c++) {
            const size_t at = (size_t)r * rows->ld + c;
            const double sigmoid = template->n_keys * (double)p[at];
            dp[at] = (real)((double)dp[at] * (double)p[at] * (1 - sigmoid));
            sum += (double)dp[at];
        }
    gradient[template->offsets[rows->layer] + (size_t)rows->head] -= (real)sum;
}

/* 8. The strategy itself: the list in meson.build finds it as score_NAME. Say .rows_sum_to_one where weights do. */
extern const Score score_template;
const Score score_template = {
    .variant = {.name = "template",
                .summary = "a sigmoid of each score by itself, with a learned offset a head; rows sum to anything",
                .source = "after Ramapuram et al. 2024, arXiv 2409.04431, section 3",
                PARAMS(params)},
    .prepare = prepare,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
