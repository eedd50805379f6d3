/* NPY: magic, version, header length, a Python dict {'descr', 'fortran_order', 'shape'}, then raw items.
 *
 * Source: NumPy Enhancement Proposal 1 and numpy/lib/format. Headers are padded with spaces so that the items start at
 * a multiple of 64 bytes. Invariant: whatever the bytes, a reader ends with an array of exactly the bytes its shape
 * asks for, or with one line that says what is wrong.
 */
#include "store/npy.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "items are written as they lie in memory: little-endian");

#define MAGIC       "\x93NUMPY"
#define MAGIC_BYTES 6
#define ALIGNMENT   64

static const struct {
    const char *name, *descr;
    int item_bytes;
} types[] = {
    [NPY_FLOAT16] = {"float16", "<f2", 2}, [NPY_FLOAT32] = {"float32", "<f4", 4}, [NPY_FLOAT64] = {"float64", "<f8", 8},
    [NPY_INT32] = {"int32", "<i4", 4},     [NPY_INT64] = {"int64", "<i8", 8},     [NPY_UINT8] = {"uint8", "|u1", 1},
    [NPY_BOOL] = {"bool", "|b1", 1},       [NPY_STRING] = {"strings", "|S", 0},
};

const char *npy_type_name(NpyType type)
{
    return types[type].name;
}

/* ---- writing ---- */

void npy_add(Text *text, const NpyArray *array)
{
    const int is_string = array->type == NPY_STRING;
    const int item_bytes = is_string ? array->item_bytes : types[array->type].item_bytes;
    size_t n_items = 1;
    Text header = {0};
    assert(array->n_dims <= NPY_MAX_DIMS && item_bytes > 0);
    text_addf(&header, "{'descr': '%s", types[array->type].descr);
    if (is_string)
        text_addf(&header, "%d", item_bytes);
    text_add(&header, "', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < array->n_dims; i++) {
        assert(array->shape[i] >= 0);
        text_addf(&header, i ? ", %lld" : "%lld", (long long)array->shape[i]);
        n_items *= (size_t)array->shape[i];
    }
    text_add(&header, array->n_dims == 1 ? ",), }" : "), }");
    while ((MAGIC_BYTES + 4 + header.size + 1) % ALIGNMENT != 0)
        text_add(&header, " ");
    text_add(&header, "\n");

    const unsigned char version[4] = {1, 0, header.size & 255, (unsigned char)(header.size >> 8)};
    text_add_bytes(text, MAGIC, MAGIC_BYTES);
    text_add_bytes(text, version, sizeof version);
    text_add_bytes(text, header.data, header.size);
    text_add_bytes(text, array->data, n_items * (size_t)item_bytes);
    text_free(&header);
}

/* ---- reading: the header's Python literal ---- */

typedef struct {
    const char *at, *end;
} Scan;

/* Skips spaces; consumes `mark` if it comes next. */
static int take(Scan *scan, const char *mark)
{
    const size_t n = strlen(mark);
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n'))
        scan->at++;
    if ((size_t)(scan->end - scan->at) < n || memcmp(scan->at, mark, n) != 0)
        return 0;
    scan->at += n;
    return 1;
}

static int take_string(Scan *scan, char *ret_string, size_t capacity)
{
    const char quote = take(scan, "'") ? '\'' : take(scan, "\"") ? '"' : '\0';
    const char *close = quote ? memchr(scan->at, quote, (size_t)(scan->end - scan->at)) : NULL;
    const size_t n = close ? (size_t)(close - scan->at) : capacity;
    if (n >= capacity)
        return 0;
    memcpy(ret_string, scan->at, n);
    ret_string[n] = '\0';
    scan->at = close + 1;
    return 1;
}

static int take_whole(Scan *scan, int64_t *ret_number)
{
    const char *start = scan->at;
    int64_t number = 0;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *scan->at - '0', &number))
            return 0;
    *ret_number = number;
    return scan->at > start;
}

/* `()`, `(3,)`, `(3, 4)`; n_dims becomes NPY_MAX_DIMS + 1 when there are more. */
static int take_shape(Scan *scan, NpyArray *array)
{
    int n = 0, has_comma = 0;
    if (!take(scan, "("))
        return 0;
    while (!take(scan, ")")) {
        int64_t size;
        if ((n > 0 && !has_comma) || !take_whole(scan, &size))
            return 0;
        if (n < NPY_MAX_DIMS)
            array->shape[n] = size;
        n += n <= NPY_MAX_DIMS;
        has_comma = take(scan, ",");
    }
    array->n_dims = n;
    return n != 1 || has_comma; /* (3) is a number in Python, no shape */
}

/* The three keys in any order, each once. */
static int take_header(Scan *scan, NpyArray *array, char descr[64])
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    int seen = 0, has_comma = 1;
    if (!take(scan, "{"))
        return 0;
    while (!take(scan, "}")) {
        char key[16];
        int which = 0, is_good;
        if (!has_comma || !take_string(scan, key, sizeof key) || !take(scan, ":"))
            return 0;
        while (which < 3 && strcmp(key, keys[which]) != 0)
            which++;
        if (which == 3 || seen & 1 << which)
            return 0;
        seen |= 1 << which;
        if (which == 0)
            is_good = take_string(scan, descr, 64);
        else if (which == 1)
            is_good = (array->is_fortran = take(scan, "True")) || take(scan, "False");
        else
            is_good = take_shape(scan, array);
        if (!is_good)
            return 0;
        has_comma = take(scan, ",");
    }
    take(scan, ""); /* the padding */
    return seen == 7 && scan->at == scan->end;
}

/* ---- reading: the items ---- */

static int find_type(const char *where, const char *descr, NpyArray *array, Error *err)
{
    static const struct {
        const char *start, *what;
    } unknown[] = {
        {">", "big-endian numbers; save it again with array.astype(array.dtype.newbyteorder('<'))"},
        {"|O", "pickled Python objects; save it again as numbers"},
        {"<U", "Unicode strings; save it again with numpy.char.encode(array, 'utf-8')"},
    };
    for (int type = 0; type < NPY_STRING; type++)
        if (strcmp(descr, types[type].descr) == 0) {
            array->type = (NpyType)type;
            array->item_bytes = types[type].item_bytes;
            return STATUS_OK;
        }
    int64_t n;
    if (strncmp(descr, "|S", 2) == 0 && text_parse_int(descr + 2, &n) == 0 && n > 0 && n <= INT_MAX) {
        array->type = NPY_STRING;
        array->item_bytes = (int)n;
        return STATUS_OK;
    }
    if (strcmp(descr, "<V2") == 0 || strcmp(descr, "|V2") == 0) /* NumPy knows none: ml_dtypes' arrays come out so */
        return error_set(err, STATUS_INPUT,
                         "%s: its items are '%s', bytes without a meaning, as bfloat16 is saved; save it again with "
                         "array.astype(numpy.float32)",
                         where, descr);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        if (strncmp(descr, unknown[i].start, strlen(unknown[i].start)) == 0)
            return error_set(err, STATUS_INPUT, "%s: its items are '%s', %s", where, descr, unknown[i].what);
    return error_set(err, STATUS_INPUT,
                     "%s: its items are '%s'; float16, float32, float64, int32, int64, uint8, bool and bytes are read",
                     where, descr);
}

/* Walks C order; `from` is the place in Fortran order, where axis d has the stride shape[0] ... shape[d-1]. */
static void copy_to_c_order(const NpyArray *array, const unsigned char *in, unsigned char *out)
{
    const size_t item = (size_t)array->item_bytes;
    size_t stride[NPY_MAX_DIMS + 1] = {1}, from = 0;
    int64_t index[NPY_MAX_DIMS] = {0};
    for (int d = 0; d < array->n_dims; d++)
        stride[d + 1] = stride[d] * (size_t)array->shape[d];
    for (size_t i = 0; i < array->n_items; i++) {
        memcpy(out + i * item, in + from * item, item);
        for (int d = array->n_dims - 1; d >= 0; d--) {
            from += stride[d];
            if (++index[d] < array->shape[d])
                break;
            from -= stride[d + 1];
            index[d] = 0;
        }
    }
}

/* What stands before the items: fills all of the array but its data. `n` bytes of `n_whole` are there. */
static int parse_start(Arena *arena, const char *where, const unsigned char *in, size_t n, size_t n_whole,
                       NpyArray *ret_array, size_t *ret_start, Error *err)
{
    NpyArray array = {.name = arena_strdup(arena, where)};
    char descr[64];
    if (n < MAGIC_BYTES + 2 || memcmp(in, MAGIC, MAGIC_BYTES) != 0)
        return error_set(err, STATUS_INPUT, "%s: not a NumPy array (no NPY magic at its start)", where);
    if (in[6] < 1 || in[6] > 3 || in[7] != 0)
        return error_set(err, STATUS_INPUT, "%s: NPY version %d.%d; 1.0 to 3.0 are read", where, in[6], in[7]);
    const size_t start = in[6] == 1 ? 10 : 12;
    size_t n_header = 0;
    for (size_t i = start; i-- > 8 && n >= start;)
        n_header = n_header << 8 | in[i];
    if (n < start || n - start < n_header)
        return error_set(err, STATUS_INPUT, "%s: ends within its NPY header", where);
    Scan scan = {(const char *)in + start, (const char *)in + start + n_header};
    if (!take_header(&scan, &array, descr))
        return error_set(err, STATUS_INPUT, "%s: its NPY header is damaged, or describes records", where);
    if (array.n_dims > NPY_MAX_DIMS)
        return error_set(err, STATUS_INPUT, "%s: more than %d dimensions", where, NPY_MAX_DIMS);
    if (find_type(where, descr, &array, err) != STATUS_OK)
        return STATUS_INPUT;

    const size_t n_data = n_whole - start - n_header;
    size_t n_bytes = (size_t)array.item_bytes;
    int is_over = 0, is_empty = 0;
    for (int d = 0; d < array.n_dims; d++) {
        is_empty |= array.shape[d] == 0;
        is_over |= __builtin_mul_overflow(n_bytes, (size_t)array.shape[d], &n_bytes);
    }
    if (is_empty ? n_data != 0 : is_over || n_bytes != n_data)
        return error_set(err, STATUS_INPUT, "%s: its shape asks for another number of bytes than the %zu there are",
                         where, n_data);
    array.n_items = n_data / (size_t)array.item_bytes;
    *ret_array = array;
    *ret_start = start + n_header;
    return STATUS_OK;
}

/* Whether the items, `start` bytes behind an aligned place, can't be handed out as they lie. */
static int needs_copy(const NpyArray *array, uintptr_t start)
{
    return (array->is_fortran && array->n_dims > 1) || start % 8 != 0;
}

int npy_parse(Arena *arena, const char *where, const void *bytes, size_t n, NpyArray *ret_array, Error *err)
{
    NpyArray array;
    size_t start;
    const int status = parse_start(arena, where, bytes, n, n, &array, &start, err);
    if (status != STATUS_OK)
        return status;
    const unsigned char *data = (const unsigned char *)bytes + start;
    if (needs_copy(&array, (uintptr_t)data)) {
        unsigned char *copy = arena_alloc(arena, n - start);
        if (array.is_fortran)
            copy_to_c_order(&array, data, copy);
        else
            memcpy(copy, data, n - start);
        data = copy;
    }
    array.data = data;
    *ret_array = array;
    return STATUS_OK;
}

int npy_read(Arena *arena, const char *path, NpyArray *ret_array, Error *err)
{
    char *bytes;
    size_t n;
    const int status = file_read(arena, path, &bytes, &n, err);
    return status != STATUS_OK ? status : npy_parse(arena, path, bytes, n, ret_array, err);
}

int npy_read_header(Arena *arena, const char *path, NpyArray *ret_array, size_t *ret_bytes, Error *err)
{
    enum { MOST = 1 << 16 }; /* NumPy's own reader takes headers of 10,000 characters at most */
    char *bytes;
    size_t n, start;
    uint64_t n_whole;
    NpyArray array;
    int status = file_read_start(arena, path, MOST, &bytes, &n, err);
    if (status == STATUS_OK && file_size(path, &n_whole) != 0)
        status = error_set(err, STATUS_INPUT, "%s: is gone", path);
    if (status == STATUS_OK)
        status = parse_start(arena, path, (unsigned char *)bytes, n, n_whole, &array, &start, err);
    if (status != STATUS_OK)
        return status;
    *ret_bytes = n_whole + (needs_copy(&array, start) ? n_whole - start : 0);
    *ret_array = array;
    return STATUS_OK;
}

/* 1 sign, 5 exponent and 10 fraction bits. Moved into a float32's place they say 2^-112 of it, also below the least
 * exponent; that of infinity and NaN alone is another. */
float npy_half(uint16_t half)
{
    const uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
    float size;
    memcpy(&size, &bits, sizeof size);
    size = (half & 0x7c00) != 0x7c00 ? size * 0x1p112f : half & 1023 ? (float)NAN : (float)INFINITY;
    return half >> 15 ? -size : size;
}
