/* AdamW's keys and update, for optimizers that leave part of the tensors to it. */
#ifndef REFFRAME_TRAIN_OPTIMIZER_ADAMW_H
#define REFFRAME_TRAIN_OPTIMIZER_ADAMW_H

#include "train/optimizer/optimizer.h"

typedef struct {
    double beta1, beta2, epsilon, weight_decay;
} AdamW;

/* Elementwise; slots 0 and 1 are the moments. */
void adamw_update(const AdamW *adamw, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                  real *const *slots, real *parameters);

#endif
