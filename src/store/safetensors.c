/* safetensors: what checkpoints and weights are written in, readable by the whole field.
 *
 *   8 bytes: N, little-endian
 *   N bytes of JSON: {"__metadata__": {...}, NAME: {"dtype": ..., "shape": ..., "data_offsets": [begin, end]}, ...}
 *   data
 *
 * Source: github.com/huggingface/safetensors, README "Format". Its rules are all checked: the offsets tile the data
 * without hole or overlap, sizes are what shapes ask for, no key appears twice. The format has no checksum, and a
 * flipped bit in a weight would train on unnoticed, so we write one: metadata `crc32`, of everything behind the 8
 * bytes, computed while its own eight digits are zeros.
 */
#include "store/safetensors.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deflate.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data are written as they lie in memory: little-endian");

#define PREFIX_BYTES   8
#define HEADER_MAX     100000000 /* the reference implementation's limit */
#define DATA_ALIGNMENT 64        /* the header is padded with spaces up to here */
#define MAX_DIMS       4
#define CRC_KEY        "crc32"
#define CRC_DIGITS     8
static const char crc_blank[] = "00000000";

static const struct {
    const char *name;
    size_t bytes;
} types[] = {{"F32", 4},  {"F64", 8}, {"I64", 8}, {"U8", 1},  {"BOOL", 1}, {"I8", 1}, {"F16", 2},
             {"BF16", 2}, {"I16", 2}, {"U16", 2}, {"I32", 4}, {"U32", 4},  {"U64", 8}};

static size_t type_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].bytes;
    return 0;
}

/* Bytes that type and shape ask for; -1 if they are beyond size_t, or the type is unknown. */
static int wanted_bytes(const SafeTensor *tensor, size_t *ret_bytes)
{
    size_t bytes = type_bytes(tensor->type);
    if (bytes == 0)
        return -1;
    for (int d = 0; d < tensor->n_dims; d++)
        if (__builtin_mul_overflow(bytes, (size_t)tensor->shape[d], &bytes))
            return -1;
    *ret_bytes = bytes;
    return 0;
}

/* ---- writing ---- */

static void add_header(Text *text, const SafeTensor *tensors, int n, const char *const *metadata, int n_meta)
{
    JsonWriter json;
    double offset = 0;
    json_start(&json, text, 0);
    json_open_object(&json);
    json_key(&json, "__metadata__");
    json_open_object(&json);
    json_put_string(&json, CRC_KEY, crc_blank); /* first, so that it is the first run of eight zeros */
    for (int i = 0; i < n_meta; i++)
        json_put_string(&json, metadata[2 * i], metadata[2 * i + 1]);
    json_close_object(&json);
    for (int i = 0; i < n; i++) {
        json_key(&json, tensors[i].name);
        json_open_object(&json);
        json_put_string(&json, "dtype", tensors[i].type);
        json_key(&json, "shape");
        json_open_array(&json);
        for (int d = 0; d < tensors[i].n_dims; d++)
            json_number(&json, (double)tensors[i].shape[d]);
        json_close_array(&json);
        json_key(&json, "data_offsets");
        json_open_array(&json);
        json_number(&json, offset);
        json_number(&json, offset += (double)tensors[i].n_bytes);
        json_close_array(&json);
        json_close_object(&json);
    }
    json_close_object(&json);
    while ((PREFIX_BYTES + text->size) % DATA_ALIGNMENT != 0)
        text_add(text, " ");
}

int safetensors_write(const char *path, const SafeTensor *tensors, int n, const char *const *metadata, int n_meta,
                      Error *err)
{
    Text header = {0};
    Arena *arena = NULL;
    size_t size = PREFIX_BYTES;
    for (int i = 0; i < n; i++) {
        size_t bytes;
        assert(tensors[i].n_dims <= MAX_DIMS && wanted_bytes(&tensors[i], &bytes) == 0 && bytes == tensors[i].n_bytes);
        size += tensors[i].n_bytes;
    }
    add_header(&header, tensors, n, metadata, n_meta);
    size += header.size;
    /* As large as the model and its moments: when it isn't there, that is refused, not fatal. */
    int status = arena_new_fixed(arena_rounded(size), &arena, err);
    if (status == STATUS_OK) {
        unsigned char *file = arena_alloc(arena, size), *at = file + PREFIX_BYTES;
        for (int i = 0; i < PREFIX_BYTES; i++)
            file[i] = (unsigned char)((uint64_t)header.size >> 8 * i);
        memcpy(at, header.data, header.size);
        at += header.size;
        for (int i = 0; i < n; at += tensors[i].n_bytes, i++)
            if (tensors[i].n_bytes > 0)
                memcpy(at, tensors[i].data, tensors[i].n_bytes);
        char digits[CRC_DIGITS + 1];
        snprintf(digits, sizeof digits, "%08x", crc32_bytes(file + PREFIX_BYTES, size - PREFIX_BYTES));
        memcpy(memmem(file, size, crc_blank, CRC_DIGITS), digits, CRC_DIGITS);
        status = file_write(path, file, size, err);
    } else {
        error_prefix(err, status, "cannot write %s", path);
    }
    arena_free(arena);
    text_free(&header);
    return status;
}

/* ---- reading ---- */

typedef struct {
    const SafeTensor *tensor;
    uint64_t begin, end;
} Span;

static int compare_spans(const void *a, const void *b)
{
    const Span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* A JSON number that is a whole number, 0 ... 2^53. */
static int whole_number(const Json *json, uint64_t *ret_number)
{
    if (json->type != JSON_NUMBER || !(json->number >= 0 && json->number <= 9007199254740992.0) ||
        json->number != (double)(uint64_t)json->number)
        return -1;
    *ret_number = (uint64_t)json->number;
    return 0;
}

static int refuse(const char *path, const char *name, const char *reason, Error *err)
{
    return error_set(err, STATUS_INPUT, "%s: tensor \"%.200s\": %s", path, name, reason);
}

/* {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} */
static int read_entry(const char *path, const Json *entry, SafeTensor *tensor, Span *span, Error *err)
{
    const Json *shape = json_get(entry, "shape"), *offsets = json_get(entry, "data_offsets");
    size_t bytes;
    tensor->name = entry->key;
    tensor->type = json_get_string(entry, "dtype", "");
    if (entry->type != JSON_OBJECT || entry->n_items != 3 || !json_get(entry, "dtype") || !shape || !offsets)
        return refuse(path, entry->key, "its keys must be dtype, shape and data_offsets", err);
    if (type_bytes(tensor->type) == 0)
        return error_set(err, STATUS_INPUT, "%s: tensor \"%.200s\": dtype \"%.20s\" is not known", path, entry->key,
                         tensor->type);
    if (shape->type != JSON_ARRAY || shape->n_items > MAX_DIMS)
        return refuse(path, entry->key, "its shape must be a list of at most 4 sizes", err);
    tensor->n_dims = shape->n_items;
    for (int d = 0; d < shape->n_items; d++) {
        uint64_t size;
        if (whole_number(shape->items[d], &size) != 0)
            return refuse(path, entry->key, "a size in its shape is not a whole number", err);
        tensor->shape[d] = (int64_t)size;
    }
    if (offsets->type != JSON_ARRAY || offsets->n_items != 2 || whole_number(offsets->items[0], &span->begin) != 0 ||
        whole_number(offsets->items[1], &span->end) != 0 || span->end < span->begin)
        return refuse(path, entry->key, "its data_offsets must be two ascending whole numbers", err);
    if (wanted_bytes(tensor, &bytes) != 0 || bytes != span->end - span->begin)
        return refuse(path, entry->key, "its data_offsets do not fit its shape and dtype", err);
    tensor->n_bytes = bytes;
    span->tensor = tensor;
    return STATUS_OK;
}

static int read_metadata(Arena *arena, const char *path, const Json *metadata, SafeTensors *file, Error *err)
{
    if (metadata->type != JSON_OBJECT)
        return error_set(err, STATUS_INPUT, "%s: __metadata__ must be an object of strings", path);
    file->n_meta = metadata->n_items;
    file->metadata = ARENA_ARRAY(arena, const char *, 2 * metadata->n_items);
    for (int i = 0; i < metadata->n_items; i++) {
        if (metadata->items[i]->type != JSON_STRING)
            return error_set(err, STATUS_INPUT, "%s: __metadata__ \"%.200s\" must be a string", path,
                             metadata->items[i]->key);
        file->metadata[2 * i] = metadata->items[i]->key;
        file->metadata[2 * i + 1] = metadata->items[i]->string;
    }
    return STATUS_OK;
}

/* The checksum, if our writer left one. `bytes` are those behind the prefix; they are as before when this returns. */
static int check_crc(const char *path, char *bytes, size_t n, const char *crc, Error *err)
{
    char digits[CRC_DIGITS + 1] = "";
    char *place = strlen(crc) == CRC_DIGITS ? memmem(bytes, n, crc, CRC_DIGITS) : NULL;
    if (place) {
        memcpy(place, crc_blank, CRC_DIGITS);
        snprintf(digits, sizeof digits, "%08x", crc32_bytes(bytes, n));
        memcpy(place, crc, CRC_DIGITS);
    }
    if (strcmp(digits, crc) != 0)
        return error_set(err, STATUS_INPUT,
                         "%s: its bytes do not have the checksum that its metadata say; it is damaged", path);
    return STATUS_OK;
}

/* Spans that lie end to end through all n_data bytes; sorts them. */
static int check_spans(const char *path, Span *spans, int n, uint64_t n_data, Error *err)
{
    uint64_t end = 0;
    qsort(spans, (size_t)n, sizeof *spans, compare_spans);
    for (int i = 0; i < n; i++) {
        if (spans[i].begin != end || spans[i].end > n_data)
            return refuse(path, spans[i].tensor->name, "its data overlap, leave a hole, or lie outside of the file",
                          err);
        end = spans[i].end;
    }
    if (end != n_data)
        return error_set(err, STATUS_INPUT, "%s: bytes behind the last tensor", path);
    return STATUS_OK;
}

int safetensors_read(Arena *arena, const char *path, SafeTensors *ret_file, Error *err)
{
    char *bytes;
    size_t n_bytes;
    uint64_t n_header = 0;
    int status = file_read(arena, path, &bytes, &n_bytes, err);
    if (status != STATUS_OK)
        return status;
    for (int i = PREFIX_BYTES; n_bytes >= PREFIX_BYTES && i-- > 0;)
        n_header = n_header << 8 | (unsigned char)bytes[i];
    if (n_bytes < PREFIX_BYTES || n_header < 2 || n_header > HEADER_MAX || n_header > n_bytes - PREFIX_BYTES ||
        bytes[PREFIX_BYTES] != '{')
        return error_set(err, STATUS_INPUT, "%s: not a safetensors file, or its end is missing", path);
    Json *header;
    const char *header_path = arena_format(arena, "%s: header", path);
    if (json_parse(arena, header_path, bytes + PREFIX_BYTES, (size_t)n_header, &header, err) != STATUS_OK)
        return STATUS_INPUT;

    SafeTensors file = {.tensors = ARENA_ARRAY(arena, SafeTensor, header->n_items)};
    Span *spans = ARENA_ARRAY(arena, Span, header->n_items);
    for (int i = 0; i < header->n_items && status == STATUS_OK; i++) {
        if (strcmp(header->items[i]->key, "__metadata__") == 0) {
            status = read_metadata(arena, path, header->items[i], &file, err);
        } else {
            status = read_entry(path, header->items[i], &file.tensors[file.n], &spans[file.n], err);
            file.n++;
        }
    }
    if (status != STATUS_OK)
        return status;

    const char *data = bytes + PREFIX_BYTES + n_header;
    if (check_spans(path, spans, file.n, n_bytes - PREFIX_BYTES - n_header, err) != STATUS_OK)
        return STATUS_INPUT;
    const char *crc = safetensors_meta(&file, CRC_KEY);
    if (crc && check_crc(path, bytes + PREFIX_BYTES, n_bytes - PREFIX_BYTES, crc, err) != STATUS_OK)
        return STATUS_INPUT;

    for (int i = 0; i < file.n; i++) {
        SafeTensor *tensor = &file.tensors[spans[i].tensor - file.tensors];
        tensor->data = data + spans[i].begin;
        if ((uintptr_t)tensor->data % type_bytes(tensor->type) != 0) /* others pack tighter than C may read */
            tensor->data = memcpy(arena_alloc(arena, tensor->n_bytes), tensor->data, tensor->n_bytes);
    }
    *ret_file = file;
    return STATUS_OK;
}

const SafeTensor *safetensors_get(const SafeTensors *file, const char *name)
{
    for (int i = 0; i < file->n; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

const char *safetensors_meta(const SafeTensors *file, const char *key)
{
    for (int i = 0; i < file->n_meta; i++)
        if (strcmp(file->metadata[2 * i], key) == 0)
            return file->metadata[2 * i + 1];
    return NULL;
}
