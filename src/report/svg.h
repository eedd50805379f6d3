/* Figures as SVG: what the figure exports share: the frame with its style, and text that is escaped.
 *
 * A figure is one file with nothing to load; it follows the reader's light or dark theme, and says in words what it
 * shows (role, title, desc). Colours are those of the page (html/tools.js), from Okabe and Ito's palette.
 */
#ifndef REFFRAME_REPORT_SVG_H
#define REFFRAME_REPORT_SVG_H

#include "base/text.h"

/* Classes that may be used: strong, dim (text); rule, axis, mark (lines); band, dot; type0 ... type6 (a frame type). */
void svg_open(Text *svg, double width, double height, const char *title, const char *description);
void svg_close(Text *svg);

/* anchor: "start", "middle" or "end". */
void svg_text(Text *svg, double x, double y, const char *anchor, const char *class, const char *string);
void svg_line(Text *svg, double x1, double y1, double x2, double y2, const char *class);

/* A rectangle with a title that is shown when pointed at. */
void svg_box(Text *svg, double x, double y, double width, double height, const char *class, const char *title);

#endif
