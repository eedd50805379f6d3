/* Eigenvalues, singular values and moduli against LAPACK's, in double and in float: the oracle of spectrum.c that
 * nobody here wrote, at every size that changes the padding. OpenBLAS has a LAPACK inside; where it is not found there
 * is nothing to ask. Its matrices are column by column, so theirs are ours turned, which changes no value.
 */
#include "numeric.h"

#include <dlfcn.h>

#include "base/pcg.h"
#include "num/spectrum.h"

enum { MOST = 80 };

typedef struct {
    Arena *arena;
    void *scratch;
    double *a, *values; /* (MOST,MOST), (MOST,) */
    Pcg pcg;
} Desk;

static int set_up(void **state)
{
    Arena *arena = arena_new();
    Desk *desk = ARENA_ARRAY(arena, Desk, 1);
    *desk = (Desk){arena, arena_alloc(arena, spectrum_scratch_bytes(MOST)), ARENA_ARRAY(arena, double, MOST *MOST),
                   ARENA_ARRAY(arena, double, MOST), pcg_named(5, "test/lapack")};
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    arena_free(((Desk *)*state)->arena);
    return 0;
}

/* Of numbers that float holds, so that both precisions are asked of the same matrix. */
static void draw(Desk *desk, int n, int is_symmetric)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            desk->a[i * n + j] = is_symmetric && j < i ? desk->a[j * n + i] : (double)(float)pcg_normal(&desk->pcg);
}

typedef void Syev(const char *job, const char *triangle, const int *n, void *a, const int *ld, void *values, void *work,
                  const int *n_work, int *info);
typedef void Gesvd(const char *left, const char *right, const int *m, const int *n, void *a, const int *ld,
                   void *values, void *u, const int *ld_u, void *v, const int *ld_v, void *work, const int *n_work,
                   int *info);
typedef void Geev(const char *left, const char *right, const int *n, void *a, const int *ld, void *real_parts,
                  void *imaginary_parts, void *u, const int *ld_u, void *v, const int *ld_v, void *work,
                  const int *n_work, int *info);

typedef struct {
    Syev *dsyev, *ssyev;
    Gesvd *dgesvd, *sgesvd;
    Geev *dgeev;
} Lapack;

enum { LAPACK_WORK = 64 * MOST };

/* -1 where there is none; with one thread a call, as openblas_kernels leaves it. */
static int lapack_load(Arena *arena, Lapack *ret_lapack)
{
    static const char *const names[] = {"dsyev_", "ssyev_", "dgesvd_", "sgesvd_", "dgeev_"};
    enum { N_NAMES = sizeof names / sizeof *names };
    void *functions[N_NAMES],
        *library = openblas_there(arena) ? dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) : NULL;
    for (int i = 0; i < N_NAMES; i++)
        if (!library || !(functions[i] = dlsym(library, names[i])))
            return -1;
    memcpy(ret_lapack, functions, sizeof functions);
    return 0;
}

static float *in_float(const Desk *desk, int n, float *ret_a)
{
    for (int i = 0; i < n * n; i++)
        ret_a[i] = (float)desk->a[i];
    return ret_a;
}

static void check_symmetric(const Lapack *lapack, Desk *desk, int n)
{
    static double theirs[MOST * MOST], work[LAPACK_WORK], values[MOST];
    static float theirs_float[MOST * MOST], work_float[LAPACK_WORK], values_float[MOST];
    const int n_work = LAPACK_WORK;
    int info = 0;
    draw(desk, n, 1);
    memcpy(theirs, desk->a, sizeof(double) * (size_t)(n * n));
    spectrum_symmetric(kernels_best(), n, desk->a, desk->scratch, desk->values);
    lapack->dsyev("N", "U", &n, theirs, &n, values, work, &n_work, &info);
    assert_int_equal(info, 0);
    assert_close("dsyev", n, desk->values, values, sqrt(n), 1e-14 * n);
    lapack->ssyev("N", "U", &n, in_float(desk, n, theirs_float), &n, values_float, work_float, &n_work, &info);
    assert_int_equal(info, 0);
    for (int i = 0; i < n; i++)
        values[i] = (double)values_float[i];
    assert_close("ssyev", n, desk->values, values, sqrt(n), 1e-6 * sqrt(n));
}

static void check_singular(const Lapack *lapack, Desk *desk, int n)
{
    static double theirs[MOST * MOST], work[LAPACK_WORK], values[MOST];
    static float theirs_float[MOST * MOST], work_float[LAPACK_WORK], values_float[MOST];
    const int n_work = LAPACK_WORK, one = 1, n_compared = n > 1 ? 2 : 1;
    double singular[2], unused;
    int info = 0;
    draw(desk, n, 0);
    memcpy(theirs, desk->a, sizeof(double) * (size_t)(n * n));
    spectrum_singular(kernels_best(), n, desk->a, desk->scratch, singular);
    lapack->dgesvd("N", "N", &n, &n, theirs, &n, values, &unused, &one, &unused, &one, work, &n_work, &info);
    assert_int_equal(info, 0);
    assert_close("dgesvd", n_compared, singular, values, sqrt(n), 1e-14 * n);
    lapack->sgesvd("N", "N", &n, &n, in_float(desk, n, theirs_float), &n, values_float, &unused, &one, &unused, &one,
                   work_float, &n_work, &info);
    assert_int_equal(info, 0);
    for (int i = 0; i < n_compared; i++)
        values[i] = (double)values_float[i];
    assert_close("sgesvd", n_compared, singular, values, sqrt(n), 1e-6 * sqrt(n));
}

static int by_modulus(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static void check_moduli(const Lapack *lapack, Desk *desk, int n)
{
    static double theirs[MOST * MOST], work[LAPACK_WORK], values[MOST], imaginary[MOST];
    const int n_work = LAPACK_WORK, one = 1;
    double unused;
    int info = 0;
    draw(desk, n, 0);
    memcpy(theirs, desk->a, sizeof(double) * (size_t)(n * n));
    spectrum_moduli(n, desk->a, desk->scratch, desk->values);
    lapack->dgeev("N", "N", &n, theirs, &n, values, imaginary, &unused, &one, &unused, &one, work, &n_work, &info);
    assert_int_equal(info, 0);
    for (int i = 0; i < n; i++)
        values[i] = hypot(values[i], imaginary[i]);
    qsort(values, (size_t)n, sizeof *values, by_modulus);
    assert_close("dgeev", n, desk->values, values, sqrt(n), 1e-12 * n);
}

static void test_lapack_agrees(void **state)
{
    Desk *desk = *state;
    Lapack lapack = {NULL};
    if (lapack_load(desk->arena, &lapack) != 0)
        skip();
    for (int n = 1; n <= MOST; n += n < 20 ? 1 : 6) {
        check_symmetric(&lapack, desk, n);
        check_singular(&lapack, desk, n);
        check_moduli(&lapack, desk, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lapack_agrees)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
