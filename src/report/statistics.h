/* Statistics over seeds: median, and the distribution-free interval of the population's median.
 *
 * For n independent seeds the interval [min, max] covers the population's median with probability 1 - 2^(1-n); from n =
 * 9 on the second smallest and largest are taken: 1 - 2(n+1)/2^n (order statistics; David & Nagaraja, Order Statistics,
 * section 7.1). Infinity ("never formed") is a value like any other; NaN ("not available") is left out.
 */
#ifndef REFFRAME_REPORT_STATISTICS_H
#define REFFRAME_REPORT_STATISTICS_H

#include "base/arena.h"

#define COVERAGE_NEEDED 0.95
#define SEEDS_NEEDED    6 /* the least n whose coverage is 0.95 */
#define SEEDS_TRIMMED   9 /* the least n for which the extremes are dropped */

typedef struct {
    int n;                    /* values that are not NaN */
    double median, low, high; /* NaN when n is 0 */
    double coverage;          /* 0 when n is 0 or 1 */
} Interval;

double coverage_of(int n);
void interval_of(Arena *arena, int n, const double *values, Interval *ret_interval);

#endif
