/* Template of an optimizer; the tests compile it and hold it to everything that a registered one must pass. As an
 * example, gradient descent by the sign: p -= lr (share sign(g) + (1 - share) g + decay p), without state.
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'train/optimizer' in src/meson.build, and a row to README.md. Of
 * libm use sqrt, fabs and their like alone, which have one right answer, or the functions that store/machine.c tries
 * (functions[]): others may differ between machines that the record takes for the same.
 */
#include "train/optimizer/optimizer.h"

/* 2. What prepare reads, constant afterwards. */
typedef struct {
    double share, weight_decay;
} Template;

/* 3. Keys below train.optimizer that are valid with this kind: key, type, default, range, choices, help, and the member
 *    that holds the value. Decay is weight_decay in every optimizer, and spares what does not decay. */
static const SchemaRow params[] = {
    {"share", VALUE_NUMBER, "0.1", 0, 1, NULL, "of the gradient's sign in an update", FIELD(Template, share)},
    {"weight_decay", VALUE_NUMBER, "0", 0, 10, NULL, "decoupled decay of matrices, times the learning rate",
     FIELD(Template, weight_decay)},
};

/* 4. Read them; refuse with settings_error what makes no sense. No other function sees the settings. */
static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.optimizer", ROWS(params), sizeof(Template));
    return STATUS_OK;
}

/* 5. Update one chunk elementwise: no sums over elements, or the result would depend on how chunks are cut. The clipped
 *    gradient is clip_scale times what is handed over; slots[s] is the chunk of your slot s. What looks at a matrix as
 * a whole has update_matrix beside it: muon.c. */
static void update(const void *state, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters)
{
    const Template *template = state;
    const double decay = chunk->decays ? template->weight_decay : 0;
    (void)kernels, (void)slots;
    for (size_t i = 0; i < chunk->n; i++) {
        const double g = chunk->clip_scale * (double)gradient[i], sign = (g > 0) - (g < 0);
        const double step = template->share * sign + (1 - template->share) * g + decay * (double)parameters[i];
        parameters[i] -= (real)(chunk->lr * step);
    }
}

/* 6. The strategy itself: the list in meson.build finds it as optimizer_NAME. With n_slots of at most
 *    OPTIMIZER_MAX_SLOTS, name them in slot_names: checkpoints hold them by these names. */
extern const Optimizer optimizer_template;
const Optimizer optimizer_template = {
    .variant = {.name = "template",
                .summary = "gradient descent, partly by the sign",
                .source = "after Bernstein et al. 2018, arXiv 1802.04434",
                PARAMS(params)},
    .prepare = prepare,
    .n_slots = 0,
    .update = update,
};
