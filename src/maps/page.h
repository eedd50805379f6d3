/* A set's results as a page: one self-contained file (base/page.h) with the answer, every head's map, and its numbers.
 * README.md lists what it holds. A function of the set and its results alone.
 */
#ifndef REFFRAME_MAPS_PAGE_H
#define REFFRAME_MAPS_PAGE_H

#include "base/json.h"
#include "maps/measure.h"

/* Whether a page has room for so many heads; STATUS_INPUT says how many it has room for. `name`: what has them. */
int maps_page_check(const char *name, int n_layers, int n_heads, Error *err);

/* Bytes that a page takes while it is made: maps as they are carried, and twice their text, which doubles as it grows.
 */
double maps_page_bytes(void);

/* What the page's scripts read. */
void maps_page_json(const MapsResult *result, JsonWriter *json);

void maps_to_page(const MapsResult *result, Text *ret_html);

#endif
