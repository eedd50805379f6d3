/* Holds products of operands rounded to bfloat16 to their definition, to the bit, by whoever makes them: AMX and the
 * emulation of every path. Without it a run could have other bits on a machine without AMX, and a sum that AMX makes
 * otherwise than its manual says, a chunk left out, or a pair turned, would go unseen.
 */
#include "product.h"

#include "num/bfloat16.h"

/* What this machine runs, each in a table of its own. */
enum { MOST_MAKERS = 4 };
typedef struct {
    Arena *arena;
    const Kernels *kernels[MOST_MAKERS + 1]; /* up to a NULL */
} Makers;

static const Kernels *table_of(Arena *arena, const Bfloat16 *maker)
{
    const Kernels *kernels;
    Error err;
    assert_ok(bfloat16_kernels(arena, kernels_best(), maker, &kernels, &err), &err);
    assert_string_equal(kernels->name, maker->name);
    assert_string_equal(kernels->products, BFLOAT16_PRODUCTS);
    assert_ptr_equal(kernels->float32, kernels_best());
    return kernels;
}

static int open_makers(void **state)
{
    static Makers makers;
    int n = 0;
    makers = (Makers){.arena = arena_new()};
    if (bfloat16_named(BFLOAT16_AMX))
        makers.kernels[n++] = table_of(makers.arena, bfloat16_named(BFLOAT16_AMX));
    for (const char *const *name = kernels_available(); *name; name++)
        makers.kernels[n++] = table_of(makers.arena, bfloat16_named(*name));
    *state = &makers;
    return 0;
}

static int close_makers(void **state)
{
    Makers *makers = *state;
    arena_free(makers->arena);
    return 0;
}

static void plain_loops(const Product *x, real alpha, int accumulate, real *c)
{
    const Shape s = x->shape;
    bfloat16_reference.matmul(x->kind, s.m, s.n, s.k, alpha, x->a, x->ld_a, x->b, x->ld_b, accumulate, c, x->ld_c,
                              NULL);
}

/* All makers' bits are the definition's. */
static void check_bits(const Makers *makers, const Product *x, real alpha, int accumulate, const char *what)
{
    real *slow = copy_reals(x->n_c, x->c);
    plain_loops(x, alpha, accumulate, slow);
    for (const Kernels *const *kernels = makers->kernels; *kernels; kernels++) {
        real *fast = copy_reals(x->n_c, x->c);
        char whole[128];
        snprintf(whole, sizeof whole, "%s, %s kind %d (%d %d %d)", what, (*kernels)->name, (int)x->kind, x->shape.m,
                 x->shape.n, x->shape.k);
        product_run(*kernels, x, alpha, accumulate, fast);
        assert_same(whole, x->n_c, fast, slow);
        free_reals(x->n_c, fast);
    }
    free_reals(x->n_c, slow);
}

static void every_maker_has_the_bits_of_the_definition(void **state)
{
    static const Shape more[] = {{33, 65, 1025}, {32, 32, 512}, {2, 40, 1600},
                                 {300, 20, 33},  {9, 900, 520}, {48, 48, 64}};
    uint32_t random = 7;
    for (size_t i = 0; i < N_SHAPES + sizeof more / sizeof *more; i++)
        for (int variant = 0; variant < 12; variant++) {
            const Shape shape = i < N_SHAPES ? shapes[i] : more[i - N_SHAPES];
            Product x = product_new((MatmulKind)(variant % 3), shape, variant / 3 % 2 * 5, &random);
            check_bits(*state, &x, variant % 2 ? 1 : (real)-0.37, variant / 6, "uniform");
            product_free(&x);
        }
}

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A random sign and mantissa, and an exponent of [least, least + n). */
static float number_of(uint32_t *random, int least, int n)
{
    next_number(random);
    const uint32_t sign_and_mantissa = *random >> 8 | *random << 24;
    next_number(random);
    return of_bits((sign_and_mantissa & 0x807fffff) | (uint32_t)(least + (int)(*random >> 8) % n) << 23);
}

/* Whether this machine makes zeros of subnormal numbers when it is asked to, which valgrind does not. */
static int asks_for_zeros(void)
{
#ifdef __x86_64__
    volatile float x = FLT_MIN;
    const unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040);
    x = x * (float)0.5;
    __builtin_ia32_ldmxcsr(before);
    return x == 0;
#else
    return 1;
#endif
}

/* Numbers whose sums lose everything: by exponents (biased) of op(A), op(B) and C and how many there are of them. */
typedef struct {
    const char *name;
    int a, n_a, b, n_b, c, n_c;
} Range;

static const Range ranges[] = {
    {"all there are", 0, 256, 0, 256, 0, 256},
    {"tiny products", 52, 12, 52, 12, 0, 4},
    {"the least sums", 62, 3, 62, 3, 0, 4},
    {"subnormal operands", 0, 2, 180, 70, 0, 4},
    {"what rounds to infinity", 250, 5, 120, 8, 250, 5},
    {"huge products", 185, 10, 190, 8, 250, 5},
    {"far apart", 97, 60, 97, 60, 67, 90},
    {"near one", 126, 2, 126, 2, 126, 2},
};

/* Every second k takes back what another has given, but for the last bits of some. */
static void cancel(Product *x, uint32_t *random)
{
    for (int p = 0; p + 2 < x->shape.k; p += 4) {
        const int q = p + 2 + p / 4 % 2;
        for (int i = 0; i < x->shape.m; i++) {
            real *row = x->kind == MATMUL_TN ? x->a + i : x->a + i * x->ld_a;
            const int step = x->kind == MATMUL_TN ? x->ld_a : 1;
            if (q < x->shape.k)
                row[q * step] = (next_number(random) < 0.5 ? -1 : (float)-1.0078125) * row[p * step];
        }
        for (int j = 0; j < x->shape.n; j++) {
            real *column = x->kind == MATMUL_NT ? x->b + j * x->ld_b : x->b + j;
            const int step = x->kind == MATMUL_NT ? 1 : x->ld_b;
            if (q < x->shape.k)
                column[q * step] = column[p * step];
        }
    }
}

static void hard_numbers_too(void **state)
{
    if (!asks_for_zeros()) {
        print_message("# this machine does not make zeros of subnormal numbers: valgrind\n");
        skip();
    }
    uint32_t random = 11;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        for (int round = 0; round < 60; round++) {
            const Range *range = &ranges[i];
            Product x = product_new((MatmulKind)(round % 3), (Shape){33, 34, 3 + round % 2 * 67}, 0, &random);
            for (size_t j = 0; j < x.n_a; j++)
                x.a[j] = number_of(&random, range->a, range->n_a);
            for (size_t j = 0; j < x.n_b; j++)
                x.b[j] = number_of(&random, range->b, range->n_b);
            for (size_t j = 0; j < x.n_c; j++)
                x.c[j] = number_of(&random, range->c, range->n_c);
            if (round % 3 != 0)
                cancel(&x, &random);
            check_bits(*state, &x, round % 2 ? 1 : (real)0.7, round % 4 > 1, range->name);
            product_free(&x);
        }
}

/* Sums that are rounded up to the least normal number, or stay below: on both sides of 2^-126 (1 - 2^-25). Every
 * product a b is first 2^-126 and then a tiny one. */
static void the_least_normal_number_is_met_exactly(void **state)
{
    if (!asks_for_zeros())
        skip();
    for (int sign = 0; sign < 2; sign++)
        for (int tiny = -156; tiny <= -146; tiny++)
            for (int mantissa = 0; mantissa < 8; mantissa++) {
                uint32_t random = 3;
                Product x = product_new(MATMUL_NN, (Shape){1, 1, 3}, 0, &random);
                const real one = sign ? -1 : 1;
                x.a[0] = one * (real)0x1p-63, x.b[0] = (real)0x1p-63;
                x.a[1] = 0, x.b[1] = 0;
                x.a[2] = -one * (real)ldexp(1 + mantissa / 8.0, tiny / 2), x.b[2] = (real)ldexp(1, tiny - tiny / 2);
                check_bits(*state, &x, 1, 0, "least");
                plain_loops(&x, 1, 0, x.c);
                const double exact = ldexp(1, -126) - ldexp(1 + mantissa / 8.0, tiny);
                const double rounds_up_from = ldexp(1, -126) - ldexp(1, -151);
                assert_true((double)x.c[0] == (exact >= rounds_up_from ? (double)one * ldexp(1, -126) : 0));
                product_free(&x);
            }
}

/* Times one, a product is the rounding of its operand: to the nearest of its neighbours, and of two as near to the even
 * one; what is subnormal becomes 0, and NaN and infinity stay. */
static void operands_are_rounded_to_the_nearest(void **state)
{
    enum { ROUNDS = 400, N = 33 };
    const Makers *makers = *state;
    uint32_t random = 5;
    for (int round = 0; round < ROUNDS; round++)
        for (int kind = 0; kind < 3; kind++) {
            Product x = product_new((MatmulKind)kind, (Shape){1, N, 1}, 0, &random);
            x.a[0] = 1;
            for (int j = 0; j < N; j++) {
                const float number = number_of(&random, 0, 256);
                uint32_t bits;
                memcpy(&bits, &number, sizeof bits);
                bits = round % 4 == 0 ? (bits & 0xffff0000) | 0x8000 : round % 4 == 1 ? bits & 0xffff0000 : bits;
                x.b[j] = of_bits(bits);
            }
            for (const Kernels *const *kernels = makers->kernels; *kernels; kernels++) {
                product_run(*kernels, &x, 1, 0, x.c);
                for (int j = 0; j < N; j++) {
                    const float b = x.b[j], c = x.c[j];
                    uint32_t bits, up, down;
                    memcpy(&bits, &b, sizeof bits);
                    down = bits & 0xffff0000, up = down + 0x10000;
                    const double from = (double)of_bits(down), to = (double)of_bits(up), value = (double)b;
                    const double nearest = fabs(value - from) < fabs(to - value)   ? from
                                           : fabs(value - from) > fabs(to - value) ? to
                                           : down & 0x10000                        ? to
                                                                                   : from;
                    if (isnan(b))
                        assert_true(isnan(c));
                    else if (isinf(b) || isinf(to)) /* between the largest number and the next that there would be */
                        assert_true(isinf(b) || !(bits & 0x8000) ? (double)c == from : isinf(c));
                    else
                        assert_true((double)c == (fabs(value) < (double)FLT_MIN ? 0 : nearest));
                }
            }
            product_free(&x);
        }
}

/* Of operands that need no rounding, sums are those of double within what float32's additions leave. */
static void sums_are_near_those_of_double(void **state)
{
    const Makers *makers = *state;
    uint32_t random = 13;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (int kind = 0; kind < 3; kind++) {
            Product x = product_new((MatmulKind)kind, shapes[i], 1, &random);
            for (size_t j = 0; j < x.n_a; j++)
                x.a[j] = (real)(round((double)x.a[j] * 128) / 128);
            for (size_t j = 0; j < x.n_b; j++)
                x.b[j] = (real)(round((double)x.b[j] * 128) / 128);
            real *exact = copy_reals(x.n_c, x.c);
            product_run(&kernels_reference, &x, 1, 0, exact);
            for (const Kernels *const *kernels = makers->kernels; *kernels; kernels++) {
                real *fast = copy_reals(x.n_c, x.c);
                product_run(*kernels, &x, 1, 0, fast);
                assert_near((*kernels)->name, x.n_c, fast, exact, (double)REAL_EPSILON * (2 + shapes[i].k / 4.0), 1);
                free_reals(x.n_c, fast);
            }
            free_reals(x.n_c, exact);
            product_free(&x);
        }
}

/* Rounding costs at most 2^-8 of each product, 2^-9 for each operand; and it is there. */
static void rounding_costs_what_it_must(void **state)
{
    const Makers *makers = *state;
    uint32_t random = 17;
    Product x = product_new(MATMUL_NN, (Shape){20, 30, 200}, 0, &random);
    real *exact = copy_reals(x.n_c, x.c), *sizes = copy_reals(x.n_c, x.c);
    product_run(&kernels_reference, &x, 1, 0, exact);
    product_run(makers->kernels[0], &x, 1, 0, x.c);
    for (size_t i = 0; i < x.n_a; i++)
        x.a[i] = (real)fabs((double)x.a[i]);
    for (size_t i = 0; i < x.n_b; i++)
        x.b[i] = (real)fabs((double)x.b[i]);
    product_run(&kernels_reference, &x, 1, 0, sizes);
    double most = 0;
    for (size_t i = 0; i < x.n_c; i++)
        most = fmax(most, fabs((double)x.c[i] - (double)exact[i]) / (double)sizes[i]);
    assert_in_range((uintmax_t)(most * 0x1p20), 1 << 6, 1 << 12);
    free_reals(x.n_c, sizes);
    free_reals(x.n_c, exact);
    product_free(&x);
}

static void packed_products_are_the_same(void **state)
{
    const Makers *makers = *state;
    Kernels loops = kernels_reference;
    loops.matmul = bfloat16_reference.matmul, loops.pack = bfloat16_reference.pack;
    loops.matmul_packed = bfloat16_reference.matmul_packed;
    for (const Kernels *const *kernels = makers->kernels; *kernels; kernels++)
        check_packed(*kernels, &loops, 0);
}

static void pieces_are_the_whole(void **state)
{
    const Makers *makers = *state;
    for (const Kernels *const *kernels = makers->kernels; *kernels; kernels++)
        check_pieces(*kernels);
}

static void nan_reaches_what_it_must(void **state)
{
    const Makers *makers = *state;
    for (const Kernels *const *kernels = makers->kernels; *kernels; kernels++)
        check_nan(*kernels);
}

/* What lies behind the rows that a packed product uses, within their chunk and pair, is not met. */
static void what_is_not_asked_for_stays_out(void **state)
{
    enum { K = 80, N = 40 };
    const Makers *makers = *state;
    uint32_t random = 29;
    for (const Kernels *const *kernels = makers->kernels; *kernels; kernels++)
        for (int first = 0; first < 5; first++)
            for (int k = 1; k < 40; k++) {
                Product x = product_new(MATMUL_NN, (Shape){3, N, K}, 0, &random);
                real *panels = aligned_alloc(64, pack_size(N, K) * sizeof(real));
                for (int p = 0; p < K; p++)
                    for (int j = 0; j < N && (p < first || p >= first + k); j++)
                        x.b[p * N + j] = p % 2 ? (real)NAN : (real)INFINITY;
                (*kernels)->pack(MATMUL_NN, N, K, x.b, N, panels);
                (*kernels)->matmul_packed(&(PackedProduct){.kind = MATMUL_NN,
                                                           .m = 3,
                                                           .n = N,
                                                           .k = k,
                                                           .alpha = 1,
                                                           .a = x.a,
                                                           .ld_a = K,
                                                           .panels = panels,
                                                           .k_packed = K,
                                                           .k_first = first,
                                                           .c = x.c,
                                                           .ld_c = N},
                                          x.scratch);
                for (size_t i = 0; i < x.n_c; i++)
                    if (!isfinite(x.c[i]))
                        fail_msg("%s: rows [%d, %d) of %d", (*kernels)->name, first, first + k, K);
                free(panels);
                product_free(&x);
            }
}

/* Rounding and flushing are the products' own: what else a thread computes keeps its subnormal numbers. */
static void the_thread_is_left_as_it_was(void **state)
{
    const Makers *makers = *state;
    uint32_t random = 31;
    Product x = product_new(MATMUL_NN, (Shape){4, 4, 40}, 0, &random);
    for (const Kernels *const *kernels = makers->kernels; *kernels; kernels++) {
        volatile float least = FLT_MIN;
        product_run(*kernels, &x, 1, 0, x.c);
        assert_true(least / 2 > 0);
        product_run(*kernels, &x, (real)0x1p-140, 0, x.c); /* alpha's product is float32's own */
        assert_true(x.c[0] != 0 && fabs((double)x.c[0]) < (double)FLT_MIN);
    }
    product_free(&x);
}

/* Where the processor has AMX, it is what a run gets; with other kernels asked for, their emulation. */
static void the_fastest_is_chosen(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Bfloat16 *amx = bfloat16_named(BFLOAT16_AMX);
    Error err;
    for (const char *const *name = kernels_available(); *name; name++) {
        const Kernels *kernels;
        assert_ok(bfloat16_kernels(arena, kernels_named(*name), NULL, &kernels, &err), &err);
        assert_string_equal(kernels->name, amx && strcmp(*name, "avx512") == 0 ? BFLOAT16_AMX : *name);
        assert_ptr_equal(kernels->softmax_row, kernels_named(*name)->softmax_row);
    }
    print_message("# AMX: %s\n", amx ? "yes" : "no");
    assert_null(bfloat16_named("abacus"));
    assert_refused(bfloat16_kernels(arena, &kernels_reference, NULL, &(const Kernels *){NULL}, &err), STATUS_FAILED,
                   "the kernels 'reference' have no products of bfloat16", &err);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_maker_has_the_bits_of_the_definition),
        cmocka_unit_test(hard_numbers_too),
        cmocka_unit_test(the_least_normal_number_is_met_exactly),
        cmocka_unit_test(operands_are_rounded_to_the_nearest),
        cmocka_unit_test(sums_are_near_those_of_double),
        cmocka_unit_test(rounding_costs_what_it_must),
        cmocka_unit_test(packed_products_are_the_same),
        cmocka_unit_test(pieces_are_the_whole),
        cmocka_unit_test(nan_reaches_what_it_must),
        cmocka_unit_test(what_is_not_asked_for_stays_out),
        cmocka_unit_test(the_thread_is_left_as_it_was),
        cmocka_unit_test(the_fastest_is_chosen),
    };
    return cmocka_run_group_tests(tests, open_makers, close_makers);
}
