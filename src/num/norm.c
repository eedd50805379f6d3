/* Biases, LayerNorm and RMSNorm on rows of (n, width), forward and backward.
 *
 * With xhat = (x - mean) rstd and y = xhat gain + shift (Ba et al. 2016, arXiv:1607.06450), the gradient is
 *   dx = rstd (g - mean_j(g) - xhat mean_j(g xhat)),  g = dy gain;
 * RMSNorm (Zhang & Sennrich 2019, arXiv:1910.07467) has no mean and lacks the middle term. A row's statistics are sums
 * in lanes of reals (good to a few ulp up to widths of thousands), the variance in a second pass about the mean.
 * Sums over rows (dgain, dshift, db) add in ascending row order.
 */
#include "num/path.h"
#include "num/vec.h"

#define ZERO ((vec){0})

void KERNEL(bias_forward)(int n, int width, const real *b, real *y)
{
    for (int i = 0; i < n; i++, y += width)
        for (int j = 0; j < width; j += LANES) {
            const int left = width - j;
            vec_store_left(y + j, left, vec_load_left(y + j, left, ZERO) + vec_load_left(b + j, left, ZERO));
        }
}

#define BIAS_VECS 8 /* columns are summed eight vectors at a time, in registers */

void KERNEL(bias_backward)(int n, int width, const real *dy, real *db)
{
    for (int j0 = 0; j0 < width; j0 += BIAS_VECS * LANES) {
        vec sum[BIAS_VECS];
        UNROLL
        for (int v = 0; v < BIAS_VECS; v++)
            sum[v] = vec_load_left(db + j0 + v * LANES, width - j0 - v * LANES, ZERO);
        const int whole = j0 + BIAS_VECS * LANES <= width;
        for (int i = 0; i < n; i++) {
            const real *row = dy + (ptrdiff_t)i * width + j0;
            UNROLL
            for (int v = 0; v < BIAS_VECS; v++) {
                const int left = width - j0 - v * LANES;
                sum[v] += whole ? vec_load(row + v * LANES) : vec_load_left(row + v * LANES, left, ZERO);
            }
        }
        UNROLL
        for (int v = 0; v < BIAS_VECS; v++)
            vec_store_left(db + j0 + v * LANES, width - j0 - v * LANES, sum[v]);
    }
}

/* sum_j (x_j - center)^2; with center 0 the sum of squares. */
static real row_squares(int width, const real *x, real center)
{
    const vec mu = vec_all(center);
    Lanes sum = {{{0}}};
    for (int j = 0; j < width; j += SUM_LANES) {
        UNROLL
        for (int p = 0; p < PARTS; p++) {
            const int at = j + p * LANES;
            vec_fetch(x + at + AHEAD);
            const vec d = vec_load_left(x + at, width - at, mu) - mu;
            sum.part[p] = vec_fma(d, d, sum.part[p]);
        }
    }
    return lanes_sum(sum);
}

static real row_sum(int width, const real *x)
{
    Lanes sum = {{{0}}};
    for (int j = 0; j < width; j += SUM_LANES) {
        UNROLL
        for (int p = 0; p < PARTS; p++) {
            const int at = j + p * LANES;
            vec_fetch(x + at + AHEAD);
            sum.part[p] += vec_load_left(x + at, width - at, ZERO);
        }
    }
    return lanes_sum(sum);
}

/* ---- forward ---- */

/* y = (x - center) scale gain + shift, for one row; shift may be NULL. */
INLINE void row_normalise(int width, const real *x, real center, real scale, const real *gain, const real *shift,
                          real *y)
{
    const vec mu = vec_all(center), rstd = vec_all(scale);
    for (int j = 0; j < width; j += LANES) {
        const int left = width - j;
        const vec xhat = (vec_load_left(x + j, left, mu) - mu) * rstd;
        const vec add = shift ? vec_load_left(shift + j, left, ZERO) : ZERO;
        vec_store_left(y + j, left, vec_fma(xhat, vec_load_left(gain + j, left, ZERO), add));
    }
}

void KERNEL(layernorm_forward)(int n, int width, double epsilon, const real *x, const real *gain, const real *shift,
                               real *y, real *mean, real *rstd)
{
    for (int i = 0; i < n; i++, x += width, y += width) {
        mean[i] = row_sum(width, x) / (real)width;
        rstd[i] = (real)(1 / sqrt((double)row_squares(width, x, mean[i]) / width + epsilon));
        row_normalise(width, x, mean[i], rstd[i], gain, shift, y);
    }
}

void KERNEL(rmsnorm_forward)(int n, int width, double epsilon, const real *x, const real *gain, real *y, real *rstd)
{
    for (int i = 0; i < n; i++, x += width, y += width) {
        rstd[i] = (real)(1 / sqrt((double)row_squares(width, x, 0) / width + epsilon));
        row_normalise(width, x, 0, rstd[i], gain, NULL, y);
    }
}

/* ---- backward ---- */

/* One row of either norm: centered says whether a mean was taken away. dshift may be NULL. */
INLINE void row_backward(int width, const int centered, const real *dy, const real *x, const real *gain, real center,
                         real scale, real *dx, real *dgain, real *dshift)
{
    const vec mu = vec_all(center), rstd = vec_all(scale);

    /* y = xhat gain + shift: the gradients of gain and shift, and the two sums that dx needs */
    Lanes sum_g = {{{0}}}, sum_gx = {{{0}}};
    for (int j = 0; j < width; j += SUM_LANES) {
        UNROLL
        for (int p = 0; p < PARTS; p++) {
            const int at = j + p * LANES, left = width - at;
            vec_fetch(x + at + AHEAD);
            vec_fetch(dy + at + AHEAD);
            vec_fetch(dx + at + AHEAD);
            const vec xhat = (vec_load_left(x + at, left, mu) - mu) * rstd;
            const vec d = vec_load_left(dy + at, left, ZERO), g = d * vec_load_left(gain + at, left, ZERO);
            vec_store_left(dgain + at, left, vec_fma(d, xhat, vec_load_left(dgain + at, left, ZERO)));
            if (dshift)
                vec_store_left(dshift + at, left, d + vec_load_left(dshift + at, left, ZERO));
            if (centered)
                sum_g.part[p] += g;
            sum_gx.part[p] = vec_fma(g, xhat, sum_gx.part[p]);
        }
    }

    /* xhat = (x - mean) rstd */
    const vec mean_g = vec_all(centered ? lanes_sum(sum_g) / (real)width : 0);
    const vec mean_gx = vec_all(lanes_sum(sum_gx) / (real)width);
    for (int j = 0; j < width; j += LANES) {
        const int left = width - j;
        const vec xhat = (vec_load_left(x + j, left, mu) - mu) * rstd;
        const vec g = vec_load_left(dy + j, left, ZERO) * vec_load_left(gain + j, left, ZERO);
        const vec d = vec_fma(-xhat, mean_gx, g - mean_g);
        vec_store_left(dx + j, left, vec_fma(rstd, d, vec_load_left(dx + j, left, ZERO)));
    }
}

void KERNEL(layernorm_backward)(int n, int width, const real *dy, const real *x, const real *gain, const real *mean,
                                const real *rstd, real *dx, real *dgain, real *dshift)
{
    for (int i = 0; i < n; i++, dy += width, x += width, dx += width)
        row_backward(width, 1, dy, x, gain, mean[i], rstd[i], dx, dgain, dshift);
}

void KERNEL(rmsnorm_backward)(int n, int width, const real *dy, const real *x, const real *gain, const real *rstd,
                              real *dx, real *dgain)
{
    for (int i = 0; i < n; i++, dy += width, x += width, dx += width)
        row_backward(width, 0, dy, x, gain, 0, rstd[i], dx, dgain, NULL);
}
