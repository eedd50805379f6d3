/* Errors with their place, and lists that grow. */
#include "plan/tools.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

const char *plan_hint(Arena *arena, const char *nearest)
{
    return nearest ? arena_format(arena, "; did you mean \"%s\"?", nearest) : "";
}

int plan_refuse(Error *err, const char *file, int line, const char *format, ...)
{
    Text text = {0};
    va_list args;
    va_start(args, format);
    text_addv(&text, format, args);
    va_end(args);
    const int status = line > 0 ? error_set(err, STATUS_INPUT, "%s:%d: %s", file, line, text_string(&text))
                                : error_set(err, STATUS_INPUT, "%s: %s", file, text_string(&text));
    text_free(&text);
    return status;
}

void *plan_grown(Arena *arena, void *items, int n, size_t item_size)
{
    if (n != 0 && (n < 8 || (n & (n - 1)) != 0))
        return items;
    void *larger = arena_alloc(arena, (n ? 2 * (size_t)n : 8) * item_size);
    if (n)
        memcpy(larger, items, (size_t)n * item_size);
    return larger;
}
