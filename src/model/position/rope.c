/* Rotary positions (Su et al. 2021, arXiv 2104.09864): q_t and k_t are turned by angles proportional to t, pair by
 * pair, so that their product depends on the distance alone.
 *
 *   (x_i, x_{i+D/2}) <- (x_i cos a - x_{i+D/2} sin a, x_{i+D/2} cos a + x_i sin a),  a = t theta^(-2i/D), i < D/2
 *
 * Pairs are (i, i + D/2), as in GPT-NeoX, not neighbours as in the paper; a permutation of channels tells them apart.
 * A rotation's backward is the rotation by the opposite angle.
 */
#include <math.h>

#include "model/position/position.h"

typedef struct {
    int half;              /* D/2 */
    const real *cos, *sin; /* (T, D/2) */
} Rope;

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters;
    const int T = model->context_length, D = model->d_head;
    const double theta = settings_number(model->settings, "model.position.theta");
    if (D % 2 != 0)
        return settings_error(model->settings, "model.d_head", err, "%d is odd; rope turns pairs of channels", D);
    size_t n = (size_t)T * (size_t)(D / 2);
    real *cosines = ARENA_ARRAY(arena, real, n), *sines = ARENA_ARRAY(arena, real, n);
    for (int t = 0; t < T; t++)
        for (int i = 0; i < D / 2; i++) {
            double angle = t * pow(theta, -2.0 * i / D);
            cosines[t * (D / 2) + i] = (real)cos(angle);
            sines[t * (D / 2) + i] = (real)sin(angle);
        }
    Rope *rope = ARENA_ARRAY(arena, Rope, 1);
    *rope = (Rope){D / 2, cosines, sines};
    *ret_state = rope;
    return STATUS_OK;
}

/* Turns by the angles times sign. */
static void rotate(const Rope *rope, int length, int ld, real sign, real *x)
{
    const int half = rope->half;
    for (int t = 0; t < length; t++) {
        const real *restrict c = rope->cos + (size_t)t * half, *restrict s = rope->sin + (size_t)t * half;
        real *restrict low = x + (size_t)t * ld, *restrict high = low + half;
        for (int i = 0; i < half; i++) {
            real a = low[i], b = high[i], sine = sign * s[i];
            low[i] = a * c[i] - b * sine;
            high[i] = b * c[i] + a * sine;
        }
    }
}

static void rotate_forward(const void *state, int length, int ld, real *x)
{
    rotate(state, length, ld, 1, x);
}

static void rotate_backward(const void *state, int length, int ld, real *dx)
{
    rotate(state, length, ld, -1, dx);
}

static const SchemaRow params[] = {
    {"theta", VALUE_NUMBER, "10000", 1, 1e9, NULL, "base of the angles' wavelengths"},
};

const Position position_rope = {
    .name = "rope",
    .summary = "queries and keys turned by angles proportional to their position",
    .source = "Su et al. 2021, arXiv 2104.09864",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .prepare = prepare,
    .rotate_forward = rotate_forward,
    .rotate_backward = rotate_backward,
};
