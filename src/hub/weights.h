/* The tensors of a model of theirs by name, in whatever files they lie; each is read for itself, as float32. */
#ifndef REFFRAME_HUB_WEIGHTS_H
#define REFFRAME_HUB_WEIGHTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "hub/values.h"

typedef struct {
    const char *name, *path, *type; /* the file that has it; a type by its name there */
    int n_dims;
    int64_t shape[4];
    uint64_t offset; /* in the file */
    uint64_t n_bytes;
} Weight;

typedef struct {
    const char *path; /* for messages: the file, or the index of several */
    Weight *items;    /* by name, bytewise */
    int n;
} Weights;

/* model.safetensors of a folder, or the files that model.safetensors.index.json names; of all of them the headers are
 * read, and held against the index. STATUS_INPUT names file and tensor. Memory from arena. */
int weights_open(Arena *arena, const char *folder, Weights *ret_weights, Error *err);

/* By name; sorts, and refuses a name that is there twice. */
int weights_sort(Weights *weights, Error *err);

const Weight *weights_find(const Weights *weights, const char *name);

/* Its values, in its shape's order; its type must be one that is read (weight_type). STATUS_INPUT of a value that is no
 * number. */
int weight_read(const Weight *weight, float *ret_values, Error *err);

#endif
