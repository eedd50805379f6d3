/* Metrics of maps alone, and the frame classifier, over a set of anybody's maps; or what a model's own driver measured.
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
    Layout layout;            /* of all families; `maps_has_place` tells those that were measured */
    int sees_more;            /* than maps: a model was measured */
    const double *values;     /* (N, layout.n_values) */
    const double **baselines; /* (N) rows of as many: shared by sequences of one length where there are no tokens */
    double loss;              /* of a model, per token that it predicts; NaN where it predicts none */
    int64_t n_targets;        /* such tokens */
    Pooled *pooled;           /* (layout.n_values) */
    double *pooled_baseline;  /* (layout.n_values) NaN where there is none */
    Frame *heads;             /* (L,H) */
    Frame *layers;            /* (L) */
    Frame model;
} MapsResult;

/* Whether a metric is one of those that were asked for, by default those of maps alone; and whether any sequence has a
 * value for it. */
int maps_has_place(const MapsResult *result, const Place *place);
int maps_is_available(const MapsResult *result, const Place *place);

/* Bytes that maps_measure takes beyond the set. */
double maps_measure_bytes(const MapsSet *set, int threads);

/* What was measured of a set elsewhere, by whoever has its model: train/given.h says the same of each. */
typedef struct {
    Layout layout;
    const double *values, *uniform; /* (N, layout.n_values) */
    const float *afar, *baseline;   /* (N,L,H,DISTANCES,longest); ([N,]L,H,DISTANCES,longest) */
    double loss;
    int64_t n_targets;
} MapsMeasured;

/* Pools and labels it: the result is then as if maps_measure had measured more than maps. What `measured` points to
 * must outlive it. Memory from arena. */
void maps_conclude(Arena *arena, const MapsSet *set, const MapsMeasured *measured, MapsResult *ret_result);

/* Memory from arena. */
int maps_measure(Arena *arena, const MapsSet *set, int threads, MapsResult *ret_result, Error *err);

#endif
