/* Holds the products of every path to their definition. Without it, a wrong tile or remainder, a write outside C, a
 * result that depends on the path or on how a product is cut, or a swallowed NaN would go unseen.
 */
#include "numeric.h"

#include "base/lanes.h"

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

static Product product_new(MatmulKind kind, Shape s, int gap, uint32_t *random)
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

static void product_free(Product *x)
{
    free_reals(x->n_a, x->a);
    free_reals(x->n_b, x->b);
    free_reals(x->n_c, x->c);
    free(x->scratch);
}

static void product_run(const Kernels *kernels, const Product *x, real alpha, int accumulate, real *c)
{
    const Shape s = x->shape;
    kernels->matmul(x->kind, s.m, s.n, s.k, alpha, x->a, x->ld_a, x->b, x->ld_b, accumulate, c, x->ld_c, x->scratch);
}

static void against_reference_and_each_other(void **state)
{
    (void)state;
    uint32_t random = 7;
    for (const char *const *name = kernels_available(); *name; name++)
        for (size_t i = 0; i < N_SHAPES; i++)
            for (int variant = 0; variant < 12; variant++) {
                Product x = product_new((MatmulKind)(variant % 3), shapes[i], variant / 3 % 2 * 5, &random);
                const int accumulate = variant / 6;
                const real alpha = variant % 2 ? 1 : (real)-0.37;
                real *first = copy_reals(x.n_c, x.c), *slow = copy_reals(x.n_c, x.c), *fast = copy_reals(x.n_c, x.c);
                char what[96];
                snprintf(what, sizeof what, "%s kind %d (%d %d %d) accumulate %d", *name, variant % 3, shapes[i].m,
                         shapes[i].n, shapes[i].k, accumulate);
                product_run(kernels_named(*name), &x, alpha, accumulate, fast);
                product_run(&kernels_reference, &x, alpha, accumulate, slow);
                product_run(kernels_best(), &x, alpha, accumulate, first);
                assert_near(what, x.n_c, fast, slow, (double)REAL_EPSILON * (2 + shapes[i].k / 4.0), 1);
                assert_same(what, x.n_c, fast, first);
                free_reals(x.n_c, first);
                free_reals(x.n_c, slow);
                free_reals(x.n_c, fast);
                product_free(&x);
            }
}

/* C t = A (B t) for a random t, the check of BLIS: no reference product, so it can afford the sizes that matter. */
static void check_against_a_vector(const Kernels *kernels, MatmulKind kind, Shape s, uint32_t *random)
{
    Product x = product_new(kind, s, 3, random);
    product_run(kernels, &x, 1, 0, x.c);
    real *t = new_reals((size_t)s.n, 1, random);
    double *bt = calloc((size_t)s.k, sizeof *bt);
    for (int p = 0; p < s.k; p++)
        for (int j = 0; j < s.n; j++)
            bt[p] += (double)t[j] * (double)(kind == MATMUL_NT ? x.b[j * x.ld_b + p] : x.b[p * x.ld_b + j]);
    for (int r = 0; r < s.m; r++) {
        double ct = 0, abt = 0;
        for (int j = 0; j < s.n; j++)
            ct += (double)x.c[r * x.ld_c + j] * (double)t[j];
        for (int p = 0; p < s.k; p++)
            abt += bt[p] * (double)(kind == MATMUL_TN ? x.a[p * x.ld_a + r] : x.a[r * x.ld_a + p]);
        if (!(fabs(ct - abt) <= (double)REAL_EPSILON * (s.k + 2) * sqrt(s.n + 1)))
            fail_msg("%s kind %d (%d %d %d) row %d: %.9g, by the vector %.9g", kernels->name, (int)kind, s.m, s.n, s.k,
                     r, ct, abt);
    }
    free(bt);
    free_reals((size_t)s.n, t);
    product_free(&x);
}

static void large_products_against_a_vector(void **state)
{
    (void)state;
    static const Shape large[] = {{256, 512, 300}, {300, 1100, 128}, {130, 384, 1024}, {512, 512, 512}};
    uint32_t random = 11;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        for (int kind = 0; kind < 3; kind++)
            check_against_a_vector(kernels_best(), (MatmulKind)kind, large[i], &random);
}

/* An element's bits do not depend on m and n: a product computed in four pieces is the product. Lanes rely on it. */
static void pieces_are_the_whole(void **state)
{
    (void)state;
    uint32_t random = 13;
    for (const char *const *name = kernels_available(); *name; name++)
        for (int kind = 0; kind < 3; kind++) {
            const Kernels *kernels = kernels_named(*name);
            const Shape s = {45, 83, 270};
            Product x = product_new((MatmulKind)kind, s, 1, &random);
            real *whole = copy_reals(x.n_c, x.c);
            product_run(kernels, &x, 1, 1, whole);
            for (int piece = 0; piece < 4; piece++) {
                const int i = piece / 2 ? 10 : 0, j = piece % 2 ? 37 : 0;
                const int rows = piece / 2 ? s.m - 10 : 10, columns = piece % 2 ? s.n - 37 : 37;
                kernels->matmul((MatmulKind)kind, rows, columns, s.k, 1, x.a + (kind == MATMUL_TN ? i : i * x.ld_a),
                                x.ld_a, x.b + (kind == MATMUL_NT ? j * x.ld_b : j), x.ld_b, 1, x.c + i * x.ld_c + j,
                                x.ld_c, x.scratch);
            }
            assert_same(*name, x.n_c, x.c, whole);
            free_reals(x.n_c, whole);
            product_free(&x);
        }
}

/* B packed, and a product of part `variant` of its rows and columns. */
typedef struct {
    const real *a, *b; /* of the part */
    int n, k;          /* likewise */
    real *panels;
    PackedProduct product; /* without what it adds to, and what it makes */
} Packed;

static Packed packed_new(const Kernels *kernels, const Product *x, int variant)
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

static void packed_run(const Kernels *kernels, const Product *x, const Packed *packed, const real *plus, real *c)
{
    PackedProduct product = packed->product;
    product.plus = plus, product.c = c;
    kernels->matmul_packed(&product, x->scratch);
}

/* A product with B packed has the bits of one without: on all of B, on some of its columns or rows, with any
 * `plus`. On a part of the rows the product without sees a smaller k, and cuts it into the same blocks. */
static void packed_products_are_the_same(void **state)
{
    (void)state;
    uint32_t random = 19;
    for (const char *const *name = kernels_available(); *name; name++)
        for (size_t i = 0; i < N_SHAPES; i++)
            for (int variant = 0; variant < 12; variant++) {
                const Kernels *kernels = kernels_named(*name);
                const MatmulKind kind = (MatmulKind)(variant % 3);
                Product x = product_new(kind, shapes[i], variant % 2 * 5, &random);
                const Packed fast = packed_new(kernels, &x, variant),
                             plain = packed_new(&kernels_reference, &x, variant);
                real *whole = copy_reals(x.n_c, x.c), *packed = copy_reals(x.n_c, x.c), *slow = copy_reals(x.n_c, x.c);
                const real *plus = variant % 4 == 0 ? NULL : variant % 4 == 1 ? packed : x.c;
                kernels->matmul(kind, x.shape.m, fast.n, fast.k, (real)0.7, fast.a, x.ld_a, fast.b, x.ld_b,
                                plus != NULL, whole, x.ld_c, x.scratch);
                packed_run(kernels, &x, &fast, plus, packed);
                assert_same(*name, x.n_c, packed, whole);
                packed_run(&kernels_reference, &x, &plain, plus ? x.c : NULL, slow);
                assert_near(*name, x.n_c, packed, slow, (double)REAL_EPSILON * (2 + fast.k / 4.0), 1);
                free(fast.panels), free(plain.panels);
                free_reals(x.n_c, whole);
                free_reals(x.n_c, packed);
                free_reals(x.n_c, slow);
                product_free(&x);
            }
}

/* OpenBLAS's products are ours but for rounding, plain and packed: the oracle of all paths, and what the engine of that
 * name rests on. */
static void openblas_agrees(void **state)
{
    (void)state;
    uint32_t random = 23;
    Arena *arena = arena_new();
    const Kernels *theirs = openblas_there(arena);
    for (size_t i = 0; i < N_SHAPES && theirs; i++)
        for (int variant = 0; variant < 12; variant++) {
            Product x = product_new((MatmulKind)(variant % 3), shapes[i], variant % 2 * 5, &random);
            const Packed panels = packed_new(theirs, &x, variant), ours = packed_new(kernels_best(), &x, variant);
            real *fast = copy_reals(x.n_c, x.c), *slow = copy_reals(x.n_c, x.c);
            const double tolerance = (double)REAL_EPSILON * (2 + x.shape.k / 4.0);
            char what[96];
            snprintf(what, sizeof what, "kind %d (%d %d %d) variant %d", variant % 3, x.shape.m, x.shape.n, x.shape.k,
                     variant);
            product_run(theirs, &x, (real)-0.37, variant / 6, fast);
            product_run(kernels_best(), &x, (real)-0.37, variant / 6, slow);
            assert_near(what, x.n_c, fast, slow, tolerance, 1);
            packed_run(theirs, &x, &panels, variant % 4 == 0 ? NULL : variant % 4 == 1 ? fast : x.c, fast);
            packed_run(kernels_best(), &x, &ours, variant % 4 == 0 ? NULL : variant % 4 == 1 ? slow : x.c, slow);
            assert_near(what, x.n_c, fast, slow, 2 * tolerance, 1);
            free(panels.panels), free(ours.panels);
            free_reals(x.n_c, fast);
            free_reals(x.n_c, slow);
            product_free(&x);
        }
    const int is_there = theirs != NULL;
    arena_free(arena);
    if (!is_there)
        skip();
}

/* One product by many threads at once. */
enum { AT_ONCE = 64 };
typedef struct {
    const Kernels *kernels;
    const Product *x;
    real *c[AT_ONCE];
} Crowd;

static void crowd_lane(void *context, int lane, int thread)
{
    (void)thread;
    const Crowd *crowd = context;
    product_run(crowd->kernels, crowd->x, 1, 0, crowd->c[lane]);
}

/* What calls of OpenBLAS share (its buffers) is guarded: as many at a time as there may be lanes give each its product,
 * with the bits of one alone. */
static void openblas_is_safe_among_threads(void **state)
{
    (void)state;
    uint32_t random = 31;
    Error err;
    Lanes *lanes;
    Arena *arena = arena_new();
    Crowd crowd = {.kernels = openblas_there(arena)};
    if (!crowd.kernels) {
        arena_free(arena);
        skip();
    }
    assert_ok(lanes_new(16, &lanes, &err), &err);
    for (int kind = 0; kind < 3; kind++) {
        Product x = product_new((MatmulKind)kind, (Shape){130, 97, 260}, 3, &random);
        crowd.x = &x;
        product_run(crowd.kernels, &x, 1, 0, x.c);
        for (int l = 0; l < AT_ONCE; l++) {
            crowd.c[l] = copy_reals(x.n_c, x.c);
            for (size_t i = 0; i < (size_t)x.shape.n; i++)
                crowd.c[l][i] = 0;
        }
        lanes_run(lanes, AT_ONCE, crowd_lane, &crowd);
        for (int l = 0; l < AT_ONCE; l++) {
            assert_same("at once", x.n_c, crowd.c[l], x.c);
            free_reals(x.n_c, crowd.c[l]);
        }
        product_free(&x);
    }
    lanes_free(lanes);
    arena_free(arena);
}

/* A NaN or infinity in one row of op(A) reaches that row of C, whole, one of op(B) that column, one of C that is added
 * to itself alone; a plain product ignores what C held. With k of one block, and of several. */
static void check_nan(const Kernels *kernels)
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

static void nan_reaches_what_it_must(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Kernels *theirs = openblas_there(arena);
    for (const char *const *name = kernels_available(); *name; name++)
        check_nan(kernels_named(*name));
    if (theirs)
        check_nan(theirs);
    arena_free(arena);
}

/* C t = A (B t) for shapes that nobody chose, on every path. */
static void random_shapes_against_a_vector(void **state)
{
    (void)state;
    uint32_t random = 29;
    for (int round = 0; round < 300; round++) {
        const Shape s = {1 + (int)(60 * (1 + next_number(&random))), 1 + (int)(60 * (1 + next_number(&random))),
                         1 + (int)(350 * (1 + next_number(&random)))};
        for (const char *const *name = kernels_available(); *name; name++)
            check_against_a_vector(kernels_named(*name), (MatmulKind)(round % 3), s, &random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_reference_and_each_other),
        cmocka_unit_test(large_products_against_a_vector),
        cmocka_unit_test(pieces_are_the_whole),
        cmocka_unit_test(packed_products_are_the_same),
        cmocka_unit_test(openblas_agrees),
        cmocka_unit_test(openblas_is_safe_among_threads),
        cmocka_unit_test(nan_reaches_what_it_must),
        cmocka_unit_test(random_shapes_against_a_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
