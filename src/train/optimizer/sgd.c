/* Stochastic gradient descent with heavy-ball momentum (Polyak 1964), in PyTorch's convention.
 *
 *   u = momentum u + g;  p -= lr (u + decay p)
 */
#include "train/optimizer/optimizer.h"

static const SchemaRow params[] = {
    {"momentum", VALUE_NUMBER, "0.9", 0, 0.999999, NULL, "share of the last update that is kept"},
    {"weight_decay", VALUE_NUMBER, "0", 0, 10, NULL, "decoupled decay of matrices, times the learning rate"},
};

enum { MOMENTUM, WEIGHT_DECAY };

static void read_values(const Settings *settings, double *ret_values)
{
    ret_values[MOMENTUM] = settings_number(settings, "train.optimizer.momentum");
    ret_values[WEIGHT_DECAY] = settings_number(settings, "train.optimizer.weight_decay");
}

static void update(const Kernels *kernels, const double *values, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters)
{
    kernels->sgd(chunk->n, gradient, chunk->clip_scale, chunk->lr, values[MOMENTUM],
                 chunk->decays ? values[WEIGHT_DECAY] : 0, slots[0], parameters);
}

static const char *const slot_names[] = {"momentum"};

const Optimizer optimizer_sgd = {
    .variant = {.name = "sgd",
                .summary = "stochastic gradient descent with momentum",
                .source = "Polyak 1964",
                PARAMS(params)},
    .n_slots = 1,
    .slot_names = slot_names,
    .read = read_values,
    .update = update,
};
