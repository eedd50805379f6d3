/* NPY and NPZ (NumPy's formats, NEP 1): what snapshots are written in. NumPy opens them; equal contents are equal bytes:
 * members keep the order in which they were added, dates are fixed at 1980-01-01, deflate is at one level.
 */
#ifndef REFFRAME_STORE_NPZ_H
#define REFFRAME_STORE_NPZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef enum { NPY_FLOAT16, NPY_FLOAT32, NPY_FLOAT64, NPY_INT32, NPY_INT64, NPY_UINT8, NPY_BOOL, NPY_STRING } NpyType;

#define NPY_MAX_DIMS 6

typedef struct {
    const char *name;     /* member without ".npy" */
    NpyType type;
    int n_dims;
    int64_t shape[NPY_MAX_DIMS];
    int item_bytes;       /* NPY_STRING: bytes of UTF-8 per item, written as '|S<n>' */
    int is_fortran;       /* as found on disk; readers are handed C order (converted when needed) */
    const void *data;
    size_t n_items;
} NpyArray;

typedef struct NpzWriter NpzWriter;
NpzWriter *npz_new(Arena *arena);
/* Takes a copy: the caller may reuse `data` at once. */
void npz_add(NpzWriter *npz, const char *name, NpyType type, int n_dims, const int64_t *shape, const void *data);
/* n strings, UTF-8, shape (n,). */
void npz_add_strings(NpzWriter *npz, const char *name, int64_t n, const char *const *strings);
int npz_write(NpzWriter *npz, const char *path, Error *err); /* atomic */

typedef struct {
    NpyArray *arrays;
    int n;
} Npz;
/* Reads a whole NPZ, checks every CRC and header; `STATUS_INPUT path: reason` for anything off. */
int npz_read(Arena *arena, const char *path, Npz *ret_npz, Error *err);
const NpyArray *npz_get(const Npz *npz, const char *name); /* NULL if absent */

/* One .npy file. */
int npy_read(Arena *arena, const char *path, NpyArray *ret_array, Error *err);

#endif
