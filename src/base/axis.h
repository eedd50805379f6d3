/* The axes of a sweep as words: what folders, figures and tables call a value of one. */
#ifndef REFFRAME_BASE_AXIS_H
#define REFFRAME_BASE_AXIS_H

#include "base/arena.h"

typedef struct {
    const char *name;
    const char **values;
    int n_values;
} AxisWords;

/* What an axis is called for short: the last word of its key but `kind`. */
const char *axis_short_name(Arena *arena, const char *name);

/* Whether a value of axis x does not say by itself which switch it is of: true, false, or what another axis has, too.
 */
int axis_value_needs_name(const AxisWords *axes, int n_axes, int x, const char *value);

#endif
