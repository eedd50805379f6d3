/* The products of bfloat16.h in plain loops. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "num/bfloat16.h"

enum { CHUNK = 32, BLOCK = 512 };

real bfloat16_rounded(real x)
{
    const float value = (float)x;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        return x;
    if (fabsf(value) < FLT_MIN)
        return copysignf(0, value);
    bits += 0x7fff + (bits >> 16 & 1); /* half of what is cut off, less a bit where the last one kept is even */
    bits &= 0xffff0000;
    float rounded;
    memcpy(&rounded, &bits, sizeof rounded);
    return rounded;
}

/* A result that is the least normal number may have been less before it was rounded as a subnormal one is, in steps of
 * 2^-149. Such sums come of products below 2^-133, so one of the factors can be scaled. */
static int was_normal(float a, float b, float sum)
{
    const float up = 0x1p64f;
    const int scales_a = fabsf(a) < fabsf(b);
    return fabsf(fmaf(scales_a ? a * up : a, scales_a ? b : b * up, sum * up)) >= FLT_MIN * up;
}

real bfloat16_fma(real a, real b, real sum)
{
    const float result = fmaf((float)a, (float)b, (float)sum), size = fabsf(result);
    if (size < FLT_MIN || (size == FLT_MIN && !was_normal((float)a, (float)b, (float)sum)))
        return copysignf(0, result);
    return result;
}

static float add(float x, float y)
{
    const float sum = x + y; /* exact where it is subnormal */
    return fabsf(sum) < FLT_MIN ? copysignf(0, sum) : sum;
}

/* A factor at row or column i and k p, as it lies in memory. */
typedef struct {
    const real *x;
    size_t by_i, by_k;
} Factor;

static float at(const Factor *factor, size_t i, size_t p)
{
    return (float)bfloat16_rounded(factor->x[i * factor->by_i + p * factor->by_k]);
}

/* sum over k in [first, end). */
static float block_sum(const Factor *a, const Factor *b, size_t i, size_t j, int first, int end)
{
    float sum = 0;
    for (int chunk = first; chunk < end; chunk += CHUNK) {
        real odd_even[2] = {0, 0};
        for (int p = chunk; p < chunk + CHUNK; p++) {
            real *chain = &odd_even[(p - chunk) % 2];
            *chain = bfloat16_fma(p < end ? at(a, i, (size_t)p) : 0, p < end ? at(b, j, (size_t)p) : 0, *chain);
        }
        sum = add(sum, add((float)odd_even[0], (float)odd_even[1]));
    }
    return sum;
}

/* c = plus + alpha a b of one element. */
static void element(const Factor *a, const Factor *b, size_t i, size_t j, int k, real alpha, const real *plus, real *c)
{
    const int blocks = k > 0 ? (k + BLOCK - 1) / BLOCK : 1;
    const int part = ((k + blocks - 1) / blocks + CHUNK - 1) / CHUNK * CHUNK;
    int first = 0;
    do {
        const float sum = block_sum(a, b, i, j, first, first + part < k ? first + part : k);
        *c = plus ? fmaf((float)alpha, sum, (float)*plus) : (float)alpha * sum;
        plus = c, first += part;
    } while (first < k);
}

static Factor left(MatmulKind kind, const real *a, int ld)
{
    return kind == MATMUL_TN ? (Factor){a, 1, (size_t)ld} : (Factor){a, (size_t)ld, 1};
}

static Factor right(MatmulKind kind, const real *b, int ld)
{
    return kind == MATMUL_NT ? (Factor){b, (size_t)ld, 1} : (Factor){b, 1, (size_t)ld};
}

static void matmul(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                   int accumulate, real *c, int ld_c, real *scratch)
{
    (void)scratch;
    const Factor rows = left(kind, a, ld_a), columns = right(kind, b, ld_b);
    for (size_t i = 0; i < (size_t)m; i++)
        for (size_t j = 0; j < (size_t)n; j++) {
            real *out = c + i * (size_t)ld_c + j;
            element(&rows, &columns, i, j, k, alpha, accumulate ? out : NULL, out);
        }
}

/* Column by column. */
static void pack(MatmulKind kind, int n, int k, const real *b, int ld_b, real *ret_panels)
{
    const Factor columns = right(kind, b, ld_b);
    for (size_t j = 0; j < (size_t)n; j++)
        for (size_t p = 0; p < (size_t)k; p++)
            *ret_panels++ = at(&columns, j, p);
}

static void matmul_packed(const PackedProduct *x, real *scratch)
{
    (void)scratch;
    const Factor rows = left(x->kind, x->a, x->ld_a), columns = {x->panels + x->k_first, (size_t)x->k_packed, 1};
    for (size_t i = 0; i < (size_t)x->m; i++)
        for (size_t j = 0; j < (size_t)x->n; j++) {
            const size_t out = i * (size_t)x->ld_c + j;
            element(&rows, &columns, i, j, x->k, x->alpha, x->plus ? x->plus + out : NULL, x->c + out);
        }
}

const Bfloat16 bfloat16_reference = {
    .name = "reference", .matmul = matmul, .pack = pack, .matmul_packed = matmul_packed};
