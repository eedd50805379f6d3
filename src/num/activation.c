/* Elementwise functions and their derivatives.
 *
 * GELU in its tanh form (Hendrycks & Gimpel 2016, arXiv:1606.08415) is x s(u) with the logistic function s and
 * u = 2 sqrt(2/pi) (x + 0.044715 x^3), as (1 + tanh(u/2))/2 = s(u); so it needs one exp and one division, and keeps its
 * relative accuracy in the negative tail. Derivative: s + x s (1 - s) u'.
 *
 * GELU in its exact form (ibid.) is x Phi(x) with the normal distribution Phi; derivative Phi + x phi. Phi(-a) for a >=
 * 0 is exp(-a^2/2) R(a), where R falls slowly from 1/2 towards 1/(a sqrt(2 pi)) (Mills' ratio over sqrt(2 pi)); in w =
 * (a-k)/(a+k) (Shepherd & Laframboise 1981, Math. Comp. 36) it is nearly a polynomial of low degree. The one here is
 * minimax for the relative error (Remez): 2^-27.2 in float, 2^-60.4 in double.
 *
 * SwiGLU (Shazeer 2020, arXiv 2002.05202, eq. 6) is up * silu(gate) with silu(z) = z s(z), whose derivative is
 * s + z s (1 - s). Backward makes the function's value again with its derivative, for the price of a store: what was
 * not kept need not be fetched from far.
 */
#include "num/path.h"
#include "num/vec.h"
#include "num/vec_math.h"

#define ZERO        ((vec){0})
#define GELU_LINEAR ((real)1.5957691216057308)  /* 2 sqrt(2/pi) */
#define GELU_CUBIC  ((real)0.07135481627260025) /* times 0.044715 */

void KERNEL(gelu_forward)(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(x + i + AHEAD);
        const vec z = vec_load_left(x + i, left, ZERO);
        const vec u = z * vec_fma(z * z, vec_all(GELU_CUBIC), vec_all(GELU_LINEAR));
        vec_store_left(y + i, left, z * (1 / (vec_exp(-u) + 1)));
    }
}

void KERNEL(gelu_backward)(size_t n, const real *x, const real *dy, real *dx, real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(x + i + AHEAD);
        vec_fetch(dy + i + AHEAD);
        const vec z = vec_load_left(x + i, left, ZERO);
        const vec z2 = vec_min(vec_all(REAL_HIGHEST), z * z); /* or 1 - s = 0 would meet an infinite slope of u */
        const vec u = z * vec_fma(z2, vec_all(GELU_CUBIC), vec_all(GELU_LINEAR));
        const vec du = vec_fma(z2, vec_all(3 * GELU_CUBIC), vec_all(GELU_LINEAR));
        const vec s = 1 / (vec_exp(-u) + 1), f = z * s;
        const vec slope = vec_fma(f * (1 - s), du, s);
        vec_store_left(dx + i, left, vec_load_left(dy + i, left, ZERO) * slope);
        vec_store_left(y + i, left, f);
    }
}

#ifdef REFFRAME_DOUBLE

#define MILLS_MOST   37.7 /* exp(-a^2/2) has vanished */
#define MILLS_CENTRE 4.0  /* k */
static const real mills_terms[] = {
    9.1721062803295604e-11,  2.2794401262953326e-10,  -5.5449881958604409e-10, -2.2241962621745235e-09,
    7.8280691128313425e-10,  1.2351965112034738e-08,  8.7141116910946582e-09,  -5.3357383093561008e-08,
    -9.3738588997576805e-08, 2.0641029386398910e-07,  6.6132171609414742e-07,  -8.2960523482754081e-07,
    -4.3035071541267211e-06, 4.6316177489023055e-06,  2.8648335750264678e-05,  -4.5554905818260221e-05,
    -1.8718426832868731e-04, 6.3881385310049933e-04,  5.0756207493330373e-04,  -8.4920954822060475e-03,
    3.0864804106323428e-02,  -7.1707407337734036e-02, 1.2437925533926335e-01,  -1.7039772154845545e-01,
    9.4410641301968939e-02};

#else

#define MILLS_MOST   13.25f
#define MILLS_CENTRE 3.0f
static const real mills_terms[] = {5.4150627e-05f,   1.16037212e-04f, -3.39911086e-04f, -9.84182698e-04f,
                                   2.90470244e-03f,  6.13218313e-03f, -4.62133139e-02f, 1.23225018e-01f,
                                   -2.06402615e-01f, 1.21513948e-01f};

#endif

#define N_MILLS_TERMS        ((int)(sizeof mills_terms / sizeof mills_terms[0]))
#define ONE_OVER_SQRT_TWO_PI ((real)0.39894228040143268)

typedef struct {
    vec share, density; /* Phi(z), phi(z) */
} Normal;

INLINE Normal normal_of(vec z)
{
    const vec a = vec_min(vec_all(MILLS_MOST), vec_max(z, -z)), square = a * a;
    vec e = vec_exp(square * (real)-0.5);
    e = vec_fma(e, (real)-0.5 * vec_fma(a, a, -square), e); /* what the square's rounding took */
    const vec w = (a - MILLS_CENTRE) / (a + MILLS_CENTRE);
    vec p = vec_all(mills_terms[0]);
    UNROLL
    for (int i = 1; i < N_MILLS_TERMS; i++)
        p = vec_fma(p, w, vec_all(mills_terms[i]));
    const vec tail = e * p;
    return (Normal){vec_choose(z <= 0, tail, 1 - tail), e * ONE_OVER_SQRT_TWO_PI};
}

void KERNEL(gelu_exact_forward)(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(x + i + AHEAD);
        const vec z = vec_load_left(x + i, left, ZERO);
        vec_store_left(y + i, left, z * normal_of(z).share);
    }
}

void KERNEL(gelu_exact_backward)(size_t n, const real *x, const real *dy, real *dx, real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(x + i + AHEAD);
        vec_fetch(dy + i + AHEAD);
        const vec z = vec_load_left(x + i, left, ZERO);
        const Normal at = normal_of(z);
        vec_store_left(dx + i, left, vec_load_left(dy + i, left, ZERO) * vec_fma(z, at.density, at.share));
        vec_store_left(y + i, left, z * at.share);
    }
}

/* max(x, 0); NaN stays. */
void KERNEL(relu_forward)(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(x + i + AHEAD);
        const vec z = vec_load_left(x + i, left, ZERO);
        vec_store_left(y + i, left, vec_max(ZERO, z));
    }
}

/* dy where x > 0, else 0. */
void KERNEL(relu_backward)(size_t n, const real *x, const real *dy, real *dx)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(x + i + AHEAD);
        vec_fetch(dy + i + AHEAD);
        const vec z = vec_load_left(x + i, left, ZERO);
        vec_store_left(dx + i, left, vec_choose(z <= 0, ZERO, vec_load_left(dy + i, left, ZERO)));
    }
}

/* y = up silu(gate) */
void KERNEL(swiglu_forward)(size_t n, const real *gate, const real *up, real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(gate + i + AHEAD);
        vec_fetch(up + i + AHEAD);
        const vec z = vec_load_left(gate + i, left, ZERO);
        vec_store_left(y + i, left, vec_load_left(up + i, left, ZERO) * (z * (1 / (vec_exp(-z) + 1))));
    }
}

/* dgate = dy up (s + z s (1 - s)), dup = dy z s */
void KERNEL(swiglu_backward)(size_t n, const real *gate, const real *up, const real *dy, real *dgate, real *dup,
                             real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(gate + i + AHEAD);
        vec_fetch(up + i + AHEAD);
        vec_fetch(dy + i + AHEAD);
        const vec z = vec_load_left(gate + i, left, ZERO), d = vec_load_left(dy + i, left, ZERO);
        const vec s = 1 / (vec_exp(-z) + 1), silu = z * s, u = vec_load_left(up + i, left, ZERO);
        vec_store_left(dgate + i, left, d * u * vec_fma(silu, 1 - s, s));
        vec_store_left(dup + i, left, d * silu);
        vec_store_left(y + i, left, u * silu);
    }
}

void KERNEL(exponential)(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_store_left(y + i, left, vec_exp(vec_load_left(x + i, left, ZERO)));
    }
}
