/* Weights: found in the headers, read piece by piece when they are asked for. */
#include "hub/weights.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hub/names.h"
#include "hub/shards.h"
#include "store/safetensors.h"

static int compare(const void *a, const void *b)
{
    const Weight *x = a, *y = b;
    return strcmp(x->name, y->name);
}

int weights_sort(Weights *weights, Error *err)
{
    if (weights->n > 0)
        qsort(weights->items, (size_t)weights->n, sizeof *weights->items, compare);
    for (int i = 1; i < weights->n; i++)
        if (strcmp(weights->items[i - 1].name, weights->items[i].name) == 0)
            return error_set(err, STATUS_INPUT, "%s: tensor \"%.200s\" is there twice", weights->path,
                             weights->items[i].name);
    return STATUS_OK;
}

const Weight *weights_find(const Weights *weights, const char *name)
{
    const Weight wanted = {.name = name};
    return weights->n > 0 ? bsearch(&wanted, weights->items, (size_t)weights->n, sizeof wanted, compare) : NULL;
}

/* ---- where they are ---------------------------------------------------------------------------------------------- */

void weights_add_file(const char *path, const SafeTensors *file, Weight *ret_weights)
{
    for (int t = 0; t < file->n; t++) {
        const SafeTensor *tensor = &file->tensors[t];
        ret_weights[t] = (Weight){.name = tensor->name,
                                  .path = path,
                                  .type = tensor->type,
                                  .n_dims = tensor->n_dims,
                                  .offset = file->begins[t],
                                  .n_bytes = tensor->n_bytes};
        memcpy(ret_weights[t].shape, tensor->shape, sizeof tensor->shape);
    }
}

static int open_one(Arena *arena, const char *path, Weights *ret_weights, Error *err)
{
    SafeTensors file;
    const int status = safetensors_read_header(arena, path, &file, err);
    if (status != STATUS_OK)
        return status;
    *ret_weights = (Weights){path, ARENA_ARRAY(arena, Weight, file.n), file.n};
    weights_add_file(path, &file, ret_weights->items);
    return STATUS_OK;
}

int weights_open(Arena *arena, const char *folder, Weights *ret_weights, Error *err)
{
    static const char *const programs[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};
    const char *one = file_join(arena, folder, HUB_WEIGHTS), *index = file_join(arena, folder, HUB_INDEX);
    Weights weights = {0};
    int status;
    for (size_t p = 0; p < sizeof programs / sizeof *programs && !file_exists(one) && !file_exists(index); p++)
        if (file_exists(file_join(arena, folder, programs[p])))
            return error_set(err, STATUS_INPUT,
                             "%s: has no " HUB_WEIGHTS "; its %s is a pickle, which is a program, and is not read",
                             folder, programs[p]);
    if (!file_exists(one) && file_exists(index))
        status = shards_open(arena, folder, index, &weights, err);
    else
        status = open_one(arena, one, &weights, err);
    if (status == STATUS_OK)
        status = weights_sort(&weights, err);
    if (status == STATUS_OK)
        *ret_weights = weights;
    return status;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

enum { PIECE_BLOCKS = 1 << 14 }; /* that stand in memory as they were read */

static int check_finite(const Weight *weight, const float *values, size_t n, Error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return error_set(err, STATUS_INPUT, "%s: %s has a value of %g, which is no weight", weight->path,
                             weight->name, (double)values[i]);
    return STATUS_OK;
}

static int read_pieces(const Weight *weight, const WeightType *type, unsigned char *piece, float *ret_values,
                       Error *err)
{
    const size_t items = (size_t)type->items, bytes = (size_t)type->bytes;
    const size_t n_blocks = (size_t)(weight->n_bytes / bytes);
    int status = STATUS_OK;
    for (size_t b = 0; b < n_blocks && status == STATUS_OK; b += PIECE_BLOCKS) {
        const size_t n = n_blocks - b < PIECE_BLOCKS ? n_blocks - b : PIECE_BLOCKS;
        float *values = ret_values + b * items;
        status = file_read_at(weight->path, weight->offset + b * bytes, piece, n * bytes, err);
        for (size_t i = 0; i < n && status == STATUS_OK; i++)
            type->read(piece + i * bytes, values + i * items);
        if (status == STATUS_OK)
            status = check_finite(weight, values, n * items, err);
    }
    return status;
}

int weight_read(const Weight *weight, float *ret_values, Error *err)
{
    const WeightType *type = weight_type(weight->type);
    assert(type);
    unsigned char *piece = malloc((size_t)PIECE_BLOCKS * (size_t)type->bytes);
    if (!piece)
        return error_set(err, STATUS_FAILED, "%s: no memory to read it with", weight->path);
    const int status = read_pieces(weight, type, piece, ret_values, err);
    free(piece);
    return status;
}
