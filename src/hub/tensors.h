/* A model's tensors by an architecture's tables: their names, their shapes, our values. */
#ifndef REFFRAME_HUB_TENSORS_H
#define REFFRAME_HUB_TENSORS_H

#include "hub/hub.h"
#include "store/safetensors.h"

/* In the tables' order, the blocks' behind the others. Memory from arena. */
void tensors_of(Arena *arena, const Architecture *architecture, const HubModel *model, SafeTensor **ret_tensors,
                int *ret_n);

#endif
