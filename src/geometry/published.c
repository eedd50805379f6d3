/* See published.h. */
#include "geometry/published.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double published_percentile(int n, const double *values, int percent, double *sorted)
{
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    const double place = percent * (n - 1) / 100.0;
    const int below = (int)place;
    return place > below ? sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
}

static int varies(int n, const double *x)
{
    for (int i = 1; i < n; i++)
        if (x[i] != x[0])
            return 1;
    return 0;
}

double published_pearson(int n, const double *x, const double *y)
{
    if (!varies(n, x) || !varies(n, y)) /* the rounding of a mean is no variance */
        return 0;
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < n; i++)
        mean_x += x[i], mean_y += y[i];
    mean_x /= n, mean_y /= n;
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    return xy / sqrt(xx * yy);
}

void published_row_entropies(int n, const double *map, double *ret_entropies)
{
    const float least = 100 * FLT_EPSILON;
    for (int i = 0; i < n; i++, map += n) {
        double sum = 0, weighted = 0; /* of a, and of a ln a */
        for (int j = 0; j < n; j++)
            if ((float)map[j] > least) {
                sum += map[j];
                weighted += map[j] * log(map[j]);
            }
        ret_entropies[i] = sum > 0 ? log(sum) - weighted / sum : 0;
    }
}
