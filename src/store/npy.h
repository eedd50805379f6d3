/* NPY (NumPy's format for one array, NEP 1): little-endian numbers behind a header that is a Python literal.
 *
 * Readers take versions 1.0 to 3.0 and hand out C order; what they do not know they refuse in one line: big-endian
 * numbers, Unicode strings, pickled objects, records, more than NPY_MAX_DIMS axes.
 */
#ifndef REFFRAME_STORE_NPY_H
#define REFFRAME_STORE_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

typedef enum { NPY_FLOAT16, NPY_FLOAT32, NPY_FLOAT64, NPY_INT32, NPY_INT64, NPY_UINT8, NPY_BOOL, NPY_STRING } NpyType;

/* "float32", as NumPy calls it. */
const char *npy_type_name(NpyType type);

#define NPY_MAX_DIMS 6

typedef struct {
    const char *name; /* of the member, without ".npy"; a file's path */
    NpyType type;
    int n_dims; /* 0: a single number */
    int64_t shape[NPY_MAX_DIMS];
    int item_bytes;   /* NPY_STRING: bytes of UTF-8 per item, NUL-padded, '|S<n>' on disk */
    int is_fortran;   /* as found on disk; readers are handed C order (converted when needed) */
    const void *data; /* aligned for its type; never NULL but from npy_read_header */
    size_t n_items;
} NpyArray;

/* One .npy file. */
int npy_read(Arena *arena, const char *path, NpyArray *ret_array, Error *err);

/* Its header alone, for deciding whether to read the rest: `data` is NULL, ret_bytes what npy_read would take from the
 * arena. That the file is as long as its shape asks for is checked. */
int npy_read_header(Arena *arena, const char *path, NpyArray *ret_array, size_t *ret_bytes, Error *err);

/* One .npy file from memory, which must live as long as the array; `where` starts the message and becomes the name. */
int npy_parse(Arena *arena, const char *where, const void *bytes, size_t n, NpyArray *ret_array, Error *err);

/* Adds the .npy file of an array (its name, is_fortran and n_items are not read); item_bytes only for strings. */
void npy_add(Text *text, const NpyArray *array);

/* An item of NPY_FLOAT16, IEEE 754 binary16, exactly. */
float npy_half(uint16_t half);

#endif
