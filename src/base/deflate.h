/* zlib behind three calls: raw deflate in and out, CRC-32. Output is a pure function of the input and level. */
#ifndef REFFRAME_BASE_DEFLATE_H
#define REFFRAME_BASE_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* Raw deflate (RFC 1951) at a level of 1-9; memory from arena. */
int deflate_bytes(Arena *arena, int level, const void *bytes, size_t n, unsigned char **ret_bytes, size_t *ret_n,
                  Error *err);
/* Raw inflate to exactly n_out bytes; anything else is an error (never writes past n_out). */
int inflate_bytes(const void *bytes, size_t n, void *out, size_t n_out, Error *err);
uint32_t crc32_bytes(const void *bytes, size_t n);
uint32_t crc32_more(uint32_t crc, const void *bytes, size_t n); /* of those before, and these */

/* Base64 (RFC 4648), for binary data inside the report. */
#include "base/text.h"
void base64_add(Text *text, const void *bytes, size_t n);

#endif
