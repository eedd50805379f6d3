/* Values of a binary header, one behind the other, of a file that does not stand in memory whole. Little-endian. */
#ifndef REFFRAME_HUB_CURSOR_H
#define REFFRAME_HUB_CURSOR_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* Where in the file it is, and the piece of it that stands in memory. */
typedef struct {
    Arena *arena;
    const char *path;
    uint64_t size, at, from;
    size_t n;
    unsigned char *piece;
    Error *err;
} Cursor;

/* At the first byte of a file. */
Cursor cursor_new(Arena *arena, const char *path, Error *err);

/* STATUS_INPUT, naming file and byte. */
int cursor_refuse(const Cursor *c, const char *what);

/* The next n bytes; NULL: passed over. STATUS_INPUT beyond the file's end, and beyond 256 MiB, as no header is. */
int cursor_take(Cursor *c, void *ret_bytes, size_t n);
int cursor_u32(Cursor *c, uint32_t *ret_value);
int cursor_u64(Cursor *c, uint64_t *ret_value);

/* A length (u64) and so many bytes, which a terminal must be able to show; NULL: passed over, and they may be any. */
int cursor_text(Cursor *c, const char **ret_text);

#endif
