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
#include "store/safetensors_format.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data are written as they lie in memory: little-endian");

#define DATA_ALIGNMENT 64 /* the header is padded with spaces up to here */

/* ---- writing ---- */

static void add_header(Text *text, const SafeTensor *tensors, int n, const char *const *metadata, int n_meta)
{
    JsonWriter json;
    double offset = 0;
    json_start(&json, text, 0);
    json_open_object(&json);
    json_key(&json, "__metadata__");
    json_open_object(&json);
    json_put_string(&json, SAFETENSORS_CRC_KEY,
                    safetensors_crc_blank); /* first, so that it is the first run of eight zeros */
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
    while ((SAFETENSORS_PREFIX + text->size) % DATA_ALIGNMENT != 0)
        text_add(text, " ");
}

int safetensors_write(const char *path, const SafeTensor *tensors, int n, const char *const *metadata, int n_meta,
                      Error *err)
{
    Text header = {0};
    Arena *arena = NULL;
    size_t size = SAFETENSORS_PREFIX;
    for (int i = 0; i < n; i++) {
        size_t bytes;
        assert(tensors[i].n_dims <= SAFETENSORS_MAX_DIMS && safetensors_wanted_bytes(&tensors[i], &bytes) == 0 &&
               bytes == tensors[i].n_bytes);
        size += tensors[i].n_bytes;
    }
    add_header(&header, tensors, n, metadata, n_meta);
    size += header.size;
    /* As large as the model and its moments: when it isn't there, that is refused, not fatal. */
    int status = arena_new_fixed(arena_rounded(size), &arena, err);
    if (status == STATUS_OK) {
        unsigned char *file = arena_alloc(arena, size), *at = file + SAFETENSORS_PREFIX;
        for (int i = 0; i < SAFETENSORS_PREFIX; i++)
            file[i] = (unsigned char)((uint64_t)header.size >> 8 * i);
        memcpy(at, header.data, header.size);
        at += header.size;
        for (int i = 0; i < n; at += tensors[i].n_bytes, i++)
            if (tensors[i].n_bytes > 0)
                memcpy(at, tensors[i].data, tensors[i].n_bytes);
        char digits[SAFETENSORS_CRC_DIGITS + 1];
        snprintf(digits, sizeof digits, "%08x", crc32_bytes(file + SAFETENSORS_PREFIX, size - SAFETENSORS_PREFIX));
        memcpy(memmem(file, size, safetensors_crc_blank, SAFETENSORS_CRC_DIGITS), digits, SAFETENSORS_CRC_DIGITS);
        status = file_write(path, file, size, err);
    } else {
        error_prefix(err, status, "cannot write %s", path);
    }
    arena_free(arena);
    text_free(&header);
    return status;
}
