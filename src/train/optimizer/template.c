/* Template of an optimizer: copy to NAME.c, follow the steps, add the word NAME to 'train/optimizer' in
 * src/meson.build. As it stands it is plain gradient descent, p -= lr g, and compiles with the tests.
 */
#include "train/optimizer/optimizer.h"

/* 1. Settings below train.optimizer, each with default, range and one line of help; none here. */

/* 2. Read them once; values[] is handed to every update. */
static void read_values(const Settings *settings, double *ret_values)
{
    (void)settings;
    ret_values[0] = 1;
}

/* 3. Update one chunk elementwise: no sums over elements, or the result would depend on how chunks are cut. */
static void update(const Kernels *kernels, const double *values, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters)
{
    (void)kernels, (void)slots;
    for (size_t i = 0; i < chunk->n; i++)
        parameters[i] -= (real)(values[0] * chunk->lr * chunk->clip_scale) * gradient[i];
}

/* 4. Say who you are. The generic tests (resume, threads, descent on a quadratic) find the optimizer by
 * the registry. */
const Optimizer optimizer_template;
const Optimizer optimizer_template = {
    .variant = {.name = "template", .summary = "plain gradient descent", .source = "where the rule comes from"},
    .n_slots = 0,
    .read = read_values,
    .update = update,
};
