/* How fast the kernels are: GFLOP/s and share of the fma peak for products, nanoseconds per element for the rest.
 *
 * `bench_kernels [path]`. Each product is timed between two measurements of the peak and the median of some windows
 * is taken, as the machine's clock moves and other programs interrupt. Not a test: it cannot fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "num/kernels.h"

#define MAX_SIDE 2048

static real *filled(size_t n, double scale)
{
    real *x = aligned_alloc(64, (n * sizeof(real) + 63) / 64 * 64);
    if (!x)
        abort();
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (real)(((double)(state >> 8) / (1 << 24) - 0.5) * scale);
    }
    return x;
}

typedef struct {
    const char *purpose;
    int m, n, k;
    int ld_extra; /* columns that the leading dimensions have more than the matrices, as q, k and v in one block */
} Shape;

static const Shape shapes[] = {
    {"block", 256, 256, 256, 0},      {"block", 512, 512, 512, 0},      {"block", 1024, 1024, 1024, 0},
    {"S qkv", 512, 384, 128, 0},      {"S mlp", 512, 512, 128, 0},      {"S mlp", 512, 128, 512, 0},
    {"S head", 512, 512, 128, 0},     {"M qkv", 512, 768, 256, 0},      {"M mlp", 512, 1024, 256, 0},
    {"M mlp", 512, 256, 1024, 0},     {"M head", 512, 2048, 256, 0},    {"L qkv", 1024, 1152, 384, 0},
    {"L mlp", 1024, 1536, 384, 0},    {"L mlp", 1024, 384, 1536, 0},    {"gradient", 128, 384, 512, 0},
    {"gradient", 256, 1024, 512, 0},  {"gradient", 384, 1536, 1024, 0}, {"letters", 512, 68, 128, 0},
    {"attention", 64, 64, 32, 320},   {"attention", 64, 32, 64, 320},   {"attention", 128, 128, 32, 256},
    {"attention", 128, 32, 128, 256}, {"attention", 256, 256, 64, 704}, {"attention", 256, 64, 256, 704},
};

#define WINDOWS 11

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *x)
{
    qsort(x, WINDOWS, sizeof *x, ascending);
    return x[WINDOWS / 2];
}

static void bench_products(const Kernels *kernels)
{
    real *a = filled(4 << 20, 1), *b = filled(4 << 20, 1), *c = filled(4 << 20, 1),
         *scratch = filled(MATMUL_SCRATCH, 1);
    printf("%-10s %5s %5s %5s  %15s %15s %15s   GFLOP/s, share of peak\n", kernels->name, "m", "n", "k", "NN", "NT",
           "TN");
    double mean = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        const Shape *x = &shapes[s];
        printf("%-10s %5d %5d %5d ", x->purpose, x->m, x->n, x->k);
        const double flops = 2.0 * x->m * x->n * x->k;
        for (int kind = 0; kind < 3; kind++) {
            const int ld_a = (kind == MATMUL_TN ? x->m : x->k) + x->ld_extra;
            const int ld_b = (kind == MATMUL_NT ? x->k : x->n) + x->ld_extra, ld_c = x->n + x->ld_extra;
            const int repeat = (int)(5e7 / flops) + 1;
            double rates[WINDOWS], shares[WINDOWS];
            for (int window = 0; window < WINDOWS; window++) {
                const double peak = kernels_peak(kernels, 1e-3), start = clock_seconds();
                for (int i = 0; i < repeat; i++)
                    kernels->matmul((MatmulKind)kind, x->m, x->n, x->k, 1, a, ld_a, b, ld_b, i & 1, c, ld_c, scratch);
                rates[window] = flops * repeat / (clock_seconds() - start);
                shares[window] = 2 * rates[window] / (peak + kernels_peak(kernels, 1e-3));
            }
            const double share = median(shares);
            mean += share;
            printf(" %8.1f %4.0f %%", median(rates) / 1e9, 100 * share);
        }
        printf("\n");
    }
    printf("mean share of peak %.1f %%\n", 100 * mean / (3 * sizeof shapes / sizeof shapes[0]));
    free(a);
    free(b);
    free(c);
    free(scratch);
}

typedef struct {
    int n, width;
    real *x, *y, *z, *w, *gain, *dgain, *mean, *rstd;
} Block;

static void run_bias_forward(const Kernels *k, Block *b)
{
    k->bias_forward(b->n, b->width, b->gain, b->y);
}
static void run_bias_backward(const Kernels *k, Block *b)
{
    k->bias_backward(b->n, b->width, b->y, b->dgain);
}
static void run_layernorm_forward(const Kernels *k, Block *b)
{
    k->layernorm_forward(b->n, b->width, 1e-5, b->x, b->gain, b->gain, b->y, b->mean, b->rstd);
}
static void run_layernorm_backward(const Kernels *k, Block *b)
{
    k->layernorm_backward(b->n, b->width, b->z, b->x, b->gain, b->mean, b->rstd, b->y, b->dgain, b->dgain);
}
static void run_rmsnorm_forward(const Kernels *k, Block *b)
{
    k->rmsnorm_forward(b->n, b->width, 1e-5, b->x, b->gain, b->y, b->rstd);
}
static void run_rmsnorm_backward(const Kernels *k, Block *b)
{
    k->rmsnorm_backward(b->n, b->width, b->z, b->x, b->gain, b->rstd, b->y, b->dgain);
}
static void run_gelu_forward(const Kernels *k, Block *b)
{
    k->gelu_forward((size_t)b->n * b->width, b->x, b->y);
}
static void run_gelu_exact_forward(const Kernels *k, Block *b)
{
    k->gelu_exact_forward((size_t)b->n * b->width, b->x, b->y);
}
static void run_gelu_exact_backward(const Kernels *k, Block *b)
{
    k->gelu_exact_backward((size_t)b->n * b->width, b->x, b->z, b->y, b->w);
}
static void run_gelu_backward(const Kernels *k, Block *b)
{
    k->gelu_backward((size_t)b->n * b->width, b->x, b->z, b->y, b->w);
}
static void run_relu_backward(const Kernels *k, Block *b)
{
    k->relu_backward((size_t)b->n * b->width, b->x, b->z, b->y);
}
static void run_swiglu_forward(const Kernels *k, Block *b)
{
    k->swiglu_forward((size_t)b->n * b->width, b->x, b->z, b->y);
}
static void run_swiglu_backward(const Kernels *k, Block *b)
{
    k->swiglu_backward((size_t)b->n * b->width, b->x, b->z, b->y, b->w, b->y, b->w);
}
static void run_exponential(const Kernels *k, Block *b)
{
    k->exponential((size_t)b->n * b->width, b->x, b->y);
}
static void run_softmax_row(const Kernels *k, Block *b)
{
    real log_sum;
    for (int i = 0; i < b->n; i++)
        k->softmax_row(b->width, b->y + (size_t)i * b->width, &log_sum);
}
static void run_softmax_row_backward(const Kernels *k, Block *b)
{
    for (int i = 0; i < b->n; i++)
        k->softmax_row_backward(b->width, b->x + (size_t)i * b->width, b->y + (size_t)i * b->width);
}
/* Forward in place, or backward of x as weights and scores both, in place of y. */
#define SCORE_ROWS(name, forward, backward)                                                                            \
    static void run_##name##_row(const Kernels *k, Block *b)                                                           \
    {                                                                                                                  \
        for (int i = 0; i < b->n; i++) {                                                                               \
            real *y = b->y + (size_t)i * b->width;                                                                     \
            forward;                                                                                                   \
        }                                                                                                              \
    }                                                                                                                  \
    static void run_##name##_row_backward(const Kernels *k, Block *b)                                                  \
    {                                                                                                                  \
        for (int i = 0; i < b->n; i++) {                                                                               \
            const real *x = b->x + (size_t)i * b->width;                                                               \
            real *y = b->y + (size_t)i * b->width;                                                                     \
            backward;                                                                                                  \
        }                                                                                                              \
    }
SCORE_ROWS(softmax_extra, k->softmax_extra_row(b->width, 0, 1, y), k->softmax_extra_row_backward(b->width, 1, x, y))
SCORE_ROWS(clipped_softmax, k->clipped_softmax_row(b->width, (real)-0.03, 1, y),
           k->clipped_softmax_row_backward(b->width, (real)-0.03, 1, 1, x, y))
SCORE_ROWS(sigmoid, k->sigmoid_row(b->width, 0, 0, y), k->sigmoid_row_backward(b->width, 0, 1, x, y))
SCORE_ROWS(normalised_sigmoid, k->sigmoid_row(b->width, 0, 1, y), k->sigmoid_row_backward(b->width, 1, 1, x, y))
SCORE_ROWS(relu, k->relu_row(b->width, 1, y), k->relu_row_backward(b->width, 0, 1, x, y))
SCORE_ROWS(softpick, k->softpick_row(b->width, (real)1e-6, y), k->softpick_row_backward(b->width, 1, x, x, y))
SCORE_ROWS(entmax15, k->entmax15_row(b->width, y), k->entmax15_row_backward(b->width, b->w + (x - b->x), y))

static void run_softcap_forward(const Kernels *k, Block *b)
{
    k->softcap_forward((size_t)b->n * b->width, 30, b->y);
}
static void run_softcap_backward(const Kernels *k, Block *b)
{
    k->softcap_backward((size_t)b->n * b->width, 30, b->x, b->y);
}
static void run_cross_entropy_row(const Kernels *k, Block *b)
{
    for (int i = 0; i < b->n; i++)
        k->cross_entropy_row(b->width, b->y + (size_t)i * b->width, 0, 1);
}
static void run_add(const Kernels *k, Block *b)
{
    k->add((size_t)b->n * b->width, b->x, b->y);
}
static void run_sum_of_squares(const Kernels *k, Block *b)
{
    k->sum_of_squares((size_t)b->n * b->width, b->x);
}
static void run_adamw(const Kernels *k, Block *b)
{
    k->adamw((size_t)b->n * b->width, b->x, 1, 1e-3, 0.9, 0.999, 1e-8, 0.1, 0.1, 0.001, b->y, b->w, b->z);
}

static const struct {
    const char *name;
    void (*run)(const Kernels *kernels, Block *block);
} rows[] = {
    {"bias_forward", run_bias_forward},
    {"bias_backward", run_bias_backward},
    {"layernorm_forward", run_layernorm_forward},
    {"layernorm_backward", run_layernorm_backward},
    {"rmsnorm_forward", run_rmsnorm_forward},
    {"rmsnorm_backward", run_rmsnorm_backward},
    {"gelu_forward", run_gelu_forward},
    {"gelu_backward", run_gelu_backward},
    {"gelu_exact_forward", run_gelu_exact_forward},
    {"gelu_exact_backward", run_gelu_exact_backward},
    {"relu_backward", run_relu_backward},
    {"exponential", run_exponential},
    {"softmax_row", run_softmax_row},
    {"softmax_row_backward", run_softmax_row_backward},
    {"softmax_extra_row", run_softmax_extra_row},
    {"softmax_extra_row_backward", run_softmax_extra_row_backward},
    {"clipped_softmax_row", run_clipped_softmax_row},
    {"clipped_softmax_row_backward", run_clipped_softmax_row_backward},
    {"sigmoid_row", run_sigmoid_row},
    {"sigmoid_row_backward", run_sigmoid_row_backward},
    {"normalised_sigmoid_row", run_normalised_sigmoid_row},
    {"normalised_sigmoid_row_backward", run_normalised_sigmoid_row_backward},
    {"relu_row", run_relu_row},
    {"relu_row_backward", run_relu_row_backward},
    {"softpick_row", run_softpick_row},
    {"softpick_row_backward", run_softpick_row_backward},
    {"entmax15_row", run_entmax15_row},
    {"entmax15_row_backward", run_entmax15_row_backward},
    {"softcap_forward", run_softcap_forward},
    {"softcap_backward", run_softcap_backward},
    {"cross_entropy_row", run_cross_entropy_row},
    {"add", run_add},
    {"sum_of_squares", run_sum_of_squares},
    {"adamw", run_adamw},
    {"swiglu_forward", run_swiglu_forward},
    {"swiglu_backward", run_swiglu_backward}, /* last: w is no second moment any more */
};

static void bench_rows(const Kernels *kernels)
{
    static const int sides[][2] = {{1024, 64}, {512, 128}, {256, 256}, {512, 1024}};
    const int n_sides = (int)(sizeof sides / sizeof sides[0]);
    printf("%-30s", "ns per element");
    for (int i = 0; i < n_sides; i++)
        printf(" %5d x %4d", sides[i][0], sides[i][1]);
    printf("\n");
    Block b = {.x = filled(MAX_SIDE * MAX_SIDE, 8),
               .y = filled(MAX_SIDE * MAX_SIDE, 8),
               .z = filled(MAX_SIDE * MAX_SIDE, 8),
               .w = filled(MAX_SIDE * MAX_SIDE, 8),
               .gain = filled(MAX_SIDE, 1),
               .dgain = filled(MAX_SIDE, 1),
               .mean = filled(MAX_SIDE, 1),
               .rstd = filled(MAX_SIDE, 1)};
    for (size_t i = 0; i < MAX_SIDE * MAX_SIDE; i++)
        b.w[i] *= b.w[i]; /* a second moment */
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        printf("%-30s", rows[r].name);
        for (int i = 0; i < n_sides; i++) {
            b.n = sides[i][0];
            b.width = sides[i][1];
            double best = 1;
            for (int window = 0; window < 12; window++) {
                memcpy(b.y, b.x, (size_t)b.n * b.width * sizeof(real));
                const double start = clock_seconds();
                for (int repeat = 0; repeat < 4; repeat++)
                    rows[r].run(kernels, &b);
                const double seconds = (clock_seconds() - start) / 4;
                best = seconds < best ? seconds : best;
            }
            printf(" %12.3f", best / ((double)b.n * b.width) * 1e9);
        }
        printf("\n");
    }
    real *const blocks[] = {b.x, b.y, b.z, b.w, b.gain, b.dgain, b.mean, b.rstd};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
}

int main(int argc, char **argv)
{
    const Kernels *kernels = argc > 1 ? kernels_named(argv[1]) : kernels_best();
    if (!kernels) {
        fprintf(stderr, "%s: this machine has no such path\n", argv[1]);
        return 1;
    }
    printf("%s, %s: fma peak %.1f GFLOP/s\n", REAL_NAME, kernels->name, kernels_peak(kernels, 0.05) / 1e9);
    bench_products(kernels);
    bench_rows(kernels);
    return 0;
}
