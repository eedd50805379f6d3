/* Eight doubles at a time, whatever the width of the target's vectors: for kernels whose numbers are doubles in the
 * float build too (geometry's). The compiler cuts an Oct into the vectors it has; + - * / are lane by lane and every
 * sum along a row runs in eight lanes and ends in one tree, so all paths give the same bits. No fma: plain C would pay
 * for it. Internal to num/.
 */
#ifndef REFFRAME_NUM_OCT_H
#define REFFRAME_NUM_OCT_H

#include "num/vec.h"

/* As src/meson.build does for the kernels: for whoever compiles this header alone. */
#pragma GCC diagnostic ignored "-Wpsabi"

enum { OCT = 8 };
typedef double Oct __attribute__((vector_size(64)));
typedef int64_t OctMask __attribute__((vector_size(64))); /* what comparisons give: 0 or -1 in each lane */
typedef double OctAnywhere __attribute__((vector_size(64), aligned(8), may_alias));
typedef int64_t MaskAnywhere __attribute__((vector_size(64), aligned(8), may_alias));

INLINE Oct oct_load(const double *p)
{
    return *(const OctAnywhere *)p;
}

typedef real OctSource __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real)), may_alias));

INLINE Oct oct_widen(const real *p)
{
#if VEC_BYTES == 64 && !defined(REFFRAME_DOUBLE) /* one instruction, which gcc 12 does not find by itself */
    return (Oct)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#else
    return __builtin_convertvector(*(const OctSource *)p, Oct);
#endif
}

INLINE void oct_store(double *p, Oct x)
{
    *(OctAnywhere *)p = x;
}

INLINE Oct oct_all(double x)
{
    return x - (Oct){0};
}

INLINE Oct oct_choose(OctMask mask, Oct x, Oct y)
{
    return (Oct)((mask & (OctMask)x) | (~mask & (OctMask)y));
}

/* The first n lanes; 0 <= n <= 8. */
INLINE OctMask oct_mask(int n)
{
    static const int64_t window[2 * OCT] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return *(const MaskAnywhere *)(window + OCT - n);
}

/* The first n lanes of x, zeros behind. */
INLINE Oct oct_first(int n, Oct x)
{
    return (Oct)((OctMask)x & oct_mask(n));
}

INLINE double oct_sum(Oct x)
{
    return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

/* ln x: x = 2^e m, m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m-1)/(m+1)) by its odd series up to the 19th power
 * (below 2^-53 from there); within 2 ulp, but for results near 0, where it is within 1e-16. -inf for 0; negative,
 * subnormal, infinite and NaN arguments have no meaning here. */
INLINE Oct oct_log(Oct x)
{
    const OctMask bits = (OctMask)x, mantissa = (bits & 0x000fffffffffffff) | 0x3ff0000000000000;
    const OctMask is_upper = (Oct)mantissa > 1.4142135623730951;
    const Oct m = oct_choose(is_upper, (Oct)mantissa * 0.5, (Oct)mantissa);
    /* the biased exponent in the low bits of 2^52 + e: an integer becomes a double without a conversion */
    const Oct biased = (Oct)(((bits >> 52) & 0x7ff) | 0x4330000000000000) - 4503599627370496.0;
    const Oct e = biased - 1023.0 + oct_choose(is_upper, oct_all(1), (Oct){0});
    const Oct f = (m - 1.0) / (m + 1.0), s = f * f, s2 = s * s;
    Oct series = oct_all(1.0 / 19), other = oct_all(1.0 / 17); /* every second term each: two short chains */
    UNROLL
    for (int odd = 15; odd >= 3; odd -= 4) {
        series = series * s2 + 1.0 / odd;
        other = odd > 3 ? other * s2 + 1.0 / (odd - 2) : other;
    }
    const Oct log_m = (2.0 * f * s) * (series + other * s) + 2.0 * f;
    const Oct log_x = e * 0.6931471805599453 + (e * 2.3190468138462996e-17 + log_m);
    return oct_choose(x == 0.0, oct_all(-(double)INFINITY), log_x);
}

#endif
