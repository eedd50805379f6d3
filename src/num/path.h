/* What one compilation of the kernels is: its names and its prototypes.
 *
 * The kernel files are compiled once per instruction set with -DKERNEL_PATH=avx512, avx2, neon or plain, and
 * KERNEL(matmul) then stands for matmul_avx512 and so on; table.c gathers them into `const Kernels kernels_avx512`.
 * Internal to num/.
 */
#ifndef REFFRAME_NUM_PATH_H
#define REFFRAME_NUM_PATH_H

#include "num/kernels.h"

#ifndef KERNEL_PATH
#define KERNEL_PATH plain
#endif

#define KERNEL_JOIN2(name, path) name##_##path
#define KERNEL_JOIN(name, path)  KERNEL_JOIN2(name, path)
#define KERNEL(name)             KERNEL_JOIN(name, KERNEL_PATH)
#define KERNEL_STRING2(path)     #path
#define KERNEL_STRING(path)      KERNEL_STRING2(path)
#define KERNEL_NAME              KERNEL_STRING(KERNEL_PATH)

extern const Kernels KERNEL(kernels);

void KERNEL(matmul)(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                    int accumulate, real *c, int ld_c, real *scratch);
void KERNEL(pack)(MatmulKind kind, int n, int k, const real *b, int ld_b, real *ret_panels);
void KERNEL(matmul_packed)(const PackedProduct *product, real *scratch);

void KERNEL(bias_forward)(int n, int width, const real *b, real *y);
void KERNEL(bias_backward)(int n, int width, const real *dy, real *db);
void KERNEL(layernorm_forward)(int n, int width, double epsilon, const real *x, const real *gain, const real *shift,
                               real *y, real *mean, real *rstd);
void KERNEL(layernorm_backward)(int n, int width, const real *dy, const real *x, const real *gain, const real *mean,
                                const real *rstd, real *dx, real *dgain, real *dshift);
void KERNEL(rmsnorm_forward)(int n, int width, double epsilon, const real *x, const real *gain, real *y, real *rstd);
void KERNEL(rmsnorm_backward)(int n, int width, const real *dy, const real *x, const real *gain, const real *rstd,
                              real *dx, real *dgain);

void KERNEL(gelu_forward)(size_t n, const real *x, real *y);
void KERNEL(gelu_backward)(size_t n, const real *x, const real *dy, real *dx, real *y);
void KERNEL(gelu_exact_forward)(size_t n, const real *x, real *y);
void KERNEL(gelu_exact_backward)(size_t n, const real *x, const real *dy, real *dx, real *y);
void KERNEL(relu_forward)(size_t n, const real *x, real *y);
void KERNEL(relu_backward)(size_t n, const real *x, const real *dy, real *dx);
void KERNEL(swiglu_forward)(size_t n, const real *gate, const real *up, real *y);
void KERNEL(swiglu_backward)(size_t n, const real *gate, const real *up, const real *dy, real *dgate, real *dup,
                             real *y);
void KERNEL(exponential)(size_t n, const real *x, real *y);

void KERNEL(softmax_row)(int n, real *s, real *ret_log_sum);
void KERNEL(softmax_row_backward)(int n, const real *p, real *dp);

real KERNEL(softmax_extra_row)(int n, real extra, real total, real *s);
real KERNEL(softmax_extra_row_backward)(int n, real total, const real *p, real *dp);
real KERNEL(clipped_softmax_row)(int n, real gamma, real zeta, real *s);
void KERNEL(clipped_softmax_row_backward)(int n, real gamma, real zeta, real kept, const real *s, real *dp);
real KERNEL(sigmoid_row)(int n, real bias, int is_normalised, real *s);
void KERNEL(sigmoid_row_backward)(int n, int is_normalised, real kept, const real *p, real *dp);
real KERNEL(relu_row)(int n, real divisor, real *s);
void KERNEL(relu_row_backward)(int n, int is_normalised, real divisor, const real *p, real *dp);
real KERNEL(softpick_row)(int n, real epsilon, real *s);
void KERNEL(softpick_row_backward)(int n, real kept, const real *s, const real *p, real *dp);
void KERNEL(entmax15_row)(int n, real *s);
void KERNEL(entmax15_row_backward)(int n, const real *p, real *dp);
void KERNEL(softcap_forward)(size_t n, real cap, real *s);
void KERNEL(softcap_backward)(size_t n, real cap, const real *s, real *ds);

double KERNEL(cross_entropy_row)(int n, real *logits, int target, real scale);

void KERNEL(add)(size_t n, const real *x, real *y);
void KERNEL(scale)(size_t n, real factor, real *x);
double KERNEL(sum_of_squares)(size_t n, const real *x);
void KERNEL(adamw)(size_t n, const real *gradient, double clip_scale, double lr, double beta1, double beta2,
                   double epsilon, double decay, double correction1, double correction2, real *m, real *v, real *p);
void KERNEL(sgd)(size_t n, const real *gradient, double clip_scale, double lr, double momentum, double decay, real *u,
                 real *p);
void KERNEL(logarithm)(size_t n, const double *x, double *y);
void KERNEL(widen)(size_t n, const real *x, double *ret_wide);
void KERNEL(row_squares)(int n, int width, const real *x, double *ret_squares);
real KERNEL(largest_magnitude)(size_t n, const real *x);
void KERNEL(central_moments)(int n, const real *x, double *ret_second, double *ret_fourth);
void KERNEL(band_sums)(int n, int first, int end, int near, int far, const real *x, double *sums);
double KERNEL(dot)(int n, const double *x, const double *y);
double KERNEL(dots)(int n, int width, const double *x, int ld, const double *y, double *ret);
double KERNEL(divergence)(int n, const double *p, const double *log_p, const double *log_q);
void KERNEL(gram)(int m, int n, int ld, const double *x, int ld_g, double *g);
void KERNEL(tridiagonalise)(int n, int ld, double *a, double *d, double *e, double *work);
void KERNEL(bidiagonalise)(int n, int ld, double *a, double *d, double *e, double *work);
void KERNEL(sturm)(int n, const double *d, const double *e, const double *x, int *ret_counts);
double KERNEL(spin)(size_t rounds, real *ret);

#endif
