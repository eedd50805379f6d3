/* Whole blocks of parameters and gradients: sums, the norm, the optimizers' updates, and the loop that measures peak.
 *
 * Each element of an update is computed from its own neighbours in g, m, v and p alone, in reals, one pass over memory.
 */
#include "num/path.h"
#include "num/vec.h"

#define ZERO ((vec){0})

void KERNEL(add)(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(x + i + AHEAD);
        vec_fetch(y + i + AHEAD);
        vec_store_left(y + i, left, vec_load_left(x + i, left, ZERO) + vec_load_left(y + i, left, ZERO));
    }
}

void KERNEL(scale)(size_t n, real factor, real *x)
{
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_store_left(x + i, left, vec_load_left(x + i, left, ZERO) * factor);
    }
}

#define SQUARES_CHUNK 4096

/* At most a chunk, in lanes of double. */
static double chunk_squares(size_t n, const real *x)
{
    WideLanes sum = {{{0}}};
    size_t i = 0;
    for (; i + SUM_LANES <= n; i += SUM_LANES) {
        UNROLL
        for (int p = 0; p < WIDE_PARTS; p++) {
            const wide d = wide_load(x + i + p * WIDE_LANES);
            sum.part[p] += d * d;
        }
    }
    real rest[SUM_LANES] = {0};
    memcpy(rest, x + i, (n - i) * sizeof(real));
    UNROLL
    for (int p = 0; p < WIDE_PARTS; p++) {
        const wide d = wide_load(rest + p * WIDE_LANES);
        sum.part[p] += d * d;
    }
    return wide_sum(sum);
}

/* The tree: a power of two of chunks to the left, what is left to the right. */
double KERNEL(sum_of_squares)(size_t n, const real *x)
{
    if (n <= SQUARES_CHUNK)
        return chunk_squares(n, x);
    size_t half = SQUARES_CHUNK;
    while (2 * half < n)
        half *= 2;
    return KERNEL(sum_of_squares)(half, x) + KERNEL(sum_of_squares)(n - half, x + half);
}

void KERNEL(adamw)(size_t n, const real *gradient, double clip_scale, double lr, double beta1, double beta2,
                   double epsilon, double decay, double correction1, double correction2, real *m, real *v, real *p)
{
    const vec clip = vec_all((real)clip_scale), keep1 = vec_all((real)beta1), take1 = vec_all((real)(1 - beta1));
    const vec keep2 = vec_all((real)beta2), take2 = vec_all((real)(1 - beta2));
    const vec unbias1 = vec_all((real)(1 / correction1)), unbias2 = vec_all((real)(1 / correction2));
    const vec floor = vec_all((real)epsilon), shrink = vec_all((real)decay), minus_lr = vec_all((real)-lr);
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        vec_fetch(gradient + i + AHEAD);
        vec_fetch(m + i + AHEAD);
        vec_fetch(v + i + AHEAD);
        vec_fetch(p + i + AHEAD);
        const vec g = vec_load_left(gradient + i, left, ZERO) * clip, old = vec_load_left(p + i, left, ZERO);
        const vec first = vec_fma(keep1, vec_load_left(m + i, left, ZERO), take1 * g);
        const vec second = vec_fma(keep2, vec_load_left(v + i, left, ZERO), take2 * g * g);
        const vec update = first * unbias1 / (vec_sqrt(second * unbias2) + floor);
        vec_store_left(m + i, left, first);
        vec_store_left(v + i, left, second);
        vec_store_left(p + i, left, vec_fma(minus_lr, vec_fma(shrink, old, update), old));
    }
}

void KERNEL(sgd)(size_t n, const real *gradient, double clip_scale, double lr, double momentum, double decay, real *u,
                 real *p)
{
    const vec clip = vec_all((real)clip_scale), keep = vec_all((real)momentum), shrink = vec_all((real)decay);
    const vec minus_lr = vec_all((real)-lr);
    for (size_t i = 0; i < n; i += LANES) {
        const ptrdiff_t left = (ptrdiff_t)(n - i);
        const vec g = vec_load_left(gradient + i, left, ZERO) * clip, old = vec_load_left(p + i, left, ZERO);
        const vec speed = vec_fma(keep, vec_load_left(u + i, left, ZERO), g);
        vec_store_left(u + i, left, speed);
        vec_store_left(p + i, left, vec_fma(minus_lr, vec_fma(shrink, old, speed), old));
    }
}

#define SPIN_CHAINS 12 /* more than latency times units (4 x 2), fewer than the registers of the narrowest path */

double KERNEL(spin)(size_t rounds, real *ret)
{
    const vec slope = vec_all((real)0.75), offset = vec_all((real)0.25);
    vec x[SPIN_CHAINS];
    UNROLL
    for (int i = 0; i < SPIN_CHAINS; i++)
        x[i] = vec_all((real)i);
    for (size_t round = 0; round < rounds; round++) {
        UNROLL
        for (int i = 0; i < SPIN_CHAINS; i++)
            x[i] = vec_fma(x[i], slope, offset);
    }
    vec sum = x[0];
    UNROLL
    for (int i = 1; i < SPIN_CHAINS; i++)
        sum += x[i];
    *ret = sum[0];
    return 2.0 * SPIN_CHAINS * LANES * (double)rounds;
}
