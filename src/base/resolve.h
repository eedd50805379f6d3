/* From what files and --set say to settings that are whole and valid. */
#ifndef REFFRAME_BASE_RESOLVE_H
#define REFFRAME_BASE_RESOLVE_H

#include "base/settings.h"

/* Validates assignments (later ones win, in order) against the schema: unknown key (with the nearest valid one), wrong
 * type, out of range, unknown choice (with the nearest). A key that belongs to a choice not taken is reported in
 * ret_unused[i] = 1 (caller's array of n, may be NULL: then it is an error). Fills in defaults. Memory from `arena`. */
int settings_resolve(Arena *arena, const Schema *schema, const Assignment *assignments, int n, Settings *ret_settings,
                     unsigned char *ret_unused, Error *err);

#endif
