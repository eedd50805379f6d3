/* Matrix products of operands rounded to bfloat16 with sums in float32, the engine `bfloat16`: what a machine with AMX
 * makes several times as fast as those of float32, and every other one emulates to the same bits, slowly.
 *
 * The result. Operands are rounded to bfloat16 (8 bits of mantissa, float32's exponents), to nearest, ties to even;
 * what is below the least normal number, 2^-126, becomes a zero of its sign first, and a NaN stays one. k is cut into
 * ceil(k/512) blocks of ceil(k / 32 blocks) chunks of 32 each, the last one shorter; zeros stand behind the end of k. A
 * chunk's products sum in two chains, one over its even k and one over its odd k, in ascending order by fma from 0; a
 * block's sum starts at 0 and adds (even + odd) of a chunk after the other. Every result of these operations is
 * rounded to nearest, ties to even, and becomes a zero of its sign where it is then below 2^-126 (as if exponents had
 * no end, hence *after* rounding). Then C = alpha sum, or fma(alpha, sum, C) where there is something to add to, which
 * are float32's own operations, with subnormal numbers.
 *
 * This is what TDPBF16PS does (Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2: two sums, DAZ,
 * FTZ, and no exceptions), tried against it in tests/num/test_bfloat16.c. An element depends on its row, its column,
 * alpha and k alone, so a product may be cut along m and n, and neither threads nor machine enter.
 */
#ifndef REFFRAME_NUM_BFLOAT16_H
#define REFFRAME_NUM_BFLOAT16_H

#include "base/arena.h"
#include "base/status.h"
#include "num/kernels.h"

/* Who makes such products: the members of that name in Kernels, with the contract that stands there. */
typedef struct {
    const char *name; /* "amx", or the path that emulates it: "avx512", "avx2", "neon", "plain" */
    void (*matmul)(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                   int accumulate, real *c, int ld_c, real *scratch);
    void (*pack)(MatmulKind kind, int n, int k, const real *b, int ld_b, real *ret_panels);
    void (*matmul_packed)(const PackedProduct *product, real *scratch);
} Bfloat16;

/* In `products` of a table that has them, on every machine, as the bits are the same. */
#define BFLOAT16_PRODUCTS "own products of operands rounded to bfloat16, sums in float32, of fixed order; no BLAS"
#define BFLOAT16_AMX      "amx"

/* In plain loops, as the definition reads; for tests, and to see that a machine's AMX computes it. */
extern const Bfloat16 bfloat16_reference;

/* x rounded as operands are, and a b + sum as chains add it. */
real bfloat16_rounded(real x);
real bfloat16_fma(real a, real b, real sum);

/* By name, where this machine runs it: else NULL. "amx" takes leave of the system to use the registers. */
const Bfloat16 *bfloat16_named(const char *name);

/* A copy of `own` with such products, from arena; its `float32` is `own`. With `maker` NULL the fastest that there is:
 * AMX beside AVX-512 kernels, or emulated by own's path; its `name` then is that of who makes the products.
 * STATUS_FAILED where there is none, as in the build in double. */
int bfloat16_kernels(Arena *arena, const Kernels *own, const Bfloat16 *maker, const Kernels **ret_kernels, Error *err);

/* Whether such a table's products are emulated, and slow. */
int bfloat16_is_emulated(const Kernels *kernels);

#endif
