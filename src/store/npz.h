/* NPZ (NumPy's ZIP of .npy members): what snapshots are written in. NumPy opens them; equal contents are equal bytes:
 * members keep the order in which they were added, dates are fixed at 1980-01-01, deflate is at one level.
 */
#ifndef REFFRAME_STORE_NPZ_H
#define REFFRAME_STORE_NPZ_H

#include "store/npy.h"

typedef struct NpzWriter NpzWriter;
NpzWriter *npz_new(Arena *arena);
/* Takes a compressed copy: the caller may reuse `data` at once. Names differ from each other. */
void npz_add(NpzWriter *npz, const char *name, NpyType type, int n_dims, const int64_t *shape, const void *data);
/* n strings, UTF-8, shape (n,). */
void npz_add_strings(NpzWriter *npz, const char *name, int64_t n, const char *const *strings);
int npz_write(NpzWriter *npz, const char *path, Error *err); /* atomic */

typedef struct {
    NpyArray *arrays;         /* in the order of the file */
    const NpyArray **by_name; /* and sorted */
    int n;
} Npz;
/* Reads a whole NPZ, checks every CRC and header, and that members lie apart, before it inflates any of them;
 * `STATUS_INPUT path: reason` for anything off, STATUS_FAILED where the system could not read. */
int npz_read(Arena *arena, const char *path, Npz *ret_npz, Error *err);
/* The same from memory, which must live as long as the arrays. */
int npz_parse(Arena *arena, const char *path, const void *bytes, size_t n_bytes, Npz *ret_npz, Error *err);
const NpyArray *npz_get(const Npz *npz, const char *name); /* NULL if absent */
/* A member's data if it has this type and shape (an axis of -1 has any length), NULL otherwise. */
const void *npz_data(const Npz *npz, const char *name, NpyType type, int n_dims, const int64_t *shape);

#endif
