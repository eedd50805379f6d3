/* Absolute positions: a vector per position is added to the token's embedding.
 *
 *   learned:    x_t += P_t, a tensor (T,C)
 *   sinusoidal: x_t += [sin(t w_i) | cos(t w_i)], w_i = 10000^(-2i/C), i < C/2
 *
 * Learned tables after Gehring et al. 2017 and Radford et al. 2018; sinusoids after Vaswani et al. 2017, section 3.5,
 * with sines and cosines concatenated instead of interleaved, which permutes channels only.
 */
#include <math.h>
#include <string.h>

#include "model/position/position.h"

typedef struct {
    int d_model;
    size_t learned;        /* offset of the tensor, if sinusoids is NULL */
    const real *sinusoids; /* (T,C) or NULL */
} Absolute;

static const real *sinusoid_table(Arena *arena, int length, int d_model)
{
    real *table = ARENA_ARRAY(arena, real, (size_t)length * d_model);
    int half = d_model / 2;
    for (int t = 0; t < length; t++)
        for (int i = 0; i < half; i++) {
            double angle = t * pow(10000, -2.0 * i / d_model);
            table[(size_t)t * d_model + i] = (real)sin(angle);
            table[(size_t)t * d_model + half + i] = (real)cos(angle);
        }
    return table;
}

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    Absolute state = {.d_model = model->d_model};
    if (strcmp(settings_text(model->settings, "model.position.table"), "sinusoidal") == 0) {
        if (model->d_model % 2 != 0)
            return settings_error(model->settings, "model.d_model", err,
                                  "%d is odd; sinusoidal positions need an even width", model->d_model);
        state.sinusoids = sinusoid_table(arena, model->context_length, model->d_model);
    } else {
        state.learned = parameters_add(arena, parameters,
                                       (Tensor){.name = "embedding.position",
                                                .group = TENSOR_EMBEDDING,
                                                .layer = -1,
                                                .rows = model->context_length,
                                                .cols = model->d_model,
                                                .initial_std = model->init.position_std});
    }
    Absolute *kept = ARENA_ARRAY(arena, Absolute, 1);
    *kept = state;
    *ret_state = kept;
    return STATUS_OK;
}

static void embed_forward(const void *state, const real *parameters, int length, real *x)
{
    const Absolute *absolute = state;
    const real *table = absolute->sinusoids ? absolute->sinusoids : parameters + absolute->learned;
    size_t n = (size_t)length * (size_t)absolute->d_model;
    for (size_t i = 0; i < n; i++)
        x[i] += table[i];
}

static void embed_backward(const void *state, const real *parameters, int length, const real *dx, real *gradient)
{
    (void)parameters;
    const Absolute *absolute = state;
    if (absolute->sinusoids)
        return;
    real *dtable = gradient + absolute->learned;
    size_t n = (size_t)length * (size_t)absolute->d_model;
    for (size_t i = 0; i < n; i++)
        dtable[i] += dx[i];
}

static const char *const tables[] = {"learned", "sinusoidal", NULL};
static const SchemaRow params[] = {
    {"table", VALUE_CHOICE, "learned", 0, 0, tables, "learned: a tensor; sinusoidal: fixed sines and cosines", BY_HAND},
};

const Position position_absolute = {
    .variant = {.name = "absolute",
                .summary = "a vector per position added to the embedding, learned or sinusoidal",
                .source = "Vaswani et al. 2017, arXiv 1706.03762, section 3.5",
                PARAMS(params)},
    .prepare = prepare,
    .embed_forward = embed_forward,
    .embed_backward = embed_backward,
};
