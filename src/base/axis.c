/* See axis.h. */
#include "base/axis.h"

#include <string.h>

const char *axis_short_name(Arena *arena, const char *name)
{
    const char *end = name + strlen(name), *dot = strrchr(name, '.');
    if (dot && strcmp(dot, ".kind") == 0)
        end = dot;
    const char *start = end;
    while (start > name && start[-1] != '.')
        start--;
    return arena_strndup(arena, start, (size_t)(end - start));
}

int axis_value_needs_name(const AxisWords *axes, int n_axes, int x, const char *value)
{
    int needs = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    for (int y = 0; y < n_axes; y++)
        for (int v = 0; y != x && v < axes[y].n_values; v++)
            needs |= strcmp(axes[y].values[v], value) == 0;
    return needs;
}
