/* What the tests of kernels share: numbers that repeat, arrays with guards, and comparisons of arrays. */
#ifndef REFFRAME_TESTS_NUMERIC_H
#define REFFRAME_TESTS_NUMERIC_H

#include "testing.h"

#include <float.h>
#include <math.h>

#include "num/kernels.h"
#include "num/openblas.h"
#include "num/reference.h"

/* Uniform in [-1, 1), from a generator good enough for tests (Numerical Recipes' LCG, its upper bits). */
static inline double next_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (1 << 23) - 1;
}

/* n reals in [-size, size) between guards of NaN, freed by free_reals, which holds the guards. */
#define GUARD 32

static inline real *new_reals(size_t n, double size, uint32_t *state)
{
    real *x = malloc((n + 2 * GUARD) * sizeof(real) + sizeof(size_t) * 2);
    assert_non_null(x);
    for (size_t i = 0; i < n + 2 * GUARD; i++)
        x[i] = i >= GUARD && i < n + GUARD ? (real)(next_number(state) * size) : (real)NAN;
    return x + GUARD;
}

static inline void free_reals(size_t n, real *x)
{
    for (size_t i = 0; i < GUARD; i++)
        if (!isnan(x[-1 - (ptrdiff_t)i]) || !isnan(x[n + i]))
            fail_msg("a kernel wrote outside its array of %zu", n);
    free(x - GUARD);
}

static inline real *copy_reals(size_t n, const real *x)
{
    uint32_t state = 1;
    real *y = new_reals(n, 1, &state);
    memcpy(y, x, n * sizeof(real));
    return y;
}

/* Equal bits, all NaNs being one. */
static inline void assert_same(const char *what, size_t n, const real *x, const real *y)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&x[i], &y[i], sizeof(real)) != 0 && !(isnan(x[i]) && isnan(y[i])))
            fail_msg("%s: [%zu] is %.17g in one, %.17g in the other", what, i, (double)x[i], (double)y[i]);
}

/* Within tolerance * size; what is no number is within nothing. */
static inline void assert_close(const char *what, int n, const double *x, const double *y, double size,
                                double tolerance)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(x[i] - y[i]) <= tolerance * size))
            fail_msg("%s[%d] of %d: %.17g, should be %.17g", what, i, n, x[i], y[i]);
}

/* Our kernels with OpenBLAS's products, from arena; NULL, and why, where it is missing: the test has nothing to ask. */
static inline const Kernels *openblas_there(Arena *arena)
{
    const Kernels *kernels = NULL;
    Error err;
    if (openblas_kernels(arena, kernels_best(), &kernels, &err) != STATUS_OK)
        print_message("# %s\n", err.text);
    return kernels;
}

/* |x - y| <= tolerance * (size + |y|) everywhere, or both NaN, or equal (infinities). */
static inline void assert_near(const char *what, size_t n, const real *x, const real *y, double tolerance, double size)
{
    for (size_t i = 0; i < n; i++) {
        const double a = (double)x[i], b = (double)y[i];
        const int same = a == b || (isnan(a) && isnan(b));
        if (!same && !(fabs(a - b) <= tolerance * (size + fabs(b))))
            fail_msg("%s: [%zu] is %.17g, should be %.17g", what, i, a, b);
    }
}

#endif
