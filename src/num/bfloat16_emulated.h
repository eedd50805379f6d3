/* The steps of bfloat16_product.c without AMX: factors lie in floats that are rounded to bfloat16. On x86 with fma the
 * processor itself makes zeros of results below the least normal number, after rounding, once its control register
 * asks for it. Elsewhere a product is made first, which is exact but where it is tiny or huge; so that a sum of it is
 * what an fma gives. Internal to num/.
 */
#ifndef REFFRAME_NUM_BFLOAT16_EMULATED_H
#define REFFRAME_NUM_BFLOAT16_EMULATED_H

#ifndef REFFRAME_DOUBLE

#include "num/bfloat16.h"
#include "num/bfloat16_product.h"

typedef real Element;
#define PACK_STEP 1

/* Rows and vectors of columns whose three sums (even, odd, all) lie in registers. */
#if VEC_BYTES == 64 || defined(__aarch64__)
#define SUM_ROWS 4
#else
#define SUM_ROWS 2
#endif
#define SUM_VECS 2

INLINE void begin_products(void)
{
}

INLINE void end_products(void)
{
}

typedef uint32_t uvec __attribute__((vector_size(VEC_BYTES)));
#define SIZE_BITS    0x7fffffffu
#define LEAST_NORMAL 0x00800000u
#define INFINITE     0x7f800000u
#define UPPER_BITS   0xffff0000u

/* ---- sums -------------------------------------------------------------------------------------------------------- */

#if VEC_BYTES >= 32 /* x86 with fma */

#define ZEROS_FOR_SUBNORMALS 0x8040u /* DAZ, FTZ */

INLINE unsigned begin_sums(void)
{
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | ZEROS_FOR_SUBNORMALS);
    return before;
}

INLINE void end_sums(unsigned before)
{
    _mm_setcsr(before);
}

INLINE vec add_product(vec a, vec b, vec sum)
{
    return vec_fma(a, b, sum);
}

INLINE vec add_sums(vec x, vec y)
{
    return x + y;
}

#else

INLINE unsigned begin_sums(void)
{
    return 0;
}

INLINE void end_sums(unsigned before)
{
    (void)before;
}

INLINE vec add_sums(vec x, vec y)
{
    const uvec sum = (uvec)(x + y), is_normal = (uvec)((sum & SIZE_BITS) >= LEAST_NORMAL);
    return (vec)(sum & (is_normal | ~SIZE_BITS));
}

INLINE int any(uvec mask)
{
    uint32_t bits = 0;
    UNROLL
    for (int i = 0; i < LANES; i++)
        bits |= mask[i];
    return bits != 0;
}

/* Lanes one by one where a product that is not 0 lies outside [2^-100, 2^127), or the sum below the normal numbers. */
INLINE vec add_product(vec a, vec b, vec sum)
{
    const vec product = a * b, result = product + sum;
    const uvec size = (uvec)product & SIZE_BITS, result_size = (uvec)result & SIZE_BITS;
    const uvec is_rare = ((uvec)(size - 0x0d800000u >= 0x7f000000u - 0x0d800000u) & (uvec)(a != 0) & (uvec)(b != 0)) |
                         (uvec)(result_size - 1 < LEAST_NORMAL - 1);
    vec exact = result;
    if (any(is_rare))
        for (int i = 0; i < LANES; i++)
            exact[i] = bfloat16_fma(a[i], b[i], sum[i]);
    return exact;
}

#endif

/* Sums of `rows` rows and SUM_VECS vectors of columns: chains of even and odd k, and what all chunks add up to. */
INLINE void some_sums(const Strip *s, const int rows, int row, int column, real *ret_sums, ptrdiff_t ld)
{
    const real *a = (const real *)s->a + row * CHUNK, *b = (const real *)s->b + column;
    vec sum[SUM_ROWS * SUM_VECS] = {{0}};
    for (int c = 0; c < s->n_chunks; c++, a += STRIP_ROWS * CHUNK, b += PANEL * CHUNK) {
        const real *of_b = c + 1 < s->n_chunks ? b : (const real *)s->last_b + column;
        vec chain[2][SUM_ROWS * SUM_VECS] = {{{0}}};
        for (int p = 0; p < CHUNK; p += 2, of_b += 2 * PANEL) {
            UNROLL
            for (int i = 0; i < 2 * rows * SUM_VECS; i++) {
                const int odd = i / (rows * SUM_VECS), r = i / SUM_VECS % rows, v = i % SUM_VECS;
                chain[odd][r * SUM_VECS + v] =
                    add_product(vec_all(a[r * CHUNK + p + odd]), vec_load(of_b + odd * PANEL + v * LANES),
                                chain[odd][r * SUM_VECS + v]);
            }
        }
        UNROLL
        for (int i = 0; i < rows * SUM_VECS; i++)
            sum[i] = add_sums(sum[i], add_sums(chain[0][i], chain[1][i]));
    }
    UNROLL
    for (int i = 0; i < rows * SUM_VECS; i++)
        vec_store(ret_sums + (row + i / SUM_VECS) * ld + column + i % SUM_VECS * LANES, sum[i]);
}

/* Not inlined: what it computes must not leave the stretch between two changes of the control register. */
static __attribute__((noinline)) void all_sums(const Strip *s, int rows, int columns, real *ret_sums, ptrdiff_t ld)
{
    for (int j = 0; j < columns; j += SUM_VECS * LANES) {
        int i = 0;
        for (; i + SUM_ROWS <= rows; i += SUM_ROWS)
            some_sums(s, SUM_ROWS, i, j, ret_sums, ld);
        for (; i < rows; i++)
            some_sums(s, 1, i, j, ret_sums, ld);
    }
}

static void strip_sums(const Strip *s, int rows, int columns, real *ret_sums, ptrdiff_t ld)
{
    const unsigned before = begin_sums();
    all_sums(s, rows, columns, ret_sums, ld);
    end_sums(before);
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

INLINE vec rounded(vec x)
{
    const uvec bits = (uvec)x, size = bits & SIZE_BITS, upper = bits & UPPER_BITS;
    const uvec is_normal = (uvec)(size >= LEAST_NORMAL), is_nan = (uvec)(size > INFINITE);
    const uvec up = (bits + 0x7fffu + (bits >> 16 & 1)) & UPPER_BITS;
    const uvec number = up & (is_normal | ~SIZE_BITS);
    return (vec)((is_nan & (upper | 0x00400000u)) | (~is_nan & number));
}

/* Where element (r,p) of A lies in strips `strip` elements apart. */
INLINE Element *laid_at(Element *laid, ptrdiff_t strip, int r, int p)
{
    return laid + r / STRIP_ROWS * strip + p / CHUNK * CHUNK * STRIP_ROWS + r % STRIP_ROWS * CHUNK + p % CHUNK;
}

/* Rows (n,k) of A. */
static void lay_rows(int n, int k, const real *a, ptrdiff_t ld, ptrdiff_t strip, Element *ret)
{
    for (int r = 0; r < n; r++, a += ld)
        for (int p = 0; p < k || p % CHUNK != 0; p += LANES)
            vec_store(laid_at(ret, strip, r, p), rounded(vec_load_left(a + p, k - p, ZERO)));
}

/* Columns (k,n) of A. */
static void lay_columns(int n, int k, const real *a, ptrdiff_t ld, ptrdiff_t strip, Element *ret)
{
    for (int p = 0; p < k || p % CHUNK != 0; p++, a += ld)
        for (int r = 0; r < n; r += LANES) {
            const vec x = p < k ? rounded(vec_load_left(a + r, n - r, ZERO)) : ZERO;
            Element *out = laid_at(ret, strip, r, p);
            for (int i = 0; i < LANES; i++)
                out[i * CHUNK] = x[i];
        }
}

/* Columns (k,n) of B. */
static void pack_columns(int n, int k, int whole_k, const real *b, ptrdiff_t ld, Element *ret)
{
    for (int p = 0; p < whole_k; p++, b += ld)
        for (int j = 0; j < PANEL; j += LANES, ret += LANES)
            vec_store(ret, p < k ? rounded(vec_load_left(b + j, n - j, ZERO)) : ZERO);
}

/* Rows (n,k) of B. */
static void pack_rows(int n, int k, int whole_k, const real *b, ptrdiff_t ld, Element *ret)
{
    for (int j = 0; j < PANEL; j++)
        for (int p = 0; p < whole_k; p += LANES) {
            const vec x = j < n ? rounded(vec_load_left(b + j * ld + p, k - p, ZERO)) : ZERO;
            for (int i = 0; i < LANES && p + i < whole_k; i++)
                ret[(p + i) * PANEL + j] = x[i];
        }
}

/* Whether a strip may begin at row k_first of a panel. */
INLINE int begins_a_step(int k_first)
{
    (void)k_first;
    return 1;
}

/* Rows [first, first + k) of a panel, and zeros up to a whole chunk. */
static void copy_panel(const Element *panel, int first, int k, Element *ret)
{
    const int whole_k = (k + CHUNK - 1) / CHUNK * CHUNK;
    memcpy(ret, panel + first * PANEL, sizeof *ret * (size_t)(k * PANEL));
    memset(ret + k * PANEL, 0, sizeof *ret * (size_t)((whole_k - k) * PANEL));
}

#endif
#endif
