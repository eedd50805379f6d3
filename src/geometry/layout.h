/* Where each metric column lies in a flat row of values: all families of the registry, in its order. */
#ifndef REFFRAME_GEOMETRY_LAYOUT_H
#define REFFRAME_GEOMETRY_LAYOUT_H

#include "base/arena.h"
#include "geometry/metric.h"

typedef struct {
    const MetricFamily *family;
    const MetricColumn *column;
    int offset, size;      /* doubles; size L*H, L or 1 */
    int is_attention_only; /* has computed baselines: the column says so, and its family needs maps and tokens alone */
} Place;

typedef struct {
    int n_layers, n_heads;
    Place *places; /* in registry order: families, then their columns */
    int n_places;
    int n_values; /* doubles in a row */
} Layout;

/* On a counting arena it has no places. */
Layout layout_new(Arena *arena, int n_layers, int n_heads);

/* The place of a column by name, or NULL; the places of a family are one behind another, its first: */
const Place *layout_find(const Layout *layout, const char *name);
const Place *layout_family(const Layout *layout, const MetricFamily *family);

/* Runs a family, by its state, on a view into its part of a row (n_values,), NaN where it has nothing to say or lacks
 * what it needs. `columns`: as many pointers as the family has columns; `scratch` is cleared first. */
void layout_measure(const Layout *layout, const MetricFamily *family, const void *state, const View *view,
                    double **columns, Arena *scratch, double *row);

/* The largest number of columns of any family; the largest scratch on a view of these sizes, `states` as in the
 * registry (NULL: none has one). */
int layout_most_columns(void);
size_t layout_scratch_bytes(const void *const *states, const View *view);

#endif
