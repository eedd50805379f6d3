/* zlib's streams driven over whole buffers. zlib counts input and output in 32 bits, so both are fed in pieces. */
#include "base/deflate.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

#define RAW_WINDOW (-15) /* 32 KiB, no header or trailer */
#define PIECE      ((size_t)1 << 30)

static uInt piece(size_t left)
{
    return (uInt)(left < PIECE ? left : PIECE);
}

int deflate_bytes(Arena *arena, int level, const void *bytes, size_t n, unsigned char **ret_bytes, size_t *ret_n,
                  Error *err)
{
    z_stream stream = {0};
    assert(level >= 1 && level <= 9);
    if (deflateInit2(&stream, level, Z_DEFLATED, RAW_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return error_set(err, STATUS_FAILED, "out of memory: zlib could not start");
    const size_t bound = deflateBound(&stream, n);
    unsigned char *out = arena_alloc(arena, bound);
    size_t n_in = 0, n_out = 0;
    int result = Z_OK;
    while (result == Z_OK) {
        const uInt in_now = piece(n - n_in), out_now = piece(bound - n_out);
        stream.next_in = (Bytef *)(uintptr_t)bytes + n_in;
        stream.avail_in = in_now;
        stream.next_out = out + n_out;
        stream.avail_out = out_now;
        result = deflate(&stream, n_in + in_now == n ? Z_FINISH : Z_NO_FLUSH);
        n_in += in_now - stream.avail_in;
        n_out += out_now - stream.avail_out;
    }
    deflateEnd(&stream);
    if (result != Z_STREAM_END)
        return error_set(err, STATUS_FAILED, "zlib could not compress (code %d)", result);
    *ret_bytes = out;
    *ret_n = n_out;
    return STATUS_OK;
}

/* Inflates until the end of the stream, the end of the input, an error, or a full output. */
static int inflate_some(z_stream *stream, const unsigned char *bytes, size_t n, size_t *n_in, unsigned char *out,
                        size_t n_out_max, size_t *n_out)
{
    int result = Z_OK;
    while (result == Z_OK) {
        const uInt in_now = piece(n - *n_in), out_now = piece(n_out_max - *n_out);
        stream->next_in = (Bytef *)(uintptr_t)bytes + *n_in;
        stream->avail_in = in_now;
        stream->next_out = out + *n_out;
        stream->avail_out = out_now;
        result = inflate(stream, Z_NO_FLUSH);
        *n_in += in_now - stream->avail_in;
        *n_out += out_now - stream->avail_out;
    }
    return result; /* Z_BUF_ERROR: no progress, for want of input or room */
}

int inflate_bytes(const void *bytes, size_t n, void *out, size_t n_out, Error *err)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, RAW_WINDOW) != Z_OK)
        return error_set(err, STATUS_FAILED, "out of memory: zlib could not start");
    size_t taken = 0, made = 0;
    unsigned char none; /* zlib wants a place for output even when there is none */
    const int result = inflate_some(&stream, bytes, n, &taken, out ? out : &none, n_out, &made);
    inflateEnd(&stream);
    if (result == Z_MEM_ERROR)
        return error_set(err, STATUS_FAILED, "out of memory: zlib could not go on");
    if (result != Z_STREAM_END || taken != n || made != n_out)
        return error_set(err, STATUS_INPUT, "compressed data is damaged");
    return STATUS_OK;
}

uint32_t crc32_bytes(const void *bytes, size_t n)
{
    return crc32_more(0, bytes, n);
}

uint32_t crc32_more(uint32_t crc, const void *bytes, size_t n)
{
    return (uint32_t)crc32_z(crc, bytes, n);
}

void base64_add(Text *text, const void *bytes, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t three =
            (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
        char four[4] = {alphabet[three >> 18], alphabet[three >> 12 & 63], alphabet[three >> 6 & 63],
                        alphabet[three & 63]};
        if (left < 3)
            four[3] = '=';
        if (left < 2)
            four[2] = '=';
        text_add_bytes(text, four, 4);
    }
}
