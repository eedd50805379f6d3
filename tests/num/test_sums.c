/* Sums that metrics are made of, and logarithms: each kernel to the reference and, path by path, to the same bits.
 *
 * Were this file deleted, a snapshot could have other bytes on another machine, or a number that is none be passed over
 * behind the last whole vector.
 */
#include "numeric.h"

#include "base/pcg.h"

enum { MOST = 80 };

typedef struct {
    Pcg pcg;
    double a[MOST * MOST];
} Desk;

static int set_up(void **state)
{
    static Desk desk;
    desk.pcg = pcg_named(5, "test/sums");
    *state = &desk;
    return 0;
}

static void draw(Desk *desk)
{
    for (int i = 0; i < MOST * MOST; i++)
        desk->a[i] = pcg_normal(&desk->pcg);
}

static void test_gram(void **state)
{
    Desk *desk = *state;
    const Kernels *best = kernels_best();
    double g[MOST * MOST] = {0}, same[MOST * MOST] = {0}, reference[MOST * MOST] = {0};
    for (int n = 1; n <= 40; n += 3) {
        draw(desk);
        kernels_reference.gram(7, n, MOST, desk->a, MOST, reference);
        best->gram(7, n, MOST, desk->a, MOST, same);
        for (const char *const *name = kernels_available(); *name; name++) {
            kernels_named(*name)->gram(7, n, MOST, desk->a, MOST, g);
            assert_memory_equal(g, same, sizeof g);
        }
        assert_close("gram", MOST * 7, g, reference, n, 1e-14);
    }
}

static void test_widen(void **state)
{
    (void)state;
    enum { N = 37 };
    real x[N];
    double wide[N + 1], reference[N];
    for (int i = 0; i < N; i++)
        x[i] = (real)((i - 9) / 7.0);
    x[3] = (real)INFINITY, x[20] = -(real)0;
    for (size_t n = 0; n <= N; n++)
        for (const char *const *name = kernels_available(); *name; name++) {
            wide[n] = 12345;
            kernels_reference.widen(n, x, reference);
            kernels_named(*name)->widen(n, x, wide);
            assert_memory_equal(wide, reference, n * sizeof *wide);
            assert_true(wide[n] == 12345);
        }
}

static void test_row_squares(void **state)
{
    Desk *desk = *state;
    enum { ROWS = 7 };
    for (int width = 1; width <= 40; width++) {
        real x[ROWS * 40];
        double squares[ROWS], same[ROWS], reference[ROWS];
        for (int i = 0; i < ROWS * width; i++)
            x[i] = (real)pcg_normal(&desk->pcg);
        kernels_reference.row_squares(ROWS, width, x, reference);
        kernels_best()->row_squares(ROWS, width, x, same);
        assert_close("squares", ROWS, same, reference, width, 1e-14);
        for (const char *const *name = kernels_available(); *name; name++) {
            kernels_named(*name)->row_squares(ROWS, width, x, squares);
            assert_memory_equal(squares, same, sizeof same);
        }
    }
}

static void test_dot(void **state)
{
    Desk *desk = *state;
    for (int n = 0; n <= 40; n++) {
        draw(desk);
        const double *x = desk->a + 1, *y = desk->a + MOST + 2, same = kernels_best()->dot(n, x, y);
        assert_true(fabs(same - kernels_reference.dot(n, x, y)) < 1e-13);
        for (const char *const *name = kernels_available(); *name; name++)
            assert_true(kernels_named(*name)->dot(n, x, y) == same);
    }
}

/* Wherever it stands, behind the last whole vector too; one that is no number is not passed over. */
static void test_largest_magnitude(void **state)
{
    Desk *desk = *state;
    enum { N = 70 };
    real x[N];
    for (size_t n = 0; n <= N; n++)
        for (const char *const *name = kernels_available(); *name; name++) {
            const Kernels *kernels = kernels_named(*name);
            for (size_t i = 0; i < n; i++)
                x[i] = (real)pcg_normal(&desk->pcg);
            assert_true(kernels->largest_magnitude(n, x) == kernels_reference.largest_magnitude(n, x));
            for (size_t i = 0; i < n; i++) {
                const real own = x[i];
                x[i] = -100;
                assert_true(kernels->largest_magnitude(n, x) == 100);
                x[i] = (real)NAN;
                assert_true(isnan((double)kernels->largest_magnitude(n, x)));
                x[i] = own;
            }
        }
}

static void test_central_moments(void **state)
{
    Desk *desk = *state;
    enum { N = 40 };
    real x[N];
    for (int n = 1; n <= N; n++) {
        double found[2], same[2], reference[2];
        for (int i = 0; i < n; i++)
            x[i] = (real)(5 + pcg_normal(&desk->pcg));
        kernels_reference.central_moments(n, x, &reference[0], &reference[1]);
        kernels_best()->central_moments(n, x, &same[0], &same[1]);
        assert_close("moments", 2, same, reference, n, 1e-13);
        for (const char *const *name = kernels_available(); *name; name++) {
            kernels_named(*name)->central_moments(n, x, &found[0], &found[1]);
            assert_memory_equal(found, same, sizeof same);
        }
    }
}

/* Every band of every size, cut at every column: sums that are there go on, and others are left alone. */
static void test_band_sums(void **state)
{
    Desk *desk = *state;
    enum { MOST_ROWS = 19 };
    real x[MOST_ROWS * MOST_ROWS];
    double sums[MOST_ROWS + 1], reference[MOST_ROWS + 1];
    for (int n = 1; n <= MOST_ROWS; n += 3)
        for (int near = -n; near <= n; near++)
            for (int far = near; far <= n; far += 2)
                for (int first = 0; first < n; first += 5)
                    for (const char *const *name = kernels_available(); *name; name++) {
                        const int end = n - first % 2;
                        for (int i = 0; i < n * n; i++)
                            x[i] = (real)pcg_normal(&desk->pcg);
                        for (int j = 0; j <= MOST_ROWS; j++)
                            sums[j] = reference[j] = j;
                        kernels_reference.band_sums(n, first, end, near, far, x, reference);
                        kernels_named(*name)->band_sums(n, first, end, near, far, x, sums);
                        assert_memory_equal(sums, reference, sizeof sums);
                    }
}

/* To the bit what dot gives of each column, at any place in a row, with whatever beyond the last; and the largest. */
static void test_dots(void **state)
{
    Desk *desk = *state;
    enum { WIDEST = 21, LD = 32, AT = 3, NOT_NUMBERS = 2 };
    double column[WIDEST], found[LD], reference[LD];
    for (int width = 1; width <= WIDEST; width++)
        for (int n = 0; n + AT + 8 <= LD; n++)
            for (int turn = 0; turn <= NOT_NUMBERS; turn++) {
                draw(desk);
                const double *x = desk->a;
                double *y = desk->a + WIDEST + AT;
                if (n > 0 && turn < NOT_NUMBERS) /* beyond the last they do not count */
                    y[(size_t)(width / 2) * LD + n - turn] = (double)NAN;
                const double expected = kernels_reference.dots(n, width, x, LD, y, reference);
                for (const char *const *name = kernels_available(); *name; name++) {
                    const Kernels *kernels = kernels_named(*name);
                    double largest = -(double)INFINITY;
                    const double most = kernels->dots(n, width, x, LD, y, found);
                    for (int j = 0; j < n; j++) {
                        for (int i = 0; i < width; i++)
                            column[i] = y[(size_t)i * LD + j];
                        const double own = kernels->dot(width, x, column);
                        assert_true(isnan(own) ? isnan(found[j]) : found[j] == own);
                        assert_true(isnan(own) || fabs(own - reference[j]) < 1e-13);
                        largest = isnan(own) || isnan(largest) ? (double)NAN : fmax(largest, own);
                    }
                    assert_true(isnan(largest) ? isnan(most) && isnan(expected) : most == largest);
                }
            }
}

static void test_divergence(void **state)
{
    Desk *desk = *state;
    double p[MOST], log_p[MOST], log_q[MOST];
    for (int n = 0; n <= 40; n++) {
        for (int i = 0; i < n; i++) {
            p[i] = i % 5 == 3 ? 0 : pcg_uniform(&desk->pcg);
            log_p[i] = log(p[i]);
            log_q[i] = i % 10 == 3 ? -(double)INFINITY : log(pcg_uniform(&desk->pcg));
        }
        for (int with_q = 0; with_q < 2; with_q++) {
            const double *q = with_q ? log_q : NULL, same = kernels_best()->divergence(n, p, log_p, q);
            assert_true(fabs(same - kernels_reference.divergence(n, p, log_p, q)) < 1e-13);
            for (const char *const *name = kernels_available(); *name; name++)
                assert_true(kernels_named(*name)->divergence(n, p, log_p, q) == same);
        }
    }
}

/* The whole range of float32, and around 1, where the result is small. */
static void test_logarithm(void **state)
{
    Desk *desk = *state;
    enum { N = 4099 };
    double x[N], y[N], same[N], worst = 0;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < N; i++)
            x[i] = round % 2 ? exp(200 * (pcg_uniform(&desk->pcg) - 0.5)) : 1 + 0.6 * (pcg_uniform(&desk->pcg) - 0.5);
        x[0] = 0, x[1] = 1, x[2] = 1.4013e-45, x[3] = 0.5, x[4] = 2, x[5] = M_E;
        kernels_best()->logarithm(N - (size_t)round % 9, x, same);
        for (const char *const *name = kernels_available(); *name; name++) {
            kernels_named(*name)->logarithm(N - (size_t)round % 9, x, y);
            assert_memory_equal(y, same, (N - (size_t)round % 9) * sizeof *y);
        }
        assert_true(isinf(y[0]) && y[0] < 0 && y[1] == 0);
        for (int i = 2; i < N - round % 9; i++)
            worst = fmax(worst, fabs(y[i] - log(x[i])) / fmax(fabs(log(x[i])), 0.25));
    }
    for (size_t n = 0; n <= 40; n++) /* few entries, and y in place of x, give the same */
        for (const char *const *name = kernels_available(); *name; name++) {
            kernels_best()->logarithm(N, x, y);
            memcpy(same, x, sizeof same);
            kernels_named(*name)->logarithm(n, same, same);
            assert_memory_equal(same, y, n * sizeof *y);
            assert_memory_equal(same + n, x + n, (N - n) * sizeof *x);
        }
    printf("# logarithm: worst error %.3g eps\n", worst / DBL_EPSILON);
    assert_true(worst <= 2 * DBL_EPSILON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gram),
        cmocka_unit_test(test_widen),
        cmocka_unit_test(test_row_squares),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_largest_magnitude),
        cmocka_unit_test(test_central_moments),
        cmocka_unit_test(test_band_sums),
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_logarithm),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
