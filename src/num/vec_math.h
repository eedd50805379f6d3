/* exp of a vector and log of a double, written here so that their bits depend on no library.
 *
 * exp: x = n ln2 + r with |r| <= ln2/2, exp(x) = 2^n (1 + r + r^2 q(r)), q minimax for the relative error (Remez). The
 * polynomial's own error is 2^-25.2 in float, 2^-57.9 in double; the whole stays within 1.2 ulp (tests/num holds it),
 * subnormal results included. exp(-inf) = 0 exactly, overflow gives inf, NaN stays NaN. Internal to num/.
 */
#ifndef REFFRAME_NUM_VEC_MATH_H
#define REFFRAME_NUM_VEC_MATH_H

#include "num/vec.h"

#ifdef REFFRAME_DOUBLE

#define EXP_LOWEST (-746.0) /* exp of it rounds to 0 */
#define EXP_HIGHEST 710.0   /* exp of it is inf */
#define LOG2_E 1.4426950408889634
#define LN2_HIGH 0.6931471805599453
#define LN2_LOW 2.3190468138462996e-17
#define ROUNDER 6755399441055744.0 /* 1.5 * 2^52: adding it leaves the nearest integer in the low bits */
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
static const real exp_terms[] = {
    2.5000028332510363e-08, 2.7630286288760554e-07, 2.7557586673223432e-06, 2.4801493001298102e-05,
    1.9841269506032940e-04, 1.3888888943714855e-03, 8.3333333334948055e-03, 4.1666666666529878e-02,
    1.6666666666666412e-01, 5.0000000000000107e-01};

#else

#define EXP_LOWEST (-104.0f)
#define EXP_HIGHEST 89.0f
#define LOG2_E 1.44269504f
#define LN2_HIGH 0.693147182f
#define LN2_LOW (-1.90465430e-09f)
#define ROUNDER 12582912.0f /* 1.5 * 2^23 */
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
static const real exp_terms[] = {1.4466488781e-03f, 8.36242833779e-03f, 4.16587633481e-02f, 1.66666026266e-01f,
                                 5.0000015689e-01f};

#endif

#define N_EXP_TERMS ((int)(sizeof exp_terms / sizeof exp_terms[0]))

/* x 2^n for whole n in [-1100, 1100]: two exact factors and one rounding, also into the subnormals. */
INLINE vec vec_times_power_of_two(vec x, vec n)
{
#if VEC_BYTES == 64 && defined(REFFRAME_DOUBLE)
    return (vec)_mm512_scalef_pd((__m512d)x, (__m512d)n);
#elif VEC_BYTES == 64
    return (vec)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
    ivec whole = (ivec)(n + ROUNDER) - (ivec)vec_all(ROUNDER);
    ivec half = whole >> 1, rest = whole - half;
    return x * (vec)((half + EXPONENT_BIAS) << MANTISSA_BITS) * (vec)((rest + EXPONENT_BIAS) << MANTISSA_BITS);
#endif
}

INLINE vec vec_exp(vec x)
{
    /* What vanishes (-inf: hidden keys) is taken out first: a result that underflows costs a hundred cycles. */
    const ivec vanishes = x < EXP_LOWEST;
    x = vec_choose(vanishes, (vec){0}, x); /* NaN passes */
    x = vec_choose(x > EXP_HIGHEST, vec_all(EXP_HIGHEST), x);
    vec n = vec_fma(x, vec_all(LOG2_E), vec_all(ROUNDER)) - ROUNDER;
    vec r = vec_fma(n, vec_all(-LN2_LOW), vec_fma(n, vec_all(-LN2_HIGH), x));
    vec p = vec_all(exp_terms[0]);
    UNROLL
    for (int i = 1; i < N_EXP_TERMS; i++)
        p = vec_fma(p, r, vec_all(exp_terms[i]));
    p = vec_fma(p, r, vec_all(1));
    p = vec_fma(p, r, vec_all(1));
    return vec_choose(vanishes, (vec){0}, vec_times_power_of_two(p, n));
}

/* log of a positive normal number within 1 ulp or so: x = 2^e m, m in [sqrt(1/2), sqrt(2)), log m = 2 artanh(f) with
 * f = (m-1)/(m+1), |f| <= 0.1716, its odd series in f up to f^23. NaN and inf are returned as they are. */
INLINE double log_of_positive(double x)
{
    if (!(x < (double)INFINITY))
        return x;
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double f = (m - 1) / (m + 1), s = f * f, series = 0;
    UNROLL
    for (int odd = 23; odd >= 3; odd -= 2)
        series = fma(series, s, 1.0 / odd);
    double log_m = fma(2 * f * s, series, 2 * f);
    return fma(e, 0.6931471805599453, fma(e, 2.3190468138462996e-17, log_m));
}

#endif
