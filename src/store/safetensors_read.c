/* Reading safetensors: the header first, checked whole; the data with it, or tensor by tensor by who asks for them. */
#include "store/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deflate.h"
#include "base/file.h"
#include "base/json.h"
#include "store/safetensors_format.h"

#define HEADER_MAX 100000000 /* the reference implementation's limit */
enum { PIECE = 1 << 22 };    /* bytes of data that stand in memory for a checksum */

static const struct {
    const char *name;
    size_t bytes;
} types[] = {{"F32", 4},  {"F64", 8}, {"I64", 8}, {"U8", 1},  {"BOOL", 1}, {"I8", 1}, {"F16", 2},
             {"BF16", 2}, {"I16", 2}, {"U16", 2}, {"I32", 4}, {"U32", 4},  {"U64", 8}};

size_t safetensors_type_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].bytes;
    return 0;
}

int safetensors_wanted_bytes(const SafeTensor *tensor, size_t *ret_bytes)
{
    size_t bytes = safetensors_type_bytes(tensor->type);
    if (bytes == 0)
        return -1;
    for (int d = 0; d < tensor->n_dims; d++)
        if (__builtin_mul_overflow(bytes, (size_t)tensor->shape[d], &bytes))
            return -1;
    *ret_bytes = bytes;
    return 0;
}

/* ---- the header ---- */

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
    if (safetensors_type_bytes(tensor->type) == 0)
        return error_set(err, STATUS_INPUT, "%s: tensor \"%.200s\": dtype \"%.20s\" is not known", path, entry->key,
                         tensor->type);
    if (shape->type != JSON_ARRAY || shape->n_items > SAFETENSORS_MAX_DIMS)
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
    if (safetensors_wanted_bytes(tensor, &bytes) != 0 || bytes != span->end - span->begin)
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

/* Its length, from the prefix and the byte behind it. */
static int read_length(const char *path, const char *start, size_t n_start, uint64_t n_bytes, size_t *ret_n, Error *err)
{
    uint64_t n_header = 0;
    for (int i = SAFETENSORS_PREFIX; n_start > SAFETENSORS_PREFIX && i-- > 0;)
        n_header = n_header << 8 | (unsigned char)start[i];
    if (n_start <= SAFETENSORS_PREFIX || n_header < 2 || n_header > HEADER_MAX ||
        n_header > n_bytes - SAFETENSORS_PREFIX || start[SAFETENSORS_PREFIX] != '{')
        return error_set(err, STATUS_INPUT, "%s: not a safetensors file, or its end is missing", path);
    *ret_n = (size_t)n_header;
    return STATUS_OK;
}

/* `text` is the header of a file of n_bytes. */
static int read_header(Arena *arena, const char *path, const char *text, size_t n_header, uint64_t n_bytes,
                       SafeTensors *ret_file, Error *err)
{
    const uint64_t start = SAFETENSORS_PREFIX + n_header;
    Json *header;
    int status = json_parse(arena, arena_format(arena, "%s: header", path), text, n_header, &header, err);
    if (status != STATUS_OK)
        return status;
    SafeTensors file = {.tensors = ARENA_ARRAY(arena, SafeTensor, header->n_items),
                        .begins = ARENA_ARRAY(arena, uint64_t, header->n_items)};
    Span *spans = ARENA_ARRAY(arena, Span, header->n_items);
    for (int i = 0; i < header->n_items && status == STATUS_OK; i++) {
        if (strcmp(header->items[i]->key, "__metadata__") == 0) {
            status = read_metadata(arena, path, header->items[i], &file, err);
        } else {
            status = read_entry(path, header->items[i], &file.tensors[file.n], &spans[file.n], err);
            file.n++;
        }
    }
    if (status == STATUS_OK)
        status = check_spans(path, spans, file.n, n_bytes - start, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < file.n; i++)
        file.begins[spans[i].tensor - file.tensors] = start + spans[i].begin;
    *ret_file = file;
    return STATUS_OK;
}

/* ---- the checksum, if our writer left one ---- */

/* Of a header, its own digits taken as zeros; it is as before when this returns. -1 where they do not stand in it. */
static int crc_of_header(char *header, size_t n, const char *crc, uint32_t *ret_sum)
{
    char *place = strlen(crc) == SAFETENSORS_CRC_DIGITS ? memmem(header, n, crc, SAFETENSORS_CRC_DIGITS) : NULL;
    if (!place)
        return -1;
    memcpy(place, safetensors_crc_blank, SAFETENSORS_CRC_DIGITS);
    *ret_sum = crc32_bytes(header, n);
    memcpy(place, crc, SAFETENSORS_CRC_DIGITS);
    return 0;
}

static int check_crc(const char *path, const char *crc, int is_known, uint32_t sum, Error *err)
{
    char digits[SAFETENSORS_CRC_DIGITS + 1] = "";
    if (is_known)
        snprintf(digits, sizeof digits, "%08x", sum);
    if (strcmp(digits, crc) != 0)
        return error_set(err, STATUS_INPUT,
                         "%s: its bytes do not have the checksum that its metadata say; it is damaged", path);
    return STATUS_OK;
}

static int check_data_of(const char *path, char *header, size_t n_header, uint64_t n_bytes, const char *crc, Error *err)
{
    uint32_t sum = 0;
    const int is_known = crc_of_header(header, n_header, crc, &sum) == 0;
    char *piece = malloc(PIECE);
    int status = piece ? STATUS_OK : error_set(err, STATUS_FAILED, "%s: no memory to read it with", path);
    uint64_t at = SAFETENSORS_PREFIX + n_header;
    while (is_known && at < n_bytes && status == STATUS_OK) {
        const size_t n = n_bytes - at < PIECE ? (size_t)(n_bytes - at) : PIECE;
        status = file_read_at(path, at, piece, n, err);
        if (status == STATUS_OK)
            sum = crc32_more(sum, piece, n);
        at += n;
    }
    free(piece);
    return status == STATUS_OK ? check_crc(path, crc, is_known, sum, err) : status;
}

/* ---- the file ---- */

int safetensors_read(Arena *arena, const char *path, SafeTensors *ret_file, Error *err)
{
    char *bytes;
    size_t n_bytes, n_header = 0;
    SafeTensors file;
    int status = file_read(arena, path, &bytes, &n_bytes, err);
    if (status == STATUS_OK)
        status = read_length(path, bytes, n_bytes, n_bytes, &n_header, err);
    if (status == STATUS_OK)
        status = read_header(arena, path, bytes + SAFETENSORS_PREFIX, n_header, n_bytes, &file, err);
    if (status != STATUS_OK)
        return status;
    const char *crc = safetensors_meta(&file, SAFETENSORS_CRC_KEY);
    if (crc) {
        uint32_t sum = 0;
        char *header = bytes + SAFETENSORS_PREFIX, *data = header + n_header;
        const int is_known = crc_of_header(header, n_header, crc, &sum) == 0;
        sum = crc32_more(sum, data, n_bytes - SAFETENSORS_PREFIX - n_header);
        if (check_crc(path, crc, is_known, sum, err) != STATUS_OK)
            return STATUS_INPUT;
    }
    for (int i = 0; i < file.n; i++) {
        SafeTensor *tensor = &file.tensors[i];
        tensor->data = bytes + file.begins[i];
        if ((uintptr_t)tensor->data % safetensors_type_bytes(tensor->type) !=
            0) /* others pack tighter than C may read */
            tensor->data = memcpy(arena_alloc(arena, tensor->n_bytes), tensor->data, tensor->n_bytes);
    }
    *ret_file = file;
    return STATUS_OK;
}

int safetensors_read_header(Arena *arena, const char *path, SafeTensors *ret_file, Error *err)
{
    char *start;
    size_t n_start, n_header = 0;
    uint64_t n_bytes = 0;
    SafeTensors file;
    int status = file_read_start(arena, path, SAFETENSORS_PREFIX + 1, &start, &n_start, err);
    if (status == STATUS_OK && file_size(path, &n_bytes) != 0)
        n_bytes = n_start;
    if (status == STATUS_OK)
        status = read_length(path, start, n_start, n_bytes, &n_header, err);
    if (status != STATUS_OK)
        return status;
    char *header = arena_alloc(arena, n_header + 1);
    status = file_read_at(path, SAFETENSORS_PREFIX, header, n_header, err);
    if (status == STATUS_OK)
        status = read_header(arena, path, header, n_header, n_bytes, &file, err);
    const char *crc = status == STATUS_OK ? safetensors_meta(&file, SAFETENSORS_CRC_KEY) : NULL;
    if (crc)
        status = check_data_of(path, header, n_header, n_bytes, crc, err);
    if (status == STATUS_OK)
        *ret_file = file;
    return status;
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
