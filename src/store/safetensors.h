/* safetensors (Hugging Face's format: 8-byte header length, JSON header, raw little-endian data): weights on disk. */
#ifndef REFFRAME_STORE_SAFETENSORS_H
#define REFFRAME_STORE_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef struct {
    const char *name;
    const char *type; /* "F32", "F64", "I64", "U8" */
    int n_dims;
    int64_t shape[4];
    const void *data;
    size_t n_bytes;
} SafeTensor;

/* Tensors in the given order; metadata are n_meta key/value string pairs (key, value, key, value, ...). Atomic. */
int safetensors_write(const char *path, const SafeTensor *tensors, int n, const char *const *metadata, int n_meta,
                      Error *err);

typedef struct {
    SafeTensor *tensors;
    int n;
    const char **metadata; /* key, value, ... */
    int n_meta;
    uint64_t *begins; /* where in the file each tensor's data begin */
} SafeTensors;
/* Validates everything: header length, JSON, offsets within the file, no overlap or gap, sizes = shapes. */
int safetensors_read(Arena *arena, const char *path, SafeTensors *ret_file, Error *err);
/* The same of a file that should not stand in memory whole: the tensors' data are NULL, and read by their `begins`. */
int safetensors_read_header(Arena *arena, const char *path, SafeTensors *ret_file, Error *err);
const SafeTensor *safetensors_get(const SafeTensors *file, const char *name);
const char *safetensors_meta(const SafeTensors *file, const char *key);

#endif
