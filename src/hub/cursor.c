/* A window of the file moves along with what is taken. */
#include "hub/cursor.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

enum { PIECE = 1 << 16, HEADER_MAX = 1 << 28, MOST_TEXT = 1 << 20 };

Cursor cursor_new(Arena *arena, const char *path, Error *err)
{
    Cursor c = {.arena = arena, .path = path, .piece = ARENA_ARRAY(arena, unsigned char, PIECE), .err = err};
    if (file_size(path, &c.size) != 0)
        c.size = 0;
    return c;
}

int cursor_refuse(const Cursor *c, const char *what)
{
    return error_set(c->err, STATUS_INPUT, "%s: byte %" PRIu64 ": %s", c->path, c->at, what);
}

int cursor_take(Cursor *c, void *ret_bytes, size_t n)
{
    if (n > c->size - c->at || c->at + n > HEADER_MAX)
        return cursor_refuse(c, "its header ends beyond the file, or is larger than 256 MiB");
    for (size_t done = 0; done < n;) {
        if (c->at < c->from || c->at >= c->from + c->n) {
            c->from = c->at;
            c->n = c->size - c->at < PIECE ? (size_t)(c->size - c->at) : PIECE;
            const int status = file_read_at(c->path, c->from, c->piece, c->n, c->err);
            if (status != STATUS_OK)
                return status;
        }
        const size_t start = (size_t)(c->at - c->from), some = n - done < c->n - start ? n - done : c->n - start;
        if (ret_bytes)
            memcpy((unsigned char *)ret_bytes + done, c->piece + start, some);
        done += some;
        c->at += some;
    }
    return STATUS_OK;
}

int cursor_u32(Cursor *c, uint32_t *ret_value)
{
    return cursor_take(c, ret_value, sizeof *ret_value);
}

int cursor_u64(Cursor *c, uint64_t *ret_value)
{
    return cursor_take(c, ret_value, sizeof *ret_value);
}

int cursor_text(Cursor *c, const char **ret_text)
{
    uint64_t n = 0;
    int status = cursor_u64(c, &n);
    if (status != STATUS_OK)
        return status;
    if (n > MOST_TEXT)
        return cursor_refuse(c, "a text of more than 1 MiB");
    char *text = ret_text ? arena_alloc(c->arena, (size_t)n + 1) : NULL;
    status = cursor_take(c, text, (size_t)n);
    if (status == STATUS_OK && text && (strlen(text) != n || !text_is_visible(text)))
        status = cursor_refuse(c, "a name or text with bytes that can't be shown");
    if (status == STATUS_OK && ret_text)
        *ret_text = text;
    return status;
}
