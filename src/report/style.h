/* Text for a terminal: padding and wrapping by characters, and colours where they are wanted. What would move the
 * cursor or reorder text is made visible (text_add_visible). */
#ifndef REFFRAME_REPORT_STYLE_H
#define REFFRAME_REPORT_STYLE_H

#include "base/text.h"
#include "frame/frame.h"

typedef enum { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GREEN, STYLE_YELLOW, STYLE_RED, STYLE_COUNT } Style;

/* Characters of UTF-8 (one column each), as they are shown. */
int style_width(const char *string);

/* The string, then spaces up to `width` characters (0: none). */
void style_padded(Text *text, const char *string, int width, Style style, int use_colour);

/* Words, one space between them, wrapped at `width`, every line indented; ends with a newline. */
void style_wrapped(Text *text, const char *string, int indent, int width, Style style, int use_colour);

/* The same behind `column` characters of a line; the lines that follow are indented. */
void style_going_on(Text *text, const char *string, int column, int indent, int width, Style style, int use_colour);

/* Rows of text, one a line, each wrapped at `width` between words. A row goes on under what stands behind its first gap
 * of two spaces or more, or, without a gap, `hang` columns in from its own indentation. Where that leaves too little
 * room, the text behind the gap begins on a line of its own. A row that is not wrapped keeps its spaces. */
void style_rows(Text *text, const char *rows, int hang, int width);

/* A scope's labels as the last cells of a line, which they end and which has `column` characters so far: by position,
 * by token (marked where it differs), and how firmly the first stands: "0.12 from one, 94 %" is its distance from the
 * nearest threshold, that one's name, and the share of sequences that agree; nothing where no distance is known. That
 * has a line of its own where it does not fit. */
void style_frame(Text *text, const Frame *frame, int column, int width, int use_colour);

/* A row of the table of heads. */
typedef struct {
    const char *name, *const *cells; /* cells (n_columns,) */
    const Frame *frame;              /* NULL: a row of numbers alone */
    Style name_style, style;
} StyleHead;

typedef struct {
    const char *const *headings; /* (n_columns,) */
    const StyleHead *rows;       /* (n_rows,) */
    int n_columns, n_rows;
} StyleHeads;

/* Metrics and frames, a row a head. What is wider than `width` becomes several tables below each other, of as many
 * columns as fit. */
void style_heads(Text *text, const StyleHeads *heads, int width, int use_colour);

/* A horizontal rule of `width` characters and a newline. */
void style_rule(Text *text, int width, int use_colour);

#endif
