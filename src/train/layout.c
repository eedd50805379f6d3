/* Laying the registry's metric columns out in one row. */
#include "train/layout.h"

#include <string.h>

static int count_columns(void)
{
    int n = 0;
    for (const MetricFamily *const *family = family_registry; *family; family++)
        n += (*family)->n_columns;
    return n;
}

size_t layout_bytes(void)
{
    return arena_rounded(count_columns() * sizeof(Place));
}

Layout layout_new(Arena *arena, int n_layers, int n_heads)
{
    Layout layout = {n_layers, n_heads, ARENA_ARRAY(arena, Place, count_columns()), 0, 0};
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        int sees_maps_only = family_sees_maps_only(*family);
        for (int c = 0; c < (*family)->n_columns; c++) {
            const MetricColumn *column = &(*family)->columns[c];
            int size = column->level == LEVEL_HEAD ? n_layers * n_heads : n_layers;
            layout.places[layout.n_places++] =
                (Place){*family, column, layout.n_values, size, sees_maps_only && column->attention_only};
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
