/* Lion, found by a search over programs (Chen et al. 2023, arXiv 2302.06675, algorithm 2): every parameter moves by the
 * learning rate, in the direction of a momentum that looks ahead.
 *
 *   c = b1 m + (1-b1) g;  p -= lr (sign(c) + decay p);  m = b2 m + (1-b2) g
 */
#include "train/optimizer/optimizer.h"

typedef struct {
    double beta1, beta2, weight_decay;
} Lion;

static const SchemaRow params[] = {
    {"beta1", VALUE_NUMBER, "0.9", 0, 0.999999, NULL, "share of the momentum in the direction of a step",
     FIELD(Lion, beta1)},
    {"beta2", VALUE_NUMBER, "0.99", 0, 0.999999, NULL, "decay of the momentum", FIELD(Lion, beta2)},
    {"weight_decay", VALUE_NUMBER, "0", 0, 10, NULL, "decoupled decay of matrices, times the learning rate",
     FIELD(Lion, weight_decay)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.optimizer", ROWS(params), sizeof(Lion));
    return STATUS_OK;
}

static void update(const void *state, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters)
{
    const Lion *lion = state;
    const double decay = chunk->decays ? lion->weight_decay : 0;
    real *m = slots[0];
    (void)kernels;
    for (size_t i = 0; i < chunk->n; i++) {
        const double g = chunk->clip_scale * (double)gradient[i];
        const double c = lion->beta1 * (double)m[i] + (1 - lion->beta1) * g, sign = (c > 0) - (c < 0);
        parameters[i] -= (real)(chunk->lr * (sign + decay * (double)parameters[i]));
        m[i] = (real)(lion->beta2 * (double)m[i] + (1 - lion->beta2) * g);
    }
}

static const char *const slot_names[] = {"m"};

const Optimizer optimizer_lion = {
    .variant = {.name = "lion",
                .summary = "the sign of a momentum that looks ahead; wants a third to a tenth of AdamW's learning rate",
                .source = "Chen et al. 2023, arXiv 2302.06675",
                PARAMS(params)},
    .prepare = prepare,
    .n_slots = 1,
    .slot_names = slot_names,
    .update = update,
};
