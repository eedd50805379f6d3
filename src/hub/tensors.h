/* A model's tensors by an architecture's tables: their names, their shapes, our values; and back. */
#ifndef REFFRAME_HUB_TENSORS_H
#define REFFRAME_HUB_TENSORS_H

#include "hub/hub.h"
#include "store/safetensors.h"

/* In the tables' order, the blocks' behind the others. Memory from arena. */
void tensors_of(Arena *arena, const Architecture *architecture, const HubModel *model, SafeTensor **ret_tensors,
                int *ret_n);

/* Whether a file of theirs holds just the model's tensors. STATUS_INPUT names one that is missing, has another shape or
 * type, a value that is no number, or no place in the model. `path` is for messages. */
int tensors_check(const Architecture *architecture, const Model *model, const char *path, const SafeTensors *file,
                  Error *err);

/* The values of a file that does into a block of the model's. */
void tensors_take(const Architecture *architecture, const Model *model, const SafeTensors *file, real *ret_block);

#endif
