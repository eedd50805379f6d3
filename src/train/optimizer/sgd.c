/* Stochastic gradient descent with heavy-ball momentum (Polyak 1964), in PyTorch's convention.
 *
 *   u = momentum u + g;  p -= lr (u + decay p)
 */
#include "train/optimizer/optimizer.h"

typedef struct {
    double momentum, weight_decay;
} Sgd;

static const SchemaRow params[] = {
    {"momentum", VALUE_NUMBER, "0.9", 0, 0.999999, NULL, "share of the last update that is kept", FIELD(Sgd, momentum)},
    {"weight_decay", VALUE_NUMBER, "0", 0, 10, NULL, "decoupled decay of matrices, times the learning rate",
     FIELD(Sgd, weight_decay)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.optimizer", ROWS(params), sizeof(Sgd));
    return STATUS_OK;
}

static void update(const void *state, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters)
{
    const Sgd *sgd = state;
    kernels->sgd(chunk->n, gradient, chunk->clip_scale, chunk->lr, sgd->momentum, chunk->decays ? sgd->weight_decay : 0,
                 slots[0], parameters);
}

static const char *const slot_names[] = {"momentum"};

const Optimizer optimizer_sgd = {
    .variant = {.name = "sgd",
                .summary = "stochastic gradient descent with momentum",
                .source = "Polyak 1964",
                PARAMS(params)},
    .prepare = prepare,
    .n_slots = 1,
    .slot_names = slot_names,
    .update = update,
};
