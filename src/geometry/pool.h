/* From one value per sequence to one value for a set of them. */
#ifndef REFFRAME_GEOMETRY_POOL_H
#define REFFRAME_GEOMETRY_POOL_H

#include <stddef.h>

#include "geometry/metric.h"

typedef struct {
    double value; /* mean, or share of the most frequent value; NaN if there is none */
    double sd;    /* standard deviation over sequences (n - 1), NaN for n < 2 and of a share */
    int n;        /* sequences with a finite value: the others are left out */
} Pooled;

/* values[i * stride] for i = first, first + step, ... below n. */
Pooled pool_values(MetricPool pool, int n, const double *values, size_t stride, int first, int step);

#endif
