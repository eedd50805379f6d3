/* Products of operands rounded to bfloat16 (bfloat16.h), once by AMX and once a path by emulation: what both share.
 *
 * As in matmul.c, B lies in panels of PANEL columns, packed by the call or beforehand, and A is laid out by the call;
 * rounding happens as they are copied. Sums of STRIP_ROWS x PANEL elements over a block of k go to a small buffer, and
 * from there to C. Strips go down a panel, which stays in the first-level cache.
 */
#include "base/order.h"
#include "num/bfloat16.h"
#include "num/path.h"

#ifndef REFFRAME_DOUBLE /* in which there is no such engine */

#ifdef __AMX_BF16__
#include "num/bfloat16_amx.h"
#else
#include "num/bfloat16_emulated.h"
#endif

_Static_assert(PANEL == PACK_UNIT, "a packed product begins with a panel");

/* Scratch: sums, what is copied of a panel, A, and the panels that a call packs. */
#define M_BLOCK 256
#define SUMS    (STRIP_ROWS * PANEL)
#define COPY    (K_BLOCK * PANEL)   /* elements */
#define LAID    (M_BLOCK * K_BLOCK) /* elements */
#define SCRATCH (MATMUL_SCRATCH * sizeof(real))
#define N_BLOCK                                                                                                        \
    ((int)((SCRATCH - SUMS * sizeof(real) - (COPY + LAID) * sizeof(Element)) / (K_BLOCK * sizeof(Element)) / PANEL *   \
           PANEL))
_Static_assert(N_BLOCK >= PANEL, "a panel beside the rest");

typedef struct {
    real *sums;
    Element *copy, *laid, *panels;
} Rooms;

static Rooms rooms_of(real *scratch)
{
    Rooms rooms = {.sums = scratch, .copy = (Element *)(scratch + SUMS)};
    rooms.laid = rooms.copy + COPY, rooms.panels = rooms.laid + LAID;
    return rooms;
}

/* One block of k of C (m,n) = plus + alpha op(A) B. */
typedef struct {
    int m, n, k;
    real alpha;
    const Element *panels; /* packed, `panel` elements apart; the block begins at row k_first of them */
    ptrdiff_t panel;
    int k_first;
    int is_whole; /* behind its k stand zeros, up to a whole chunk */
    const real *plus;
    real *c;
    ptrdiff_t ld_c;
} Block;

static int up_to(int x, int unit)
{
    return (x + unit - 1) / unit * unit;
}

/* Rows of k that are summed before they are added to C. */
static int k_part(int k)
{
    const int parts = k > 0 ? (k + K_BLOCK - 1) / K_BLOCK : 1;
    return up_to((k + parts - 1) / parts, CHUNK);
}

/* C = alpha sum, or fma(alpha, sum, plus). */
INLINE void finish(const real *sums, int rows, int columns, const int is_whole, real alpha, const real *plus, real *c,
                   ptrdiff_t ld)
{
    const vec factor = vec_all(alpha);
    for (int r = 0; r < rows; r++, sums += PANEL, c += ld, plus += plus ? ld : 0) {
        UNROLL
        for (int v = 0; v < PANEL; v += LANES) {
            const int left = is_whole ? LANES : columns - v;
            const vec sum = vec_load(sums + v);
            vec_store_left(c + v, left,
                           plus ? vec_fma(factor, sum, vec_load_left(plus + v, left, ZERO)) : factor * sum);
        }
    }
}

/* A panel's rows of a block, with zeros behind them. */
static Strip strip_of(const Block *block, const Element *panel, Element *copy)
{
    if (block->k == 0)
        return (Strip){.n_chunks = 0};
    const int whole = block->k / CHUNK * CHUNK;
    Strip strip = {.n_chunks = up_to(block->k, CHUNK) / CHUNK, .b = panel + (ptrdiff_t)block->k_first * PANEL};
    strip.last_b = (const Element *)strip.b + (strip.n_chunks - 1) * CHUNK * PANEL;
    if (!begins_a_step(block->k_first)) {
        copy_panel(panel, block->k_first, block->k, copy);
        strip.b = copy, strip.last_b = copy + (strip.n_chunks - 1) * CHUNK * PANEL;
    } else if (whole < block->k && !block->is_whole) {
        copy_panel(panel, block->k_first + whole, block->k - whole, copy);
        strip.last_b = copy;
    }
    return strip;
}

/* Sums of a strip that are C as they are go there at once. */
static void strip_product(const Block *block, const Strip *strip, int rows, int columns, const real *plus, real *c,
                          real *sums)
{
    const int is_whole = columns == PANEL;
    if (is_whole && rows == STRIP_ROWS && !plus && block->alpha == 1) {
        strip_sums(strip, rows, columns, c, block->ld_c);
        return;
    }
    strip_sums(strip, rows, columns, sums, PANEL);
    if (is_whole)
        finish(sums, rows, columns, 1, block->alpha, plus, c, block->ld_c);
    else
        finish(sums, rows, columns, 0, block->alpha, plus, c, block->ld_c);
}

/* Of at most M_BLOCK rows, which are laid out. */
static void block_product(const Block *block, const Rooms *rooms)
{
    const Element *panel = block->panels;
    for (int j = 0; j < block->n; j += PANEL, panel += block->panel) {
        Strip strip = strip_of(block, panel, rooms->copy);
        const Element *laid = rooms->laid;
        for (int i = 0; i < block->m; i += STRIP_ROWS, laid += STRIP_ROWS * CHUNK * strip.n_chunks) {
            const ptrdiff_t at = i * block->ld_c + j;
            strip.a = laid, strip.c = block->c + at, strip.ld_c = block->ld_c;
            strip_product(block, &strip, smaller(STRIP_ROWS, block->m - i), smaller(PANEL, block->n - j),
                          block->plus ? block->plus + at : NULL, block->c + at, rooms->sums);
        }
    }
}

/* Blocks of rows of one block of k. */
static void rows_product(MatmulKind kind, Block block, const real *a, ptrdiff_t ld_a, const Rooms *rooms)
{
    const int m = block.m;
    const ptrdiff_t strip = (ptrdiff_t)up_to(block.k, CHUNK) * STRIP_ROWS;
    for (int i = 0; i < m; i += M_BLOCK) {
        block.m = smaller(M_BLOCK, m - i);
        if (kind == MATMUL_TN)
            lay_columns(block.m, block.k, a + i, ld_a, strip, rooms->laid);
        else
            lay_rows(block.m, block.k, a + i * ld_a, ld_a, strip, rooms->laid);
        block_product(&block, rooms);
        block.c += M_BLOCK * block.ld_c;
        block.plus += block.plus ? M_BLOCK * block.ld_c : 0;
    }
}

/* op(B) (k,n) to panels, `panel` elements apart, with zeros up to row whole_k. */
static void pack_panels(MatmulKind kind, int n, int k, int whole_k, const real *b, ptrdiff_t ld, ptrdiff_t panel,
                        Element *ret)
{
    for (int j = 0; j < n; j += PANEL, ret += panel)
        if (kind == MATMUL_NT)
            pack_rows(smaller(PANEL, n - j), k, whole_k, b + j * ld, ld, ret);
        else
            pack_columns(smaller(PANEL, n - j), k, whole_k, b + j, ld, ret);
}

/* Elements between panels that were packed beforehand: those of a path may be smaller than a real. */
#define PACKED_PANEL(k) ((ptrdiff_t)(k)*PANEL * (ptrdiff_t)(sizeof(real) / sizeof(Element)))

static void pack(MatmulKind kind, int n, int k, const real *b, int ld_b, real *ret_panels)
{
    pack_panels(kind, n, k, up_to(k, PACK_STEP), b, ld_b, PACKED_PANEL(k), (Element *)ret_panels);
}

static void matmul(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                   int accumulate, real *c, int ld_c, real *scratch)
{
    const Rooms rooms = rooms_of(scratch);
    const int part = k_part(k);
    begin_products();
    for (int j = 0; j < n; j += N_BLOCK) {
        Block block = {.m = m,
                       .n = smaller(N_BLOCK, n - j),
                       .alpha = alpha,
                       .panels = rooms.panels,
                       .is_whole = 1,
                       .c = c + j,
                       .ld_c = ld_c};
        int p = 0;
        do { /* once even if k is 0 */
            block.k = smaller(part, k - p);
            block.panel = (ptrdiff_t)up_to(block.k, CHUNK) * PANEL;
            block.plus = accumulate || p > 0 ? c + j : NULL;
            pack_panels(kind, block.n, block.k, up_to(block.k, CHUNK),
                        kind == MATMUL_NT ? b + (ptrdiff_t)j * ld_b + p : b + (ptrdiff_t)p * ld_b + j, ld_b,
                        block.panel, rooms.panels);
            rows_product(kind, block, kind == MATMUL_TN ? a + (ptrdiff_t)p * ld_a : a + p, ld_a, &rooms);
            p += part;
        } while (p < k);
    }
    end_products();
}

static void matmul_packed(const PackedProduct *x, real *scratch)
{
    const Rooms rooms = rooms_of(scratch);
    const int part = k_part(x->k);
    Block block = {.m = x->m,
                   .n = x->n,
                   .alpha = x->alpha,
                   .panels = (const Element *)x->panels,
                   .panel = PACKED_PANEL(x->k_packed),
                   .c = x->c,
                   .ld_c = x->ld_c};
    int p = 0;
    begin_products();
    do {
        block.k = smaller(part, x->k - p), block.k_first = x->k_first + p;
        block.plus = p > 0 ? x->c : x->plus;
        rows_product(x->kind, block, x->kind == MATMUL_TN ? x->a + (ptrdiff_t)p * x->ld_a : x->a + p, x->ld_a, &rooms);
        p += part;
    } while (p < x->k);
    end_products();
}

const Bfloat16 KERNEL(bfloat16) = {.name = KERNEL_NAME, .matmul = matmul, .pack = pack, .matmul_packed = matmul_packed};

#endif
