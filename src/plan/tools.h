/* Small tools of the files that read YAML. */
#ifndef REFFRAME_PLAN_TOOLS_H
#define REFFRAME_PLAN_TOOLS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"

/* `; did you mean "x"?`, or "" without a nearest. */
const char *plan_hint(Arena *arena, const char *nearest);

/* `items` with room for one more behind its n: memory doubles when n reaches a power of two, from 8 on. */
void *plan_grown(Arena *arena, void *items, int n, size_t item_size);

/* One line "FILE:LINE: message" (without :LINE where it is 0); returns STATUS_INPUT. */
int plan_refuse(Error *err, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
