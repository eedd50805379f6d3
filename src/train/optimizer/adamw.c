/* AdamW: Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019, algorithm 2, with PyTorch's reading: the
 * decay is scaled by the learning rate).
 *
 *   m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;  p -= lr (m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps) + decay p)
 */
#include "train/optimizer/adamw.h"

static const SchemaRow params[] = {
    {"beta1", VALUE_NUMBER, "0.9", 0, 0.999999, NULL, "decay of the first moment", FIELD(AdamW, beta1)},
    {"beta2", VALUE_NUMBER, "0.95", 0, 0.999999, NULL, "decay of the second moment", FIELD(AdamW, beta2)},
    {"epsilon", VALUE_NUMBER, "1e-8", 1e-20, 1, NULL, "added to the root of the second moment", FIELD(AdamW, epsilon)},
    {"weight_decay", VALUE_NUMBER, "0", 0, 10, NULL, "decoupled decay of matrices, times the learning rate",
     FIELD(AdamW, weight_decay)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.optimizer", ROWS(params), sizeof(AdamW));
    return STATUS_OK;
}

/* b^t by squaring: the same bits everywhere, which libm's pow does not promise. */
static double power(double base, int64_t exponent)
{
    double result = 1;
    for (; exponent > 0; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

void adamw_update(const AdamW *adamw, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                  real *const *slots, real *parameters)
{
    kernels->adamw(chunk->n, gradient, chunk->clip_scale, chunk->lr, adamw->beta1, adamw->beta2, adamw->epsilon,
                   chunk->decays ? adamw->weight_decay : 0, 1 - power(adamw->beta1, chunk->t),
                   1 - power(adamw->beta2, chunk->t), slots[0], slots[1], parameters);
}

static void update(const void *state, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters)
{
    adamw_update(state, kernels, chunk, gradient, slots, parameters);
}

static const char *const slot_names[] = {"m", "v"};

const Optimizer optimizer_adamw = {
    .variant = {.name = "adamw",
                .summary = "Adam with decoupled weight decay",
                .source = "Loshchilov & Hutter, ICLR 2019, arXiv 1711.05101",
                PARAMS(params)},
    .prepare = prepare,
    .n_slots = 2,
    .slot_names = slot_names,
    .update = update,
};
