/* Where each metric column lies in a flat row of values: all families of the registry, in its order. */
#ifndef REFFRAME_TRAIN_LAYOUT_H
#define REFFRAME_TRAIN_LAYOUT_H

#include "geometry/metric.h"

typedef struct {
    const MetricFamily *family;
    const MetricColumn *column;
    int offset, size;        /* doubles; size L*H or L */
    int is_attention_only;   /* has computed baselines: the column says so, and its family needs maps and tokens alone */
} Place;

typedef struct {
    int n_layers, n_heads;
    Place *places;           /* in registry order: families, then their columns */
    int n_places;
    int n_values;            /* doubles in a row */
} Layout;

Layout layout_new(Arena *arena, int n_layers, int n_heads);
size_t layout_bytes(void);

/* The place of a column by name, or NULL. */
const Place *layout_find(const Layout *layout, const char *name);

#endif
