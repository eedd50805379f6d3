/* The steps of bfloat16_product.c by AMX: tiles of 16 rows of 64 bytes, of which TDPBF16PS adds A (16 rows, 32 k) times
 * B (16 pairs of k, 16 columns) to C (16,16). Factors lie in bfloat16: A's rows as they are, B's with the two k of a
 * pair side by side. VCVTNE2PS2BF16 rounds as the definition says, whatever the thread's rounding mode is. Internal to
 * num/.
 */
#ifndef REFFRAME_NUM_BFLOAT16_AMX_H
#define REFFRAME_NUM_BFLOAT16_AMX_H

#ifdef __AMX_BF16__

#include <stdint.h>
#include <string.h>

#include "num/bfloat16_product.h"

typedef uint16_t Element;
#define PACK_STEP 2 /* k come in pairs */

#define PAIRS     (CHUNK / 2)
#define PAIR_ROW  (2 * PANEL) /* elements */
#define TILE_SIDE 16

/* The registers of a thread hold their shape, and nothing between two products. */
typedef struct {
    uint8_t palette, start_row, zero[14];
    uint16_t bytes_a_row[16];
    uint8_t rows[16];
} TileShapes;

INLINE void begin_products(void)
{
    static const TileShapes shapes = {
        .palette = 1, .bytes_a_row = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&shapes);
}

INLINE void end_products(void)
{
    _tile_release();
}

/* Lines of C that a strip will write come near meanwhile; a few a chunk, or what the strip waits for would stand behind
 * them. */
INLINE const real *fetch(const real *c, ptrdiff_t ld, int rows)
{
    for (int r = 0; r < rows; r++, c += ld) {
        __builtin_prefetch(c, 1);
        __builtin_prefetch(c + LANES, 1);
    }
    return c;
}

/* Names of tile registers are constants: 0-3 are sums (of rows 0-15 and columns 0-15, 16-31, of rows 16-31 likewise), 4
 * and 5 are A's, 6 and 7 are B's. A passes by the first-level cache, where B's panel stays. */
static void strip_sums(const Strip *s, int rows, int columns, real *ret_sums, ptrdiff_t ld)
{
    enum { A_ROW = CHUNK * sizeof(Element), B_ROW = PAIR_ROW * sizeof(Element), CHUNKS_TO_FETCH = 8 };
    const ptrdiff_t out_row = ld * (ptrdiff_t)sizeof(real);
    const int is_tall = rows > TILE_SIDE, is_wide = columns > TILE_SIDE;
    const int fetched = s->n_chunks >= CHUNKS_TO_FETCH ? rows / s->n_chunks : 0;
    const Element *a = s->a, *b = s->b;
    const real *c = s->c;
    __asm__ volatile("" ::: "memory"); /* what was laid is stored by now: gcc's loads of tiles do not say so */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int chunk = 0; chunk < s->n_chunks; chunk++, a += STRIP_ROWS * CHUNK, b += PANEL * CHUNK) {
        const Element *const of_b = chunk + 1 < s->n_chunks ? b : s->last_b;
        c = fetch(c, s->ld_c, fetched);
        _tile_stream_loadd(4, a, A_ROW);
        _tile_loadd(6, of_b, B_ROW);
        _tile_dpbf16ps(0, 4, 6);
        if (is_wide) {
            _tile_loadd(7, of_b + PAIR_ROW / 2, B_ROW);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (is_tall) {
            _tile_stream_loadd(5, a + TILE_SIDE * CHUNK, A_ROW);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (is_tall && is_wide)
            _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, ret_sums, out_row);
    _tile_stored(1, ret_sums + TILE_SIDE, out_row);
    if (is_tall) {
        _tile_stored(2, ret_sums + TILE_SIDE * ld, out_row);
        _tile_stored(3, ret_sums + TILE_SIDE * ld + TILE_SIDE, out_row);
    }
}

/* 32 reals rounded: x in the lower half, y in the upper one. */
INLINE __m512i rounded(vec x, vec y)
{
    return (__m512i)_mm512_cvtne2ps_pbh((__m512)y, (__m512)x);
}

/* The same with x and y in turns. */
INLINE __m512i rounded_pairs(vec x, vec y)
{
    const __m512i in_turns = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                              6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(in_turns, rounded(x, y));
}

/* The n next rows of `x`, k of each from p on, as rows of pairs; or the same of columns, which are turned. */
INLINE void load_rows(const real *x, ptrdiff_t ld, int n, int left, vec *ret)
{
    UNROLL
    for (int i = 0; i < TILE_SIDE; i++)
        ret[i] = i < n ? (vec)rounded(vec_load_left(x + i * ld, left, ZERO),
                                      vec_load_left(x + i * ld + LANES, left - LANES, ZERO))
                       : ZERO;
}

INLINE void load_columns(const real *x, ptrdiff_t ld, int n, int left, vec *ret)
{
    UNROLL
    for (int i = 0; i < PAIRS; i++) {
        const real *row = x + 2 * i * ld;
        ret[i] = (vec)rounded_pairs(2 * i < left ? vec_load_left(row, n, ZERO) : ZERO,
                                    2 * i + 1 < left ? vec_load_left(row + ld, n, ZERO) : ZERO);
    }
}

INLINE void store_rows(const vec *x, int n, int row, Element *ret)
{
    UNROLL
    for (int i = 0; i < TILE_SIDE; i++)
        if (i < n)
            _mm512_storeu_si512(ret + i * row, (__m512i)x[i]);
}

/* Rows (n,k) of A, to strips `strip` elements apart. */
static void lay_rows(int n, int k, const real *a, ptrdiff_t ld, ptrdiff_t strip, Element *ret)
{
    for (int first = 0; first < n; first += STRIP_ROWS, ret += strip)
        for (int p = 0; p < k; p += CHUNK) {
            const int end = n - first < STRIP_ROWS ? n : first + STRIP_ROWS;
            const real *from = a + first * ld + p;
            Element *out = ret + p * STRIP_ROWS;
            for (int r = first; r < end; r++, from += ld, out += CHUNK)
                _mm512_storeu_si512(
                    out, rounded(vec_load_left(from, k - p, ZERO), vec_load_left(from + LANES, k - p - LANES, ZERO)));
        }
}

/* Columns (k,n) of A. Reads run along A's rows, as it may come from far. */
static void lay_columns(int n, int k, const real *a, ptrdiff_t ld, ptrdiff_t strip, Element *ret)
{
    for (int p = 0; p < k; p += CHUNK)
        for (int r = 0; r < n; r += TILE_SIDE) {
            vec x[TILE_SIDE];
            load_columns(a + p * ld + r, ld, n - r, k - p, x);
            vec_transpose(x);
            store_rows(x, TILE_SIDE, CHUNK, ret + r / STRIP_ROWS * strip + p * STRIP_ROWS + r % STRIP_ROWS * CHUNK);
        }
}

/* Columns (k,n) of B. */
static void pack_columns(int n, int k, int whole_k, const real *b, ptrdiff_t ld, Element *ret)
{
    for (int p = 0; p < whole_k; p += 2, b += 2 * ld, ret += PAIR_ROW) {
        UNROLL
        for (int v = 0; v < 2; v++) {
            const real *row = b + v * LANES;
            const int left = n - v * LANES;
            _mm512_storeu_si512(ret + v * PAIR_ROW / 2,
                                rounded_pairs(p < k ? vec_load_left(row, left, ZERO) : ZERO,
                                              p + 1 < k ? vec_load_left(row + ld, left, ZERO) : ZERO));
        }
    }
}

/* Rows (n,k) of B. */
static void pack_rows(int n, int k, int whole_k, const real *b, ptrdiff_t ld, Element *ret)
{
    for (int p = 0; p < whole_k; p += CHUNK)
        for (int j = 0; j < PANEL; j += TILE_SIDE) {
            vec x[TILE_SIDE];
            load_rows(b + j * ld + p, ld, n - j, k - p, x);
            vec_transpose(x);
            store_rows(x, (whole_k - p) / 2, PAIR_ROW, ret + p * PANEL + 2 * j);
        }
}

/* Whether a strip may begin at row k_first of a panel. */
INLINE int begins_a_step(int k_first)
{
    return k_first % 2 == 0;
}

/* Rows [first, first + k) of a panel, and zeros up to a whole chunk. */
static void copy_panel(const Element *panel, int first, int k, Element *ret)
{
    const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
    const int is_odd = first % 2;
    panel += first / 2 * PAIR_ROW;
    for (int p = 0; p < k || p % CHUNK != 0; p += 2, panel += PAIR_ROW, ret += PAIR_ROW) {
        UNROLL
        for (int v = 0; v < PAIR_ROW; v += PAIR_ROW / 2) {
            __m512i x = _mm512_setzero_si512();
            if (p < k)
                x = _mm512_loadu_si512(panel + v);
            if (is_odd)
                x = _mm512_srli_epi32(x, 16);
            if (is_odd && p + 1 < k)
                x = _mm512_or_si512(x, _mm512_slli_epi32(_mm512_loadu_si512(panel + PAIR_ROW + v), 16));
            if (p + 1 >= k)
                x = _mm512_andnot_si512(upper, x);
            _mm512_storeu_si512(ret + v, x);
        }
    }
}

#endif
#endif
