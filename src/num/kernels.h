/* The array kernels: one table of functions per instruction set, chosen once when the program starts.
 *
 * Each kernel file is written once, in portable vector extensions, and compiled for AVX-512, AVX2+FMA and plain C
 * (x86-64-v2: fmaf by the library), or on Arm for NEON. The order of every sum is fixed by the source: along k for a
 * product's element, in 32 lanes then a fixed tree for a row's reduction, and multiply-adds are explicit fmas. Hence
 * *the bits do not depend on the path*, which tests/num holds to account; the path decides speed alone.
 *
 * Conventions: forward and backward side by side; gradients accumulate (+=), the caller zeroes; rows are contiguous
 * unless a leading dimension ld_ is given; matrices are row-major; no kernel allocates or fails, shapes are validated
 * where the model is built. NaN and infinity propagate.
 */
#ifndef REFFRAME_NUM_KERNELS_H
#define REFFRAME_NUM_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "num/real.h"

typedef enum {
    MATMUL_NN, /* C (m,n) = A (m,k) B (k,n) */
    MATMUL_NT, /* C (m,n) = A (m,k) B (n,k)' */
    MATMUL_TN, /* C (m,n) = A (k,m)' B (k,n) */
} MatmulKind;

/* C (m,n) = plus + alpha op(A) B[k_first, k_first + k), with B packed. */
typedef struct {
    MatmulKind kind; /* NN or TN */
    int m, n, k;
    real alpha;
    const real *a; /* (m,k), or (k,m) for TN */
    int ld_a;
    const real *panels; /* B as `pack` left it, with n or more columns; those from a multiple j of PACK_UNIT on begin at
                         * panels + j * k_packed */
    int k_packed, k_first; /* rows that were packed; the first of those that are used */
    const real *plus;      /* with C's leading dimension; C itself, or NULL for nothing */
    real *c;
    int ld_c;
} PackedProduct;

/* Of every table here: in --version and, of the table that a run used, in its manifest. */
#define OWN_PRODUCTS "own products of fixed order; no BLAS"

typedef struct Kernels Kernels;
struct Kernels {
    const char *name; /* "avx512", "avx2", "neon", "plain"; "amx", whose products alone are other ones (bfloat16.h) */
    const char *summary;  /* what it needs of the machine */
    const char *products; /* who makes its products: OWN_PRODUCTS, or a library with version and core (openblas.h) */
    /* Where operands must not be rounded, in the optimizer and in metrics: itself, but of a table of bfloat16.h. */
    const Kernels *float32;

    /* ---- products ---------------------------------------------------------------------------------------------- */

    /* C = alpha * op(A) op(B) when !accumulate, C += alpha * op(A) op(B) otherwise. `scratch`: MATMUL_SCRATCH reals,
     * one per thread, 64-byte aligned. k is cut into ceil(k/256) equal blocks; within each, an element sums in
     * ascending k by fma from 0, then C = fma(alpha, sum, C) (for the first block of a plain product 0 stands for C).
     * m, n, the leading dimensions and the path never enter, so a product may be cut along m and n at will. */
    void (*matmul)(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                   int accumulate, real *c, int ld_c, real *scratch);

    /* op(B) laid out for matmul_packed, which wants it once where many products share it: pack_size(n, k) reals,
     * 64-byte aligned, in an order that is the path's own. B as in a product of that kind: (n,k) for NT, else (k,n). */
    void (*pack)(MatmulKind kind, int n, int k, const real *b, int ld_b, real *ret_panels);
    /* With the bits of matmul. */
    void (*matmul_packed)(const PackedProduct *product, real *scratch);

    /* y_ij += b_j over rows of (n, width), and its gradient db_j += sum_i dy_ij. */
    void (*bias_forward)(int n, int width, const real *b, real *y);
    void (*bias_backward)(int n, int width, const real *dy, real *db);

    /* ---- normalisation: rows of (n, width) ---------------------------------------------------------------------- */

    /* LayerNorm (Ba et al. 2016): y = (x - mean) * rstd * gain + shift; shift may be NULL. Saves mean, rstd (n,). */
    void (*layernorm_forward)(int n, int width, double epsilon, const real *x, const real *gain, const real *shift,
                              real *y, real *mean, real *rstd);
    /* dx += ..., dgain +=, dshift += (may be NULL). */
    void (*layernorm_backward)(int n, int width, const real *dy, const real *x, const real *gain, const real *mean,
                               const real *rstd, real *dx, real *dgain, real *dshift);
    /* RMSNorm (Zhang & Sennrich 2019): y = x * rstd * gain, rstd = 1/sqrt(mean(x^2) + epsilon). */
    void (*rmsnorm_forward)(int n, int width, double epsilon, const real *x, const real *gain, real *y, real *rstd);
    void (*rmsnorm_backward)(int n, int width, const real *dy, const real *x, const real *gain, const real *rstd,
                             real *dx, real *dgain);

    /* ---- activations, elementwise: dx = dy * f'(x) is written, not added; dx may be dy; some make y too ---- */

    void (*gelu_forward)(size_t n, const real *x, real *y); /* tanh form (Hendrycks & Gimpel 2016) */
    void (*gelu_backward)(size_t n, const real *x, const real *dy, real *dx, real *y);
    /* exact form, x Phi(x) */
    void (*gelu_exact_forward)(size_t n, const real *x, real *y);
    void (*gelu_exact_backward)(size_t n, const real *x, const real *dy, real *dx, real *y);
    void (*relu_forward)(size_t n, const real *x, real *y);
    void (*relu_backward)(size_t n, const real *x, const real *dy, real *dx);
    /* SwiGLU (Shazeer 2020): y = up * silu(gate), silu(z) = z / (1 + exp(-z)) within 3 ulp for z >= -87; where exp(-z)
     * overflows it is 0. dup may be dy. */
    void (*swiglu_forward)(size_t n, const real *gate, const real *up, real *y);
    void (*swiglu_backward)(size_t n, const real *gate, const real *up, const real *dy, real *dgate, real *dup,
                            real *y);
    /* y = exp(x) within 1.2 ulp; 0 where the result would be subnormal, and so for -INFINITY. */
    void (*exponential)(size_t n, const real *x, real *y);

    /* ---- rows of attention scores ---- */

    /* Softmax in place of s[0, n): subtracts the maximum (which starts at -INFINITY); -INFINITY entries give exact 0; a
     * row with no finite entry becomes zeros. *ret_log_sum = log sum_j exp(s_j) (-INFINITY for an empty row); NULL if
     * not wanted. */
    void (*softmax_row)(int n, real *s, real *ret_log_sum);
    /* In place of dp: ds = p * (dp - sum_j dp_j p_j). */
    void (*softmax_row_backward)(int n, const real *p, real *dp);

    /* The same of one more logit, of which no weight stays, and scaled: p_j = total exp(s_j) / (exp(extra) + sum_k
     * exp(s_k)). Returns total times the weight of `extra`, which may be -INFINITY. */
    real (*softmax_extra_row)(int n, real extra, real total, real *s);
    /* ds = p * (dp - dp.p / total). Returns dp.p. */
    real (*softmax_extra_row_backward)(int n, real total, const real *p, real *dp);
    /* clip((zeta - gamma) softmax + gamma, 0, 1); returns what backward wants beside the scores. */
    real (*clipped_softmax_row)(int n, real gamma, real zeta, real *s);
    void (*clipped_softmax_row_backward)(int n, real gamma, real zeta, real kept, const real *s, real *dp);
    /* 1 / (1 + exp(-(s_j + bias))), over the row's sum if normalised; returns the sum, which backward wants. */
    real (*sigmoid_row)(int n, real bias, int is_normalised, real *s);
    void (*sigmoid_row_backward)(int n, int is_normalised, real kept, const real *p, real *dp);
    /* max(s_j, 0) / divisor; 0: over the row's sum, and a row of zeros stays. Returns what it was divided by. */
    real (*relu_row)(int n, real divisor, real *s);
    void (*relu_row_backward)(int n, int is_normalised, real divisor, const real *p, real *dp);
    /* max(exp(s_j) - 1, 0) / (sum_k |exp(s_k) - 1| + epsilon), -INFINITY entries left out; returns what backward wants
     * beside the scores. */
    real (*softpick_row)(int n, real epsilon, real *s);
    void (*softpick_row_backward)(int n, real kept, const real *s, const real *p, real *dp);
    /* max(s_j / 2 - t, 0)^2 with the t of which they sum to one; zeros for a row of nothing but -INFINITY. */
    void (*entmax15_row)(int n, real *s);
    void (*entmax15_row_backward)(int n, const real *p, real *dp);

    /* s = cap tanh(s / cap), NaN for an infinite s; ds *= 1 - (s / cap)^2 with s as forward left it, or -INFINITY,
     * where ds becomes 0. */
    void (*softcap_forward)(size_t n, real cap, real *s);
    void (*softcap_backward)(size_t n, real cap, const real *s, real *ds);

    /* ---- loss ---- */

    /* Cross-entropy of one row of logits (V,): the loss in nats is returned; when `scale` != 0 the logits are replaced
     * by their gradient scale * (softmax - onehot(target)). */
    double (*cross_entropy_row)(int n, real *logits, int target, real scale);

    /* ---- whole blocks ---- */
    void (*add)(size_t n, const real *x, real *y);     /* y += x */
    void (*scale)(size_t n, real factor, real *x);     /* x *= factor */
    double (*sum_of_squares)(size_t n, const real *x); /* in double, fixed chunks then a fixed tree */
    /* AdamW (Loshchilov & Hutter 2019) on one tensor; m and v are its moments. correction1 = 1 - beta1^t, and so on.
     * p -= lr * (m/correction1 / (sqrt(v/correction2) + epsilon) + decay * p). */
    void (*adamw)(size_t n, const real *gradient, double clip_scale, double lr, double beta1, double beta2,
                  double epsilon, double decay, double correction1, double correction2, real *m, real *v, real *p);
    /* SGD with momentum (PyTorch's convention: u = momentum * u + g; p -= lr * (u + decay * p)). */
    void (*sgd)(size_t n, const real *gradient, double clip_scale, double lr, double momentum, double decay, real *u,
                real *p);

    /* ---- doubles, whatever real is: what geometry's spectra and entropies are made of (spectrum.h) ---- */

    /* y = ln x within 2 ulp for positive normal x, -INFINITY for 0. */
    void (*logarithm)(size_t n, const double *x, double *y);
    void (*widen)(size_t n, const real *x, double *ret_wide); /* x in double */
    /* ret_squares (n,): the sum of squares of each row of x (n,width), which is in reals. */
    void (*row_squares)(int n, int width, const real *x, double *ret_squares);
    /* The largest |x|, 0 of none, NaN if one is. */
    real (*largest_magnitude)(size_t n, const real *x);
    /* Sums of (x - mean)^2 and of (x - mean)^4. */
    void (*central_moments)(int n, const real *x, double *ret_second, double *ret_fourth);
    /* sums[j - first] += the entries x_ij with near <= i - j < far of column j, first <= j < end, of x (n,n), in
     * ascending i. */
    void (*band_sums)(int n, int first, int end, int near, int far, const real *x, double *sums);
    /* sum of x y. */
    double (*dot)(int n, const double *x, const double *y);
    /* ret[j] = dot of x (width,) and column j of y (width,ld), j < n, with the bits of dot; returns the largest, NaN if
     * one is. Of y and of ret there are whole units of DOTS_UNIT: what lies beyond n is read and written. */
    double (*dots)(int n, int width, const double *x, int ld, const double *y, double *ret);
    /* sum of p (log_p - log_q) over p > 0, in double: relative entropy, or with log_q NULL less the entropy. */
    double (*divergence)(int n, const double *p, const double *log_p, const double *log_q);
    /* Lower triangle of g (m,m) = x x', x (m,n). */
    void (*gram)(int m, int n, int ld, const double *x, int ld_g, double *g);
    /* A symmetric matrix, of which the lower triangle is read, to its diagonal d (n,) and what couples i - 1 and i, e
     * (n,), e[0] = 0. a (n,ld) is destroyed; ld a multiple of 8, `work` 8 ld. */
    void (*tridiagonalise)(int n, int ld, double *a, double *d, double *e, double *work);
    /* A matrix to the lower bidiagonal one of the same singular values: d (n,), and e[k] at row k + 1. Entries from n
     * to ld must be 0. */
    void (*bidiagonalise)(int n, int ld, double *a, double *d, double *e, double *work);
    /* How many eigenvalues of the tridiagonal matrix d, e lie below each of 16 points. */
    void (*sturm)(int n, const double *d, const double *e, const double *x, int *ret_counts);

    /* `rounds` turns of independent chains of vector fmas in registers: returns their FLOPs. See kernels_peak. */
    double (*spin)(size_t rounds, real *ret);
};

/* Reals of scratch that one thread's products need. */
#define MATMUL_SCRATCH (1 << 18)

/* Columns that `dots` takes at a time. */
#define DOTS_UNIT 8

/* Reals of op(B) (k,n) when packed, on any path: whole panels of up to PACK_UNIT columns. */
#define PACK_UNIT 32
static inline size_t pack_size(int n, int k)
{
    return (size_t)((n + PACK_UNIT - 1) / PACK_UNIT * PACK_UNIT) * (size_t)k;
}

/* The fastest table that this machine runs; never NULL. REFFRAME_KERNELS=avx2|plain asks for a slower one (tests). */
const Kernels *kernels_best(void);

/* A table by name if this machine runs it, else NULL; all such names in order of speed, NULL-terminated. */
const Kernels *kernels_named(const char *name);
const char *const *kernels_available(void);

/* Holds a product, a softmax and a norm against plain loops on fixed inputs: 0, or -1 if this machine miscomputes. */
int kernels_self_check(const Kernels *kernels);

/* FMA peak of one thread in FLOP/s over a window of about `seconds`, for bench: independent chains of vector fmas. */
double kernels_peak(const Kernels *kernels, double seconds);

#endif
