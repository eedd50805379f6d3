/* Elementwise functions and their derivatives.
 *
 * GELU in its tanh form (Hendrycks & Gimpel 2016, arXiv:1606.08415) is x s(u) with the logistic function s and
 * u = 2 sqrt(2/pi) (x + 0.044715 x^3), as (1 + tanh(u/2))/2 = s(u); so it needs one exp and one division, and keeps its
 * relative accuracy in the negative tail. Derivative: s + x s (1 - s) u'.
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
