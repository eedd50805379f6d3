/* A page in one self-contained file: a template with @words@, each replaced by what stands for it: a text that the
 * caller brings, or the asset of that name (styles, scripts, a charting library and its licence).
 *
 * Nothing is loaded from anywhere, and the template's own Content-Security-Policy forbids it. Text reaches the page as
 * JSON whose "<" are escaped, so no string of a user can end the script element; the script inserts it as text only.
 */
#ifndef REFFRAME_BASE_PAGE_H
#define REFFRAME_BASE_PAGE_H

#include "base/text.h"

/* A word of the template, its text, and how that becomes part of the page: text_add_escaped or one of
 * those below. */
typedef struct {
    const char *word;
    void (*add)(Text *html, const char *text, size_t n);
    const char *text;
    size_t n;
} PageWord;

/* JSON, within a script element. */
void page_add_json(Text *html, const char *json, size_t n);

/* HTML of the caller's own, as it is. */
void page_add_html(Text *html, const char *own, size_t n);

/* Adds the template, an asset, with its words replaced; what was put in is not looked through again. A word between @
 * that stands for nothing stays as it is. */
void page_fill(const char *template_name, const PageWord *words, int n_words, Text *ret_html);

#endif
