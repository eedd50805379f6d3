/* Weights in several files, and the index that says which tensor lies in which. */
#ifndef REFFRAME_HUB_SHARDS_H
#define REFFRAME_HUB_SHARDS_H

#include "hub/weights.h"
#include "store/safetensors.h"

/* Headers of all files that the index names, held against it. `index` is its path. Memory from arena. */
int shards_open(Arena *arena, const char *folder, const char *index, Weights *ret_weights, Error *err);

/* A file's tensors as weights: as many as it has. */
void weights_add_file(const char *path, const SafeTensors *file, Weight *ret_weights);

#endif
