/* Which kernels this machine runs, whether it runs them right, and how fast an fma loop can be.
 *
 * Each path's machines include those of the paths before it in `paths`, so the names available are a tail of one const
 * list and nothing needs to be remembered.
 */
#include "num/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "num/reference.h"

extern const Kernels kernels_avx512, kernels_avx2, kernels_neon, kernels_plain;

/* From the fastest to the slowest. */
#ifdef __x86_64__
static const Kernels *const paths[] = {&kernels_avx512, &kernels_avx2, &kernels_plain};
static const char *const path_names[] = {"avx512", "avx2", "plain", NULL};
#elif defined(__aarch64__) /* every such machine has it */
static const Kernels *const paths[] = {&kernels_neon};
static const char *const path_names[] = {"neon", NULL};
#else
static const Kernels *const paths[] = {&kernels_plain};
static const char *const path_names[] = {"plain", NULL};
#endif

static int first_available(void)
{
#ifdef __x86_64__
    const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    return !avx2 ? 2 : !avx512 ? 1 : 0;
#else
    return 0;
#endif
}

const char *const *kernels_available(void)
{
    return path_names + first_available();
}

const Kernels *kernels_named(const char *name)
{
    for (int i = first_available(); path_names[i]; i++)
        if (strcmp(path_names[i], name) == 0)
            return paths[i];
    return NULL;
}

const Kernels *kernels_best(void)
{
    const char *asked = getenv("REFFRAME_KERNELS");
    const Kernels *kernels = asked ? kernels_named(asked) : NULL;
    return kernels ? kernels : paths[first_available()];
}

/* ---- does the machine compute? ---- */

#define CHECK_SIDE 33 /* odd: whole vectors and remainders */
#define CHECK_SIZE (CHECK_SIDE * CHECK_SIDE)

/* Largest difference, where a NaN counts as infinite. */
static double distance(int n, const real *x, const real *y)
{
    double largest = 0;
    for (int i = 0; i < n; i++) {
        const double d = fabs((double)x[i] - (double)y[i]);
        largest = d <= largest ? largest : d == d ? d : (double)INFINITY;
    }
    return largest;
}

static void check_results(const Kernels *kernels, const real *a, const real *b, real *scratch, real *ret)
{
    real *product = ret, *rows = product + CHECK_SIZE, *norm = rows + CHECK_SIZE, *sums = norm + CHECK_SIZE;
    real *mean = sums + CHECK_SIDE, *rstd = mean + CHECK_SIDE, *packed = rstd + CHECK_SIDE,
         *panels = packed + CHECK_SIZE;
    kernels->pack(MATMUL_NT, CHECK_SIDE, CHECK_SIDE, b, CHECK_SIDE, panels);
    kernels->matmul_packed(&(PackedProduct){.kind = MATMUL_TN,
                                            .m = CHECK_SIDE,
                                            .n = CHECK_SIDE,
                                            .k = CHECK_SIDE - 2,
                                            .alpha = 1,
                                            .a = a,
                                            .ld_a = CHECK_SIDE,
                                            .panels = panels,
                                            .k_packed = CHECK_SIDE,
                                            .k_first = 2,
                                            .plus = b,
                                            .c = packed,
                                            .ld_c = CHECK_SIDE},
                           scratch);
    kernels->matmul(MATMUL_NN, CHECK_SIDE, CHECK_SIDE, CHECK_SIDE, 1, a, CHECK_SIDE, b, CHECK_SIDE, 0, product,
                    CHECK_SIDE, scratch);
    memcpy(rows, a, CHECK_SIZE * sizeof(real));
    for (int i = 0; i < CHECK_SIDE; i++)
        kernels->softmax_row(CHECK_SIDE, rows + (size_t)i * CHECK_SIDE, sums + i);
    kernels->layernorm_forward(CHECK_SIDE, CHECK_SIDE, 1e-5, a, b, NULL, norm, mean, rstd);
}

int kernels_self_check(const Kernels *kernels)
{
    enum {
        RESULTS = 4 * CHECK_SIZE + 3 * CHECK_SIDE,
        PANELS = 2 * CHECK_SIZE
    }; /* panels come last, in an order of the path's own */
    real a[CHECK_SIZE], b[CHECK_SIZE], fast[RESULTS + PANELS], slow[RESULTS + PANELS];
    real *scratch = aligned_alloc(64, MATMUL_SCRATCH * sizeof(real));
    if (!scratch)
        return -1;
    for (int i = 0; i < CHECK_SIZE; i++) {
        a[i] = (real)(i * 37 % 101 - 50) / 25;
        b[i] = (real)(i * 53 % 97 - 48) / 24;
    }
    check_results(kernels, a, b, scratch, fast);
    check_results(&kernels_reference, a, b, scratch, slow);
    free(scratch);
    return distance(RESULTS, fast, slow) <= 200 * (double)REAL_EPSILON ? 0 : -1;
}

/* ---- peak ---- */

double kernels_peak(const Kernels *kernels, double seconds)
{
    volatile real sink; /* so that the loop has a result to compute */
    real value;
    double flops = 0, elapsed;
    const double start = clock_seconds();
    do {
        flops += kernels->spin(2000, &value);
        sink = value;
        elapsed = clock_seconds() - start;
    } while (elapsed < seconds);
    (void)sink;
    return flops / elapsed;
}
