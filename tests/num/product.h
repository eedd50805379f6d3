/* Products in memory, plain and with B packed, of shapes that leave something over everywhere. */
#ifndef REFFRAME_TESTS_PRODUCT_H
#define REFFRAME_TESTS_PRODUCT_H

#include "numeric.h"

typedef struct {
    int m, n, k;
} Shape;

/* Ones, primes, whole tiles, one more and one less, several blocks of k, more columns than are packed at a time. */
static const Shape shapes[] = {
    {1, 1, 1},    {1, 1, 0},    {1, 17, 3},  {2, 3, 5},    {7, 11, 13},  {13, 31, 4},   {14, 32, 256}, {15, 33, 257},
    {16, 16, 16}, {28, 64, 31}, {31, 1, 97}, {64, 64, 32}, {64, 32, 64}, {5, 200, 300}, {29, 95, 513}, {3, 701, 40},
    {140, 6, 70}, {257, 5, 19}, {0, 4, 4},   {4, 0, 4},    {6, 16, 8},   {12, 8, 2},    {41, 43, 47},
};
#define N_SHAPES (sizeof shapes / sizeof *shapes)

/* One product in memory: leading dimensions exceed the widths, and what lies between rows must survive. */
typedef struct {
    MatmulKind kind;
    Shape shape;
    int ld_a, ld_b, ld_c;
    size_t n_a, n_b, n_c;
    real *a, *b, *c, *scratch;
} Product;

static inline Product product_new(MatmulKind kind, Shape s, int gap, uint32_t *random)
{
    Product x = {.kind = kind, .shape = s};
    const int a_rows = kind == MATMUL_TN ? s.k : s.m, b_rows = kind == MATMUL_NT ? s.n : s.k;
    x.ld_a = (kind == MATMUL_TN ? s.m : s.k) + gap;
    x.ld_b = (kind == MATMUL_NT ? s.k : s.n) + gap;
    x.ld_c = s.n + gap;
    /* exact lengths: the last row has no gap behind it, so that guards catch reads and writes past the end */
    x.n_a = a_rows > 0 ? (size_t)(a_rows * x.ld_a - gap) : 0;
    x.n_b = b_rows > 0 ? (size_t)(b_rows * x.ld_b - gap) : 0;
    x.n_c = s.m > 0 && s.n > 0 ? (size_t)(s.m * x.ld_c - gap) : 0;
    x.a = new_reals(x.n_a, 1, random);
    x.b = new_reals(x.n_b, 1, random);
    x.c = new_reals(x.n_c, 1, random);
    x.scratch = aligned_alloc(64, MATMUL_SCRATCH * sizeof(real));
    assert_non_null(x.scratch);
    return x;
}

static inline void product_free(Product *x)
{
    free_reals(x->n_a, x->a);
    free_reals(x->n_b, x->b);
    free_reals(x->n_c, x->c);
    free(x->scratch);
}

static inline void product_run(const Kernels *kernels, const Product *x, real alpha, int accumulate, real *c)
{
    const Shape s = x->shape;
    kernels->matmul(x->kind, s.m, s.n, s.k, alpha, x->a, x->ld_a, x->b, x->ld_b, accumulate, c, x->ld_c, x->scratch);
}

/* B packed, and a product of part `variant` of its rows and columns. */
typedef struct {
    const real *a, *b; /* of the part */
    int n, k;          /* likewise */
    real *panels;
    PackedProduct product; /* without what it adds to, and what it makes */
} Packed;

static inline Packed packed_new(const Kernels *kernels, const Product *x, int variant)
{
    const MatmulKind kind = x->kind;
    const Shape s = x->shape;
    const int k_first = variant / 3 % 2 ? s.k / 3 : 0, j = variant / 6 && s.n > PACK_UNIT ? PACK_UNIT : 0;
    Packed packed = {.a = x->a + (kind == MATMUL_TN ? k_first * x->ld_a : k_first),
                     .b = x->b + (kind == MATMUL_NT ? k_first + j * x->ld_b : k_first * x->ld_b + j),
                     .n = variant / 6 ? (s.n - j + 1) / 2 : s.n,
                     .k = variant / 3 % 2 ? s.k / 2 : s.k,
                     .panels = aligned_alloc(64, (pack_size(s.n, s.k) * sizeof(real) + 64) / 64 * 64)};
    packed.product = (PackedProduct){.kind = kind,
                                     .m = s.m,
                                     .n = packed.n,
                                     .k = packed.k,
                                     .alpha = (real)0.7,
                                     .a = packed.a,
                                     .ld_a = x->ld_a,
                                     .panels = packed.panels + (size_t)j * s.k,
                                     .k_packed = s.k,
                                     .k_first = k_first,
                                     .ld_c = x->ld_c};
    kernels->pack(kind, s.n, s.k, x->b, x->ld_b, packed.panels);
    return packed;
}

static inline void packed_run(const Kernels *kernels, const Product *x, const Packed *packed, const real *plus, real *c)
{
    PackedProduct product = packed->product;
    product.plus = plus, product.c = c;
    kernels->matmul_packed(&product, x->scratch);
}

/* A product with B packed has the bits of one without: on all of B, on some of its columns or rows, with any
 * `plus`. On a part of the rows the product without sees a smaller k, and cuts it into the same blocks. The reference's
 * are near, within so many times what float32's sums leave. */
static inline void check_packed(const Kernels *kernels, const Kernels *reference, double times)
{
    uint32_t random = 19;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (int variant = 0; variant < 12; variant++) {
            const MatmulKind kind = (MatmulKind)(variant % 3);
            Product x = product_new(kind, shapes[i], variant % 2 * 5, &random);
            const Packed fast = packed_new(kernels, &x, variant), plain = packed_new(reference, &x, variant);
            real *whole = copy_reals(x.n_c, x.c), *packed = copy_reals(x.n_c, x.c), *slow = copy_reals(x.n_c, x.c);
            const real *plus = variant % 4 == 0 ? NULL : variant % 4 == 1 ? packed : x.c;
            kernels->matmul(kind, x.shape.m, fast.n, fast.k, (real)0.7, fast.a, x.ld_a, fast.b, x.ld_b, plus != NULL,
                            whole, x.ld_c, x.scratch);
            packed_run(kernels, &x, &fast, plus, packed);
            assert_same(kernels->name, x.n_c, packed, whole);
            packed_run(reference, &x, &plain, plus ? x.c : NULL, slow);
            assert_near(kernels->name, x.n_c, packed, slow, times * (double)REAL_EPSILON * (2 + fast.k / 4.0), 1);
            free(fast.panels), free(plain.panels);
            free_reals(x.n_c, whole);
            free_reals(x.n_c, packed);
            free_reals(x.n_c, slow);
            product_free(&x);
        }
}

/* An element's bits do not depend on m and n: a product computed in four pieces is the product. Lanes rely on it. */
static inline void check_pieces(const Kernels *kernels)
{
    uint32_t random = 13;
    for (int kind = 0; kind < 3; kind++) {
        const Shape s = {45, 83, 270};
        Product x = product_new((MatmulKind)kind, s, 1, &random);
        real *whole = copy_reals(x.n_c, x.c);
        product_run(kernels, &x, 1, 1, whole);
        for (int piece = 0; piece < 4; piece++) {
            const int i = piece / 2 ? 10 : 0, j = piece % 2 ? 37 : 0;
            const int rows = piece / 2 ? s.m - 10 : 10, columns = piece % 2 ? s.n - 37 : 37;
            kernels->matmul((MatmulKind)kind, rows, columns, s.k, 1, x.a + (kind == MATMUL_TN ? i : i * x.ld_a), x.ld_a,
                            x.b + (kind == MATMUL_NT ? j * x.ld_b : j), x.ld_b, 1, x.c + i * x.ld_c + j, x.ld_c,
                            x.scratch);
        }
        assert_same(kernels->name, x.n_c, x.c, whole);
        free_reals(x.n_c, whole);
        product_free(&x);
    }
}

/* A NaN or infinity in one row of op(A) reaches that row of C, whole, one of op(B) that column, one of C that is added
 * to itself alone; a plain product ignores what C held. With k of one block, and of several. */
static inline void check_nan(const Kernels *kernels)
{
    enum { IN_A, IN_B, IN_C, N_PLACES, M = 20, N = 21, ROW = 3, COLUMN = 13 };
    uint32_t random = 17;
    for (int variant = 0; variant < 2 * 2 * 3 * N_PLACES; variant++) {
        const MatmulKind kind = (MatmulKind)(variant % 3);
        const int place = variant / 3 % N_PLACES, k = variant / 9 % 2 ? 22 : 530, at = k / 2;
        Product x = product_new(kind, (Shape){M, N, k}, 0, &random);
        real *bad = place == IN_C   ? &x.c[ROW * x.ld_c + COLUMN]
                    : place == IN_A ? &x.a[kind == MATMUL_TN ? at * x.ld_a + ROW : ROW * x.ld_a + at]
                                    : &x.b[kind == MATMUL_NT ? COLUMN * x.ld_b + at : at * x.ld_b + COLUMN];
        for (size_t i = 0; i < x.n_c && place != IN_C; i++)
            x.c[i] = (real)NAN;
        *bad = variant / 18 ? (real)INFINITY : (real)NAN;
        product_run(kernels, &x, 1, place == IN_C, x.c);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++) {
                const int is_hit = (place == IN_B || i == ROW) && (place == IN_A || j == COLUMN);
                assert_int_equal(isfinite(x.c[i * x.ld_c + j]) != 0, !is_hit);
            }
        product_free(&x);
    }
}

#endif
