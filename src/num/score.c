/* Attention weights other than a plain softmax, a row at a time and in place, with their gradients; and the cap of
 * scores. Formulas, papers and what each guarantees: model/score/NAME.c.
 *
 * Hidden entries are -INFINITY and become exact zeros. Where a gradient needs what the weights do not tell, backward
 * makes it again from the scores, with the forward's own roundings. NaN stays: no maximum or clip swallows it.
 */
#include "num/path.h"
#include "num/row.h"

/* sum x_j y_j */
static real row_dot(int n, const real *x, const real *y)
{
    Lanes sum = {{{0}}};
    for (int j = 0; j < n; j += SUM_LANES) {
        UNROLL
        for (int p = 0; p < PARTS; p++) {
            const int at = j + p * LANES, left = n - at;
            vec_fetch(x + at + AHEAD);
            sum.part[p] = vec_fma(vec_load_left(x + at, left, ZERO), vec_load_left(y + at, left, ZERO), sum.part[p]);
        }
    }
    return lanes_sum(sum);
}

/* exp(x), with the bits that a vector's lane has. */
static real one_exp(real x)
{
    return vec_exp(vec_all(x))[0];
}

/* ---- the cap of scores ------------------------------------------------------------------------------------------- */

/* An infinite score becomes NaN: it is none that a cap could mean, and would not show any more. */
void KERNEL(softcap_forward)(size_t n, real cap, real *s)
{
    const vec shrink = vec_all(1 / cap);
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        const vec x = vec_load_left(s + i, left, ZERO);
        vec_store_left(s + i, left, vec_fma(x, ZERO, vec_tanh(x * shrink) * cap));
    }
}

/* d tanh = 1 - tanh^2; a hidden score counts as one at the cap, where that is 0. */
void KERNEL(softcap_backward)(size_t n, real cap, const real *s, real *ds)
{
    const vec shrink = vec_all(1 / cap);
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(s + i + AHEAD);
        const vec t = vec_max(vec_all(-1), vec_load_left(s + i, left, ZERO) * shrink);
        vec_store_left(ds + i, left, vec_load_left(ds + i, left, ZERO) * vec_fma(-t, t, vec_all(1)));
    }
}

/* ---- softmax with one more logit, or to another total ------------------------------------------------------------ */

real KERNEL(softmax_extra_row)(int n, real extra, real total, real *s)
{
    const real largest = row_max(n, s), max = extra > largest ? extra : largest;
    const real shift = max == -(real)INFINITY ? 0 : max; /* nothing at all: zeros */
    const real of_extra = one_exp(extra - shift);
    const double sum = row_exp(n, s, shift, 1) + (double)of_extra;
    const real factor = sum == 0 ? 0 : (real)((double)total / sum);
    row_scale(n, factor, s);
    return of_extra * factor;
}

real KERNEL(softmax_extra_row_backward)(int n, real total, const real *p, real *dp)
{
    const real dot = row_dot(n, p, dp), mean = dot / total;
    for (int j = 0; j < n; j += LANES) {
        const int left = n - j;
        vec_store_left(dp + j, left, vec_load_left(p + j, left, ZERO) * (vec_load_left(dp + j, left, ZERO) - mean));
    }
    return dot;
}

/* ---- clipped softmax --------------------------------------------------------------------------------------------- */

/* Returns the factor that makes weights of the exponentials. */
real KERNEL(clipped_softmax_row)(int n, real gamma, real zeta, real *s)
{
    const real max = row_max(n, s);
    const double sum = row_exp(n, s, max == -(real)INFINITY ? 0 : max, 1);
    const real factor = sum == 0 ? 0 : (real)(1 / sum);
    const vec stretch = vec_all(zeta - gamma), below = vec_all(gamma);
    for (int j = 0; j < n; j += LANES) {
        const vec z = vec_fma(stretch, vec_load_left(s + j, n - j, ZERO) * factor, below);
        vec_store_left(s + j, n - j, vec_min(vec_all(1), vec_max(ZERO, z)));
    }
    return factor;
}

/* What is clipped has no gradient of its own, and takes part in the sum that makes weights of all. */
void KERNEL(clipped_softmax_row_backward)(int n, real gamma, real zeta, real factor, const real *s, real *dp)
{
    const real max = row_max(n, s);
    const vec shift = vec_all(max == -(real)INFINITY ? 0 : max), lowest = vec_all(-(real)INFINITY);
    const vec stretch = vec_all(zeta - gamma), below = vec_all(gamma);
    Lanes sum = {{{0}}};
    for (int j = 0; j < n; j += SUM_LANES) {
        UNROLL
        for (int part = 0; part < PARTS; part++) {
            const int at = j + part * LANES, left = n - at;
            const vec p = vec_exp(vec_load_left(s + at, left, lowest) - shift) * factor;
            const vec z = vec_fma(stretch, p, below);
            const vec d = vec_choose((z < 0) | (z > 1), ZERO, vec_load_left(dp + at, left, ZERO) * stretch);
            vec_store_left(dp + at, left, d);
            sum.part[part] = vec_fma(p, d, sum.part[part]);
        }
    }
    const real dot = lanes_sum(sum);
    for (int j = 0; j < n; j += LANES) {
        const int left = n - j;
        const vec p = vec_exp(vec_load_left(s + j, left, lowest) - shift) * factor;
        vec_store_left(dp + j, left, p * (vec_load_left(dp + j, left, ZERO) - dot));
    }
}

/* ---- sigmoid ----------------------------------------------------------------------------------------------------- */

/* Sigmoids over exp(max) where all arguments are below 0, or a row of small ones would have no sum to divide by. */
static real normalised_sigmoid(int n, real bias, real *s)
{
    const real max = row_max(n, s) + bias, shift = max < 0 && max > -(real)INFINITY ? max : 0;
    const vec lowest = vec_all(-(real)INFINITY);
    double total = 0;
    for (int start = 0; start < n; start += SUM_BLOCK) {
        const int end = n - start < SUM_BLOCK ? n : start + SUM_BLOCK;
        Lanes sum = {{{0}}};
        for (int j = start; j < end; j += SUM_LANES) {
            UNROLL
            for (int p = 0; p < PARTS; p++) {
                const int at = j + p * LANES;
                const vec z = vec_load_left(s + at, end - at, lowest) + bias;
                const vec y = shift < 0 ? vec_exp(z - shift) / (vec_exp(z) + 1) : 1 / (vec_exp(-z) + 1);
                vec_store_left(s + at, end - at, y);
                sum.part[p] += y;
            }
        }
        total += (double)lanes_sum(sum);
    }
    row_scale(n, total == 0 ? 0 : (real)(1 / total), s);
    return (real)total * one_exp(shift);
}

real KERNEL(sigmoid_row)(int n, real bias, int is_normalised, real *s)
{
    if (is_normalised)
        return normalised_sigmoid(n, bias, s);
    for (int j = 0; j < n; j += LANES) {
        const vec z = vec_load_left(s + j, n - j, ZERO) + bias;
        vec_store_left(s + j, n - j, 1 / (vec_exp(-z) + 1));
    }
    return 1;
}

void KERNEL(sigmoid_row_backward)(int n, int is_normalised, real sum, const real *p, real *dp)
{
    const real dot = is_normalised ? row_dot(n, p, dp) : 0;
    for (int j = 0; j < n; j += LANES) {
        const int left = n - j;
        const vec y = vec_load_left(p + j, left, ZERO), d = vec_load_left(dp + j, left, ZERO) - dot;
        vec_store_left(dp + j, left, y * (1 - y * sum) * d);
    }
}

/* ---- ReLU -------------------------------------------------------------------------------------------------------- */

real KERNEL(relu_row)(int n, real divisor, real *s)
{
    double total = 0;
    for (int start = 0; start < n; start += SUM_BLOCK) {
        const int end = n - start < SUM_BLOCK ? n : start + SUM_BLOCK;
        Lanes sum = {{{0}}};
        for (int j = start; j < end; j += SUM_LANES) {
            UNROLL
            for (int p = 0; p < PARTS; p++) {
                const int at = j + p * LANES;
                const vec y = vec_max(ZERO, vec_load_left(s + at, end - at, ZERO));
                vec_store_left(s + at, end - at, y);
                sum.part[p] += y;
            }
        }
        total += (double)lanes_sum(sum);
    }
    const real by = divisor > 0 ? divisor : total == 0 ? 1 : (real)total;
    for (int j = 0; j < n; j += LANES)
        vec_store_left(s + j, n - j, vec_load_left(s + j, n - j, ZERO) / by);
    return by;
}

void KERNEL(relu_row_backward)(int n, int is_normalised, real divisor, const real *p, real *dp)
{
    const real dot = is_normalised ? row_dot(n, p, dp) : 0;
    for (int j = 0; j < n; j += LANES) {
        const int left = n - j;
        const vec y = vec_load_left(p + j, left, ZERO), d = (vec_load_left(dp + j, left, ZERO) - dot) / divisor;
        vec_store_left(dp + j, left, vec_choose(y <= 0, ZERO, d));
    }
}

/* ---- softpick ---------------------------------------------------------------------------------------------------- */

/* (exp(s) - 1) exp(-max) for s <= max and max >= 0, with of_zero = exp(-max); 0 where hidden. */
INLINE vec risen(vec s, vec max, real of_zero)
{
    const vec y = vec_choose(s < 1, vec_expm1(s) * of_zero, vec_exp(s - max) - of_zero);
    return vec_choose(s == -(real)INFINITY, ZERO, y);
}

static real largest_or_zero(int n, const real *s)
{
    const real max = row_max(n, s);
    return max > 0 ? max : 0;
}

real KERNEL(softpick_row)(int n, real epsilon, real *s)
{
    const real max = largest_or_zero(n, s), of_zero = one_exp(-max);
    const vec lowest = vec_all(-(real)INFINITY), shift = vec_all(max);
    double total = (double)epsilon * (double)of_zero;
    for (int start = 0; start < n; start += SUM_BLOCK) {
        const int end = n - start < SUM_BLOCK ? n : start + SUM_BLOCK;
        Lanes sum = {{{0}}};
        for (int j = start; j < end; j += SUM_LANES) {
            UNROLL
            for (int p = 0; p < PARTS; p++) {
                const int at = j + p * LANES;
                const vec y = risen(vec_load_left(s + at, end - at, lowest), shift, of_zero);
                vec_store_left(s + at, end - at, vec_max(ZERO, y));
                sum.part[p] += vec_choose(y < 0, -y, y);
            }
        }
        total += (double)lanes_sum(sum);
    }
    for (int j = 0; j < n; j += LANES)
        vec_store_left(s + j, n - j, vec_load_left(s + j, n - j, ZERO) / (real)total);
    return (real)total;
}

void KERNEL(softpick_row_backward)(int n, real sum, const real *s, const real *p, real *dp)
{
    const vec shift = vec_all(largest_or_zero(n, s)), lowest = vec_all(-(real)INFINITY);
    const vec dot = vec_all(row_dot(n, p, dp));
    for (int j = 0; j < n; j += LANES) {
        const int left = n - j;
        const vec z = vec_load_left(s + j, left, lowest), e = vec_exp(z - shift) / sum;
        const vec d = vec_load_left(dp + j, left, ZERO);
        vec_store_left(dp + j, left, e * vec_choose(z > 0, d - dot, vec_choose(z < 0, dot, z)));
    }
}

/* ---- 1.5-entmax -------------------------------------------------------------------------------------------------- */

/* The threshold by Newton's method: the sum of max(z - t, 0)^2 is convex and falls with t, so that from below, where it
 * is at least one, every step rises and none passes it. The end is where rounding lets it rise no more. */
void KERNEL(entmax15_row)(int n, real *s)
{
    enum { MOST_STEPS = 100 };
    const real largest = row_max(n, s);
    const vec lowest = vec_all(-(real)INFINITY), max = vec_all(largest == -(real)INFINITY ? 0 : largest);
    real threshold = -1;
    for (int j = 0; j < n; j += LANES)
        vec_store_left(s + j, n - j, (vec_load_left(s + j, n - j, lowest) - max) * (real)0.5);
    for (int step = 0; step < MOST_STEPS; step++) {
        Lanes sum = {{{0}}}, squares = {{{0}}};
        for (int j = 0; j < n; j += SUM_LANES) {
            UNROLL
            for (int p = 0; p < PARTS; p++) {
                const int at = j + p * LANES;
                const vec y = vec_max(ZERO, vec_load_left(s + at, n - at, lowest) - threshold);
                sum.part[p] += y;
                squares.part[p] = vec_fma(y, y, squares.part[p]);
            }
        }
        const real rise = (lanes_sum(squares) - 1) / (2 * lanes_sum(sum));
        if (threshold + rise <= threshold)
            break;
        threshold += rise; /* a NaN, too, which then is everywhere */
    }
    for (int j = 0; j < n; j += LANES) {
        const vec y = vec_max(ZERO, vec_load_left(s + j, n - j, lowest) - threshold);
        vec_store_left(s + j, n - j, y * y);
    }
}

void KERNEL(entmax15_row_backward)(int n, const real *p, real *dp)
{
    Lanes sum = {{{0}}}, weighed = {{{0}}};
    for (int j = 0; j < n; j += SUM_LANES) {
        UNROLL
        for (int part = 0; part < PARTS; part++) {
            const int at = j + part * LANES, left = n - at;
            const vec g = vec_sqrt(vec_load_left(p + at, left, ZERO));
            sum.part[part] += g;
            weighed.part[part] = vec_fma(g, vec_load_left(dp + at, left, ZERO), weighed.part[part]);
        }
    }
    const real all = lanes_sum(sum), mean = all == 0 ? 0 : lanes_sum(weighed) / all;
    for (int j = 0; j < n; j += LANES) {
        const int left = n - j;
        const vec g = vec_sqrt(vec_load_left(p + j, left, ZERO));
        vec_store_left(dp + j, left, g * (vec_load_left(dp + j, left, ZERO) - mean));
    }
}
