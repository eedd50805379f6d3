/* See style.h. The sequences are ECMA-48's SGR: 1 bold, 2 faint, 31-33 colours, 0 reset. */
#include "report/style.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const sequences[STYLE_COUNT] = {
    [STYLE_PLAIN] = "",           [STYLE_BOLD] = "\033[1m",      [STYLE_DIM] = "\033[2m",
    [STYLE_GREEN] = "\033[1;32m", [STYLE_YELLOW] = "\033[1;33m", [STYLE_RED] = "\033[1;31m",
};

static void add_styled(Text *text, const char *bytes, size_t n, Style style, int use_colour)
{
    const int is_styled = use_colour && style != STYLE_PLAIN;
    if (is_styled)
        text_add(text, sequences[style]);
    text_add_bytes(text, bytes, n);
    if (is_styled)
        text_add(text, "\033[0m");
}

int style_width(const char *string)
{
    int n = 0;
    for (const char *c = string; *c; c++)
        n += ((unsigned char)*c & 0xC0) != 0x80; /* not a continuation byte */
    return n;
}

void style_padded(Text *text, const char *string, int width, Style style, int use_colour)
{
    add_styled(text, string, strlen(string), style, use_colour);
    for (int n = style_width(string); n < width; n++)
        text_add(text, " ");
}

void style_wrapped(Text *text, const char *string, int indent, int width, Style style, int use_colour)
{
    const int room = width > indent + 20 ? width - indent : 20;
    while (*string) {
        string += strspn(string, " \n\t");
        size_t end = 0, at = 0;
        int columns = 0;
        for (; string[at] && (columns < room || end == 0); at++) {
            if (strchr(" \n\t", string[at]))
                end = at;
            columns += ((unsigned char)string[at] & 0xC0) != 0x80;
        }
        if (!string[at] || strchr(" \n\t", string[at]))
            end = at;
        if (end == 0)
            return;
        for (int i = 0; i < indent; i++)
            text_add(text, " ");
        add_styled(text, string, end, style, use_colour);
        text_add(text, "\n");
        string += end;
    }
}

void style_margin(Text *text, double least, const char *nearest, double agreement, int use_colour)
{
    char cell[48];
    if (isnan(least))
        return;
    snprintf(cell, sizeof cell, isnan(agreement) ? "%.2f from %s" : "%.2f from %s, %.0f %%", least, nearest,
             100 * agreement);
    style_padded(text, cell, 0, STYLE_DIM, use_colour);
}

void style_rule(Text *text, int width, int use_colour)
{
    if (use_colour)
        text_add(text, sequences[STYLE_DIM]);
    for (int i = 0; i < width; i++)
        text_add(text, "\xE2\x94\x80"); /* box drawings light horizontal */
    text_add(text, use_colour ? "\033[0m\n" : "\n");
}
