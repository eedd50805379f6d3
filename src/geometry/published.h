/* What the published metrics share (Ruscio, Nanni & Silvestri, arXiv 2508.02546; conventions of the authors' code).
 *
 * They work on the mean map of a layer's heads, rows and columns as they come, and make no difference between a key
 * that is hidden and one that draws nothing.
 */
#ifndef REFFRAME_GEOMETRY_PUBLISHED_H
#define REFFRAME_GEOMETRY_PUBLISHED_H

#include "geometry/view.h"

#define RUSCIO "Ruscio et al. 2025, arXiv 2508.02546"

/* The mean map (T,T) of a layer. */
static inline const double *view_layer_map(const View *view, int layer)
{
    return view->layer_maps + (size_t)layer * view->length * view->length;
}

/* The percentile of n values, linearly interpolated between neighbours; `sorted`: (n,) scratch. */
double published_percentile(int n, const double *values, int percent, double *sorted);

/* Pearson correlation of n pairs; 0 where one of the two does not vary at all. */
double published_pearson(int n, const double *x, const double *y);

/* Entropies in nats (n,) of the rows of a map (n,n), of entries above 100 float32 epsilons (1.1920929e-5) renormalised;
 * 0 for a row without any. */
void published_row_entropies(int n, const double *map, double *ret_entropies);

#endif
