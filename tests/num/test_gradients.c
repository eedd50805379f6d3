/* Every backward kernel is the derivative of its forward kernel: central differences along random directions. Runs in
 * the double build too, where the tolerance is tight; without it forward and backward could drift apart together with
 * the reference.
 */
#include "numeric.h"

enum { N_ROWS = 3, WIDTH = 37, SIZE = N_ROWS * WIDTH };

#ifdef REFFRAME_DOUBLE
#define STEP      1e-5
#define TOLERANCE 1e-8
#else
#define STEP      1e-2
#define TOLERANCE 2e-3
#endif

/* f(inputs) . weights as a number, and its gradient; inputs: x (SIZE), gain (WIDTH), shift (WIDTH) in one block. */
enum { X = 0, GAIN = SIZE, SHIFT = SIZE + WIDTH, ALL = SIZE + 2 * WIDTH };

static double weigh(int n, const real *y, const real *weights)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)y[i] * (double)weights[i];
    return sum;
}

static double bias(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real y[SIZE];
    memcpy(y, in + X, sizeof y);
    k->bias_forward(N_ROWS, WIDTH, in + GAIN, y);
    if (grad) {
        k->bias_backward(N_ROWS, WIDTH, weights, grad + GAIN);
        k->add(SIZE, weights, grad + X);
    }
    return weigh(SIZE, y, weights);
}

static double layernorm(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real y[SIZE], mean[N_ROWS], rstd[N_ROWS];
    k->layernorm_forward(N_ROWS, WIDTH, 1e-5, in + X, in + GAIN, in + SHIFT, y, mean, rstd);
    if (grad)
        k->layernorm_backward(N_ROWS, WIDTH, weights, in + X, in + GAIN, mean, rstd, grad + X, grad + GAIN,
                              grad + SHIFT);
    return weigh(SIZE, y, weights);
}

static double rmsnorm(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real y[SIZE], rstd[N_ROWS];
    k->rmsnorm_forward(N_ROWS, WIDTH, 1e-5, in + X, in + GAIN, y, rstd);
    if (grad)
        k->rmsnorm_backward(N_ROWS, WIDTH, weights, in + X, in + GAIN, rstd, grad + X, grad + GAIN);
    return weigh(SIZE, y, weights);
}

static double gelu(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real y[SIZE];
    k->gelu_forward(SIZE, in, y);
    if (grad)
        k->gelu_backward(SIZE, in, weights, grad, y);
    return weigh(SIZE, y, weights);
}

static double gelu_exact(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real y[SIZE];
    k->gelu_exact_forward(SIZE, in, y);
    if (grad)
        k->gelu_exact_backward(SIZE, in, weights, grad, y);
    return weigh(SIZE, y, weights);
}

/* Away from its kink: |x| + 0.1 with the sign of x. */
static double relu(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real x[SIZE], y[SIZE];
    for (int i = 0; i < SIZE; i++)
        x[i] = in[i] + (i % 2 ? 5 : -5);
    k->relu_forward(SIZE, x, y);
    if (grad)
        k->relu_backward(SIZE, x, weights, grad);
    return weigh(SIZE, y, weights);
}

/* The gate is two rows of x; up is gain and shift, which lie side by side. */
static double swiglu(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real y[2 * WIDTH];
    k->swiglu_forward(2 * WIDTH, in + X, in + GAIN, y);
    if (grad)
        k->swiglu_backward(2 * WIDTH, in + X, in + GAIN, weights, grad + X, grad + GAIN, y);
    return weigh(2 * WIDTH, y, weights);
}

static double softmax(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real y[SIZE];
    memcpy(y, in, sizeof y);
    if (grad)
        memcpy(grad, weights, sizeof y);
    for (int i = 0; i < N_ROWS; i++) {
        k->softmax_row(WIDTH, y + i * WIDTH, NULL);
        if (grad)
            k->softmax_row_backward(WIDTH, y + i * WIDTH, grad + i * WIDTH);
    }
    return weigh(SIZE, y, weights);
}

/* A row function of scores s = x +- `away`, which keeps them from a corner at 0, and its gradient. */
#define ROW_FUNCTION(name, away, forward, backward)                                                                    \
    static double name(const Kernels *k, const real *in, const real *weights, real *grad)                              \
    {                                                                                                                  \
        real scores[SIZE], all[SIZE], kept[N_ROWS] = {0};                                                              \
        for (int i = 0; i < SIZE; i++)                                                                                 \
            scores[i] = all[i] = in[i] + (real)(i % 2 ? away : -(away));                                               \
        if (grad)                                                                                                      \
            memcpy(grad, weights, sizeof all);                                                                         \
        for (int i = 0; i < N_ROWS; i++) {                                                                             \
            real *y = all + i * WIDTH;                                                                                 \
            const real *s = scores + i * WIDTH;                                                                        \
            (void)s, (void)kept;                                                                                       \
            forward;                                                                                                   \
            if (grad) {                                                                                                \
                real *d = grad + i * WIDTH;                                                                            \
                backward;                                                                                              \
            }                                                                                                          \
        }                                                                                                              \
        return weigh(SIZE, all, weights);                                                                              \
    }

/* With a gradient for the extra logit, too, the first of the gains. */
ROW_FUNCTION(softmax_extra, 0, kept[i] = k->softmax_extra_row(WIDTH, in[GAIN], 1, y),
             grad[GAIN] -= kept[i] * k->softmax_extra_row_backward(WIDTH, 1, y, d))
ROW_FUNCTION(softmax_total, 0, k->softmax_extra_row(WIDTH, -(real)INFINITY, (real)0.3, y),
             k->softmax_extra_row_backward(WIDTH, (real)0.3, y, d))
ROW_FUNCTION(clipped_softmax, 0, kept[i] = k->clipped_softmax_row(WIDTH, (real)-0.02, (real)1.02, y),
             k->clipped_softmax_row_backward(WIDTH, (real)-0.02, (real)1.02, kept[i], s, d))
ROW_FUNCTION(sigmoid, 0, k->sigmoid_row(WIDTH, -1, 0, y), k->sigmoid_row_backward(WIDTH, 0, 1, y, d))
ROW_FUNCTION(normalised_sigmoid, 0, kept[i] = k->sigmoid_row(WIDTH, (real)(-3 * i), 1, y),
             k->sigmoid_row_backward(WIDTH, 1, kept[i], y, d))
ROW_FUNCTION(relu_row, 5, kept[i] = k->relu_row(WIDTH, 3, y), k->relu_row_backward(WIDTH, 0, kept[i], y, d))
ROW_FUNCTION(normalised_relu, 5, kept[i] = k->relu_row(WIDTH, 0, y), k->relu_row_backward(WIDTH, 1, kept[i], y, d))
ROW_FUNCTION(softpick, 3, kept[i] = k->softpick_row(WIDTH, (real)1e-6, y),
             k->softpick_row_backward(WIDTH, kept[i], s, y, d))
ROW_FUNCTION(entmax15, 0, k->entmax15_row(WIDTH, y), k->entmax15_row_backward(WIDTH, y, d))
ROW_FUNCTION(softcap, 0, k->softcap_forward(WIDTH, 2, y), k->softcap_backward(WIDTH, 2, y, d))

static double cross_entropy(const Kernels *k, const real *in, const real *weights, real *grad)
{
    real y[SIZE];
    double sum = 0;
    memcpy(y, in, sizeof y);
    for (int i = 0; i < N_ROWS; i++)
        sum += (double)weights[i] * k->cross_entropy_row(WIDTH, y + i * WIDTH, 5 * i, weights[i]);
    if (grad)
        memcpy(grad, y, sizeof y);
    return sum;
}

/* A = x (3, 5), B = the rest of x, C = A B weighed: dA = weights B', dB = A' weights. */
static double matmul(const Kernels *k, const real *in, const real *weights, real *grad)
{
    enum { M = 3, K = 5, N = 7 };
    real *scratch = aligned_alloc(64, MATMUL_SCRATCH * sizeof(real)), c[M * N];
    k->matmul(MATMUL_NN, M, N, K, (real)0.5, in, K, in + M * K, N, 0, c, N, scratch);
    if (grad) {
        k->matmul(MATMUL_NT, M, K, N, (real)0.5, weights, N, in + M * K, N, 1, grad, K, scratch);
        k->matmul(MATMUL_TN, K, N, M, (real)0.5, in, K, weights, N, 1, grad + M * K, N, scratch);
    }
    free(scratch);
    return weigh(M * N, c, weights);
}

static const struct {
    const char *name;
    double (*value)(const Kernels *kernels, const real *in, const real *weights, real *grad);
} functions[] = {
    {"bias", bias},
    {"layernorm", layernorm},
    {"rmsnorm", rmsnorm},
    {"gelu", gelu},
    {"relu", relu},
    {"one more logit", softmax_extra},
    {"softmax of a total", softmax_total},
    {"clipped softmax", clipped_softmax},
    {"sigmoid", sigmoid},
    {"normalised sigmoid", normalised_sigmoid},
    {"relu row", relu_row},
    {"normalised relu", normalised_relu},
    {"softpick", softpick},
    {"entmax15", entmax15},
    {"softcap", softcap},
    {"softmax", softmax},
    {"cross-entropy", cross_entropy},
    {"matmul", matmul},
    {"gelu_exact", gelu_exact},
    {"swiglu", swiglu},
};

static void backward_is_the_derivative(void **state)
{
    (void)state;
    uint32_t random = 19;
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        for (int direction = 0; direction < 8; direction++) {
            real in[ALL], weights[SIZE], grad[ALL] = {0}, along[ALL], plus[ALL], minus[ALL];
            for (int i = 0; i < ALL; i++) {
                in[i] = (real)(2 * next_number(&random));
                along[i] = (real)next_number(&random);
                plus[i] = in[i] + (real)STEP * along[i];
                minus[i] = in[i] - (real)STEP * along[i];
            }
            for (int i = 0; i < SIZE; i++)
                weights[i] = (real)next_number(&random);
            const Kernels *k = kernels_best();
            functions[f].value(k, in, weights, grad);
            const double analytic = weigh(ALL, grad, along);
            const double numeric =
                (functions[f].value(k, plus, weights, NULL) - functions[f].value(k, minus, weights, NULL)) / (2 * STEP);
            if (!(fabs(analytic - numeric) <= TOLERANCE * (1 + fabs(analytic))))
                fail_msg("%s: gradient %.12g, central difference %.12g", functions[f].name, analytic, numeric);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(backward_is_the_derivative)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
