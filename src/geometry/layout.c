/* Laying the registry's metric columns out in one row. */
#include "geometry/layout.h"

#include <math.h>
#include <string.h>

static int count_columns(void)
{
    int n = 0;
    for (const MetricFamily *const *family = family_registry; *family; family++)
        n += (*family)->n_columns;
    return n;
}

Layout layout_new(Arena *arena, int n_layers, int n_heads)
{
    Layout layout = {n_layers, n_heads, ARENA_ARRAY(arena, Place, count_columns()), 0, 0};
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        for (int c = 0; c < (*family)->n_columns; c++) {
            const MetricColumn *column = &(*family)->columns[c];
            int size = level_size(column->level, n_layers, n_heads);
            if (layout.places) /* a counting arena hands out none */
                layout.places[layout.n_places++] =
                    (Place){*family, column, layout.n_values, size, column_has_baselines(*family, column)};
            layout.n_values += size;
        }
    }
    return layout;
}

const Place *layout_find(const Layout *layout, const char *name)
{
    for (int p = 0; p < layout->n_places; p++)
        if (strcmp(layout->places[p].column->name, name) == 0)
            return &layout->places[p];
    return NULL;
}

const Place *layout_family(const Layout *layout, const MetricFamily *family)
{
    const Place *place = layout->places;
    while (place->family != family)
        place++;
    return place;
}

void layout_measure(const Layout *layout, const MetricFamily *family, const void *state, const View *view,
                    double **columns, Arena *scratch, double *row)
{
    const Place *place = layout_family(layout, family);
    for (int c = 0; c < family->n_columns; c++) {
        columns[c] = row + place[c].offset;
        for (int i = 0; i < place[c].size; i++)
            columns[c][i] = (double)NAN;
    }
    arena_clear(scratch);
    if ((family->needs & ~view_has(view)) == 0)
        family->measure(state, view, columns, scratch);
}

int layout_most_columns(void)
{
    int most = 0;
    for (const MetricFamily *const *family = family_registry; *family; family++)
        most = (*family)->n_columns > most ? (*family)->n_columns : most;
    return most;
}

size_t layout_scratch_bytes(const void *const *states, const View *view)
{
    size_t most = 0;
    for (int f = 0; family_registry[f]; f++) {
        Arena *counting = arena_new_counting();
        if (family_registry[f]->lay)
            family_registry[f]->lay(states ? states[f] : NULL, view, counting);
        most = arena_used(counting) > most ? arena_used(counting) : most;
        arena_free(counting);
    }
    return most;
}
