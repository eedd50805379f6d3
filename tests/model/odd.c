/* Variants that nobody would ship, for what a variant may do and none does yet: see odd.h. */
#include "odd.h"

#include <math.h>

/* ---- a mask ------------------------------------------------------------------------------------------------------ */

/* Of blocks of 32 keys, the second is seen by nobody. Queries of even blocks see some of the first and, in turn, some
 * of the third or of the fifth: a third span of keys, joined to the second. Queries of odd blocks see some of the
 * fourth alone, so that the third is met by blocks of queries that are no neighbours. */
static void visible(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state;
    const int block = i / 32 % 2 ? 3 : i % 2 ? 2 : 4, at = 32 * block + i % 7;
    if (block != 3)
        ret_keys->range[1] = (KeyRange){i % 5, 9 + i % 11};
    if (at < length)
        ret_keys->range[0] = (KeyRange){at, at + 5 < length ? at + 5 : length};
    else if (block == 3)
        ret_keys->range[0] = (KeyRange){0, 1};
}

const Mask mask_odd = {
    .variant = {.name = "odd", .summary = "two ranges, of which many keys are in none", .source = "-"},
    .visible = visible,
};

/* Right for long sequences: in those below 20 the last query sees a key too many. */
static void visible_if_long(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state;
    ret_keys->range[0] = (KeyRange){0, i + 1 + (length < 20 && i == length - 1)};
}

const Mask mask_broken = {
    .variant = {.name = "broken", .summary = "right at most lengths", .source = "-"},
    .visible = visible_if_long,
};

/* ---- a position encoding ----------------------------------------------------------------------------------------- */

typedef struct {
    int n_heads, d_model;
    const size_t *numbers; /* (L) offsets of tensors (2,H): the root of a slope, and a turn */
} Odd;

enum { SLOPE, TURN };

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)err;
    const Tensor tensor = {
        .name = "attention.odd", .group = TENSOR_ATTENTION, .rows = 2, .cols = model->n_heads, .initial_value = 0.3};
    const size_t *numbers = parameters_add_to_layers(arena, parameters, model->n_layers, tensor);
    Odd *odd = ARENA_ARRAY(arena, Odd, 1);
    *odd = (Odd){model->n_heads, model->d_model, numbers};
    *ret_state = odd;
    return STATUS_OK;
}

static size_t number(const Odd *odd, int which, int layer, int head)
{
    return odd->numbers[layer] + (size_t)(which * odd->n_heads + head);
}

/* Every channel of x_t grows by w^2 sin t, w the first layer's first slope. */
static void embed_forward(const void *state, const real *parameters, int length, real *x)
{
    const Odd *odd = state;
    const double w = (double)parameters[number(odd, SLOPE, 0, 0)];
    for (int t = 0; t < length; t++)
        for (int c = 0; c < odd->d_model; c++)
            x[(size_t)t * odd->d_model + c] += (real)(w * w * sin(t));
}

static void embed_backward(const void *state, const real *parameters, int length, const real *dx, real *gradient)
{
    const Odd *odd = state;
    const double w = (double)parameters[number(odd, SLOPE, 0, 0)];
    for (int t = 0; t < length; t++)
        for (int c = 0; c < odd->d_model; c++)
            gradient[number(odd, SLOPE, 0, 0)] += (real)(2 * w * sin(t) * (double)dx[(size_t)t * odd->d_model + c]);
}

/* The first two channels of a head turn by t times an angle of its own, which is learned. */
static void turn(double angle, real *x)
{
    const double a = (double)x[0], b = (double)x[1];
    x[0] = (real)(a * cos(angle) - b * sin(angle));
    x[1] = (real)(b * cos(angle) + a * sin(angle));
}

static void rotate_forward(const void *state, const real *parameters, const HeadRows *rows, real *x)
{
    const double angle = (double)parameters[number(state, TURN, rows->layer, rows->head)];
    for (int t = 0; t < rows->length; t++)
        turn(t * angle, x + (size_t)t * rows->ld);
}

/* d x0 / d angle = -t x1, d x1 / d angle = t x0, with x as forward left it. */
static void rotate_backward(const void *state, const real *parameters, const HeadRows *rows, const real *x, real *dx,
                            real *gradient)
{
    const size_t at = number(state, TURN, rows->layer, rows->head);
    const double angle = (double)parameters[at];
    for (int t = 0; t < rows->length; t++, x += rows->ld, dx += rows->ld) {
        gradient[at] += (real)(t * ((double)dx[1] * (double)x[0] - (double)dx[0] * (double)x[1]));
        turn(-t * angle, dx);
    }
}

/* b_ij = w^2 (i-j) / (i+1): its own for every query, and not linear in w. */
static void bias_forward(const void *state, const real *parameters, int layer, int length, real *ret_table)
{
    const Odd *odd = state;
    for (int h = 0; h < odd->n_heads; h++) {
        const double w = (double)parameters[number(odd, SLOPE, layer, h)];
        for (int i = 0; i < length; i++)
            for (int d = 1 - length; d < length; d++)
                *ret_table++ = (real)(w * w * d / (i + 1));
    }
}

static void bias_backward(const void *state, const real *parameters, int layer, int length, const real *dtable,
                          real *gradient)
{
    const Odd *odd = state;
    for (int h = 0; h < odd->n_heads; h++) {
        const size_t at = number(odd, SLOPE, layer, h);
        for (int i = 0; i < length; i++)
            for (int d = 1 - length; d < length; d++)
                gradient[at] += (real)(2 * (double)parameters[at] * d / (i + 1) * (double)*dtable++);
    }
}

const Position position_odd = {
    .variant = {.name = "odd", .summary = "learns in all three places, and biases by query", .source = "-"},
    .prepare = prepare,
    .embed_forward = embed_forward,
    .embed_backward = embed_backward,
    .rotate_forward = rotate_forward,
    .rotate_backward = rotate_backward,
    .bias_by_query = 1,
    .bias_forward = bias_forward,
    .bias_backward = bias_backward,
};

/* ---- a score function -------------------------------------------------------------------------------------------- */

/* p_j = s_j^2 / (n + sum s^2) over n visible keys and slots: of p alone the sign of s is not known.
 * ds_j = 2 s_j (dp_j - sum dp p) / (n + sum s^2) */
static void weights(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights)
{
    (void)state, (void)parameters, (void)layer, (void)head, (void)i;
    double sum = n;
    for (int j = 0; j < n; j++)
        sum += scores[j] * scores[j];
    for (int j = 0; j < n; j++)
        ret_weights[j] = scores[j] * scores[j] / sum;
}

static void forward(const void *state, const ScoreRows *rows, real *s, real *row_state)
{
    (void)state;
    for (int r = 0; r < rows->n_rows; r++, s += rows->ld) {
        double sum = keys_count(&rows->keys[r]) + rows->n_slots;
        for (int j = 0; j < rows->width; j++)
            sum += isinf(s[j]) ? 0 : (double)s[j] * (double)s[j];
        row_state[r] = (real)sum;
        for (int j = 0; j < rows->width; j++)
            s[j] = isinf(s[j]) ? 0 : (real)((double)s[j] * (double)s[j] / sum);
    }
}

static void backward(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient)
{
    (void)state, (void)gradient;
    for (int r = 0; r < rows->n_rows; r++, s += rows->ld, p += rows->ld, dp += rows->ld) {
        double mean = 0;
        for (int j = 0; j < rows->width; j++)
            mean += isinf(s[j]) ? 0 : (double)dp[j] * (double)p[j];
        for (int j = 0; j < rows->width; j++)
            dp[j] = isinf(s[j]) ? 0 : (real)(2 * (double)s[j] * ((double)dp[j] - mean) / (double)row_state[r]);
    }
}

const Score score_odd = {
    .variant = {.name = "odd",
                .summary = "squares, of which backward wants the roots, over how many there are",
                .source = "-"},
    .keeps_scores = 1,
    .weights = weights,
    .forward = forward,
    .backward = backward,
};
