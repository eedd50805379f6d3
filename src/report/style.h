/* Text for a terminal: padding and wrapping by characters, and colours where they are wanted. */
#ifndef REFFRAME_REPORT_STYLE_H
#define REFFRAME_REPORT_STYLE_H

#include "base/text.h"

typedef enum { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GREEN, STYLE_YELLOW, STYLE_RED, STYLE_COUNT } Style;

/* Characters of UTF-8 (one column each). */
int style_width(const char *string);

/* The string, then spaces up to `width` characters (0: none). */
void style_padded(Text *text, const char *string, int width, Style style, int use_colour);

/* Words wrapped at `width`, every line indented; ends with a newline. */
void style_wrapped(Text *text, const char *string, int indent, int width, Style style, int use_colour);

/* How firmly a label stands, "0.12 from one, 94 %": its distance from the nearest threshold, that one's name, and the
 * share of sequences that agree; nothing where no distance is known. */
void style_margin(Text *text, double least, const char *nearest, double agreement, int use_colour);

/* A horizontal rule of `width` characters and a newline. */
void style_rule(Text *text, int width, int use_colour);

#endif
