/* A page in one self-contained file: a template with @words@, each replaced by what stands for it: the title, the data
 * as JSON, or the asset of that name (styles, scripts, a charting library and its licence).
 *
 * Nothing is loaded from anywhere, and the template's own Content-Security-Policy forbids it. Text reaches the page as
 * JSON whose "<" are escaped, so no string of a user can end the script element; the script inserts it as text only.
 */
#ifndef REFFRAME_BASE_PAGE_H
#define REFFRAME_BASE_PAGE_H

#include "base/text.h"

/* Adds the template, an asset, with @title@ as escaped text and @data@ as JSON for a script element. A word between @
 * that stands for nothing stays as it is. */
void page_fill(const char *template_name, const char *title, const Text *data, Text *ret_html);

#endif
