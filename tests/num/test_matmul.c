/* Holds the products of every path to their definition. Without it, a wrong tile or remainder, a write outside C, a
 * result that depends on the path or on how a product is cut, or a swallowed NaN would go unseen.
 */
#include "product.h"

#include "base/lanes.h"

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

static void pieces_are_the_whole(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++)
        check_pieces(kernels_named(*name));
}

static void packed_products_are_the_same(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++)
        check_packed(kernels_named(*name), &kernels_reference, 1);
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
