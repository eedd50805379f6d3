/* The stated accuracy of the kernels' own functions, held over the whole range of floats: a table of functions, their
 * exact values in a wider type, and what may be between; and a sweep over every stride-th bit pattern.
 *
 * A bound is in units of the last place of the exact value, or, for slopes, which have zeros, in REAL_EPSILON of 1.
 */
#ifndef REFFRAME_TESTS_NUM_ACCURACY_H
#define REFFRAME_TESTS_NUM_ACCURACY_H

#include "numeric.h"

#ifdef REFFRAME_DOUBLE
typedef long double wide;
typedef uint64_t bits;
#define wide_exp       expl
#define wide_tanh      tanhl
#define wide_erfc      erfcl
#define REAL_LEAST     DBL_MIN
#define LEAST_EXPONENT DBL_MIN_EXP
#define MANTISSA       52
#define EXP_LOWEST     (-708.396)
#define EXP_HIGHEST    709.782712893384
#define SILU_SLOPE     24
#define GELU_SLOPE     64
#define PHI_LOWEST     (-37.5)
#define PHI_UNITS      24
#else
typedef double wide;
typedef uint32_t bits;
#define wide_exp       exp
#define wide_tanh      tanh
#define wide_erfc      erfc
#define REAL_LEAST     FLT_MIN
#define LEAST_EXPONENT FLT_MIN_EXP
#define MANTISSA       23
#define EXP_LOWEST     (-87.336)
#define EXP_HIGHEST    88.7228390
#define SILU_SLOPE     12
#define GELU_SLOPE     24
#define PHI_LOWEST     (-12.9)
#define PHI_UNITS      8
#endif

enum { SWEEP_BLOCK = 4096 };

/* ---- the functions ----------------------------------------------------------------------------------------------- */

static const wide gelu_linear = (wide)1.59576912160573071176L, gelu_cubic = (wide)0.07135481627260025083L;

static wide gelu_argument(wide x)
{
    return x * (gelu_linear + gelu_cubic * x * x);
}

static wide logistic(wide u)
{
    return 1 / (1 + wide_exp(-u));
}

static wide exact_silu(wide x)
{
    return x * logistic(x);
}

static wide exact_silu_slope(wide x)
{
    return logistic(x) * (1 + x * logistic(-x));
}

static wide exact_gelu(wide x)
{
    return x * logistic(gelu_argument(x));
}

/* The second product vanishes long before its last factor is infinite, where `wide` may be as short as a double (as
 * valgrind has it). */
static wide exact_gelu_slope(wide x)
{
    const wide u = gelu_argument(x), share = logistic(u), product = share * logistic(-u);
    return share + (product > 0 ? product * x * (gelu_linear + 3 * gelu_cubic * x * x) : 0);
}

static const wide sqrt_half = (wide)0.70710678118654752440L, density_at_0 = (wide)0.39894228040143267794L;

static wide exact_phi_gelu(wide x)
{
    return x / 2 * wide_erfc(-x * sqrt_half);
}

/* Where the density has vanished its argument may be infinite. */
static wide exact_phi_gelu_slope(wide x)
{
    const wide density = density_at_0 * wide_exp(-x * x / 2);
    return wide_erfc(-x * sqrt_half) / 2 + (density > 0 ? x * density : 0);
}

static void call_exp(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    (void)ones, (void)unused;
    k->exponential(SWEEP_BLOCK, x, y);
}

static void call_silu(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    (void)unused;
    k->swiglu_forward(SWEEP_BLOCK, x, ones, y);
}

static void call_silu_again(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    k->swiglu_backward(SWEEP_BLOCK, x, ones, ones, unused, y, unused);
}

static void call_silu_slope(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    k->swiglu_backward(SWEEP_BLOCK, x, ones, ones, y, unused, unused);
}

static void call_gelu(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    (void)ones, (void)unused;
    k->gelu_forward(SWEEP_BLOCK, x, y);
}

static void call_gelu_again(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    k->gelu_backward(SWEEP_BLOCK, x, ones, unused, y);
}

static void call_gelu_slope(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    k->gelu_backward(SWEEP_BLOCK, x, ones, y, unused);
}

static void call_tanh(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    (void)ones, (void)unused;
    memcpy(y, x, SWEEP_BLOCK * sizeof(real));
    k->softcap_forward(SWEEP_BLOCK, 1, y);
}

static void call_phi_gelu(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    (void)ones, (void)unused;
    k->gelu_exact_forward(SWEEP_BLOCK, x, y);
}

static void call_phi_gelu_again(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    k->gelu_exact_backward(SWEEP_BLOCK, x, ones, unused, y);
}

static void call_phi_gelu_slope(const Kernels *k, const real *ones, const real *x, real *unused, real *y)
{
    k->gelu_exact_backward(SWEEP_BLOCK, x, ones, y, unused);
}

/* Below `lowest` the function has vanished; above `highest` it is as large as it gets.
 * The rounding of GELU's argument u = 2 sqrt(2/pi) (x + 0.044715 x^3) costs 3 |u| units on top in its vanishing tail.
 */
static const struct {
    const char *name;
    wide (*exact)(wide x);
    void (*call)(const Kernels *kernels, const real *ones, const real *x, real *unused, real *y);
    double lowest, highest, bound;
    int grows_with_u, is_slope;
} functions[] = {
    {"exp", wide_exp, call_exp, EXP_LOWEST, EXP_HIGHEST, 1.2, 0, 0},
    {"silu", exact_silu, call_silu, EXP_LOWEST, (double)INFINITY, 3, 0, 0},
    {"silu in backward", exact_silu, call_silu_again, EXP_LOWEST, (double)INFINITY, 3, 0, 0},
    {"slope of silu", exact_silu_slope, call_silu_slope, -(double)INFINITY, (double)INFINITY, SILU_SLOPE, 0, 1},
    {"gelu", exact_gelu, call_gelu, EXP_LOWEST, (double)INFINITY, 3, 1, 0},
    {"gelu in backward", exact_gelu, call_gelu_again, EXP_LOWEST, (double)INFINITY, 3, 1, 0},
    {"slope of gelu", exact_gelu_slope, call_gelu_slope, -(double)INFINITY, (double)INFINITY, GELU_SLOPE, 0, 1},
    {"tanh", wide_tanh, call_tanh, -(double)INFINITY, (double)INFINITY, 4, 0, 0},
    {"exact gelu", exact_phi_gelu, call_phi_gelu, PHI_LOWEST, (double)INFINITY, PHI_UNITS, 0, 0},
    {"exact gelu in backward", exact_phi_gelu, call_phi_gelu_again, PHI_LOWEST, (double)INFINITY, PHI_UNITS, 0, 0},
    {"slope of exact gelu", exact_phi_gelu_slope, call_phi_gelu_slope, -(double)INFINITY, (double)INFINITY, 3, 0, 1},
};

enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

/* ---- the sweep --------------------------------------------------------------------------------------------------- */

/* In units of the bound's kind; -1 outside the function's range, where y must have vanished or be infinite. */
static double error_at(int f, real x, real y)
{
    const int grows = functions[f].grows_with_u;
    const double argument = grows ? (double)gelu_argument((wide)x) : (double)x;
    const int is_below = argument<functions[f].lowest, is_above = argument> functions[f].highest;
    const int is_right = is_below ? fabs((double)y) < 1024 * (double)REAL_LEAST : isinf(y);
    if ((is_below || is_above) && !functions[f].is_slope && !is_right)
        fail_msg("%s of %.9g is %.9g", functions[f].name, (double)x, (double)y);
    if (is_below || is_above)
        return -1;
    const wide exact = functions[f].exact((wide)x), apart = (wide)y > exact ? (wide)y - exact : exact - (wide)y;
    int exponent;
    frexp((double)exact, &exponent);
    if (functions[f].is_slope || exact == 0)
        exponent = 1;
    else if (exponent < LEAST_EXPONENT) /* units do not shrink below the smallest normal number */
        exponent = LEAST_EXPONENT;
    const double allowance = grows ? 1 + 3 * fabs(fmin(argument, 0)) / functions[f].bound : 1;
    return (double)ldexpl((long double)apart, MANTISSA + 1 - exponent) / allowance;
}

typedef struct {
    real ones[SWEEP_BLOCK], x[SWEEP_BLOCK], unused[SWEEP_BLOCK], y[SWEEP_BLOCK], same[SWEEP_BLOCK];
    int n, n_blocks;
    double worst[N_FUNCTIONS];
} Sweep;

/* Every function at the arguments gathered, which are then forgotten; all paths have the same bits, of which a sample
 * of blocks is asked, for plain C without an fma of its own is slow. */
static void evaluate(Sweep *sweep)
{
    for (int i = sweep->n; i < SWEEP_BLOCK; i++)
        sweep->x[i] = 0;
    const int with_paths = sweep->n_blocks++ % 31 == 0;
    for (int f = 0; f < N_FUNCTIONS; f++) {
        functions[f].call(kernels_best(), sweep->ones, sweep->x, sweep->unused, sweep->y);
        for (const char *const *name = kernels_available(); with_paths && *name; name++) {
            functions[f].call(kernels_named(*name), sweep->ones, sweep->x, sweep->unused, sweep->same);
            assert_same(functions[f].name, SWEEP_BLOCK, sweep->y, sweep->same);
        }
        for (int i = 0; i < sweep->n; i++) {
            const double error = error_at(f, sweep->x[i], sweep->y[i]);
            if (!(error <= functions[f].bound)) /* a NaN, too */
                fail_msg("%s of %.9g is %.9g, which is %.3g units off", functions[f].name, (double)sweep->x[i],
                         (double)sweep->y[i], error);
            sweep->worst[f] = fmax(sweep->worst[f], error);
        }
    }
    sweep->n = 0;
}

/* Every stride-th number of sizes [from, to), of both signs. */
static void sweep_sizes(Sweep *sweep, real from, real to, bits stride)
{
    bits b, end;
    memcpy(&b, &from, sizeof b), memcpy(&end, &to, sizeof end);
    for (; b<end; b = end - b> stride ? b + stride : end) {
        memcpy(&sweep->x[sweep->n], &b, sizeof b);
        sweep->x[sweep->n + 1] = -sweep->x[sweep->n];
        sweep->n += 2;
        if (sweep->n == SWEEP_BLOCK)
            evaluate(sweep);
    }
    evaluate(sweep);
}

/* All finite numbers: those between 2^-24 and 2^7 in size, where the functions are neither straight nor constant, in
 * steps of `fine`, the rest in steps of `coarse`. */
static void sweep_everything(bits fine, bits coarse)
{
    Sweep *sweep = calloc(1, sizeof *sweep);
    assert_non_null(sweep);
    for (int i = 0; i < SWEEP_BLOCK; i++)
        sweep->ones[i] = 1;
    const real low = (real)ldexp(1, -24), high = (real)ldexp(1, 7);
    sweep_sizes(sweep, 0, low, coarse);
    sweep_sizes(sweep, low, high, fine);
    sweep_sizes(sweep, high, (real)INFINITY, coarse);
    for (int f = 0; f < N_FUNCTIONS; f++)
        print_message("# %-16s largest error %.2f of %.3g units%s\n", functions[f].name, sweep->worst[f],
                      functions[f].bound, functions[f].grows_with_u ? " and 3 |u|" : "");
    free(sweep);
}

#endif
