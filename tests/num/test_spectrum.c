/* Eigenvalues and singular values: what must be true of any spectrum, spectra known in closed form, NumPy's; and the
 * reductions behind them to the reference and, path by path, to the same bits.
 *
 * Were this file deleted, a Fiedler value could be wrong in its third digit on every machine alike, and nobody would
 * know: no other number of a snapshot depends on it.
 */
#include "numeric.h"

#include "base/pcg.h"
#include "num/spectrum.h"
#include "store/npz.h"

enum { MOST = 80 };

typedef struct {
    Arena *arena;
    void *scratch;
    double *a, *values, *others; /* (MOST,MOST), (MOST,) twice */
    Pcg pcg;
} Desk;

static int set_up(void **state)
{
    Arena *arena = arena_new();
    Desk *desk = ARENA_ARRAY(arena, Desk, 1);
    *desk = (Desk){arena,
                   arena_alloc(arena, spectrum_scratch_bytes(MOST)),
                   ARENA_ARRAY(arena, double, MOST *MOST),
                   ARENA_ARRAY(arena, double, MOST),
                   ARENA_ARRAY(arena, double, MOST),
                   pcg_named(5, "test/spectrum")};
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    arena_free(((Desk *)*state)->arena);
    return 0;
}

static void draw(Desk *desk, int n, int is_symmetric)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            desk->a[i * n + j] = is_symmetric && j < i ? desk->a[j * n + i] : pcg_normal(&desk->pcg);
}

static double sum_of_entries_squared(const Desk *desk, int n)
{
    double sum = 0;
    for (int i = 0; i < n * n; i++)
        sum += desk->a[i] * desk->a[i];
    return sum;
}

/* Eigenvalues of the products of the first m rows of the desk's (.., n) matrix. */
static void gram_spectrum(Desk *desk, int m, int n, double *ret_values)
{
    static double gram[MOST * MOST];
    kernels_best()->gram(m, n, n, desk->a, m, gram);
    spectrum_symmetric(kernels_best(), m, gram, desk->scratch, ret_values);
}

/* Trace and Frobenius norm, at every size that changes the padding. */
static void test_invariants(void **state)
{
    Desk *desk = *state;
    for (int n = 1; n <= 70; n++) {
        double trace = 0, sum = 0, squares = 0;
        draw(desk, n, 1);
        spectrum_symmetric(kernels_best(), n, desk->a, desk->scratch, desk->values);
        for (int i = 0; i < n; i++) {
            trace += desk->a[i * n + i];
            sum += desk->values[i], squares += desk->values[i] * desk->values[i];
            assert_true(i == 0 || desk->values[i - 1] <= desk->values[i]);
        }
        const double size = sum_of_entries_squared(desk, n);
        assert_true(fabs(sum - trace) < 1e-12 * n * sqrt(size));
        assert_true(fabs(squares - size) < 1e-12 * n * size);
    }
}

/* The few smallest are the first of all; singular values squared are the largest eigenvalues of A A'; a row more
 * interlaces. */
static void test_ways_agree(void **state)
{
    Desk *desk = *state;
    for (int n = 1; n <= 66; n += n < 20 ? 1 : 9) {
        double few[SPECTRUM_MOST], singular[2];
        draw(desk, n, 1);
        spectrum_symmetric(kernels_best(), n, desk->a, desk->scratch, desk->values);
        spectrum_smallest(kernels_best(), n, desk->a, SPECTRUM_MOST, desk->scratch, few);
        assert_close("smallest", n < SPECTRUM_MOST ? n : SPECTRUM_MOST, few, desk->values, sqrt(n), 1e-13 * n);
        for (int k = n; k < SPECTRUM_MOST; k++)
            assert_true(isnan(few[k]));
        draw(desk, n, 0);
        spectrum_singular(kernels_best(), n, desk->a, desk->scratch, singular);
        gram_spectrum(desk, n, n, desk->values);
        assert_true(fabs(singular[0] * singular[0] - desk->values[n - 1]) < 1e-12 * n * n);
        assert_true(n == 1 ? isnan(singular[1])
                           : fabs(singular[1] * singular[1] - desk->values[n - 2]) < 1e-12 * n * n);
        if (n < 2)
            continue;
        gram_spectrum(desk, n - 1, n, desk->others);
        for (int i = 0; i + 1 < n; i++)
            assert_true(desk->values[i] - 1e-9 <= desk->others[i] && desk->others[i] <= desk->values[i + 1] + 1e-9);
    }
}

/* Laplacian of a path of n points: 2 - 2 cos(pi k/n); of a complete graph: 0 and n, of a star: 0, 1, n; two components
 * have two zeros. */
static void test_known_laplacians(void **state)
{
    Desk *desk = *state;
    for (int n = 2; n <= 65; n += 7) {
        double expected[MOST] = {0};
        memset(desk->a, 0, sizeof(double) * MOST * MOST);
        for (int i = 0; i < n; i++) {
            desk->a[i * n + i] = (i > 0) + (i + 1 < n);
            if (i > 0)
                desk->a[i * n + i - 1] = desk->a[(i - 1) * n + i] = -1;
            expected[i] = 2 - 2 * cos(M_PI * i / n);
        }
        spectrum_symmetric(kernels_best(), n, desk->a, desk->scratch, desk->values);
        assert_close("path", n, desk->values, expected, 4, 1e-14 * n);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                desk->a[i * n + j] = i == j ? n - 1 : -1;
        spectrum_smallest(kernels_best(), n, desk->a, 3, desk->scratch, desk->values);
        assert_close("complete", n < 3 ? n : 3, desk->values, (double[]){0, n, n}, n, 1e-14 * n);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                desk->a[i * n + j] = i == j ? (i ? 1 : n - 1) : i && j ? 0 : -1;
        spectrum_smallest(kernels_best(), n, desk->a, 3, desk->scratch, desk->values);
        assert_close("star", n < 3 ? n : 3, desk->values, (double[]){0, n == 2 ? 2 : 1, n == 3 ? 3 : 1}, n, 1e-14 * n);
    }
    memset(desk->a, 0, sizeof(double) * MOST * MOST);
    spectrum_smallest(kernels_best(), 6, desk->a, 3, desk->scratch, desk->values);
    assert_close("no edges", 3, desk->values, (double[]){0, 0, 0}, 1, 0);
}

/* x y' has one singular value that is not zero, and the other is zero within n eps. */
static void test_rank_one(void **state)
{
    Desk *desk = *state;
    for (int n = 2; n <= 64; n++) {
        double x[MOST], y[MOST], singular[2], square_x = 0, square_y = 0;
        for (int i = 0; i < n; i++) {
            x[i] = pcg_uniform(&desk->pcg), y[i] = pcg_uniform(&desk->pcg);
            square_x += x[i] * x[i], square_y += y[i] * y[i];
        }
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                desk->a[i * n + j] = x[i] * y[j];
        spectrum_singular(kernels_best(), n, desk->a, desk->scratch, singular);
        assert_true(fabs(singular[0] - sqrt(square_x * square_y)) < 1e-13 * n);
        assert_true(singular[1] <= n * DBL_EPSILON * singular[0]);
    }
}

/* Triangular up to a permutation: the diagonal, to the bit. A cycle: all on the unit circle. Rotations keep moduli. */
static void test_known_moduli(void **state)
{
    Desk *desk = *state;
    for (int n = 1; n <= 60; n++) {
        const int step = n % 7 == 0 ? 5 : 7; /* i -> step i permutes 0..n-1 */
        double expected[MOST];
        memset(desk->a, 0, sizeof(double) * MOST * MOST);
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
                desk->a[i * step % n * n + j * step % n] = i == j ? n - i : pcg_normal(&desk->pcg);
        for (int i = 0; i < n; i++)
            expected[i] = n - i;
        if (n % step)
            spectrum_moduli(n, desk->a, desk->scratch, desk->values);
        else
            continue;
        assert_close("triangular", n, desk->values, expected, n, 0);
        memset(desk->a, 0, sizeof(double) * MOST * MOST);
        for (int i = 0; i < n; i++)
            desk->a[i * n + (i + 1) % n] = 1, expected[i] = 1;
        spectrum_moduli(n, desk->a, desk->scratch, desk->values);
        assert_close("cycle", n, desk->values, expected, 1, 1e-12);
    }
    memset(desk->a, 0, sizeof(double) * MOST * MOST);
    spectrum_moduli(9, desk->a, desk->scratch, desk->values);
    assert_close("zeros", 9, desk->values, (double[9]){0}, 1, 0);
}

static void assert_no_numbers(int n, const double *values)
{
    for (int i = 0; i < n; i++)
        assert_true(isnan(values[i]));
}

/* Wherever it stands: in a corner, on the diagonal, or everywhere. */
static void test_not_a_number_in_not_a_number_out(void **state)
{
    Desk *desk = *state;
    for (int n = 2; n <= 33; n += 31) {
        double few[2], clean[33 * 33];
        draw(desk, n, 1);
        memcpy(clean, desk->a, (size_t)(n * n) * sizeof *clean);
        for (int where = 0; where < 3; where++) {
            const int row = where == 1 ? n / 2 : n - 1, column = where == 1 ? n / 2 : 0;
            memcpy(desk->a, clean, (size_t)(n * n) * sizeof *clean);
            desk->a[row * n + column] = desk->a[column * n + row] = (double)NAN;
            for (int i = 0; i < n * n && where == 2; i++)
                desk->a[i] = (double)NAN;
            spectrum_smallest(kernels_best(), n, desk->a, 2, desk->scratch, few);
            assert_no_numbers(2, few);
            spectrum_singular(kernels_best(), n, desk->a, desk->scratch, few);
            assert_no_numbers(2, few);
            spectrum_symmetric(kernels_best(), n, desk->a, desk->scratch, desk->values);
            assert_no_numbers(n, desk->values);
            gram_spectrum(desk, n, n, desk->values);
            assert_no_numbers(n, desk->values);
            spectrum_moduli(n, desk->a, desk->scratch, desk->values); /* some may be read off the diagonal */
        }
    }
}

static void test_numpy(void **state)
{
    Desk *desk = *state;
    Npz npz;
    Error err;
    assert_ok(npz_read(desk->arena, FIXTURES "/spectrum.npz", &npz, &err), &err);
    const int64_t n_cases = *(const int64_t *)npz_get(&npz, "n")->data;
    for (int64_t c = 0; c < n_cases; c++) {
        const NpyArray *array = npz_get(&npz, arena_format(desk->arena, "%lld/a", (long long)c));
        const double *expected[3];
        static const char *const names[] = {"symmetric", "singular", "moduli"};
        for (int k = 0; k < 3; k++)
            expected[k] = npz_get(&npz, arena_format(desk->arena, "%lld/%s", (long long)c, names[k]))->data;
        const int n = (int)array->shape[0];
        const double *a = array->data, size = fmax(fabs(expected[0][0]), fabs(expected[0][n - 1]));
        double singular[2];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                desk->a[i * n + j] = a[i * n + j] + a[j * n + i];
        spectrum_symmetric(kernels_best(), n, desk->a, desk->scratch, desk->values);
        assert_close(names[0], n, desk->values, expected[0], size, 1e-13);
        spectrum_singular(kernels_best(), n, a, desk->scratch, singular);
        assert_close(names[1], n < 2 ? n : 2, singular, expected[1], expected[1][0], 1e-13);
        spectrum_moduli(n, a, desk->scratch, desk->values);
        assert_close(names[2], n, desk->values, expected[2], expected[1][0], 1e-12);
    }
}

/* ---- kernels ---- */

enum { WORK = 8 * MOST };

static void fill(Desk *desk, int n, int ld, double *a)
{
    memset(a, 0, sizeof(double) * MOST * MOST);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            a[i * ld + j] = i * ld > j * 3 ? pcg_normal(&desk->pcg) : 0; /* with zeros to step over */
}

/* Counts of eigenvalues below 16 points, of three diagonals or, by their doubled matrix, of two: what a reduction must
 * keep, whereas single entries of it depend on every rounding before them. */
static void count_below(const Kernels *kernels, int n, int is_bidiagonal, const double *d, const double *e,
                        const double *points, int *ret_counts)
{
    double zeros[2 * MOST] = {0}, doubled[2 * MOST + 1] = {0};
    for (int i = 0; i < n; i++)
        doubled[2 * i + 1] = d[i], doubled[2 * i + 2] = e[i];
    if (is_bidiagonal)
        kernels->sturm(2 * n, zeros, doubled, points, ret_counts);
    else
        kernels->sturm(n, d, e, points, ret_counts);
}

static void test_kernels(void **state)
{
    Desk *desk = *state;
    for (int n = 1; n <= 70; n++) {
        const int ld = (n + 7) / 8 * 8;
        double a[MOST * MOST], work[WORK], points[16], of_reference[2 * MOST], first[2 * MOST], out[2 * MOST];
        int counts[16], expected[16];
        fill(desk, n, ld, desk->a);
        for (int p = 0; p < 16; p++)
            points[p] = p == 3 ? 0 : 3 * pcg_normal(&desk->pcg);
        for (int is_bidiagonal = 0; is_bidiagonal < 2; is_bidiagonal++) {
            memset(of_reference, 0, sizeof of_reference);
            memcpy(a, desk->a, sizeof a);
            (is_bidiagonal ? kernels_reference.bidiagonalise
                           : kernels_reference.tridiagonalise)(n, ld, a, of_reference, of_reference + MOST, work);
            count_below(&kernels_reference, n, is_bidiagonal, of_reference, of_reference + MOST, points, expected);
            for (const char *const *name = kernels_available(); *name; name++) {
                const Kernels *kernels = kernels_named(*name);
                memset(out, 0, sizeof out);
                memcpy(a, desk->a, sizeof a);
                (is_bidiagonal ? kernels->bidiagonalise : kernels->tridiagonalise)(n, ld, a, out, out + MOST, work);
                if (name == kernels_available())
                    memcpy(first, out, sizeof out);
                assert_memory_equal(out, first, sizeof out);
                count_below(kernels, n, is_bidiagonal, out, out + MOST, points, counts);
                for (int p = 0; p < 16; p++) /* at 0 a doubled matrix's pair of zeros may fall on either side */
                    assert_true(counts[p] == expected[p] || (is_bidiagonal && p == 3));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invariants),
        cmocka_unit_test(test_ways_agree),
        cmocka_unit_test(test_known_laplacians),
        cmocka_unit_test(test_rank_one),
        cmocka_unit_test(test_known_moduli),
        cmocka_unit_test(test_not_a_number_in_not_a_number_out),
        cmocka_unit_test(test_numpy),
        cmocka_unit_test(test_kernels),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
