/* See figures.h. */
#include "report/figures.h"

#include <string.h>

#include "base/file.h"

const Figure figures[FIGURE_COUNT] = {
    [FIGURE_LABELS] = {"labels", figure_labels},
    [FIGURE_EARLY] = {"early", figure_early},
};

const char *figure_axis(Arena *arena, const char *axis)
{
    const char *end = axis + strlen(axis), *dot = strrchr(axis, '.');
    if (dot && strcmp(dot, ".kind") == 0)
        end = dot;
    const char *start = end;
    while (start > axis && start[-1] != '.')
        start--;
    return arena_strndup(arena, start, (size_t)(end - start));
}

const char *figure_value(Arena *arena, const Report *report, int x, const char *value)
{
    int needs_its_axis = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    for (int y = 0; y < report->n_axes; y++)
        for (int v = 0; y != x && v < report->axes[y].n_values; v++)
            needs_its_axis |= strcmp(report->axes[y].values[v], value) == 0;
    return needs_its_axis ? arena_format(arena, "%s %s", figure_axis(arena, report->axes[x].name), value) : value;
}

int figure_write(const Report *report, int figure, const char *path, Error *err)
{
    Text svg = {0};
    figures[figure].draw(report, &svg);
    const int status = file_write(path, svg.data, svg.size, err);
    text_free(&svg);
    return status;
}
