/* exp, expm1 and tanh of a vector and log of a double, written here so that their bits depend on no library.
 *
 * exp: x = n ln2 + r with |r| <= ln2/2, exp(x) = 2^n (1 + r + r^2 q(r)), q minimax for the relative error (Remez). The
 * polynomial's own error is 2^-25.2 in float, 2^-57.9 in double; the whole stays within 1.2 ulp (tests/num holds it).
 * Results below the smallest normal number are 0, as arithmetic on subnormals costs a hundred cycles; exp(-inf) = 0,
 * overflow gives inf, NaN stays NaN. expm1(x) = 2^n (r + r^2 q(r)) + (2^n - 1) and tanh(x) = -e / (2 + e) with
 * e = expm1(-2|x|) keep their relative accuracy around 0. Internal to num/.
 */
#ifndef REFFRAME_NUM_VEC_MATH_H
#define REFFRAME_NUM_VEC_MATH_H

#include "num/vec.h"

#ifdef REFFRAME_DOUBLE

#define EXP_LOWEST    (-708.3964) /* exp of it is just above the smallest normal number */
#define EXP_HIGHEST   710.0       /* exp of it is inf */
#define LOG2_E        1.4426950408889634
#define LN2_HIGH      0.6931471805599453
#define LN2_LOW       2.3190468138462996e-17
#define ROUNDER       6755399441055744.0 /* 1.5 * 2^52: adding it leaves the nearest integer in the low bits */
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
static const real exp_terms[] = {2.5000028332510363e-08, 2.7630286288760554e-07, 2.7557586673223432e-06,
                                 2.4801493001298102e-05, 1.9841269506032940e-04, 1.3888888943714855e-03,
                                 8.3333333334948055e-03, 4.1666666666529878e-02, 1.6666666666666412e-01,
                                 5.0000000000000107e-01};

#else

#define EXP_LOWEST    (-87.3365f)
#define EXP_HIGHEST   89.0f
#define LOG2_E        1.44269504f
#define LN2_HIGH      0.693147182f
#define LN2_LOW       (-1.90465430e-09f)
#define ROUNDER       12582912.0f /* 1.5 * 2^23 */
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
static const real exp_terms[] = {1.4466488781e-03f, 8.36242833779e-03f, 4.16587633481e-02f, 1.66666026266e-01f,
                                 5.0000015689e-01f};

#endif

#define N_EXP_TERMS ((int)(sizeof exp_terms / sizeof exp_terms[0]))

/* x 2^n for whole n in the range of exponents, and one above it: hence two factors. */
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
    const ivec vanishes = x < EXP_LOWEST;
    x = vec_min(vec_all(EXP_HIGHEST), vec_max(vec_all(EXP_LOWEST), x)); /* NaN passes */
    vec n = vec_fma(x, vec_all(LOG2_E), vec_all(ROUNDER)) - ROUNDER;
    vec r = vec_fma(n, vec_all(-LN2_LOW), vec_fma(n, vec_all(-LN2_HIGH), x));
    vec p = vec_all(exp_terms[0]);
    UNROLL
    for (int i = 1; i < N_EXP_TERMS; i++)
        p = vec_fma(p, r, vec_all(exp_terms[i]));
    p = vec_fma(p, r, vec_all(1));
    p = vec_fma(p, r, vec_all(1));
    return (vec)(~vanishes & (ivec)vec_times_power_of_two(p, n));
}

/* exp(x) - 1 for x <= 1, and as of 1 above. */
INLINE vec vec_expm1(vec x)
{
    x = vec_min(vec_all(1), vec_max(vec_all(EXP_LOWEST), x)); /* NaN passes */
    const vec n = vec_fma(x, vec_all(LOG2_E), vec_all(ROUNDER)) - ROUNDER;
    const vec r = vec_fma(n, vec_all(-LN2_LOW), vec_fma(n, vec_all(-LN2_HIGH), x));
    vec q = vec_all(exp_terms[0]);
    UNROLL
    for (int i = 1; i < N_EXP_TERMS; i++)
        q = vec_fma(q, r, vec_all(exp_terms[i]));
    const vec power = vec_times_power_of_two(vec_all(1), n);
    return vec_fma(power, vec_fma(r * r, q, r), power - 1);
}

INLINE vec vec_tanh(vec x)
{
    const ivec sign = (ivec)vec_all(-(real)0);
    const vec e = vec_expm1((vec)((ivec)x | sign) * 2); /* of -2|x| */
    return (vec)((sign & (ivec)x) | (~sign & (ivec)(e / (e + 2))));
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
