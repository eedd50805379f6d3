/* Mean and spread of a set's values, or the share of the most frequent one. Sums run in the set's order, in double. */
#include "geometry/pool.h"

#include <math.h>

/* Most sequences with the same value; quadratic, for sets of some dozens. */
static int most_alike(int n, const double *values, size_t stride, int first, int step)
{
    int most = 0;
    for (int a = first; a < n; a += step) {
        int alike = 0;
        for (int b = first; b < n; b += step)
            alike += values[(size_t)b * stride] == values[(size_t)a * stride]; /* a NaN equals nothing */
        most = alike > most ? alike : most;
    }
    return most;
}

Pooled pool_values(MetricPool pool, int n, const double *values, size_t stride, int first, int step)
{
    Pooled pooled = {(double)NAN, (double)NAN, 0};
    double sum = 0, squares = 0;
    for (int i = first; i < n; i += step)
        if (isfinite(values[(size_t)i * stride]))
            sum += values[(size_t)i * stride], pooled.n++;
    if (pooled.n == 0)
        return pooled;
    if (pool == POOL_MODAL_SHARE) {
        pooled.value = (double)most_alike(n, values, stride, first, step) / pooled.n;
        return pooled;
    }
    pooled.value = sum / pooled.n;
    for (int i = first; i < n; i += step) {
        const double value = values[(size_t)i * stride];
        if (isfinite(value))
            squares += (value - pooled.value) * (value - pooled.value);
    }
    if (pooled.n > 1)
        pooled.sd = sqrt(squares / (pooled.n - 1));
    return pooled;
}
