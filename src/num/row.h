/* Passes over one row that several kernels share: its maximum, its exponentials and their sum, a factor. Internal to
 * num/.
 */
#ifndef REFFRAME_NUM_ROW_H
#define REFFRAME_NUM_ROW_H

#include "num/vec.h"
#include "num/vec_math.h"

#define ZERO      ((vec){0})
#define SUM_BLOCK 4096 /* reals that the lanes sum before the total goes on in double */

INLINE real row_max(int n, const real *s)
{
    const vec lowest = vec_all(-(real)INFINITY);
    Lanes max;
    UNROLL
    for (int p = 0; p < PARTS; p++)
        max.part[p] = lowest;
    for (int j = 0; j < n; j += SUM_LANES) {
        UNROLL
        for (int p = 0; p < PARTS; p++) {
            const int at = j + p * LANES;
            max.part[p] = vec_max(vec_load_left(s + at, n - at, lowest), max.part[p]);
        }
    }
    return lanes_max(max);
}

/* sum_j exp(s_j - max); the terms replace s when `keep`. */
INLINE double row_exp(int n, real *s, real max, const int keep)
{
    const vec shift = vec_all(max), lowest = vec_all(-(real)INFINITY);
    double total = 0;
    for (int start = 0; start < n; start += SUM_BLOCK) {
        const int end = n - start < SUM_BLOCK ? n : start + SUM_BLOCK;
        Lanes sum = {{{0}}};
        for (int j = start; j < end; j += SUM_LANES) {
            UNROLL
            for (int p = 0; p < PARTS; p++) {
                const int at = j + p * LANES;
                const vec e = vec_exp(vec_load_left(s + at, end - at, lowest) - shift);
                if (keep)
                    vec_store_left(s + at, end - at, e);
                sum.part[p] += e;
            }
        }
        total += (double)lanes_sum(sum);
    }
    return total;
}

INLINE void row_scale(int n, real factor, real *s)
{
    for (int j = 0; j < n; j += LANES)
        vec_store_left(s + j, n - j, vec_load_left(s + j, n - j, ZERO) * factor);
}

#endif
