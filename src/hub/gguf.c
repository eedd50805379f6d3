/* GGUF, versions 2 and 3, little-endian:
 *
 *   "GGUF", version (u32), number of tensors, number of metadata (u64 each)
 *   of each of the metadata: key, type (u32), value
 *   of each tensor: name, number of dimensions (u32), sizes (u64 each, the innermost first), type (u32), offset (u64)
 *   up to a multiple of `general.alignment` (32 where it is not said): the data, which the offsets count from here
 *
 * A string is its length (u64) and its bytes; a list its items' type (u32), their number (u64), and they. The header
 * does not say how long it is, so it is read in pieces (cursor.h).
 */
#include "hub/gguf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "hub/cursor.h"

enum { MOST = 1 << 16 /* metadata, tensors */, TYPE_STRING = 8, TYPE_LIST = 9 };

/* ---- metadata ---------------------------------------------------------------------------------------------------- */

/* Bytes of the numbers, by their types: u8 i8 u16 i16 u32 i32 f32 bool, -, -, u64 i64 f64. */
static const size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
enum { N_TYPES = sizeof sizes / sizeof *sizes };

static double number_of(uint32_t type, const unsigned char *bytes)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        float f32;
        uint64_t u64;
        int64_t i64;
        double f64;
    } value;
    memcpy(&value, bytes, sizeof value);
    const double all[N_TYPES] = {value.u8,          value.i8,          value.u16, value.i16, value.u32,
                                 value.i32,         (double)value.f32, value.u8,  0,         0,
                                 (double)value.u64, (double)value.i64, value.f64};
    return all[type];
}

static int take_number(Cursor *c, uint32_t type, Json *value)
{
    unsigned char bytes[8] = {0};
    const int status = cursor_take(c, bytes, sizes[type]);
    value->type = type == 7 ? JSON_BOOL : JSON_NUMBER;
    value->number = number_of(type, bytes);
    return status;
}

static int pass_list(Cursor *c)
{
    uint32_t type = 0;
    uint64_t n = 0;
    int status = cursor_u32(c, &type);
    if (status == STATUS_OK)
        status = cursor_u64(c, &n);
    if (status != STATUS_OK)
        return status;
    if (type >= N_TYPES || type == TYPE_LIST)
        return cursor_refuse(c, "a list of items of a type that is not known");
    for (uint64_t i = 0; i < n && status == STATUS_OK; i++)
        status = type == TYPE_STRING ? cursor_text(c, NULL) : cursor_take(c, NULL, sizes[type]);
    return status;
}

static int is_kept(const char *key)
{
    return strcmp(key, "general.architecture") == 0 || strcmp(key, "general.alignment") == 0 ||
           (strncmp(key, "general.", 8) != 0 && strncmp(key, "tokenizer.", 10) != 0 &&
            strncmp(key, "quantize.", 9) != 0); /* how its numbers were made, which they say themselves */
}

static int take_value(Cursor *c, Json *value)
{
    uint32_t type = 0;
    int status = cursor_text(c, &value->key);
    if (status == STATUS_OK)
        status = cursor_u32(c, &type);
    if (status != STATUS_OK)
        return status;
    if (type >= N_TYPES)
        return cursor_refuse(c, "a value of a type that is not known");
    value->type = type == TYPE_STRING ? JSON_STRING : JSON_ARRAY;
    if (type == TYPE_LIST)
        return pass_list(c);
    if (type == TYPE_STRING)
        return cursor_text(c, is_kept(value->key) ? &value->string : NULL);
    return take_number(c, type, value);
}

static int compare_keys(const void *a, const void *b)
{
    const Json *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

/* None is there twice; sorts them. */
static int check_keys(const Cursor *c, Json *all)
{
    if (all->n_items > 0)
        qsort(all->items, (size_t)all->n_items, sizeof *all->items, compare_keys);
    for (int i = 1; i < all->n_items; i++)
        if (strcmp(all->items[i - 1]->key, all->items[i]->key) == 0)
            return error_set(c->err, STATUS_INPUT, "%s: key \"%.100s\" appears twice", c->path, all->items[i]->key);
    return STATUS_OK;
}

static int take_metadata(Cursor *c, uint64_t n, Json **ret_metadata)
{
    Json *all = ARENA_ARRAY(c->arena, Json, 1);
    all->type = JSON_OBJECT;
    all->items = ARENA_ARRAY(c->arena, Json *, n);
    for (uint64_t i = 0; i < n; i++) {
        Json *value = ARENA_ARRAY(c->arena, Json, 1);
        const int status = take_value(c, value);
        if (status != STATUS_OK)
            return status;
        if (is_kept(value->key))
            all->items[all->n_items++] = value;
    }
    const int status = check_keys(c, all);
    if (status == STATUS_OK)
        *ret_metadata = all;
    return status;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static const struct {
    uint32_t number;
    const char *name;
} types[] = {{0, "F32"}, {1, "F16"}, {2, "Q4_0"}, {3, "Q4_1"}, {8, "Q8_0"}, {12, "Q4_K"}, {14, "Q6_K"}, {30, "BF16"}};

static const char *type_name(uint32_t number)
{
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        if (types[t].number == number)
            return types[t].name;
    return NULL;
}

static int check_type(const Cursor *c, uint32_t number, Weight *weight)
{
    weight->type = type_name(number);
    if (weight->type)
        return STATUS_OK;
    return error_set(c->err, STATUS_INPUT,
                     "%s: %.100s is of type %" PRIu32 "; F32, F16, BF16, Q8_0, Q6_K, Q4_K, Q4_1 and Q4_0 are read",
                     c->path, weight->name, number);
}

/* Blocks lie along the innermost dimension. */
static int find_bytes(const Cursor *c, Weight *weight)
{
    const WeightType *type = weight_type(weight->type);
    uint64_t blocks = 1;
    int is_wrong = weight->shape[weight->n_dims - 1] % type->items != 0;
    for (int d = 0; d < weight->n_dims; d++)
        is_wrong |= weight->shape[d] < 1 || __builtin_mul_overflow(blocks, (uint64_t)weight->shape[d], &blocks);
    blocks /= (uint64_t)type->items;
    if (is_wrong || __builtin_mul_overflow(blocks, (uint64_t)type->bytes, &weight->n_bytes))
        return error_set(c->err, STATUS_INPUT, "%s: %.100s has a shape that no tensor of type %s has", c->path,
                         weight->name, weight->type);
    return STATUS_OK;
}

static int take_tensor(Cursor *c, Weight *ret_weight)
{
    enum { MOST_DIMS = 4 };
    Weight weight = {.path = c->path};
    uint32_t n_dims = 0, type = 0;
    uint64_t innermost_first[MOST_DIMS] = {0};
    int status = cursor_text(c, &weight.name);
    if (status == STATUS_OK)
        status = cursor_u32(c, &n_dims);
    if (status == STATUS_OK && (n_dims < 1 || n_dims > MOST_DIMS))
        status = cursor_refuse(c, "a tensor of no dimension, or of more than 4");
    for (uint32_t d = 0; d < n_dims && status == STATUS_OK; d++)
        status = cursor_u64(c, &innermost_first[d]);
    if (status == STATUS_OK)
        status = cursor_u32(c, &type);
    if (status == STATUS_OK)
        status = cursor_u64(c, &weight.offset);
    if (status != STATUS_OK)
        return status;
    weight.n_dims = (int)n_dims;
    for (int d = 0; d < weight.n_dims; d++)
        weight.shape[d] = (int64_t)innermost_first[weight.n_dims - 1 - d];
    status = check_type(c, type, &weight);
    if (status == STATUS_OK)
        status = find_bytes(c, &weight);
    if (status == STATUS_OK)
        *ret_weight = weight;
    return status;
}

static int compare_places(const void *a, const void *b)
{
    const Weight *const *x = a, *const *y = b;
    return (*x)->offset != (*y)->offset ? ((*x)->offset > (*y)->offset ? 1 : -1) : strcmp((*x)->name, (*y)->name);
}

/* Within the file each, and no two on the same bytes. */
static int check_places(const Cursor *c, const Weights *weights)
{
    const Weight **all = ARENA_ARRAY(c->arena, const Weight *, weights->n);
    for (int t = 0; t < weights->n; t++) {
        all[t] = &weights->items[t];
        if (all[t]->offset > c->size || all[t]->n_bytes > c->size - all[t]->offset)
            return error_set(c->err, STATUS_INPUT, "%s: %.100s lies outside of the file; its end is missing", c->path,
                             all[t]->name);
    }
    if (weights->n > 0)
        qsort(all, (size_t)weights->n, sizeof *all, compare_places);
    for (int t = 1; t < weights->n; t++)
        if (all[t]->offset - all[t - 1]->offset < all[t - 1]->n_bytes)
            return error_set(c->err, STATUS_INPUT, "%s: %.100s and %.100s lie on the same bytes", c->path,
                             all[t - 1]->name, all[t]->name);
    return STATUS_OK;
}

static int take_tensors(Cursor *c, uint64_t n, const Json *metadata, Weights *ret_weights)
{
    const double alignment = json_get_number(metadata, "general.alignment", 32);
    Weights weights = {c->path, ARENA_ARRAY(c->arena, Weight, n), (int)n};
    int status = STATUS_OK;
    if (!(alignment >= 1 && alignment <= 1 << 20 && alignment == (int)alignment))
        return error_set(c->err, STATUS_INPUT, "%s: general.alignment: %g is none", c->path, alignment);
    for (uint64_t t = 0; t < n && status == STATUS_OK; t++)
        status = take_tensor(c, &weights.items[t]);
    const uint64_t step = (uint64_t)alignment, start = (c->at + step - 1) / step * step;
    for (uint64_t t = 0; t < n && status == STATUS_OK; t++)
        if (__builtin_add_overflow(weights.items[t].offset, start, &weights.items[t].offset))
            weights.items[t].offset = UINT64_MAX; /* outside of every file */
    if (status == STATUS_OK)
        status = check_places(c, &weights);
    if (status == STATUS_OK)
        status = weights_sort(&weights, c->err);
    if (status == STATUS_OK)
        *ret_weights = weights;
    return status;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

int gguf_is_at(const char *path)
{
    char magic[4];
    return file_read_at(path, 0, magic, sizeof magic, NULL) == STATUS_OK && memcmp(magic, "GGUF", sizeof magic) == 0;
}

int gguf_open(Arena *arena, const char *path, Json **ret_metadata, Weights *ret_weights, Error *err)
{
    Cursor c = cursor_new(arena, path, err);
    uint32_t magic = 0, version = 0;
    uint64_t n_tensors = 0, n_metadata = 0;
    Json *metadata = NULL;
    int status = cursor_u32(&c, &magic);
    if (status == STATUS_OK)
        status = cursor_u32(&c, &version);
    if (status == STATUS_OK && version != 2 && version != 3)
        status = cursor_refuse(&c, "neither version 2 nor 3 of the format");
    if (status == STATUS_OK)
        status = cursor_u64(&c, &n_tensors);
    if (status == STATUS_OK)
        status = cursor_u64(&c, &n_metadata);
    if (status == STATUS_OK && (n_tensors > MOST || n_metadata > MOST))
        status = cursor_refuse(&c, "more than 65536 tensors or metadata");
    if (status == STATUS_OK)
        status = take_metadata(&c, n_metadata, &metadata);
    if (status == STATUS_OK)
        status = take_tensors(&c, n_tensors, metadata, ret_weights);
    if (status == STATUS_OK)
        *ret_metadata = metadata;
    return status;
}
