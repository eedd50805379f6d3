/* Holds exp to 1.2 ulp over its whole range, to zeros instead of subnormals, and to its words at the ends; all
 * attention and every loss goes through it. The oracle is the library's exp in long double.
 */
#include "numeric.h"

#ifdef REFFRAME_DOUBLE
#define LOWEST   (-708.396)
#define HIGHEST  709.78
#define MANTISSA 52
#else
#define LOWEST   (-87.336)
#define HIGHEST  88.72
#define MANTISSA 23
#endif

/* The distance of reals around y. */
static long double ulp(long double y)
{
    int e;
    frexpl(y, &e);
    return ldexpl(1, e - 1 - MANTISSA);
}

enum { N = 400003 };

static void within_1_2_ulp_on_every_path(void **state)
{
    (void)state;
    real *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), *first = malloc(N * sizeof *first);
    for (int i = 0; i < N; i++) {
        const double t = (double)i / N; /* half over the range, half about zero at all scales */
        x[i] = i % 2 ? (real)(LOWEST + (HIGHEST - LOWEST) * t) : (real)((i % 4 ? 1 : -1) * pow(2, 5 - 45 * t));
    }
    kernels_best()->exponential(N, x, first);
    long double worst = 0;
    for (int i = 0; i < N; i++) {
        const long double exact = expl((long double)x[i]), error = fabsl(first[i] - exact) / ulp(exact);
        worst = error > worst ? error : worst;
    }
    print_message("# exp: largest error %.3Lf ulp over %d points\n", worst, N);
    assert_true(worst <= 1.2L);
    for (const char *const *name = kernels_available(); *name; name++) {
        kernels_named(*name)->exponential(N, x, y);
        assert_same(*name, N, y, first);
    }
    free(x);
    free(y);
    free(first);
}

static void ends_of_the_range(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++) {
        const real inf = (real)INFINITY,
                   x[] = {0, -inf, inf, (real)NAN, (real)LOWEST - 1, (real)HIGHEST + 1, (real)-1e30, (real)1e30};
        const real right[] = {1, 0, inf, (real)NAN, 0, inf, 0, inf};
        real y[8];
        kernels_named(*name)->exponential(8, x, y);
        assert_same(*name, 8, y, right);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_1_2_ulp_on_every_path),
        cmocka_unit_test(ends_of_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
