/* AdamW: Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019, algorithm 2, with PyTorch's reading: the
 * decay is scaled by the learning rate).
 *
 *   m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;  p -= lr (m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps) + decay p)
 */
#include <math.h>

#include "train/optimizer/optimizer.h"

static const SchemaRow params[] = {
    {"beta1", VALUE_NUMBER, "0.9", 0, 0.999999, NULL, "decay of the first moment"},
    {"beta2", VALUE_NUMBER, "0.95", 0, 0.999999, NULL, "decay of the second moment"},
    {"epsilon", VALUE_NUMBER, "1e-8", 1e-20, 1, NULL, "added to the root of the second moment"},
    {"weight_decay", VALUE_NUMBER, "0", 0, 10, NULL, "decoupled decay of matrices, times the learning rate"},
};

enum { BETA1, BETA2, EPSILON, WEIGHT_DECAY };

static void read_values(const Settings *settings, double *ret_values)
{
    ret_values[BETA1] = settings_number(settings, "train.optimizer.beta1");
    ret_values[BETA2] = settings_number(settings, "train.optimizer.beta2");
    ret_values[EPSILON] = settings_number(settings, "train.optimizer.epsilon");
    ret_values[WEIGHT_DECAY] = settings_number(settings, "train.optimizer.weight_decay");
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

static void update(const Kernels *kernels, const double *values, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters)
{
    kernels->adamw(chunk->n, gradient, chunk->clip_scale, chunk->lr, values[BETA1], values[BETA2], values[EPSILON],
                   chunk->decays ? values[WEIGHT_DECAY] : 0, 1 - power(values[BETA1], chunk->t),
                   1 - power(values[BETA2], chunk->t), slots[0], slots[1], parameters);
}

static const char *const slot_names[] = {"m", "v"};

const Optimizer optimizer_adamw = {
    .variant = {.name = "adamw",
                .summary = "Adam with decoupled weight decay",
                .source = "Loshchilov & Hutter, ICLR 2019, arXiv 1711.05101",
                PARAMS(params)},
    .n_slots = 2,
    .slot_names = slot_names,
    .read = read_values,
    .update = update,
};
