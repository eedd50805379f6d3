/* See statistics.h. Values are sorted in a copy; infinity sorts last, so a median over seeds of which half never formed
 * a sink is infinite, and the mean of the two middle values is never NaN (no value is -inf where another is +inf). */
#include "report/statistics.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double coverage_of(int n)
{
    if (n < 2)
        return 0;
    return n < SEEDS_TRIMMED ? 1 - ldexp(1, 1 - n) : 1 - 2 * (n + 1) * ldexp(1, -n);
}

void interval_of(Arena *arena, int n, const double *values, Interval *ret_interval)
{
    double *sorted = ARENA_ARRAY(arena, double, n > 0 ? n : 1);
    int m = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(values[i]))
            sorted[m++] = values[i];
    Interval interval = {m, (double)NAN, (double)NAN, (double)NAN, coverage_of(m)};
    if (m > 0) {
        qsort(sorted, (size_t)m, sizeof *sorted, ascending);
        const double a = sorted[(m - 1) / 2], b = sorted[m / 2];
        const int trimmed = m >= SEEDS_TRIMMED;
        interval.median = a == b ? a : a / 2 + b / 2;
        interval.low = sorted[trimmed];
        interval.high = sorted[m - 1 - trimmed];
    }
    *ret_interval = interval;
}
