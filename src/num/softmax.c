/* Softmax of a row in place, its gradient, and cross-entropy with softmax.
 *
 * p_j = exp(s_j - max) / sum. The maximum starts at -INFINITY, masked entries are -INFINITY and give exact zeros, and a
 * row that has nothing else is treated by itself, as -INFINITY - -INFINITY is NaN. Gradient: ds = p (dp - dp.p).
 */
#include "num/path.h"
#include "num/row.h"

/* A row without a finite or +inf entry: NaN where it holds one, else zeros. */
static real empty_row(int n, real *s)
{
    real sum = 0;
    for (int j = 0; j < n; j++) {
        s[j] = s[j] == s[j] ? 0 : s[j];
        sum += s[j];
    }
    return sum == 0 ? -(real)INFINITY : sum;
}

void KERNEL(softmax_row)(int n, real *s, real *ret_log_sum)
{
    const real max = row_max(n, s);
    real log_sum;
    if (max == -(real)INFINITY) {
        log_sum = empty_row(n, s);
    } else {
        const double sum = row_exp(n, s, max, 1);
        row_scale(n, (real)(1 / sum), s);
        log_sum = ret_log_sum ? (real)(max + log_of_positive(sum)) : 0;
    }
    if (ret_log_sum)
        *ret_log_sum = log_sum;
}

void KERNEL(softmax_row_backward)(int n, const real *p, real *dp)
{
    Lanes sum = {{{0}}};
    for (int j = 0; j < n; j += SUM_LANES) {
        UNROLL
        for (int part = 0; part < PARTS; part++) {
            const int at = j + part * LANES, left = n - at;
            vec_fetch(p + at + AHEAD);
            sum.part[part] =
                vec_fma(vec_load_left(p + at, left, ZERO), vec_load_left(dp + at, left, ZERO), sum.part[part]);
        }
    }
    const real dot = lanes_sum(sum);
    for (int j = 0; j < n; j += LANES) {
        const int left = n - j;
        vec_store_left(dp + j, left, vec_load_left(p + j, left, ZERO) * (vec_load_left(dp + j, left, ZERO) - dot));
    }
}

double KERNEL(cross_entropy_row)(int n, real *logits, int target, real scale)
{
    const real max = row_max(n, logits), at_target = logits[target];
    const double sum = scale != 0 ? row_exp(n, logits, max, 1) : row_exp(n, logits, max, 0);
    if (scale != 0) {
        row_scale(n, (real)(scale / sum), logits);
        logits[target] -= scale;
    }
    return log_of_positive(sum) + ((double)max - (double)at_target);
}
