/* Plain loops in the obvious order, one a kernel: the formulas of kernels.h read off, with sums in double and the
 * library's exp, log, tanh and sqrt. See reference.h.
 */
#include "num/reference.h"

#include <math.h>
#include <string.h>

static void matmul(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                   int accumulate, real *c, int ld_c, real *scratch)
{
    (void)scratch;
    const size_t lda = (size_t)ld_a, ldb = (size_t)ld_b;
    for (size_t i = 0; i < (size_t)m; i++)
        for (size_t j = 0; j < (size_t)n; j++) {
            double sum = 0;
            for (size_t p = 0; p < (size_t)k; p++)
                sum += (double)(kind == MATMUL_TN ? a[p * lda + i] : a[i * lda + p]) *
                       (double)(kind == MATMUL_NT ? b[j * ldb + p] : b[p * ldb + j]);
            real *out = &c[i * (size_t)ld_c + j];
            *out = (real)((double)alpha * sum + (accumulate ? (double)*out : 0));
        }
}

/* Column by column. */
static void pack(MatmulKind kind, int n, int k, const real *b, int ld_b, real *ret_panels)
{
    for (size_t j = 0; j < (size_t)n; j++)
        for (size_t p = 0; p < (size_t)k; p++)
            *ret_panels++ = kind == MATMUL_NT ? b[j * (size_t)ld_b + p] : b[p * (size_t)ld_b + j];
}

static void matmul_packed(const PackedProduct *x, real *scratch)
{
    (void)scratch;
    for (size_t i = 0; i < (size_t)x->m; i++)
        for (size_t j = 0; j < (size_t)x->n; j++) {
            double sum = 0;
            for (size_t p = 0; p < (size_t)x->k; p++)
                sum += (double)x->a[x->kind == MATMUL_TN ? p * (size_t)x->ld_a + i : i * (size_t)x->ld_a + p] *
                       (double)x->panels[j * (size_t)x->k_packed + (size_t)x->k_first + p];
            const size_t at = i * (size_t)x->ld_c + j;
            x->c[at] = (real)((double)x->alpha * sum + (x->plus ? (double)x->plus[at] : 0));
        }
}

static void bias_forward(int n, int width, const real *b, real *y)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < width; j++)
            *y++ += b[j];
}

static void bias_backward(int n, int width, const real *dy, real *db)
{
    for (int j = 0; j < width; j++) {
        double sum = 0;
        for (int i = 0; i < n; i++)
            sum += (double)dy[(size_t)i * width + j];
        db[j] += (real)sum;
    }
}

static void layernorm_forward(int n, int width, double epsilon, const real *x, const real *gain, const real *shift,
                              real *y, real *mean, real *rstd)
{
    for (int i = 0; i < n; i++, x += width, y += width) {
        double sum = 0, squares = 0;
        for (int j = 0; j < width; j++)
            sum += (double)x[j];
        const double mu = sum / width;
        for (int j = 0; j < width; j++)
            squares += ((double)x[j] - mu) * ((double)x[j] - mu);
        const double r = 1 / sqrt(squares / width + epsilon);
        for (int j = 0; j < width; j++)
            y[j] = (real)(((double)x[j] - mu) * r * (double)gain[j] + (shift ? (double)shift[j] : 0));
        mean[i] = (real)mu;
        rstd[i] = (real)r;
    }
}

static void norm_backward(int n, int width, const real *dy, const real *x, const real *gain, const real *mean,
                          const real *rstd, real *dx, real *dgain, real *dshift)
{
    for (int i = 0; i < n; i++, dy += width, x += width, dx += width) {
        const double mu = mean ? (double)mean[i] : 0, r = (double)rstd[i];
        double sum_g = 0, sum_gx = 0;
        for (int j = 0; j < width; j++) {
            const double xhat = ((double)x[j] - mu) * r, g = (double)dy[j] * (double)gain[j];
            sum_g += g;
            sum_gx += g * xhat;
            dgain[j] += (real)((double)dy[j] * xhat);
            if (dshift)
                dshift[j] += dy[j];
        }
        for (int j = 0; j < width; j++) {
            const double xhat = ((double)x[j] - mu) * r, g = (double)dy[j] * (double)gain[j];
            dx[j] += (real)(r * (g - (mean ? sum_g / width : 0) - xhat * sum_gx / width));
        }
    }
}

static void layernorm_backward(int n, int width, const real *dy, const real *x, const real *gain, const real *mean,
                               const real *rstd, real *dx, real *dgain, real *dshift)
{
    norm_backward(n, width, dy, x, gain, mean, rstd, dx, dgain, dshift);
}

static void rmsnorm_forward(int n, int width, double epsilon, const real *x, const real *gain, real *y, real *rstd)
{
    for (int i = 0; i < n; i++, x += width, y += width) {
        double squares = 0;
        for (int j = 0; j < width; j++)
            squares += (double)x[j] * (double)x[j];
        const double r = 1 / sqrt(squares / width + epsilon);
        for (int j = 0; j < width; j++)
            y[j] = (real)((double)x[j] * r * (double)gain[j]);
        rstd[i] = (real)r;
    }
}

static void rmsnorm_backward(int n, int width, const real *dy, const real *x, const real *gain, const real *rstd,
                             real *dx, real *dgain)
{
    norm_backward(n, width, dy, x, gain, NULL, rstd, dx, dgain, NULL);
}

#define SQRT_2_OVER_PI 0.7978845608028654

static void gelu_forward(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++) {
        const double z = (double)x[i];
        y[i] = (real)(0.5 * z * (1 + tanh(SQRT_2_OVER_PI * (z + 0.044715 * z * z * z))));
    }
}

static void gelu_backward(size_t n, const real *x, const real *dy, real *dx, real *y)
{
    for (size_t i = 0; i < n; i++) {
        const double z = (double)x[i], t = tanh(SQRT_2_OVER_PI * (z + 0.044715 * z * z * z));
        const double slope = 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * 0.044715 * z * z);
        dx[i] = (real)((double)dy[i] * slope);
        y[i] = (real)(0.5 * z * (1 + t));
    }
}

#define SQRT_HALF            0.70710678118654752
#define ONE_OVER_SQRT_TWO_PI 0.39894228040143268

static void gelu_exact_forward(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (real)(0.5 * (double)x[i] * erfc(-SQRT_HALF * (double)x[i]));
}

static void gelu_exact_backward(size_t n, const real *x, const real *dy, real *dx, real *y)
{
    for (size_t i = 0; i < n; i++) {
        const double z = (double)x[i], share = 0.5 * erfc(-SQRT_HALF * z);
        dx[i] = (real)((double)dy[i] * (share + z * ONE_OVER_SQRT_TWO_PI * exp(-0.5 * z * z)));
        y[i] = (real)(z * share);
    }
}

static void relu_forward(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] <= 0 ? 0 : x[i];
}

static void relu_backward(size_t n, const real *x, const real *dy, real *dx)
{
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] <= 0 ? 0 : dy[i];
}

static void swiglu_forward(size_t n, const real *gate, const real *up, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (real)((double)up[i] * (double)gate[i] / (1 + exp(-(double)gate[i])));
}

static void swiglu_backward(size_t n, const real *gate, const real *up, const real *dy, real *dgate, real *dup, real *y)
{
    for (size_t i = 0; i < n; i++) {
        const double z = (double)gate[i], s = 1 / (1 + exp(-z)), d = (double)dy[i];
        dgate[i] = (real)(d * (double)up[i] * s * (1 + z * (1 - s)));
        dup[i] = (real)(d * z * s);
        y[i] = (real)((double)up[i] * z * s);
    }
}

static void exponential(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (real)exp((double)x[i]);
}

static void softmax_row(int n, real *s, real *ret_log_sum)
{
    double max = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        max = (double)s[j] > max ? (double)s[j] : max;
    for (int j = 0; j < n; j++)
        sum += s[j] == -(real)INFINITY ? 0 : exp((double)s[j] - max);
    for (int j = 0; j < n; j++)
        s[j] = s[j] == -(real)INFINITY ? 0 : (real)(exp((double)s[j] - max) / sum);
    if (ret_log_sum)
        *ret_log_sum = (real)(max + log(sum));
}

static void softmax_row_backward(int n, const real *p, real *dp)
{
    double dot = 0;
    for (int j = 0; j < n; j++)
        dot += (double)dp[j] * (double)p[j];
    for (int j = 0; j < n; j++)
        dp[j] = (real)((double)p[j] * ((double)dp[j] - dot));
}

/* The sum of exp(s_j - max) over a row; max, with -INFINITY as 0. */
static double exponentials(int n, const real *s, double *ret_max)
{
    double max = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        max = (double)s[j] > max ? (double)s[j] : max;
    max = max == -INFINITY ? 0 : max;
    for (int j = 0; j < n; j++)
        sum += exp((double)s[j] - max);
    *ret_max = max;
    return sum;
}

static double row_dot(int n, const real *x, const real *y)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += (double)x[j] * (double)y[j];
    return sum;
}

static real softmax_extra_row(int n, real extra, real total, real *s)
{
    double max, sum = exponentials(n, s, &max);
    if (sum == 0) {
        memset(s, 0, sizeof *s * (size_t)n);
        return extra == -(real)INFINITY ? 0 : total;
    }
    const double highest = (double)extra > max ? (double)extra : max; /* exp(max - highest) scales the sum */
    const double of_extra = exp((double)extra - highest), all = sum * exp(max - highest) + of_extra;
    for (int j = 0; j < n; j++)
        s[j] = (real)((double)total * exp((double)s[j] - highest) / all);
    return (real)((double)total * of_extra / all);
}

static real softmax_extra_row_backward(int n, real total, const real *p, real *dp)
{
    const double dot = row_dot(n, p, dp);
    for (int j = 0; j < n; j++)
        dp[j] = (real)((double)p[j] * ((double)dp[j] - dot / (double)total));
    return (real)dot;
}

static real clipped_softmax_row(int n, real gamma, real zeta, real *s)
{
    double max, sum = exponentials(n, s, &max);
    for (int j = 0; j < n; j++) {
        const double p = sum == 0 ? 0 : exp((double)s[j] - max) / sum;
        const double z = ((double)zeta - (double)gamma) * p + (double)gamma;
        s[j] = (real)(z < 0 ? 0 : z > 1 ? 1 : z);
    }
    return (real)(sum == 0 ? 0 : 1 / sum);
}

static void clipped_softmax_row_backward(int n, real gamma, real zeta, real kept, const real *s, real *dp)
{
    const double stretch = (double)zeta - (double)gamma;
    double max, dot = 0;
    exponentials(n, s, &max);
    for (int again = 0; again < 2; again++)
        for (int j = 0; j < n; j++) {
            const double p = exp((double)s[j] - max) * (double)kept, z = stretch * p + (double)gamma;
            const double d = z < 0 || z > 1 ? 0 : stretch * (double)dp[j];
            if (again)
                dp[j] = (real)(p * (d - dot));
            else
                dot += p * d;
        }
}

static real sigmoid_row(int n, real bias, int is_normalised, real *s)
{
    double max = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        max = (double)s[j] + (double)bias > max ? (double)s[j] + (double)bias : max;
    const double shift = is_normalised && max < 0 && max > -INFINITY ? max : 0;
    for (int j = 0; j < n; j++) {
        const double z = (double)s[j] + (double)bias;
        sum += z > 0 ? 1 / (1 + exp(-z)) : exp(z - shift) / (1 + exp(z));
    }
    for (int j = 0; j < n; j++) {
        const double z = (double)s[j] + (double)bias, y = z > 0 ? 1 / (1 + exp(-z)) : exp(z - shift) / (1 + exp(z));
        s[j] = (real)(!is_normalised ? y : sum == 0 ? 0 : y / sum);
    }
    return is_normalised ? (real)(sum * exp(shift)) : 1;
}

static void sigmoid_row_backward(int n, int is_normalised, real kept, const real *p, real *dp)
{
    const double dot = is_normalised ? row_dot(n, p, dp) : 0;
    for (int j = 0; j < n; j++)
        dp[j] = (real)((double)p[j] * (1 - (double)p[j] * (double)kept) * ((double)dp[j] - dot));
}

static real relu_row(int n, real divisor, real *s)
{
    double sum = 0;
    for (int j = 0; j < n; j++) {
        s[j] = s[j] < 0 ? 0 : s[j];
        sum += (double)s[j];
    }
    const double by = divisor > 0 ? (double)divisor : sum == 0 ? 1 : sum;
    for (int j = 0; j < n; j++)
        s[j] = (real)((double)s[j] / by);
    return (real)by;
}

static void relu_row_backward(int n, int is_normalised, real divisor, const real *p, real *dp)
{
    const double dot = is_normalised ? row_dot(n, p, dp) : 0;
    for (int j = 0; j < n; j++)
        dp[j] = p[j] <= 0 ? 0 : (real)(((double)dp[j] - dot) / (double)divisor);
}

/* Backward's scale: the sum over exp of the largest score above 0. */
static double largest_or_zero(int n, const real *s)
{
    double max = 0;
    for (int j = 0; j < n; j++)
        max = (double)s[j] > max ? (double)s[j] : max;
    return max;
}

static real softpick_row(int n, real epsilon, real *s)
{
    const double max = largest_or_zero(n, s);
    double sum = (double)epsilon * exp(-max);
    for (int pass = 0; pass < 2; pass++)
        for (int j = 0; j < n; j++) {
            const double x = (double)s[j];
            if (pass == 0)
                sum += x == -INFINITY ? 0 : x < 1 ? fabs(expm1(x)) * exp(-max) : exp(x - max) - exp(-max);
            else
                s[j] = x <= 0 ? 0 / (real)sum : (real)((x < 1 ? expm1(x) * exp(-max) : exp(x - max) - exp(-max)) / sum);
        }
    return (real)sum;
}

static void softpick_row_backward(int n, real kept, const real *s, const real *p, real *dp)
{
    const double max = largest_or_zero(n, s), dot = row_dot(n, p, dp);
    for (int j = 0; j < n; j++) {
        const double x = (double)s[j], e = exp(x - max) / (double)kept;
        dp[j] = (real)(e * (x > 0 ? (double)dp[j] - dot : x < 0 ? dot : x));
    }
}

/* The threshold by halving where it lies. */
static void entmax15_row(int n, real *s)
{
    double max, low = -1, high = 0, sum = 0;
    exponentials(n, s, &max);
    for (int step = 0; step < 200; step++) {
        const double t = (low + high) / 2;
        sum = 0;
        for (int j = 0; j < n; j++) {
            const double z = ((double)s[j] - max) / 2 - t;
            sum += z <= 0 ? 0 : z * z;
        }
        *(sum >= 1 ? &low : &high) = t;
    }
    for (int j = 0; j < n; j++) {
        const double z = ((double)s[j] - max) / 2 - (sum == sum ? low : sum);
        s[j] = (real)(z <= 0 ? 0 : z * z);
    }
}

static void entmax15_row_backward(int n, const real *p, real *dp)
{
    double sum = 0, weighed = 0;
    for (int j = 0; j < n; j++) {
        sum += sqrt((double)p[j]);
        weighed += sqrt((double)p[j]) * (double)dp[j];
    }
    for (int j = 0; j < n; j++)
        dp[j] = (real)(sqrt((double)p[j]) * ((double)dp[j] - (sum == 0 ? 0 : weighed / sum)));
}

static void softcap_forward(size_t n, real cap, real *s)
{
    for (size_t i = 0; i < n; i++)
        s[i] = (real)((double)cap * tanh((double)s[i] / (double)cap)) + s[i] * 0;
}

static void softcap_backward(size_t n, real cap, const real *s, real *ds)
{
    for (size_t i = 0; i < n; i++) {
        const double t = s[i] == -(real)INFINITY ? 1 : (double)s[i] / (double)cap;
        ds[i] = (real)((double)ds[i] * (1 - t * t));
    }
}

static double cross_entropy_row(int n, real *logits, int target, real scale)
{
    double max = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++)
        max = (double)logits[j] > max ? (double)logits[j] : max;
    for (int j = 0; j < n; j++)
        sum += exp((double)logits[j] - max);
    const double loss = log(sum) + max - (double)logits[target];
    for (int j = 0; j < n && scale != 0; j++)
        logits[j] = (real)((double)scale * (exp((double)logits[j] - max) / sum - (j == target)));
    return loss;
}

static void add(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void scale(size_t n, real factor, real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

static double sum_of_squares(size_t n, const real *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

static void adamw(size_t n, const real *gradient, double clip_scale, double lr, double beta1, double beta2,
                  double epsilon, double decay, double correction1, double correction2, real *m, real *v, real *p)
{
    for (size_t i = 0; i < n; i++) {
        const double g = (double)gradient[i] * clip_scale;
        const double first = beta1 * (double)m[i] + (1 - beta1) * g;
        const double second = beta2 * (double)v[i] + (1 - beta2) * g * g;
        m[i] = (real)first;
        v[i] = (real)second;
        p[i] -= (real)(lr * (first / correction1 / (sqrt(second / correction2) + epsilon) + decay * (double)p[i]));
    }
}

static void sgd(size_t n, const real *gradient, double clip_scale, double lr, double momentum, double decay, real *u,
                real *p)
{
    for (size_t i = 0; i < n; i++) {
        u[i] = (real)(momentum * (double)u[i] + (double)gradient[i] * clip_scale);
        p[i] -= (real)(lr * ((double)u[i] + decay * (double)p[i]));
    }
}

static void logarithm(size_t n, const double *x, double *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = log(x[i]);
}

static void widen(size_t n, const real *x, double *ret_wide)
{
    for (size_t i = 0; i < n; i++)
        ret_wide[i] = (double)x[i];
}

static void row_squares(int n, int width, const real *x, double *ret_squares)
{
    for (int r = 0; r < n; r++) {
        ret_squares[r] = 0;
        for (int c = 0; c < width; c++)
            ret_squares[r] += (double)x[(size_t)r * width + c] * (double)x[(size_t)r * width + c];
    }
}

static real largest_magnitude(size_t n, const real *x)
{
    real most = 0;
    int has_nan = 0;
    for (size_t i = 0; i < n; i++) {
        most = (real)fmax((double)most, fabs((double)x[i]));
        has_nan |= isnan((double)x[i]);
    }
    return has_nan ? (real)NAN : most;
}

static void central_moments(int n, const real *x, double *ret_second, double *ret_fourth)
{
    double mean = 0;
    *ret_second = *ret_fourth = 0;
    for (int i = 0; i < n; i++)
        mean += (double)x[i] / n;
    for (int i = 0; i < n; i++) {
        const double square = ((double)x[i] - mean) * ((double)x[i] - mean);
        *ret_second += square, *ret_fourth += square * square;
    }
}

static void band_sums(int n, int first, int end, int near, int far, const real *x, double *sums)
{
    for (int j = first; j < end; j++)
        for (int i = 0; i < n; i++)
            if (near <= i - j && i - j < far)
                sums[j - first] += (double)x[(size_t)i * n + j];
}

static double dot(int n, const double *x, const double *y)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static double dots(int n, int width, const double *x, int ld, const double *y, double *ret)
{
    double largest = -(double)INFINITY;
    int has_nan = 0;
    for (int j = 0; j < n; j++) {
        ret[j] = 0;
        for (int i = 0; i < width; i++)
            ret[j] += x[i] * y[(size_t)i * ld + j];
        largest = fmax(largest, ret[j]);
        has_nan |= isnan(ret[j]);
    }
    return has_nan ? (double)NAN : largest;
}

static double divergence(int n, const double *p, const double *log_p, const double *log_q)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        if (p[i] > 0)
            sum += p[i] * (log_p[i] - (log_q ? log_q[i] : 0));
    return sum;
}

static void gram(int m, int n, int ld, const double *x, int ld_g, double *g)
{
    for (int r = 0; r < m; r++)
        for (int s = 0; s <= r; s++) {
            g[(size_t)r * ld_g + s] = 0;
            for (int j = 0; j < n; j++)
                g[(size_t)r * ld_g + s] += x[(size_t)r * ld + j] * x[(size_t)s * ld + j];
        }
}

/* x (n,) becomes u, I - u u'/h the reflection that leaves beta in its entry `to` alone. */
static double reflect(int n, int to, double *x, double *ret_h)
{
    double rest = 0;
    for (int i = 0; i < n; i++)
        rest += i == to ? 0 : x[i] * x[i];
    const double alpha = x[to], square = alpha * alpha + rest;
    const double beta = rest == 0 ? alpha : alpha > 0 ? -sqrt(square) : sqrt(square);
    x[to] = rest == 0 ? 0 : alpha - beta;
    *ret_h = rest == 0 ? 1 : square - alpha * beta;
    return beta;
}

/* A becomes P A P of the full symmetric matrix, P the reflection of its last row, and so on up. */
static void tridiagonalise(int n, int ld, double *a, double *d, double *e, double *work)
{
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            a[i * ld + j] = a[j * ld + i];
    for (int i = n - 1; i >= 0; i--) {
        double *u = work, h;
        d[i] = a[i * ld + i];
        e[i] = 0;
        if (i == 0)
            return;
        memcpy(u, a + i * ld, (size_t)i * sizeof *u);
        e[i] = reflect(i, i - 1, u, &h);
        for (int side = 0; side < 2; side++) /* P A, then (P A) P by rows */
            for (int j = 0; j < i; j++) {
                double product = 0;
                for (int k = 0; k < i; k++)
                    product += u[k] * (side ? a[j * ld + k] : a[k * ld + j]);
                for (int k = 0; k < i; k++)
                    *(side ? &a[j * ld + k] : &a[k * ld + j]) -= product / h * u[k];
            }
    }
}

static void bidiagonalise(int n, int ld, double *a, double *d, double *e, double *work)
{
    for (int k = 0; k < n; k++) {
        double h, *u = work;
        memcpy(u, a + k * ld + k, (size_t)(n - k) * sizeof *u);
        d[k] = reflect(n - k, 0, u, &h);
        for (int i = k + 1; i < n; i++) {
            double product = 0;
            for (int j = k; j < n; j++)
                product += a[i * ld + j] * u[j - k];
            for (int j = k; j < n; j++)
                a[i * ld + j] -= product / h * u[j - k];
        }
        e[k] = 0;
        if (k + 1 == n)
            return;
        for (int i = k + 1; i < n; i++)
            u[i - k - 1] = a[i * ld + k];
        e[k] = reflect(n - k - 1, 0, u, &h);
        for (int j = k + 1; j < n; j++) {
            double product = 0;
            for (int i = k + 1; i < n; i++)
                product += a[i * ld + j] * u[i - k - 1];
            for (int i = k + 1; i < n; i++)
                a[i * ld + j] -= product / h * u[i - k - 1];
        }
    }
}

static void sturm(int n, const double *d, const double *e, const double *x, int *ret_counts)
{
    double largest = 1;
    for (int i = 1; i < n; i++)
        largest = fmax(largest, e[i] * e[i]);
    for (int p = 0; p < 16; p++) {
        double q = 1;
        ret_counts[p] = 0;
        for (int i = 0; i < n; i++) {
            q = d[i] - x[p] - (i ? e[i] * e[i] : 0) / q;
            q = fabs(q) < 1e-290 * largest ? -1e-290 * largest : q;
            ret_counts[p] += q < 0;
        }
    }
}

const Kernels kernels_reference = {
    .name = "reference",
    .summary = "plain loops, for tests",
    .products = OWN_PRODUCTS,
    .float32 = &kernels_reference,
    .matmul = matmul,
    .pack = pack,
    .matmul_packed = matmul_packed,
    .bias_forward = bias_forward,
    .bias_backward = bias_backward,
    .layernorm_forward = layernorm_forward,
    .layernorm_backward = layernorm_backward,
    .rmsnorm_forward = rmsnorm_forward,
    .rmsnorm_backward = rmsnorm_backward,
    .gelu_forward = gelu_forward,
    .gelu_backward = gelu_backward,
    .gelu_exact_forward = gelu_exact_forward,
    .gelu_exact_backward = gelu_exact_backward,
    .relu_forward = relu_forward,
    .relu_backward = relu_backward,
    .swiglu_forward = swiglu_forward,
    .swiglu_backward = swiglu_backward,
    .exponential = exponential,
    .softmax_row = softmax_row,
    .softmax_row_backward = softmax_row_backward,
    .softmax_extra_row = softmax_extra_row,
    .softmax_extra_row_backward = softmax_extra_row_backward,
    .clipped_softmax_row = clipped_softmax_row,
    .clipped_softmax_row_backward = clipped_softmax_row_backward,
    .sigmoid_row = sigmoid_row,
    .sigmoid_row_backward = sigmoid_row_backward,
    .relu_row = relu_row,
    .relu_row_backward = relu_row_backward,
    .softpick_row = softpick_row,
    .softpick_row_backward = softpick_row_backward,
    .entmax15_row = entmax15_row,
    .entmax15_row_backward = entmax15_row_backward,
    .softcap_forward = softcap_forward,
    .softcap_backward = softcap_backward,
    .cross_entropy_row = cross_entropy_row,
    .add = add,
    .scale = scale,
    .sum_of_squares = sum_of_squares,
    .adamw = adamw,
    .sgd = sgd,
    .logarithm = logarithm,
    .widen = widen,
    .row_squares = row_squares,
    .largest_magnitude = largest_magnitude,
    .central_moments = central_moments,
    .band_sums = band_sums,
    .dot = dot,
    .dots = dots,
    .divergence = divergence,
    .gram = gram,
    .tridiagonalise = tridiagonalise,
    .bidiagonalise = bidiagonalise,
    .sturm = sturm,
};
