/* Optimizers: one file each, with a const Optimizer at its foot.
 *
 * An optimizer keeps `n_slots` state blocks shaped like the parameters and updates chunks of them elementwise, so that
 * chunks may go to any thread. One that looks at a matrix as a whole has update_matrix for hidden matrices, the weights
 * of attention and MLP: each then goes to one thread.
 */
#ifndef REFFRAME_TRAIN_OPTIMIZER_H
#define REFFRAME_TRAIN_OPTIMIZER_H

#include "base/variant.h"
#include "num/kernels.h"

#define OPTIMIZER_MAX_SLOTS 2

typedef struct {
    size_t n;          /* elements of this chunk, all of one tensor */
    int decays;        /* weight decay applies to the tensor */
    double clip_scale; /* factor on the gradient from global-norm clipping */
    double lr;         /* after the schedule */
    int64_t t;         /* 1 for the first update */
} UpdateChunk;

typedef struct {
    Variant variant; /* keys below train.optimizer */
    Prepare *prepare;
    int n_slots;
    const char *const *slot_names; /* for checkpoints: "m", "v" */
    /* Pointers start at the chunk; slots[s] too. */
    void (*update)(const void *state, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters);
    /* A hidden matrix (in, out), with matrix_scratch(rows, cols) reals, 64-byte aligned. Both NULL: it goes by chunks.
     */
    void (*update_matrix)(const void *state, const Kernels *kernels, const UpdateChunk *chunk, int rows, int cols,
                          const real *gradient, real *const *slots, real *parameters, real *scratch);
    size_t (*matrix_scratch)(int rows, int cols);
} Optimizer;

REGISTRY(Optimizer, optimizer);

#endif
