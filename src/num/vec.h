/* Vectors of reals at the width that the target has, and the few operations that need a name of their own.
 *
 * + - * / and comparisons are the compilers' vector extensions; what they lack (fma, square root, loads of a part) is
 * written per instruction set here and nowhere else. Every operation is exactly rounded or exact, so a kernel gives the
 * same bits at any width as long as the order of its sums is its own: sums along a row go into Lanes, as many whatever
 * the width, and end in one fixed tree. (The sign and payload of a NaN may differ, its being a NaN may not.)
 *
 * Width is taken from what the compiler was told to target, not from the path's name. Internal to num/.
 */
#ifndef REFFRAME_NUM_VEC_H
#define REFFRAME_NUM_VEC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "num/real.h"

#if defined(__AVX512F__) && defined(__FMA__)
#include <immintrin.h>
#define VEC_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define VEC_BYTES 32
#elif defined(__aarch64__)
#include <arm_neon.h>
#define VEC_BYTES 16
#else
#define VEC_BYTES 16
#endif

#ifdef REFFRAME_DOUBLE
#define LANES (VEC_BYTES / 8)
typedef int64_t integer; /* an integer as wide as a real */
#else
#define LANES (VEC_BYTES / 4)
typedef int32_t integer;
#endif

#define INLINE static inline __attribute__((always_inline, unused))

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef real vec __attribute__((vector_size(VEC_BYTES)));
typedef integer ivec __attribute__((vector_size(VEC_BYTES))); /* also what comparisons give: 0 or -1 */
typedef real vec_anywhere __attribute__((vector_size(VEC_BYTES), aligned(sizeof(real)), may_alias));

INLINE vec vec_load(const real *p)
{
    return *(const vec_anywhere *)p;
}

INLINE void vec_store(real *p, vec x)
{
    *(vec_anywhere *)p = x;
}

INLINE vec vec_all(real x)
{
    return x - (vec){0};
}

/* Brings near what a loop will read in a while. Vector loops keep too few loads in flight to hide the third level's
 * latency by themselves: GELU's backward went through cold memory at 4 GB/s without, on a machine whose cache has 28.
 * The address need not exist. */
#define AHEAD 512 /* reals: 2 KB of floats */
INLINE void vec_fetch(const real *p)
{
    __builtin_prefetch(p, 0, 3);
}

/* mask ? x : y, lane by lane, with a mask as comparisons give it. */
INLINE vec vec_choose(ivec mask, vec x, vec y)
{
    return (vec)((mask & (ivec)x) | (~mask & (ivec)y));
}

/* ---- fma, square root, extrema, the first n lanes ---- */

/* vec_max: x > y ? x : y, vec_min: x < y ? x : y; hence y where one is a NaN. vec_load_first: lanes from n on
 * are fill. */

#if VEC_BYTES == 64 && !defined(REFFRAME_DOUBLE)

#define LANE_MASK(n)               ((__mmask16)((1u << (n)) - 1))
#define vec_fma(x, y, z)           ((vec)_mm512_fmadd_ps((__m512)(x), (__m512)(y), (__m512)(z)))
#define vec_sqrt(x)                ((vec)_mm512_sqrt_ps((__m512)(x)))
#define vec_max(x, y)              ((vec)_mm512_max_ps((__m512)(x), (__m512)(y)))
#define vec_min(x, y)              ((vec)_mm512_min_ps((__m512)(x), (__m512)(y)))
#define vec_load_first(p, n, fill) ((vec)_mm512_mask_loadu_ps((__m512)(fill), LANE_MASK(n), p))
#define vec_store_first(p, n, x)   _mm512_mask_storeu_ps(p, LANE_MASK(n), (__m512)(x))

#elif VEC_BYTES == 64

#define LANE_MASK(n)               ((__mmask8)((1u << (n)) - 1))
#define vec_fma(x, y, z)           ((vec)_mm512_fmadd_pd((__m512d)(x), (__m512d)(y), (__m512d)(z)))
#define vec_sqrt(x)                ((vec)_mm512_sqrt_pd((__m512d)(x)))
#define vec_max(x, y)              ((vec)_mm512_max_pd((__m512d)(x), (__m512d)(y)))
#define vec_min(x, y)              ((vec)_mm512_min_pd((__m512d)(x), (__m512d)(y)))
#define vec_load_first(p, n, fill) ((vec)_mm512_mask_loadu_pd((__m512d)(fill), LANE_MASK(n), p))
#define vec_store_first(p, n, x)   _mm512_mask_storeu_pd(p, LANE_MASK(n), (__m512d)(x))

#elif VEC_BYTES == 32

#ifdef REFFRAME_DOUBLE
#define vec_fma(x, y, z)         ((vec)_mm256_fmadd_pd((__m256d)(x), (__m256d)(y), (__m256d)(z)))
#define vec_sqrt(x)              ((vec)_mm256_sqrt_pd((__m256d)(x)))
#define vec_max(x, y)            ((vec)_mm256_max_pd((__m256d)(x), (__m256d)(y)))
#define vec_min(x, y)            ((vec)_mm256_min_pd((__m256d)(x), (__m256d)(y)))
#define MASKED_LOAD(p, mask)     ((vec)_mm256_maskload_pd(p, (__m256i)(mask)))
#define MASKED_STORE(p, mask, x) _mm256_maskstore_pd(p, (__m256i)(mask), (__m256d)(x))
#define COUNT                    ((ivec){0, 1, 2, 3})
#else
#define vec_fma(x, y, z)         ((vec)_mm256_fmadd_ps((__m256)(x), (__m256)(y), (__m256)(z)))
#define vec_sqrt(x)              ((vec)_mm256_sqrt_ps((__m256)(x)))
#define vec_max(x, y)            ((vec)_mm256_max_ps((__m256)(x), (__m256)(y)))
#define vec_min(x, y)            ((vec)_mm256_min_ps((__m256)(x), (__m256)(y)))
#define MASKED_LOAD(p, mask)     ((vec)_mm256_maskload_ps(p, (__m256i)(mask)))
#define MASKED_STORE(p, mask, x) _mm256_maskstore_ps(p, (__m256i)(mask), (__m256)(x))
#define COUNT                    ((ivec){0, 1, 2, 3, 4, 5, 6, 7})
#endif

INLINE vec vec_load_first(const real *p, int n, vec fill)
{
    ivec mask = COUNT < (integer)n;
    return vec_choose(mask, MASKED_LOAD(p, mask), fill);
}

INLINE void vec_store_first(real *p, int n, vec x)
{
    ivec mask = COUNT < (integer)n;
    MASKED_STORE(p, mask, x);
}

#else /* 16 bytes: NEON, or plain C */

#if defined(__aarch64__) && defined(REFFRAME_DOUBLE)
#define vec_fma(x, y, z) ((vec)vfmaq_f64((float64x2_t)(z), (float64x2_t)(x), (float64x2_t)(y)))
#define vec_sqrt(x)      ((vec)vsqrtq_f64((float64x2_t)(x)))
#elif defined(__aarch64__)
#define vec_fma(x, y, z) ((vec)vfmaq_f32((float32x4_t)(z), (float32x4_t)(x), (float32x4_t)(y)))
#define vec_sqrt(x)      ((vec)vsqrtq_f32((float32x4_t)(x)))
#else

#ifdef REFFRAME_TWO_ROUNDINGS /* WebAssembly has no fused one of fixed meaning: bits of their own (web/README.md) */
INLINE vec vec_fma(vec x, vec y, vec z)
{
    return x * y + z;
}
#else
INLINE vec vec_fma(vec x, vec y, vec z)
{
    for (int i = 0; i < LANES; i++)
#ifdef REFFRAME_DOUBLE
        z[i] = fma(x[i], y[i], z[i]);
#else
        z[i] = fmaf(x[i], y[i], z[i]);
#endif
    return z;
}
#endif

INLINE vec vec_sqrt(vec x)
{
    for (int i = 0; i < LANES; i++)
#ifdef REFFRAME_DOUBLE
        x[i] = sqrt(x[i]);
#else
        x[i] = sqrtf(x[i]);
#endif
    return x;
}

#endif

INLINE vec vec_max(vec x, vec y)
{
    return vec_choose(x > y, x, y);
}

INLINE vec vec_min(vec x, vec y)
{
    return vec_choose(x < y, x, y);
}

INLINE vec vec_load_first(const real *p, int n, vec fill)
{
    UNROLL
    for (int i = 0; i < LANES; i++) /* not up to n, lest compilers call memcpy */
        if (i < n)
            fill[i] = p[i];
    return fill;
}

INLINE void vec_store_first(real *p, int n, vec x)
{
    UNROLL
    for (int i = 0; i < LANES; i++)
        if (i < n)
            p[i] = x[i];
}

#endif

/* The next LANES reals of which n are left: lanes from n on are `fill`, and are not stored. n may be negative. */
INLINE vec vec_load_left(const real *p, ptrdiff_t n, vec fill)
{
    return n >= LANES ? vec_load(p) : n > 0 ? vec_load_first(p, (int)n, fill) : fill;
}

INLINE void vec_store_left(real *p, ptrdiff_t n, vec x)
{
    if (n >= LANES)
        vec_store(p, x);
    else if (n > 0)
        vec_store_first(p, (int)n, x);
}

/* ---- permutations ---- */

/* x0 y0 x1 y1 ... of the lower halves, and of the upper ones; and lanes i and i + 8, i + 4, ... exchanged. */
#if LANES == 16
#define INTERLEAVE_LOW  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define INTERLEAVE_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define EXCHANGE_8      8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7
#define EXCHANGE_4      4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11
#define EXCHANGE_2      2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13
#define EXCHANGE_1      1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14
#elif LANES == 8
#define INTERLEAVE_LOW  0, 8, 1, 9, 2, 10, 3, 11
#define INTERLEAVE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#define EXCHANGE_4      4, 5, 6, 7, 0, 1, 2, 3
#define EXCHANGE_2      2, 3, 0, 1, 6, 7, 4, 5
#define EXCHANGE_1      1, 0, 3, 2, 5, 4, 7, 6
#elif LANES == 4
#define INTERLEAVE_LOW  0, 4, 1, 5
#define INTERLEAVE_HIGH 2, 6, 3, 7
#define EXCHANGE_2      2, 3, 0, 1
#define EXCHANGE_1      1, 0, 3, 2
#else
#define INTERLEAVE_LOW  0, 2
#define INTERLEAVE_HIGH 1, 3
#define EXCHANGE_1      1, 0
#endif
#define vec_interleave_low(x, y)  __builtin_shufflevector(x, y, INTERLEAVE_LOW)
#define vec_interleave_high(x, y) __builtin_shufflevector(x, y, INTERLEAVE_HIGH)

/* A square of LANES vectors turned about its diagonal: log2(LANES) rounds, each interleaving the first half of the
 * vectors with the second. */
INLINE void vec_transpose(vec *x)
{
    UNROLL
    for (int round = 1; round < LANES; round *= 2) {
        vec y[LANES];
        UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            y[2 * i] = vec_interleave_low(x[i], x[i + LANES / 2]);
            y[2 * i + 1] = vec_interleave_high(x[i], x[i + LANES / 2]);
        }
        UNROLL
        for (int i = 0; i < LANES; i++)
            x[i] = y[i];
    }
}

/* ---- sums along a row ---- */

#define SUM_LANES 32 /* part of the definition of every sum; two vectors of 16 floats hide an addition's latency */
#define PARTS     (SUM_LANES / LANES)

typedef struct {
    vec part[PARTS];
} Lanes;

/* The fixed tree: lane i + lane i+16, then i+8, i+4, i+2, i+1. */
INLINE real lanes_sum(Lanes x)
{
    UNROLL
    for (int half = PARTS / 2; half; half /= 2) {
        UNROLL
        for (int p = 0; p < half; p++)
            x.part[p] += x.part[p + half];
    }
    vec sum = x.part[0];
#if LANES >= 16
    sum += __builtin_shufflevector(sum, sum, EXCHANGE_8);
#endif
#if LANES >= 8
    sum += __builtin_shufflevector(sum, sum, EXCHANGE_4);
#endif
#if LANES >= 4
    sum += __builtin_shufflevector(sum, sum, EXCHANGE_2);
#endif
    sum += __builtin_shufflevector(sum, sum, EXCHANGE_1);
    return sum[0];
}

/* The largest; which NaN lanes it passes over is not said. */
INLINE real lanes_max(Lanes x)
{
    UNROLL
    for (int half = PARTS / 2; half; half /= 2) {
        UNROLL
        for (int p = 0; p < half; p++)
            x.part[p] = vec_max(x.part[p], x.part[p + half]);
    }
    vec max = x.part[0];
#if LANES >= 16
    max = vec_max(max, __builtin_shufflevector(max, max, EXCHANGE_8));
#endif
#if LANES >= 8
    max = vec_max(max, __builtin_shufflevector(max, max, EXCHANGE_4));
#endif
#if LANES >= 4
    max = vec_max(max, __builtin_shufflevector(max, max, EXCHANGE_2));
#endif
    max = vec_max(max, __builtin_shufflevector(max, max, EXCHANGE_1));
    return max[0];
}

/* The same in double, for sums over many reals. */
#define WIDE_LANES (VEC_BYTES / 8)
#define WIDE_PARTS (SUM_LANES / WIDE_LANES)
typedef double wide __attribute__((vector_size(VEC_BYTES)));
typedef real wide_source __attribute__((vector_size(WIDE_LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

typedef struct {
    wide part[WIDE_PARTS];
} WideLanes;

INLINE wide wide_load(const real *p)
{
    return __builtin_convertvector(*(const wide_source *)p, wide);
}

INLINE double wide_sum(WideLanes x)
{
    double t[SUM_LANES];
    memcpy(t, &x, sizeof t);
    UNROLL
    for (int half = SUM_LANES / 2; half; half /= 2) {
        UNROLL
        for (int i = 0; i < half; i++)
            t[i] += t[i + half];
    }
    return t[0];
}

#endif
