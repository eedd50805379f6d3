/* What the terminal can do, and the one line that is written over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/app.h"

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

void terminal_clear_line(void)
{
    terminal_status_line("");
}
