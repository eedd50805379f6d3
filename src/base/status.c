/* Errors as values: formatting into the caller's field, and the end of the process when memory is gone. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* vsnprintf that shows a cut by "..." at the end. An error is one line: what a user's text brings of newlines and other
 * control characters becomes spaces. */
static void format_into(char *field, size_t size, const char *format, va_list args)
{
    const int n = vsnprintf(field, size, format, args);
    if (n < 0)
        field[0] = '\0';
    else if ((size_t)n >= size)
        memcpy(field + size - 4, "...", 4);
    for (char *c = field; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
}

int error_set(Error *err, int status, const char *format, ...)
{
    if (err) {
        /* The arguments may point into err->text itself. */
        Error made;
        va_list args;
        va_start(args, format);
        format_into(made.text, sizeof made.text, format, args);
        va_end(args);
        *err = made;
    }
    return status;
}

int error_prefix(Error *err, int status, const char *format, ...)
{
    if (err) {
        Error prefix;
        va_list args;
        va_start(args, format);
        format_into(prefix.text, sizeof prefix.text, format, args);
        va_end(args);
        return error_set(err, status, "%s: %s", prefix.text, err->text);
    }
    return status;
}

int status_exit_code(int status)
{
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_INPUT:
        return 2;
    case STATUS_INTERRUPTED:
        return 130;
    default:
        return 1;
    }
}

void memory_exhausted(size_t bytes)
{
    fprintf(stderr, "refframe: out of memory (%zu bytes more were needed)\n", bytes);
    exit(1);
}
