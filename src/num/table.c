/* The table of one path. */
#include "num/path.h"

#include "num/vec.h"

#if VEC_BYTES == 64
#define SUMMARY "AVX-512 (F, VL, DQ, BW) with FMA"
#elif VEC_BYTES == 32
#define SUMMARY "AVX2 with FMA"
#elif defined(__aarch64__)
#define SUMMARY "NEON"
#else
#define SUMMARY "any machine; fma by the library where the target has none"
#endif

const Kernels KERNEL(kernels) = {
    .name = KERNEL_NAME,
    .summary = SUMMARY,
    .products = OWN_PRODUCTS,
    .float32 = &KERNEL(kernels),
    .matmul = KERNEL(matmul),
    .pack = KERNEL(pack),
    .matmul_packed = KERNEL(matmul_packed),
    .bias_forward = KERNEL(bias_forward),
    .bias_backward = KERNEL(bias_backward),
    .layernorm_forward = KERNEL(layernorm_forward),
    .layernorm_backward = KERNEL(layernorm_backward),
    .rmsnorm_forward = KERNEL(rmsnorm_forward),
    .rmsnorm_backward = KERNEL(rmsnorm_backward),
    .gelu_forward = KERNEL(gelu_forward),
    .gelu_backward = KERNEL(gelu_backward),
    .gelu_exact_forward = KERNEL(gelu_exact_forward),
    .gelu_exact_backward = KERNEL(gelu_exact_backward),
    .relu_forward = KERNEL(relu_forward),
    .relu_backward = KERNEL(relu_backward),
    .swiglu_forward = KERNEL(swiglu_forward),
    .swiglu_backward = KERNEL(swiglu_backward),
    .exponential = KERNEL(exponential),
    .softmax_row = KERNEL(softmax_row),
    .softmax_row_backward = KERNEL(softmax_row_backward),
    .softmax_extra_row = KERNEL(softmax_extra_row),
    .softmax_extra_row_backward = KERNEL(softmax_extra_row_backward),
    .clipped_softmax_row = KERNEL(clipped_softmax_row),
    .clipped_softmax_row_backward = KERNEL(clipped_softmax_row_backward),
    .sigmoid_row = KERNEL(sigmoid_row),
    .sigmoid_row_backward = KERNEL(sigmoid_row_backward),
    .relu_row = KERNEL(relu_row),
    .relu_row_backward = KERNEL(relu_row_backward),
    .softpick_row = KERNEL(softpick_row),
    .softpick_row_backward = KERNEL(softpick_row_backward),
    .entmax15_row = KERNEL(entmax15_row),
    .entmax15_row_backward = KERNEL(entmax15_row_backward),
    .softcap_forward = KERNEL(softcap_forward),
    .softcap_backward = KERNEL(softcap_backward),
    .cross_entropy_row = KERNEL(cross_entropy_row),
    .add = KERNEL(add),
    .scale = KERNEL(scale),
    .sum_of_squares = KERNEL(sum_of_squares),
    .adamw = KERNEL(adamw),
    .sgd = KERNEL(sgd),
    .logarithm = KERNEL(logarithm),
    .widen = KERNEL(widen),
    .row_squares = KERNEL(row_squares),
    .largest_magnitude = KERNEL(largest_magnitude),
    .central_moments = KERNEL(central_moments),
    .band_sums = KERNEL(band_sums),
    .dot = KERNEL(dot),
    .dots = KERNEL(dots),
    .divergence = KERNEL(divergence),
    .gram = KERNEL(gram),
    .tridiagonalise = KERNEL(tridiagonalise),
    .bidiagonalise = KERNEL(bidiagonalise),
    .sturm = KERNEL(sturm),
    .spin = KERNEL(spin),
};
