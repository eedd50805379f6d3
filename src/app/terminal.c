/* What the terminal can do, and the one line that is written over. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/app.h"
#include "report/style.h"

int terminal_is_interactive(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

int terminal_has_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return terminal_is_interactive() && !(no_colour && *no_colour);
}

int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 100;
}

int terminal_row_width(void)
{
    return isatty(STDOUT_FILENO) ? terminal_width() : INT_MAX;
}

static void print_wrapped(const char *lines, int hang, int width)
{
    Text wrapped = {0};
    style_rows(&wrapped, lines, hang, width);
    fputs(text_string(&wrapped), stdout);
    text_free(&wrapped);
}

void terminal_rows(Text *rows)
{
    enum { HANG = 2 };
    print_wrapped(text_string(rows), HANG, terminal_row_width());
    text_free(rows);
}

void terminal_rowf(const char *format, ...)
{
    va_list args;
    Text rows = {0};
    va_start(args, format);
    text_addv(&rows, format, args);
    va_end(args);
    terminal_rows(&rows);
}

void terminal_prose(const char *lines)
{
    enum { MOST = 100 }; /* longer lines are hard to read */
    const int width = terminal_width();
    print_wrapped(lines, 0, width < MOST ? width : MOST);
}

const char *terminal_text(Arena *arena, const char *string)
{
    Text text = {0};
    text_add_visible(&text, string, strlen(string));
    const char *copy = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return copy;
}

void terminal_status_line(const char *line)
{
    if (!terminal_is_interactive())
        return;
    printf("\r\033[K%.*s", terminal_width() - 1, line);
    fflush(stdout);
}

void terminal_progress(const char *line)
{
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || (term && strcmp(term, "dumb") == 0))
        return;
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
}

void terminal_clear_line(void)
{
    terminal_status_line("");
}
