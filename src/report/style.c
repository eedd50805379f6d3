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

static void add_spaces(Text *text, int n)
{
    for (int i = 0; i < n; i++)
        text_add(text, " ");
}

int style_width(const char *string)
{
    Text shown = {0};
    int n = 0;
    text_add_visible(&shown, string, strlen(string));
    for (size_t i = 0; i < shown.size; i++)
        n += ((unsigned char)shown.data[i] & 0xC0) != 0x80; /* not a continuation byte */
    text_free(&shown);
    return n;
}

void style_padded(Text *text, const char *string, int width, Style style, int use_colour)
{
    Text shown = {0};
    text_add_visible(&shown, string, strlen(string));
    add_styled(text, text_string(&shown), shown.size, style, use_colour);
    text_free(&shown);
    for (int n = style_width(string); n < width; n++)
        text_add(text, " ");
}

static const char blanks[] = " \t\r\n";

/* The words, one space between them. */
static void add_words(Text *text, const char *string)
{
    for (string += strspn(string, blanks); *string; string += strspn(string, blanks)) {
        const size_t n = strcspn(string, blanks);
        text_add(text, text->size > 0 ? " " : "");
        text_add_visible(text, string, n);
        string += n;
    }
}

void style_going_on(Text *text, const char *string, int column, int indent, int width, Style style, int use_colour)
{
    Text words = {0};
    int room = width - column;
    add_words(&words, string);
    for (const char *at = text_string(&words); *at;) {
        size_t end = 0, n = 0;
        for (int columns = 0; at[n] && (columns < room || end == 0); n++) {
            if (at[n] == ' ')
                end = n;
            columns += ((unsigned char)at[n] & 0xC0) != 0x80;
        }
        if (!at[n] || at[n] == ' ')
            end = n;
        add_styled(text, at, end, style, use_colour);
        text_add(text, "\n");
        at += end + (at[end] == ' ');
        room = width > indent + 20 ? width - indent : 20;
        add_spaces(text, *at ? indent : 0);
    }
    text_free(&words);
}

void style_wrapped(Text *text, const char *string, int indent, int width, Style style, int use_colour)
{
    const int room = width > indent + 20 ? width - indent : 20;
    add_spaces(text, string[strspn(string, blanks)] ? indent : 0);
    style_going_on(text, string, indent, indent, indent + room, style, use_colour);
}

/* ---- rows ---- */

/* Fewer columns than these are too few for text: it then begins on a line of its own, STEP further in than its row. */
enum { LEAST_ROOM = 24, STEP = 2 };

static int width_of(const char *bytes, size_t n)
{
    Text part = {0};
    text_add_bytes(&part, bytes, n);
    const int width = style_width(text_string(&part));
    text_free(&part);
    return width;
}

/* Bytes before what stands behind the first two spaces or more, or 0 where a row of n bytes has no such gap. */
static size_t behind_gap(const char *row, size_t n, size_t indent)
{
    size_t at = indent;
    while (at + 1 < n && !(row[at] == ' ' && row[at + 1] == ' '))
        at++;
    while (at < n && row[at] == ' ')
        at++;
    return at + 1 < n ? at : 0;
}

static void add_row(Text *text, const char *row, size_t n, int hang, int width)
{
    const size_t spaces = strspn(row, " "), indent = spaces < n ? spaces : n;
    const size_t gap = behind_gap(row, n, indent);
    const int is_deep = width - (int)indent < LEAST_ROOM && indent > 2 * STEP;
    const int first = is_deep ? 2 * STEP : (int)indent, beside = gap > 0 ? width_of(row, gap) : first + hang;
    const int is_beside = gap == 0 || width - beside >= LEAST_ROOM, under = is_beside ? beside : first + STEP;
    int column = first;
    add_spaces(text, first);
    for (size_t at = indent, n_spaces = 0, end; at < n; at = end + n_spaces) {
        for (end = at; end < n && row[end] != ' ';)
            end++;
        const int word = width_of(row + at, end - at), before = (int)n_spaces;
        const int is_new = at > indent && (word > width - column - before || (at == gap && !is_beside));
        if (is_new)
            text_add(text, "\n");
        add_spaces(text, is_new ? under : before);
        text_add_visible(text, row + at, end - at);
        column = (is_new ? under : column + before) + word;
        for (n_spaces = 0; end + n_spaces < n && row[end + n_spaces] == ' ';)
            n_spaces++;
    }
}

void style_rows(Text *text, const char *rows, int hang, int width)
{
    for (const char *row = rows; *row;) {
        const size_t n = strcspn(row, "\n");
        add_row(text, row, n, hang, width);
        text_add(text, row[n] ? "\n" : "");
        row += n + (row[n] == '\n');
    }
}

/* ---- heads and their frames ---- */

/* Columns: a head's name; a metric; by position, and by token; where a margin is that has a line of its own. */
enum { HEAD = 10, CELL = 11, LABEL = 15, BELOW = 4 };

static const char margin_heading[] = "margin, agree";

/* "0.12 from one, 94 %"; "" where it is not known. */
static void format_margin(const FrameMargin *margin, char cell[48])
{
    if (isnan(margin->least))
        cell[0] = '\0';
    else
        snprintf(cell, 48, isnan(margin->agreement) ? "%.2f from %s" : "%.2f from %s, %.0f %%", margin->least,
                 frame_rules[margin->nearest].name, 100 * margin->agreement);
}

/* Three texts that end a line begun: the last on a line of its own where it would be too long. */
static void add_labels(Text *text, const char *const labels[3], const Style styles[3], int column, int width,
                       int use_colour)
{
    const int margin = style_width(labels[2]), is_below = column + 2 * LABEL > width - margin;
    style_padded(text, labels[0], LABEL, styles[0], use_colour);
    style_padded(text, labels[1], margin == 0 || is_below ? 0 : LABEL, styles[1], use_colour);
    if (margin > 0 && is_below) {
        text_add(text, "\n");
        add_spaces(text, BELOW);
    }
    style_padded(text, labels[2], 0, styles[2], use_colour);
    text_add(text, "\n");
}

void style_frame(Text *text, const Frame *frame, int column, int width, int use_colour)
{
    const int agrees = frame->by_token == frame->by_position || frame->by_token == FRAME_COUNT;
    const Style styles[3] = {STYLE_PLAIN, agrees ? STYLE_DIM : STYLE_YELLOW, STYLE_DIM};
    char margin[48];
    format_margin(&frame->position_margin, margin);
    add_labels(text, (const char *const[3]){frame_name(frame->by_position), frame_name(frame->by_token), margin},
               styles, column, width, use_colour);
}

/* Columns [first, end) of every row, and the frames behind them where `has_frames`. */
static void add_block(Text *text, const StyleHeads *heads, int first, int end, int has_frames, int width,
                      int use_colour)
{
    static const Style dim[3] = {STYLE_DIM, STYLE_DIM, STYLE_DIM};
    const int column = HEAD + (end - first) * CELL;
    style_padded(text, "  head", HEAD, STYLE_DIM, use_colour);
    for (int c = first; c < end; c++)
        style_padded(text, heads->headings[c], c + 1 < end || has_frames ? CELL : 0, STYLE_DIM, use_colour);
    if (has_frames)
        add_labels(text, (const char *const[3]){"by position", "by token", margin_heading}, dim, column, width,
                   use_colour);
    else
        text_add(text, "\n");
    for (int r = 0; r < heads->n_rows; r++) {
        const StyleHead *row = &heads->rows[r];
        if (first == end && !row->frame)
            continue;
        style_padded(text, row->name, HEAD, row->name_style, use_colour);
        for (int c = first; c < end; c++)
            style_padded(text, row->cells[c], c + 1 < end || (has_frames && row->frame) ? CELL : 0, row->style,
                         use_colour);
        if (has_frames && row->frame)
            style_frame(text, row->frame, column, width, use_colour);
        else
            text_add(text, "\n");
    }
}

void style_heads(Text *text, const StyleHeads *heads, int width, int use_colour)
{
    int frames = style_width(margin_heading), first = 0;
    for (int r = 0; r < heads->n_rows; r++)
        if (heads->rows[r].frame) {
            char margin[48];
            format_margin(&heads->rows[r].frame->position_margin, margin);
            frames = style_width(margin) > frames ? style_width(margin) : frames;
        }
    frames += 2 * LABEL;
    const int most = width - HEAD > CELL ? (width - HEAD) / CELL : 1;
    for (int n = heads->n_columns; n > 0 && HEAD + n * CELL > width - frames; n = heads->n_columns - first) {
        const int end = n < most ? heads->n_columns : first + most;
        add_block(text, heads, first, end, 0, width, use_colour);
        text_add(text, "\n");
        first = end;
    }
    add_block(text, heads, first, heads->n_columns, 1, width, use_colour);
}

void style_rule(Text *text, int width, int use_colour)
{
    if (use_colour)
        text_add(text, sequences[STYLE_DIM]);
    for (int i = 0; i < width; i++)
        text_add(text, "\xE2\x94\x80"); /* box drawings light horizontal */
    text_add(text, use_colour ? "\033[0m\n" : "\n");
}
