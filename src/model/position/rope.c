/* Rotary positions (Su et al. 2021, arXiv 2104.09864): q_t and k_t are turned by angles proportional to t, pair by
 * pair, so that their product depends on the distance alone.
 *
 *   (x_i, x_{i+R/2}) <- (x_i cos a - x_{i+R/2} sin a, x_{i+R/2} cos a + x_i sin a),  a = t w_i,  i < R/2
 *   w_i = theta^(-2i/R),   R = fraction D channels; the others stay as they are (Black et al. 2022, arXiv 2204.06745)
 *
 * Pairs are (i, i + R/2), as in GPT-NeoX, not neighbours as in the paper; a permutation of channels tells them apart.
 * A rotation's backward is the rotation by the opposite angle. The frequencies may be scaled, by a factor s >= 1 of
 * which 1 changes no bit:
 *
 *   linear   w_i / s: position interpolation (Chen et al. 2023, arXiv 2306.15595, section 2.3)
 *   ntk      theta s^(R/(R-2)) for theta: the slowest becomes w / s, the fastest stays 1 (Peng et al. 2023,
 *            arXiv 2309.00071, section 3.1)
 *   llama3   by the turns that a pair makes in original_length positions, n = w_i original_length / 2pi: w_i / s up to
 *            low_freq_factor, w_i from high_freq_factor on, linear in n between (the code released with
 *            Llama 3.1, whose numbers the defaults are; Dubey et al. 2024, arXiv 2407.21783)
 *
 * Every skip_every-th layer may go without: layers n - 1, 2n - 1, ... then have no encoding but the mask (Yang et al.
 * 2025, arXiv 2501.18795, and Llama 4 and SmolLM3, with n = 4).
 */
#include <math.h>

#include "model/position/position.h"

typedef struct {
    int half;              /* R/2 */
    int skip_every;        /* 0: no layer */
    const real *cos, *sin; /* (T, R/2) */
} Rope;

/* What the keys below model.position say. */
typedef struct {
    double theta, fraction, scaling_factor, original_length, low_freq_factor, high_freq_factor;
    int scaling; /* index of a choice */
    int width;   /* R */
    int skip_every;
} Angles;

/* ---- frequencies: radians per position of pair i ----------------------------------------------------------------- */

static double plain(const Angles *a, int i)
{
    return pow(a->theta, -2.0 * i / a->width);
}

static double linear(const Angles *a, int i)
{
    return plain(a, i) / a->scaling_factor;
}

static double ntk(const Angles *a, int i) /* R = 2: the only pair has frequency 1, whatever theta is */
{
    return pow(a->theta * pow(a->scaling_factor, a->width / (a->width - 2.0)), -2.0 * i / a->width);
}

static double llama3(const Angles *a, int i)
{
    const double fast = plain(a, i), slow = fast / a->scaling_factor, turns = fast * a->original_length / (2 * M_PI);
    if (turns >= a->high_freq_factor)
        return fast;
    if (turns <= a->low_freq_factor)
        return slow;
    return slow + (turns - a->low_freq_factor) / (a->high_freq_factor - a->low_freq_factor) * (fast - slow);
}

static const char *const scalings[] = {"none", "linear", "ntk", "llama3", NULL};
static double (*const frequencies[])(const Angles *, int) = {plain, linear, ntk, llama3};

/* ---- the encoding ------------------------------------------------------------------------------------------------ */

static const SchemaRow params[] = {
    {"theta", VALUE_NUMBER, "10000", 1, 1e9, NULL, "base of the angles' wavelengths", FIELD(Angles, theta)},
    {"fraction", VALUE_NUMBER, "1", 0, 1, NULL, "share of a head's channels that are turned; an even number of them",
     FIELD(Angles, fraction)},
    {"scaling", VALUE_CHOICE, "none", 0, 0, scalings,
     "of the frequencies: linear: divided by the factor; ntk: theta grows; llama3: only slow ones divided",
     FIELD(Angles, scaling)},
    {"scaling_factor", VALUE_NUMBER, "8", 1, 1e6, NULL, "with scaling: the slowest frequencies are divided by it",
     FIELD(Angles, scaling_factor)},
    {"original_length", VALUE_INT, "8192", 1, 1e9, NULL, "with scaling: llama3: positions in which turns are counted",
     FIELD(Angles, original_length)},
    {"low_freq_factor", VALUE_NUMBER, "1", 0, 1e6, NULL, "with scaling: llama3: divided up to so many turns",
     FIELD(Angles, low_freq_factor)},
    {"high_freq_factor", VALUE_NUMBER, "4", 0, 1e6, NULL, "with scaling: llama3: as they are from so many turns on",
     FIELD(Angles, high_freq_factor)},
    {"skip_every", VALUE_INT, "0", 0, 256, NULL, "every Nth layer turns nothing; 0: all turn",
     FIELD(Angles, skip_every)},
};

static int read_angles(const ModelSettings *model, Angles *ret_angles, Error *err)
{
    const Settings *settings = model->settings;
    Angles a = {0};
    settings_read_rows(settings, "model.position", ROWS(params), &a);
    const double width = a.fraction * model->d_head;
    a.width = (int)lround(width);
    if (a.fraction == 1 && a.width % 2 != 0)
        return settings_error(settings, "model.d_head", err, "%d is odd; rope turns pairs of channels", a.width);
    if (fabs(width - a.width) > 1e-6 || a.width % 2 != 0 || a.width == 0)
        return settings_error(settings, "model.position.fraction", err,
                              "%g of model.d_head %d is %g channels; rope turns pairs, so it must be an even number",
                              a.fraction, model->d_head, width);
    if (a.high_freq_factor <= a.low_freq_factor)
        return settings_error(settings, "model.position.high_freq_factor", err,
                              "%g must be above model.position.low_freq_factor %g", a.high_freq_factor,
                              a.low_freq_factor);
    if (a.skip_every > model->n_layers)
        return settings_error(settings, "model.position.skip_every", err,
                              "%d skips none of model.n_layers %d; leave it out, or choose a number up to that",
                              a.skip_every, model->n_layers);
    *ret_angles = a;
    return STATUS_OK;
}

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters;
    const int T = model->context_length;
    Angles a;
    const int status = read_angles(model, &a, err);
    if (status != STATUS_OK)
        return status;
    const int half = a.width / 2;
    const size_t n = (size_t)T * (size_t)half;
    real *cosines = ARENA_ARRAY(arena, real, n), *sines = ARENA_ARRAY(arena, real, n);
    for (int i = 0; i < half; i++) {
        const double frequency = frequencies[a.scaling](&a, i);
        for (int t = 0; t < T; t++) {
            cosines[t * half + i] = (real)cos(t * frequency);
            sines[t * half + i] = (real)sin(t * frequency);
        }
    }
    Rope *rope = ARENA_ARRAY(arena, Rope, 1);
    *rope = (Rope){half, a.skip_every, cosines, sines};
    *ret_state = rope;
    return STATUS_OK;
}

/* Turns by the angles times sign, in layers that turn. */
static void rotate(const Rope *rope, const HeadRows *rows, real sign, real *x)
{
    const int half = rope->half;
    if (rope->skip_every > 0 && (rows->layer + 1) % rope->skip_every == 0)
        return;
    for (int t = 0; t < rows->length; t++) {
        const real *restrict c = rope->cos + (size_t)t * half, *restrict s = rope->sin + (size_t)t * half;
        real *restrict low = x + (size_t)t * rows->ld, *restrict high = low + half;
        for (int i = 0; i < half; i++) {
            real a = low[i], b = high[i], sine = sign * s[i];
            low[i] = a * c[i] - b * sine;
            high[i] = b * c[i] + a * sine;
        }
    }
}

static void rotate_forward(const void *state, const real *parameters, const HeadRows *rows, real *x)
{
    (void)parameters;
    rotate(state, rows, 1, x);
}

static void rotate_backward(const void *state, const real *parameters, const HeadRows *rows, const real *x, real *dx,
                            real *gradient)
{
    (void)parameters, (void)x, (void)gradient;
    rotate(state, rows, -1, dx);
}

const Position position_rope = {
    .variant = {.name = "rope",
                .summary = "queries and keys turned by angles proportional to their position",
                .source = "Su et al. 2021, arXiv 2104.09864",
                PARAMS(params)},
    .prepare = prepare,
    .rotate_forward = rotate_forward,
    .rotate_backward = rotate_backward,
};
