/* Matrix products, packed and tiled (after Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
 * ACM TOMS 34(3), 2008), single-threaded.
 *
 * C is cut into tiles of TILE_ROWS x PANEL that live in registers; B is copied, a block of k and n at a time, into
 * panels that a tile reads with stride one; A is read in place by broadcasts, or copied likewise where its columns lie
 * apart. Invariant: an element's value is a function of its row of op(A), its column of op(B), alpha and k alone. k is
 * cut into equal blocks of at most K_BLOCK; a block's sum starts at 0 and adds in ascending k by fma; then
 * C = fma(alpha, sum, C), where the first block of a plain product has 0 for C. No tile size enters.
 */
#include "num/path.h"
#include "num/vec.h"

#define K_BLOCK 256 /* part of the definition of the result; a panel of it (32 KiB) stays in the first-level cache */
#define TILE_VECS 2
#define PANEL (TILE_VECS * LANES)
#if VEC_BYTES == 64
#define TILE_ROWS 14 /* 28 sums, 2 of B, 2 broadcasts: the 32 registers */
#elif VEC_BYTES == 32
#define TILE_ROWS 6 /* 12 sums, 2 of B, 2 broadcasts: the 16 registers */
#else
#define TILE_ROWS 4
#endif

#define N_BLOCK (MATMUL_SCRATCH * 3 / 4 / K_BLOCK / PANEL * PANEL)       /* columns of B packed at a time */
#define M_BLOCK (MATMUL_SCRATCH / 4 / K_BLOCK / TILE_ROWS * TILE_ROWS) /* rows of A, where packed */

/* The addresses and strides of one tile's product: C (rows, width) from A (rows, k) and B (k, width). */
typedef struct {
    int k;
    const real *a;
    ptrdiff_t a_row, a_k; /* of these the one that is not 1 */
    const real *b;
    ptrdiff_t b_k;
    real alpha;
    int add; /* to what C holds */
    real *c;
    ptrdiff_t c_row;
    int width;
} Tile;

/* sum += A[:, p] B[p, :] for one p; `a` and `b` point at it. */
INLINE void step(vec (*sum)[TILE_VECS], const int rows, const int vecs, const real *a, ptrdiff_t a_row, const real *b)
{
    vec y[TILE_VECS];
    UNROLL
    for (int v = 0; v < vecs; v++)
        y[v] = vec_load(b + v * LANES);
    UNROLL
    for (int r = 0; r < rows; r++) {
        const vec x = vec_all(a[r * a_row]);
        UNROLL
        for (int v = 0; v < vecs; v++)
            sum[r][v] = vec_fma(x, y[v], sum[r][v]);
    }
}

INLINE void tile(const Tile *t, const int rows, const int vecs, const int rows_apart)
{
    vec sum[TILE_ROWS][TILE_VECS];
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < vecs; v++)
            sum[r][v] = (vec){0};

    const real *a = t->a, *b = t->b;
    const ptrdiff_t a_row = rows_apart ? t->a_row : 1, a_k = rows_apart ? 1 : t->a_k, b_k = t->b_k;
    int p = 0;
    for (; p + 4 <= t->k; p += 4, a += 4 * a_k, b += 4 * b_k)
        UNROLL
        for (int q = 0; q < 4; q++)
            step(sum, rows, vecs, a + q * a_k, a_row, b + q * b_k);
    for (; p < t->k; p++, a += a_k, b += b_k)
        step(sum, rows, vecs, a, a_row, b);

    const vec alpha = vec_all(t->alpha);
    UNROLL
    for (int r = 0; r < rows; r++) {
        real *c = t->c + r * t->c_row;
        UNROLL
        for (int v = 0; v < vecs; v++) {
            const int left = t->width - v * LANES;
            const vec add = t->add ? vec_load_left(c + v * LANES, left, (vec){0}) : (vec){0};
            vec_store_left(c + v * LANES, left, vec_fma(alpha, sum[r][v], add));
        }
    }
}

/* One function a shape of tile, so that its sums have registers as names. */
#define TILE_FUNCTIONS(rows)                                                                                           \
    static void tile_apart_##rows##_1(const Tile *t) { tile(t, rows, 1, 1); }                                          \
    static void tile_apart_##rows##_2(const Tile *t) { tile(t, rows, 2, 1); }                                          \
    static void tile_together_##rows##_1(const Tile *t) { tile(t, rows, 1, 0); }                                       \
    static void tile_together_##rows##_2(const Tile *t) { tile(t, rows, 2, 0); }
#define TILE_ENTRY(rows)                                                                                               \
    {{tile_together_##rows##_1, tile_together_##rows##_2}, {tile_apart_##rows##_1, tile_apart_##rows##_2}},
#if TILE_ROWS == 14
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif TILE_ROWS == 6
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#else
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4)
#endif
// clang-format off
FOR_EACH_ROWS(TILE_FUNCTIONS)
// clang-format on
typedef void TileFunction(const Tile *t);
static TileFunction *const tiles[TILE_ROWS][2][TILE_VECS] = {FOR_EACH_ROWS(TILE_ENTRY)}; /* [rows-1][apart][vecs-1] */

/* ---- packing --------------------------------------------------------------------------------------------------------- */

/* Panel of B (k, width) at b, rows ld apart, to (k, PANEL), zero beyond the width. */
static void pack_rows(int k, int width, const real *b, ptrdiff_t ld, real *ret)
{
    for (int p = 0; p < k; p++, b += ld, ret += PANEL)
        UNROLL
        for (int v = 0; v < TILE_VECS; v++)
            vec_store(ret + v * LANES, vec_load_left(b + v * LANES, width - v * LANES, (vec){0}));
}

/* A square of LANES vectors turned about its diagonal: log2(LANES) rounds, each interleaving the first half of the
 * vectors with the second. */
INLINE void transpose(vec *x)
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

/* Panel of B' where B (width, k) has rows ld apart, to (k, PANEL), zero beyond the width. */
static void pack_columns(int k, int width, const real *b, ptrdiff_t ld, real *ret)
{
    for (int v = 0; v < TILE_VECS; v++)
        for (int p = 0; p < k; p += LANES) {
            vec x[LANES];
            UNROLL
            for (int i = 0; i < LANES; i++) {
                const int j = v * LANES + i;
                x[i] = j < width ? vec_load_left(b + j * ld + p, k - p, (vec){0}) : (vec){0};
            }
            transpose(x);
            UNROLL
            for (int i = 0; i < LANES; i++)
                if (p + i < k)
                    vec_store(ret + (ptrdiff_t)(p + i) * PANEL + v * LANES, x[i]);
        }
}

/* Rows of op(A) for one tile, A (k, rows) with its columns together, to (k, rows). */
static void pack_tile(int k, int rows, const real *a, ptrdiff_t ld, real *ret)
{
    for (int p = 0; p < k; p++, a += ld, ret += rows)
        for (int i = 0; i < rows; i += LANES)
            vec_store_left(ret + i, rows - i, vec_load_left(a + i, rows - i, (vec){0}));
}

/* ---- the product ------------------------------------------------------------------------------------------------------- */

static int smaller(int x, int y)
{
    return x < y ? x : y;
}

/* ceil(n / pieces) where pieces = ceil(n / at_most): nearly equal parts. */
static int even_part(int n, int at_most)
{
    const int pieces = (n + at_most - 1) / at_most;
    return (n + pieces - 1) / pieces;
}

void KERNEL(matmul)(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                    int accumulate, real *c, int ld_c, real *scratch)
{
    const int apart = kind != MATMUL_TN; /* the rows of op(A) */
    real *const packed_a = scratch + MATMUL_SCRATCH / 4 * 3;
    if (m <= 0 || n <= 0)
        return;
    const int k_part = k > 0 ? even_part(k, K_BLOCK) : 1, rows_part = even_part(m, TILE_ROWS);

    for (int j0 = 0; j0 < n; j0 += N_BLOCK) {
        const int nj = smaller(N_BLOCK, n - j0);
        for (int p0 = 0; p0 == 0 || p0 < k; p0 += k_part) {
            const int kp = smaller(k_part, k - p0);
            for (int j = 0; j < nj; j += PANEL) {
                const int width = smaller(PANEL, nj - j);
                if (kind == MATMUL_NT)
                    pack_columns(kp, width, b + (ptrdiff_t)(j0 + j) * ld_b + p0, ld_b, scratch + (ptrdiff_t)j * kp);
                else
                    pack_rows(kp, width, b + (ptrdiff_t)p0 * ld_b + j0 + j, ld_b, scratch + (ptrdiff_t)j * kp);
            }
            for (int i0 = 0; i0 < m; i0 += M_BLOCK / TILE_ROWS * rows_part) {
                const int mi = smaller(M_BLOCK / TILE_ROWS * rows_part, m - i0);
                if (!apart)
                    for (int i = 0; i < mi; i += rows_part)
                        pack_tile(kp, smaller(rows_part, mi - i), a + (ptrdiff_t)p0 * ld_a + i0 + i, ld_a,
                                  packed_a + (ptrdiff_t)i * kp);
                for (int j = 0; j < nj; j += PANEL) {
                    Tile t = {.k = kp,
                              .a_row = ld_a,
                              .b = scratch + (ptrdiff_t)j * kp,
                              .b_k = PANEL,
                              .alpha = alpha,
                              .add = accumulate || p0 > 0,
                              .c_row = ld_c,
                              .width = smaller(PANEL, nj - j)};
                    for (int i = 0; i < mi; i += rows_part) {
                        const int rows = smaller(rows_part, mi - i);
                        t.a = apart ? a + (ptrdiff_t)(i0 + i) * ld_a + p0 : packed_a + (ptrdiff_t)i * kp;
                        t.a_k = rows;
                        t.c = c + (ptrdiff_t)(i0 + i) * ld_c + j0 + j;
                        tiles[rows - 1][apart][(t.width - 1) / LANES](&t);
                    }
                }
            }
        }
    }
}
