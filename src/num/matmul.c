/* Matrix products, packed and tiled (after Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
 * ACM TOMS 34(3), 2008), single-threaded.
 *
 * C is cut into tiles of at most TILE_ROWS x PANEL that live in registers. B lies in panels of PANEL columns: packed by
 * the call, a block of k and n at a time, or once beforehand where many products share it. Tiles go down a panel, which
 * stays in the first-level cache (32 KB at most); a tile's rows of A are read in place by broadcasts, or copied where
 * their elements lie far apart. Invariant: an element's value depends on its row of op(A), its column of op(B), alpha
 * and k alone. k is cut into equal blocks of at most K_BLOCK; a block's sum starts at 0 and adds in ascending k by fma;
 * then C = fma(alpha, sum, C), where the first block has for C what the product is added to, or 0. Tiles may be of any
 * size without a bit changing.
 *
 * What comes from beyond the second-level cache is fetched ahead by hand, a line at a time between the fmas: C's rows
 * while a tile's sums are made, the next panel while tiles go down this one, rows to be packed while others are.
 */
#include "base/order.h"
#include "num/path.h"
#include "num/vec.h"

#define K_BLOCK   256 /* part of the definition of the result */
#define TILE_VECS 2
#define PANEL     (TILE_VECS * LANES)
#if VEC_BYTES == 64
#define TILE_ROWS 12 /* 24 sums, 2 of B, 1 or 2 broadcasts; with 14 rows, compilers begin to spill */
#elif VEC_BYTES == 32
#define TILE_ROWS 6 /* 12 sums, 2 of B, 1 or 2 broadcasts, of 16 registers */
#elif defined(__aarch64__)
#define TILE_ROWS 8 /* 16 sums, 2 of B, elements of A side by side, of 32 registers; with 12 rows, gcc 12 spills */
#else
#define TILE_ROWS 4
#endif

/* Scratch: tiles of A, then panels of B. */
#define A_STRIDE     ((TILE_ROWS + LANES - 1) / LANES * LANES)
#define M_TILES      16 /* tiles of A packed at a time: long stretches of its rows, yet half a megabyte of cache at most */
#define TILE_ROOM(k) ((ptrdiff_t)(k)*A_STRIDE + LINE) /* a line more, or all tiles begin in one set of the cache */
#define A_ROOM       (M_TILES * TILE_ROOM(K_BLOCK))
#define N_BLOCK      ((MATMUL_SCRATCH - A_ROOM - LANES) / K_BLOCK / PANEL * PANEL) /* columns of B packed at a time */

/* The addresses and strides of one tile's product: C (rows, width) from A (rows, k) and B (k, width). */
typedef struct {
    int k;
    const real *a;
    ptrdiff_t a_row, a_k; /* one of them is 1 */
    const real *b;        /* a packed panel */
    const real *next;     /* what will be wanted soon */
    real alpha;
    const real *plus; /* what the product is added to, laid out as C; NULL: nothing */
    real *c;
    ptrdiff_t c_row;
    int width; /* columns of C, at most PANEL */
} Tile;

#define LINE          (64 / (int)sizeof(real)) /* of the cache */
#define FETCH_EVERY   4                        /* products of a tile */
#define PACK_AHEAD    16                       /* rows */
#define COLUMNS_AHEAD (8 * LANES)

#define ROW_GROUP  3 /* rows that one pointer reaches by x86's addresses p, p + s, p + 2 s */
#define ROW_GROUPS ((TILE_ROWS + ROW_GROUP - 1) / ROW_GROUP)

/* sum += A[:, p] B[p, :] for one p; row r of A is r % group strides from pointer a[r / group]. Then the next p. */
INLINE void add_product(vec (*sum)[TILE_VECS], const int rows, const int vecs, const int group, const real **a,
                        ptrdiff_t a_row, ptrdiff_t a_k, const real *b)
{
    vec y[TILE_VECS];
    UNROLL
    for (int v = 0; v < vecs; v++)
        y[v] = vec_load(b + v * LANES);
    UNROLL
    for (int r = 0; r < rows; r++) {
        const vec x = vec_all(a[r / group][r % group * a_row]);
        UNROLL
        for (int v = 0; v < vecs; v++)
            sum[r][v] = vec_fma(x, y[v], sum[r][v]);
    }
    UNROLL
    for (int r = 0; r < rows; r += group) {
        a[r / group] += a_k;
        /* Hides how the pointers are related: a compiler that sees it makes them one pointer and an offset a row, which
         * are more than there are registers. */
        __asm__("" : "+r"(a[r / group]));
    }
}

/* C = fma(alpha, sum, plus or 0). */
INLINE void store(const Tile *t, vec (*sum)[TILE_VECS], const int rows, const int vecs, const int whole, const int adds)
{
    const vec alpha = vec_all(t->alpha), zero = {0};
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vecs; v++) {
            const ptrdiff_t at = r * t->c_row + v * LANES;
            const int left = whole ? LANES : t->width - v * LANES;
            vec_store_left(t->c + at, left,
                           vec_fma(alpha, sum[r][v], adds ? vec_load_left(t->plus + at, left, zero) : zero));
        }
    }
}

/* One tile. rows, vecs and rows_apart (A's strides are a_row and 1, else 1 and a_k) are constants of the functions
 * below, each of which is this one with its loops unrolled and its sums in registers. */
INLINE void tile(const Tile *t, const int rows, const int vecs, const int rows_apart)
{
    const ptrdiff_t a_row = rows_apart ? t->a_row : 1, a_k = rows_apart ? 1 : t->a_k;
    const int group = rows_apart ? ROW_GROUP : TILE_ROWS;
    const real *a[ROW_GROUPS], *b = t->b;
    vec sum[TILE_ROWS][TILE_VECS];
    UNROLL
    for (int r = 0; r < rows; r++) {
        if (r % group == 0) {
            a[r / group] = t->a + r * a_row;
            __asm__("" : "+r"(a[r / group]));
        }
        UNROLL
        for (int v = 0; v < vecs; v++) {
            sum[r][v] = (vec){0};
        }
    }

    const real *next = t->next;
    real *c = t->c; /* comes from far while the sums are made, row by row: all at once would keep what they wait for */
    int p = 0;
    for (; p + FETCH_EVERY <= t->k; p += FETCH_EVERY, b += FETCH_EVERY * PANEL, next += LINE) {
        __builtin_prefetch(next, 0, 2); /* to the second-level cache */
        UNROLL
        for (int v = 0; v < vecs; v++)
            __builtin_prefetch(c + v * LANES, 1);
        c += p < FETCH_EVERY * (rows - 1) ? t->c_row : 0;
        UNROLL
        for (int q = 0; q < FETCH_EVERY; q++)
            add_product(sum, rows, vecs, group, a, a_row, a_k, b + q * PANEL);
    }
    for (; p < t->k; p++, b += PANEL)
        add_product(sum, rows, vecs, group, a, a_row, a_k, b);

    if (t->width < vecs * LANES)
        store(t, sum, rows, vecs, 0, t->plus != NULL);
    else if (t->plus)
        store(t, sum, rows, vecs, 1, 1);
    else
        store(t, sum, rows, vecs, 1, 0);
}

/* One function a shape of tile, so that its sums have registers as names. */
#define TILE_FUNCTIONS(rows)                                                                                           \
    static void tile_apart_##rows##_1(const Tile *t)                                                                   \
    {                                                                                                                  \
        tile(t, rows, 1, 1);                                                                                           \
    }                                                                                                                  \
    static void tile_apart_##rows##_2(const Tile *t)                                                                   \
    {                                                                                                                  \
        tile(t, rows, 2, 1);                                                                                           \
    }                                                                                                                  \
    static void tile_together_##rows##_1(const Tile *t)                                                                \
    {                                                                                                                  \
        tile(t, rows, 1, 0);                                                                                           \
    }                                                                                                                  \
    static void tile_together_##rows##_2(const Tile *t)                                                                \
    {                                                                                                                  \
        tile(t, rows, 2, 0);                                                                                           \
    }
#define TILE_ENTRY(rows)                                                                                               \
    {{tile_together_##rows##_1, tile_together_##rows##_2}, {tile_apart_##rows##_1, tile_apart_##rows##_2}},
#if TILE_ROWS == 12
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#elif TILE_ROWS == 8
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
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

/* ---- packing ---- */

/* Panel of B (k, width), rows ld apart, to (k, PANEL), zero beyond the width. */
static void pack_rows(int k, int width, const real *b, ptrdiff_t ld, real *ret)
{
    for (int p = 0; p < k; p++, b += ld, ret += PANEL) {
        UNROLL
        for (int v = 0; v < TILE_VECS; v++) {
            vec_fetch(b + v * LANES + PACK_AHEAD * ld);
            vec_store(ret + v * LANES, vec_load_left(b + v * LANES, width - v * LANES, (vec){0}));
        }
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
                vec_fetch(b + j * ld + p + COLUMNS_AHEAD);
                x[i] = j < width ? vec_load_left(b + j * ld + p, k - p, (vec){0}) : (vec){0};
            }
            vec_transpose(x);
            UNROLL
            for (int i = 0; i < LANES; i++)
                if (p + i < k)
                    vec_store(ret + (ptrdiff_t)(p + i) * PANEL + v * LANES, x[i]);
        }
}

/* op(A), A (k, m), to tiles (k, A_STRIDE) of `rows` columns each. Reads run along A's rows, as it may come from far. */
static void pack_tiles(int k, int m, int rows, const real *a, ptrdiff_t ld, real *ret)
{
    for (int p = 0; p < k; p++, a += ld, ret += A_STRIDE) {
        real *out = ret;
        for (int i = 0; i < m; i += LINE)
            vec_fetch(a + i + (AHEAD / m + 1) * ld);
        for (int i = 0; i < m; i += rows, out += TILE_ROOM(k)) {
            UNROLL
            for (int r = 0; r < A_STRIDE; r += LANES)
                vec_store(out + r, vec_load_left(a + i + r, m - i - r, (vec){0}));
        }
    }
}

/* op(B) (k, n) to panels, one behind the other. */
static void pack_panels(MatmulKind kind, int n, int k, const real *b, ptrdiff_t ld, real *ret)
{
    for (int j = 0; j < n; j += PANEL, ret += (ptrdiff_t)k * PANEL)
        if (kind == MATMUL_NT)
            pack_columns(k, smaller(PANEL, n - j), b + j * ld, ld, ret);
        else
            pack_rows(k, smaller(PANEL, n - j), b + j, ld, ret);
}

void KERNEL(pack)(MatmulKind kind, int n, int k, const real *b, int ld_b, real *ret_panels)
{
    pack_panels(kind, n, k, b, ld_b, ret_panels);
}

/* ---- the product ---- */

/* ceil(n / pieces) where pieces = ceil(n / at_most): equal parts but for rounding. */
static int even_part(int n, int at_most)
{
    const int pieces = n > 0 ? (n + at_most - 1) / at_most : 1;
    return (n + pieces - 1) / pieces;
}

/* C (m, n) = plus + alpha op(A) B for one block of k: B's panels are packed, `panel` reals apart, A is (m, k) with rows
 * ld apart or (k, m)'. Tiles go down a panel, which stays in the first-level cache; meanwhile the next one comes near,
 * each tile fetching its part of it; eight tiles fetch all. */
static void block_product(int apart, int m, int n, int k, real alpha, const real *a, ptrdiff_t ld_a, const real *panels,
                          ptrdiff_t panel, const real *plus, real *c, ptrdiff_t ld_c, real *packed_a)
{
    const int packs_a = !apart && n > 2 * PANEL; /* else it would not pay */
    const int rows_part = even_part(m, TILE_ROWS);
    if (packs_a)
        pack_tiles(k, m, rows_part, a, ld_a, packed_a);
    Tile t = {.k = k, .a_row = ld_a, .a_k = packs_a ? A_STRIDE : ld_a, .b = panels, .alpha = alpha, .c_row = ld_c};
    for (int j = 0; j < n; j += PANEL, t.b += panel) {
        t.width = smaller(PANEL, n - j);
        for (int i = 0; i < m; i += rows_part) {
            const int rows = smaller(rows_part, m - i), number = i / rows_part;
            const ptrdiff_t fetched = (ptrdiff_t)number * (k / FETCH_EVERY) * LINE;
            t.next = j + PANEL < n && fetched < k * PANEL ? t.b + panel + fetched : t.b;
            t.a = packs_a ? packed_a + number * TILE_ROOM(k) : a + (apart ? i * ld_a : i);
            t.plus = plus ? plus + i * ld_c + j : NULL;
            t.c = c + i * ld_c + j;
            tiles[rows - 1][apart][(t.width - 1) / LANES](&t);
        }
    }
}

/* Blocks of rows of one block of k. */
static void rows_product(int apart, int m, int n, int k, real alpha, const real *a, ptrdiff_t ld_a, const real *panels,
                         ptrdiff_t panel, const real *plus, real *c, ptrdiff_t ld_c, real *packed_a)
{
    for (int i = 0; i < m; i += M_TILES * TILE_ROWS)
        block_product(apart, smaller(M_TILES * TILE_ROWS, m - i), n, k, alpha, a + (apart ? i * ld_a : i), ld_a, panels,
                      panel, plus ? plus + i * ld_c : NULL, c + i * ld_c, ld_c, packed_a);
}

void KERNEL(matmul)(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                    int accumulate, real *c, int ld_c, real *scratch)
{
    const int apart = kind != MATMUL_TN; /* the rows of op(A) */
    const int k_part = even_part(k, K_BLOCK);
    real *const packed_a = scratch, *const panels = scratch + (A_ROOM + LANES - 1) / LANES * LANES;
    for (int j0 = 0; j0 < n; j0 += N_BLOCK) {
        const int nj = smaller(N_BLOCK, n - j0);
        int p0 = 0;
        do { /* once even if k is 0 */
            const int kp = smaller(k_part, k - p0);
            const real *const block = kind == MATMUL_NT ? b + (ptrdiff_t)j0 * ld_b + p0 : b + (ptrdiff_t)p0 * ld_b + j0;
            pack_panels(kind, nj, kp, block, ld_b, panels);
            rows_product(apart, m, nj, kp, alpha, apart ? a + p0 : a + (ptrdiff_t)p0 * ld_a, ld_a, panels,
                         (ptrdiff_t)kp * PANEL, accumulate || p0 > 0 ? c + j0 : NULL, c + j0, ld_c, packed_a);
            p0 += k_part;
        } while (p0 < k);
    }
}

void KERNEL(matmul_packed)(const PackedProduct *x, real *scratch)
{
    const int apart = x->kind != MATMUL_TN;
    const int k_part = even_part(x->k, K_BLOCK);
    const ptrdiff_t panel = (ptrdiff_t)x->k_packed * PANEL;
    int p = 0;
    do {
        rows_product(apart, x->m, x->n, smaller(k_part, x->k - p), x->alpha,
                     apart ? x->a + p : x->a + (ptrdiff_t)p * x->ld_a, x->ld_a, x->panels + (x->k_first + p) * PANEL,
                     panel, p > 0 ? x->c : x->plus, x->c, x->ld_c, scratch);
        p += k_part;
    } while (p < x->k);
}
