/* Metrics of maps alone, and the frame classifier, over a set of anybody's maps.
 *
 * Every family that sees maps (and tokens, where given) alone is measured on every sequence, once on its maps and once
 * on uniform attention under the same mask at the same length: the only baseline that can be computed without the
 * model. One value per sequence becomes one per set as a run's measuring set does it (geometry/pool.h). Results do not
 * depend on the number of threads.
 */
#ifndef REFFRAME_MAPS_MEASURE_H
#define REFFRAME_MAPS_MEASURE_H

#include "frame/frame.h"
#include "geometry/layout.h"
#include "geometry/pool.h"
#include "maps/maps.h"

typedef struct {
    const MapsSet *set;
    Layout layout;           /* of all families; `maps_has_place` tells those of maps alone */
    double *values;          /* (N, layout.n_values) */
    double **baselines;      /* (N) rows of as many: shared by sequences of one length where there are no tokens */
    Pooled *pooled;          /* (layout.n_values) */
    double *pooled_baseline; /* (layout.n_values) NaN where there is none */
    Frame *heads;            /* (L,H) */
    Frame *layers;           /* (L) */
    Frame model;
} MapsResult;

/* Whether a metric is one of maps alone, and whether any sequence has a value for it. */
int maps_has_place(const Place *place);
int maps_is_available(const MapsResult *result, const Place *place);

/* Bytes that maps_measure takes beyond the set. */
double maps_measure_bytes(const MapsSet *set, int threads);

/* Memory from arena. */
int maps_measure(Arena *arena, const MapsSet *set, int threads, MapsResult *ret_result, Error *err);

#endif
