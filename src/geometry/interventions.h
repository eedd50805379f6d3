/* Interventions: what a sequence's loss and its sink are when something is taken from the model, beside the same taken
 * from a drawn place. The driver in train/ carries them out, the family `interventions` says what they are called.
 */
#ifndef REFFRAME_GEOMETRY_INTERVENTIONS_H
#define REFFRAME_GEOMETRY_INTERVENTIONS_H

#include "geometry/metric.h"

/* The keys measure.interventions.KEY. */
typedef struct {
    int place; /* what is changed; below 0 from the end */
    int layer; /* whose MLP */
} Interventions;

extern const char *const intervention_names[N_INTERVENTIONS];

#endif
