/* The small pages: the list of experiments, and what stands where no report can be made yet; and the part of every page
 * that looks for news. All three are the same script (live.js), which asks for state.json. */
#ifndef REFFRAME_SERVE_SHELL_H
#define REFFRAME_SERVE_SHELL_H

#include "base/text.h"

/* Style and script that keep a page live. `tag` says of which state the page is, "" where it has no report. */
void shell_live(const char *tag, Text *html);

/* A whole page without a report: a heading, a sentence, and what the script shows below it. */
void shell_page(const char *title, const char *words, Text *html);

#endif
