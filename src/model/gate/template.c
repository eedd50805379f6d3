/* Template of a gate; the tests compile it and hold it to everything that a registered one must pass. As an example, a
 * factor for each channel of a head by an algebraic function of sigmoid shape, whose steepness is a key (after Qiu et
 * al. 2025, arXiv 2505.06708, section 2.2, whose f is the sigmoid):
 *
 *   g = f(z) = (1 + u) / 2,   u = s z / sqrt(1 + (s z)^2);   dz = dg s (1 - u^2)^(3/2) / 2
 *
 * Of the C library's inexact functions use none but exp, exp2, log, pow, sin and cos: the record of a machine tries
 * those (tests/layout).
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/gate' in src/meson.build, and a row to README.md.
 */
#include <math.h>

#include "model/gate/gate.h"

/* 2. What prepare reads and builds, the common keys first; constant afterwards, since many threads read it. A gate
 * without keys of its own has a GateKeys alone. */
typedef struct {
    GateKeys common;
    double steepness;
} Template;

/* 3. Keys below model.gate that are valid with this kind: the common ones, then key, type, default, range, choices,
 * help, and the member that holds the value. */
static const SchemaRow params[] = {
    GATE_ROWS,
    {"steepness", VALUE_NUMBER, "1", 0.01, 100, NULL, "of the factor at its half, in units of f's own",
     FIELD(Template, steepness)},
};

/* 4. Read them, and check what you need of the sizes (settings_error names the place). */
static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.gate", ROWS(params), sizeof(Template));
    return STATUS_OK;
}

/* 5. In place, what the layer gives to factors; num's kernels are there. */
static void forward(const void *state, const Kernels *kernels, size_t n, real *z)
{
    const real steepness = (real)((const Template *)state)->steepness;
    (void)kernels;
    for (size_t i = 0; i < n; i++) {
        const real x = steepness * z[i];
        z[i] = (1 + x / (real)sqrt((double)(1 + x * x))) / 2;
    }
}

/* 6. In place, the gradient of the factors to that of what the layer gave, from the factors alone. */
static void backward(const void *state, size_t n, const real *g, real *dg)
{
    const real steepness = (real)((const Template *)state)->steepness;
    for (size_t i = 0; i < n; i++) {
        const real u = 2 * g[i] - 1, w = 1 - u * u;
        dg[i] *= steepness * w * (real)sqrt((double)w) / 2;
    }
}

/* 7. The strategy itself: the list in meson.build finds it as gate_NAME. */
extern const Gate gate_template;
const Gate gate_template = {
    .variant = {.name = "template",
                .summary = "a factor for each channel of a head, by an algebraic function",
                .source = "after Qiu et al. 2025, arXiv 2505.06708, section 2.2",
                PARAMS(params)},
    .prepare = prepare,
    .by_channel = 1,
    .forward = forward,
    .backward = backward,
};
