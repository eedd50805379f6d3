/* Errors as values: formatting into the caller's field, and the end of the process when memory is gone. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* One line, as a terminal can show it, whatever a user's text brings: newlines and tabs become spaces, other control
 * characters visible. Where the field ends, "..." shows the cut, between two characters. */
static void format_into(char *field, size_t size, const char *format, va_list args)
{
    Text text = {0}, shown = {0};
    text_addv(&text, format, args);
    for (size_t i = 0; i < text.size; i++)
        if (strchr("\n\r\t", text.data[i]))
            text.data[i] = ' ';
    text_add_visible(&shown, text_string(&text), text.size);
    size_t n = shown.size;
    if (n >= size)
        for (n = size - sizeof "..."; ((unsigned char)shown.data[n] & 0xC0) == 0x80;)
            n--;
    memcpy(field, text_string(&shown), n);
    strcpy(field + n, n < shown.size ? "..." : "");
    text_free(&text);
    text_free(&shown);
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
