/* The parameter table: every tensor of a model by name, all in one block, so that zeroing, saving, clipping and the
 * optimizer are one loop over the table.
 *
 * Initial values come from a stream of their own per tensor, "init/NAME", so that arms that share a tensor share its
 * values for a seed. Names follow "embedding.token", "embedding.position", "blocks.0.attention.q.weight" (C,H*D), ...,
 * "head.weight" (C,V). Weights are stored (in, out): y = x W.
 */
#ifndef REFFRAME_MODEL_PARAMETERS_H
#define REFFRAME_MODEL_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "num/real.h"

/* What a tensor is part of: for measuring, whose gradients are told apart by it, and for whatever treats kinds apart.
 */
typedef enum { TENSOR_EMBEDDING, TENSOR_ATTENTION, TENSOR_MLP, TENSOR_NORM, TENSOR_HEAD } TensorGroup;

typedef struct {
    const char *name;
    TensorGroup group;
    int layer;            /* of a block; -1: of none */
    int rows, cols;       /* a vector is (1, n) */
    size_t offset;        /* in reals, from the block's start; a multiple of 16 */
    double initial_std;   /* normal(0, std); or, when it is 0, ... */
    double initial_bound; /* ... uniform(-bound, bound); or, when that is 0, too, ... */
    double initial_value; /* ... this constant */
    int decays;           /* weight decay applies: matrices yes; gains, shifts, biases and embeddings no */
} Tensor;

typedef struct Parameters {
    Tensor *tensors;
    int n_tensors, capacity;
    size_t n_values;     /* reals in the block, padding included */
    size_t n_parameters; /* without padding: what `check` prints */
} Parameters;

/* Appends a tensor, which gets its offset, and returns that. The name is copied. */
size_t parameters_add(Arena *arena, Parameters *parameters, Tensor tensor);

/* One such tensor in each layer's block, named "blocks.L.NAME" with the tensor's name for NAME. Returns their offsets,
 * (n_layers). */
const size_t *parameters_add_to_layers(Arena *arena, Parameters *parameters, int n_layers, Tensor tensor);

/* Index by name, or -1. */
int parameters_find(const Parameters *parameters, const char *name);

/* Fills a block from the seed. */
void parameters_initialise(const Parameters *parameters, uint64_t seed, real *block);

#endif
