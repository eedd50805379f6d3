/* Holds every kernel but the product to the reference, and all paths to the same bits, on widths with and without
 * remainders; and softmax and cross-entropy to their words on masked, empty, huge and broken rows.
 */
#include "numeric.h"

/* One call of every kernel that is held to the reference: inputs in, outputs appended to one array. */
#ifdef REFFRAME_DOUBLE
#define REAL_TINY 1e-310
#else
#define REAL_TINY 1e-40
#endif

enum { MAX_ROWS = 5, MAX_WIDTH = 1300, MAX_SIZE = MAX_ROWS * MAX_WIDTH, N_BLOCKS = 5 };

typedef struct {
    int n, width;
    real *x, *dy, *gain, *shift, *out; /* inputs (n, width), (width,); out: N_BLOCKS of (n, width) */
} Rows;

#define BLOCK(i) (r->out + (size_t)(i)*r->n * r->width)

static void call_bias(const Kernels *k, Rows *r)
{
    k->bias_forward(r->n, r->width, r->gain, BLOCK(0));
    k->bias_backward(r->n, r->width, r->dy, BLOCK(1));
}

static void call_layernorm(const Kernels *k, Rows *r)
{
    real mean[MAX_ROWS], rstd[MAX_ROWS];
    k->layernorm_forward(r->n, r->width, 1e-5, r->x, r->gain, r->shift, BLOCK(0), mean, rstd);
    kernels_reference.layernorm_forward(r->n, r->width, 1e-5, r->x, r->gain, r->shift, BLOCK(3), mean, rstd);
    k->layernorm_backward(r->n, r->width, r->dy, r->x, r->gain, mean, rstd, BLOCK(1), BLOCK(2), BLOCK(3));
}

static void call_layernorm_without_shift(const Kernels *k, Rows *r)
{
    real *mean = BLOCK(3), rstd[MAX_ROWS];
    k->layernorm_forward(r->n, r->width, 1e-5, r->x, r->gain, NULL, BLOCK(0), mean, rstd);
    kernels_reference.layernorm_forward(r->n, r->width, 1e-5, r->x, r->gain, NULL, BLOCK(2), mean, rstd);
    k->layernorm_backward(r->n, r->width, r->dy, r->x, r->gain, mean, rstd, BLOCK(1), BLOCK(2), NULL);
}

static void call_rmsnorm(const Kernels *k, Rows *r)
{
    real rstd[MAX_ROWS];
    k->rmsnorm_forward(r->n, r->width, 1e-5, r->x, r->gain, BLOCK(0), rstd);
    kernels_reference.rmsnorm_forward(r->n, r->width, 1e-5, r->x, r->gain, BLOCK(3), rstd);
    k->rmsnorm_backward(r->n, r->width, r->dy, r->x, r->gain, rstd, BLOCK(1), BLOCK(2));
}

static void call_gelu(const Kernels *k, Rows *r)
{
    k->gelu_forward((size_t)r->n * r->width, r->x, BLOCK(0));
    k->gelu_backward((size_t)r->n * r->width, r->x, r->dy, BLOCK(1), BLOCK(2));
}

static void call_gelu_exact(const Kernels *k, Rows *r)
{
    k->gelu_exact_forward((size_t)r->n * r->width, r->x, BLOCK(0));
    k->gelu_exact_backward((size_t)r->n * r->width, r->x, r->dy, BLOCK(1), BLOCK(2));
}

static void call_relu(const Kernels *k, Rows *r)
{
    k->relu_forward((size_t)r->n * r->width, r->x, BLOCK(0));
    k->relu_backward((size_t)r->n * r->width, r->x, r->dy, BLOCK(1));
}

static void call_swiglu(const Kernels *k, Rows *r)
{
    const size_t n = (size_t)r->n * r->width;
    memcpy(BLOCK(3), r->dy, n * sizeof(real));
    k->swiglu_forward(n, r->x, r->dy, BLOCK(0));
    k->swiglu_backward(n, r->x, BLOCK(1), BLOCK(3), BLOCK(2), BLOCK(3), BLOCK(4)); /* in place, as the model calls it */
}

static void call_exponential(const Kernels *k, Rows *r)
{
    k->exponential((size_t)r->n * r->width, r->x, BLOCK(0));
}

static void call_softmax(const Kernels *k, Rows *r)
{
    memcpy(BLOCK(0), r->x, (size_t)r->n * r->width * sizeof(real));
    for (int i = 0; i < r->n; i++) {
        k->softmax_row(r->width, BLOCK(0) + (size_t)i * r->width, BLOCK(1) + i);
        k->softmax_row_backward(r->width, BLOCK(0) + (size_t)i * r->width, BLOCK(2) + (size_t)i * r->width);
    }
}

/* Rows in place: forward of x into block 0, backward into block 2, whatever backward wants in `kept`. */
#define EACH_ROW(r, forward, backward)                                                                                 \
    memcpy(BLOCK(0), (r)->x, (size_t)(r)->n *(size_t)(r)->width * sizeof(real));                                       \
    for (int i = 0; i < (r)->n; i++) {                                                                                 \
        const size_t at = (size_t)i * (size_t)(r)->width;                                                              \
        real *y = BLOCK(0) + at, *d = BLOCK(2) + at, *kept = BLOCK(1) + i;                                             \
        const real *x = (r)->x + at;                                                                                   \
        (void)x, (void)kept;                                                                                           \
        forward;                                                                                                       \
        backward;                                                                                                      \
    }

static void call_softmax_extra(const Kernels *k, Rows *r)
{
    EACH_ROW(r, *kept = k->softmax_extra_row(r->width, r->gain[0], (real)1.5, y),
             BLOCK(3)[i] = k->softmax_extra_row_backward(r->width, (real)1.5, y, d))
}

static void call_clipped_softmax(const Kernels *k, Rows *r)
{
    EACH_ROW(r, *kept = k->clipped_softmax_row(r->width, (real)-0.03, (real)1.1, y),
             k->clipped_softmax_row_backward(r->width, (real)-0.03, (real)1.1, *kept, x, d))
}

static void call_sigmoid(const Kernels *k, Rows *r)
{
    EACH_ROW(r, *kept = k->sigmoid_row(r->width, (real)-1.5, 0, y), k->sigmoid_row_backward(r->width, 0, *kept, y, d))
}

/* Of bias -40: all arguments are far below 0, but where the values themselves are hostile. */
static void call_normalised_sigmoid(const Kernels *k, Rows *r)
{
    EACH_ROW(r, *kept = k->sigmoid_row(r->width, i % 2 ? (real)-1.5 : (real)-40, 1, y),
             k->sigmoid_row_backward(r->width, 1, *kept, y, d))
}

static void call_relu_row(const Kernels *k, Rows *r)
{
    EACH_ROW(r, *kept = k->relu_row(r->width, (real)2.5, y), k->relu_row_backward(r->width, 0, *kept, y, d))
}

static void call_normalised_relu(const Kernels *k, Rows *r)
{
    EACH_ROW(r, *kept = k->relu_row(r->width, 0, y), k->relu_row_backward(r->width, 1, *kept, y, d))
}

static void call_softpick(const Kernels *k, Rows *r)
{
    EACH_ROW(r, *kept = k->softpick_row(r->width, (real)1e-6, y), k->softpick_row_backward(r->width, *kept, x, y, d))
}

static void call_entmax15(const Kernels *k, Rows *r)
{
    EACH_ROW(r, k->entmax15_row(r->width, y), k->entmax15_row_backward(r->width, y, d))
}

static void call_softcap(const Kernels *k, Rows *r)
{
    const size_t n = (size_t)r->n * (size_t)r->width;
    memcpy(BLOCK(0), r->x, n * sizeof(real));
    k->softcap_forward(n, 3, BLOCK(0));
    for (size_t i = 0; i < n; i += 7)
        BLOCK(0)[i] = -(real)INFINITY; /* as the mask leaves it */
    k->softcap_backward(n, 3, BLOCK(0), BLOCK(2));
    for (size_t i = 0; i < n; i += 7)
        BLOCK(0)[i] = 0;
}

static void call_cross_entropy(const Kernels *k, Rows *r)
{
    memcpy(BLOCK(0), r->x, (size_t)r->n * r->width * sizeof(real));
    for (int i = 0; i < r->n; i++) {
        real *logits = BLOCK(0) + (size_t)i * r->width;
        BLOCK(1)[i] = (real)k->cross_entropy_row(r->width, logits, i % r->width, 0);
        BLOCK(2)[i] = (real)k->cross_entropy_row(r->width, logits, i % r->width, (real)0.125);
    }
}

static void call_add_scale(const Kernels *k, Rows *r)
{
    k->add((size_t)r->n * r->width, r->x, BLOCK(0));
    k->scale((size_t)r->n * r->width, (real)0.3, BLOCK(1));
}

static void call_sum_of_squares(const Kernels *k, Rows *r)
{
    *BLOCK(0) = (real)k->sum_of_squares((size_t)r->n * r->width, r->x);
}

static void call_optimizers(const Kernels *k, Rows *r)
{
    const size_t n = (size_t)r->n * r->width;
    for (size_t i = 0; i < n; i++)
        BLOCK(1)[i] *= BLOCK(1)[i]; /* a second moment */
    k->adamw(n, r->dy, 0.7, 1e-2, 0.9, 0.999, 1e-8, 0.1, 0.19, 0.002, BLOCK(0), BLOCK(1), BLOCK(2));
    k->sgd(n, r->dy, 0.7, 1e-2, 0.9, 0.1, BLOCK(0), BLOCK(3));
}

/* Tolerance in units of REAL_EPSILON, relative to 1 + |reference|. */
static const struct {
    const char *name;
    void (*call)(const Kernels *kernels, Rows *rows);
    double tolerance;
} kernels_of_rows[] = {
    {"bias", call_bias, 4},
    {"layernorm", call_layernorm, 30},
    {"layernorm without shift", call_layernorm_without_shift, 30},
    {"rmsnorm", call_rmsnorm, 30},
    {"gelu", call_gelu, 30},
    {"gelu_exact", call_gelu_exact, 30},
    {"relu", call_relu, 0},
    {"swiglu", call_swiglu, 30},
    {"exponential", call_exponential, 2},
    {"softmax", call_softmax, 40},
    {"softmax with one more logit", call_softmax_extra, 40},
    {"clipped softmax", call_clipped_softmax, 40},
    {"sigmoid", call_sigmoid, 8},
    {"normalised sigmoid", call_normalised_sigmoid, 40},
    {"relu row", call_relu_row, 4},
    {"normalised relu row", call_normalised_relu, 200}, /* over a sum of subnormal numbers */
    {"softpick", call_softpick, 40},
    {"entmax15", call_entmax15, 40},
    {"softcap", call_softcap, 8},
    {"cross-entropy", call_cross_entropy, 8},
    {"add and scale", call_add_scale, 0},
    {"sum of squares", call_sum_of_squares, 100},
    {"optimizers", call_optimizers, 30},
};

static const int widths[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 64, 97, 128, 129, 255, 384, 1024, 1297};

static void every_kernel_on_every_path(void **state)
{
    (void)state;
    uint32_t random = 3;
    for (size_t c = 0; c < sizeof kernels_of_rows / sizeof *kernels_of_rows; c++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
            for (int n = 1; n <= MAX_ROWS; n += 4) {
                const size_t width = (size_t)widths[w], size = (size_t)n * width;
                Rows r = {.n = n, .width = widths[w]};
                r.x = new_reals(size, 6, &random);
                r.dy = new_reals(size, 1, &random);
                r.gain = new_reals(width, 1, &random);
                r.shift = new_reals(width, 1, &random);
                real *start = new_reals(N_BLOCKS * size, 1, &random), *slow = copy_reals(N_BLOCKS * size, start),
                     *first = NULL;
                r.out = slow;
                kernels_of_rows[c].call(&kernels_reference, &r);
                for (const char *const *name = kernels_available(); *name; name++) {
                    char what[96];
                    snprintf(what, sizeof what, "%s, %s, width %d", kernels_of_rows[c].name, *name, widths[w]);
                    real *fast = copy_reals(N_BLOCKS * size, start);
                    r.out = fast;
                    kernels_of_rows[c].call(kernels_named(*name), &r);
                    assert_near(what, N_BLOCKS * size, fast, slow, kernels_of_rows[c].tolerance * (double)REAL_EPSILON,
                                1);
                    if (first) {
                        assert_same(what, N_BLOCKS * size, fast, first);
                        free_reals(N_BLOCKS * size, fast);
                    } else {
                        first = fast;
                    }
                }
                real *const blocks[] = {r.x, r.dy, r.gain, r.shift, start, slow, first};
                const size_t sizes[] = {size, size, width, width, N_BLOCKS * size, N_BLOCKS * size, N_BLOCKS * size};
                for (int i = 0; i < 7; i++)
                    free_reals(sizes[i], blocks[i]);
            }
}

/* ---- hostile values ---- */

/* What a row may be full of; `at` of `width` is one place among it. */
static real zeros(int at, int width)
{
    (void)width;
    return at % 2 ? 0 : -(real)0;
}

static real one_value(int at, int width)
{
    (void)at, (void)width;
    return 3;
}

static real tiny(int at, int width)
{
    (void)width;
    return (real)(REAL_TINY * (1 + at % 3));
}

static real large(int at, int width)
{
    (void)width;
    return (real)((at % 2 ? 1e4 : -1e4) + at);
}

static real larger(int at, int width)
{
    (void)width;
    return (real)(at % 3 ? 1e15 : -1e15);
}

static real half_masked(int at, int width)
{
    return at % width < width / 2 ? -(real)INFINITY : (real)(at % 5);
}

static real all_masked(int at, int width)
{
    (void)at, (void)width;
    return -(real)INFINITY;
}

static real one_nan(int at, int width)
{
    return at % width == width - 1 ? (real)NAN : (real)(at % 7) - 3;
}

static real one_infinity(int at, int width)
{
    return at % width == width / 2 ? (real)INFINITY : (real)(at % 7) - 3;
}

/* In what is finite by the reference, a kernel may be `size` times the tolerance off; what is not finite must
 * not be. */
static const struct {
    const char *name;
    real (*value)(int at, int width);
    double size;
} fills[] = {
    {"zeros of both signs", zeros, 1},  {"one value", one_value, 1},       {"subnormal numbers", tiny, 1},
    {"numbers of 1e4", large, 1e4},     {"numbers of 1e15", larger, 1e15}, {"rows half masked", half_masked, 1},
    {"rows all masked", all_masked, 1}, {"a NaN a row", one_nan, 1},       {"an infinity a row", one_infinity, 1},
};

static void assert_near_or_broken(const char *what, size_t n, const real *x, const real *y, double tolerance,
                                  double size)
{
    for (size_t i = 0; i < n; i++) {
        const int is_near = fabs((double)x[i] - (double)y[i]) <= tolerance * (size + fabs((double)y[i]));
        if (isfinite(y[i]) ? !is_near : isfinite(x[i]))
            fail_msg("%s: [%zu] is %.17g, should be %.17g", what, i, (double)x[i], (double)y[i]);
    }
}

/* Each kernel on each path with hostile x, then with a hostile dy: as the reference where that is finite, and not
 * finite where it is not, so that no path hides a NaN that another shows. */
static void every_kernel_on_hostile_values(void **state)
{
    (void)state;
    static const int hostile_widths[] = {1, 2, 17, 64, 131};
    uint32_t random = 23;
    for (size_t c = 0; c < sizeof kernels_of_rows / sizeof *kernels_of_rows; c++)
        for (size_t f = 0; f < 2 * sizeof fills / sizeof *fills; f++)
            for (size_t w = 0; w < sizeof hostile_widths / sizeof *hostile_widths; w++) {
                const size_t width = (size_t)hostile_widths[w], size = 2 * width;
                Rows r = {.n = 2, .width = hostile_widths[w]};
                r.x = new_reals(size, 2, &random);
                r.dy = new_reals(size, 1, &random);
                r.gain = new_reals(width, 1, &random);
                r.shift = new_reals(width, 1, &random);
                for (size_t i = 0; i < size; i++)
                    (f % 2 ? r.dy : r.x)[i] = fills[f / 2].value((int)i, r.width);
                real *start = new_reals(N_BLOCKS * size, 1, &random), *slow = copy_reals(N_BLOCKS * size, start),
                     *first = NULL;
                r.out = slow;
                kernels_of_rows[c].call(&kernels_reference, &r);
                for (const char *const *name = kernels_available(); *name; name++) {
                    char what[128];
                    snprintf(what, sizeof what, "%s, %s, width %zu, %s in %s", kernels_of_rows[c].name, *name, width,
                             fills[f / 2].name, f % 2 ? "dy" : "x");
                    real *fast = copy_reals(N_BLOCKS * size, start);
                    r.out = fast;
                    kernels_of_rows[c].call(kernels_named(*name), &r);
                    assert_near_or_broken(what, N_BLOCKS * size, fast, slow,
                                          (kernels_of_rows[c].tolerance + 4) * (double)REAL_EPSILON, fills[f / 2].size);
                    if (first) {
                        assert_same(what, N_BLOCKS * size, fast, first);
                        free_reals(N_BLOCKS * size, fast);
                    } else {
                        first = fast;
                    }
                }
                real *const blocks[] = {r.x, r.dy, r.gain, r.shift, start, slow, first};
                const size_t sizes[] = {size, size, width, width, N_BLOCKS * size, N_BLOCKS * size, N_BLOCKS * size};
                for (int i = 0; i < 7; i++)
                    free_reals(sizes[i], blocks[i]);
            }
}

/* ---- softmax on hard rows ---- */

static void masked_entries_are_exact_zeros(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++) {
        const Kernels *k = kernels_named(*name);
        for (int n = 1; n < 40; n++) {
            real s[40], log_sum;
            for (int j = 0; j < n; j++)
                s[j] = j % 3 == 0 ? (real)0.5 : -(real)INFINITY;
            k->softmax_row(n, s, &log_sum);
            const int visible = (n + 2) / 3;
            for (int j = 0; j < n; j++)
                assert_true(j % 3 == 0 ? fabs((double)s[j] * visible - 1) < 1e-6 : s[j] == 0);
            assert_true(fabs((double)log_sum - 0.5 - log(visible)) < 1e-6);
            for (int j = 0; j < n; j++)
                s[j] = -(real)INFINITY;
            k->softmax_row(n, s, &log_sum);
            for (int j = 0; j < n; j++)
                assert_true(s[j] == 0);
            assert_true(log_sum == -(real)INFINITY);
        }
        real log_sum = 1;
        k->softmax_row(0, NULL, &log_sum);
        assert_true(log_sum == -(real)INFINITY);
    }
}

static void softmax_of_huge_and_broken_rows(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++) {
        const Kernels *k = kernels_named(*name);
        real huge[20], broken[20], empty_but_nan[20], log_sum;
        for (int j = 0; j < 20; j++) {
            huge[j] = (real)1e30 * (real)(j - 10);
            broken[j] = (real)j;
            empty_but_nan[j] = -(real)INFINITY;
        }
        k->softmax_row(20, huge, &log_sum);
        for (int j = 0; j < 20; j++)
            assert_true(huge[j] == (j == 19 ? 1 : 0));
        assert_true(fabs((double)log_sum / 9e30 - 1) < 1e-6);
        broken[7] = (real)NAN;
        k->softmax_row(20, broken, NULL);
        empty_but_nan[18] = (real)NAN;
        k->softmax_row(20, empty_but_nan, &log_sum);
        assert_true(isnan(broken[7]) && isnan(broken[0]) && isnan(empty_but_nan[18]) && isnan(log_sum));
        broken[0] = (real)INFINITY;
        k->softmax_row(1, broken, NULL);
        assert_true(isnan(broken[0]));
    }
}

static void cross_entropy_of_huge_and_broken_rows(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++) {
        const Kernels *k = kernels_named(*name);
        real x[3] = {(real)1e4, 0, (real)-1e4};
        assert_true(k->cross_entropy_row(3, x, 0, 0) == 0);
        assert_true(k->cross_entropy_row(3, x, 2, 0) == 2e4);
        assert_true(x[0] == (real)1e4 && x[1] == 0); /* scale 0 leaves the logits */
        assert_true(k->cross_entropy_row(3, x, 2, 1) == 2e4);
        assert_true(x[0] == 1 && x[1] == 0 && x[2] == -1);
        real y[3] = {0, (real)NAN, 1};
        assert_true(isnan(k->cross_entropy_row(3, y, 0, 0)));
        real z[2] = {0, -(real)INFINITY};
        assert_true(isinf(k->cross_entropy_row(2, z, 1, 0)));
    }
}

/* A vocabulary of 50257 equal logits: the sum must not drift as one float sum would. */
static void cross_entropy_of_a_large_vocabulary(void **state)
{
    (void)state;
    enum { V = 50257 };
    real *x = malloc(V * sizeof(real));
    for (const char *const *name = kernels_available(); *name; name++) {
        for (int j = 0; j < V; j++)
            x[j] = (real)0.1;
        assert_true(fabs(kernels_named(*name)->cross_entropy_row(V, x, 5, 0) - log(V)) < 1e-12);
    }
    free(x);
}

static void nan_and_infinity_pass_elementwise(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++) {
        const Kernels *k = kernels_named(*name);
        const real x[3] = {(real)NAN, (real)INFINITY, -(real)INFINITY}, one[3] = {1, 1, 1};
        real y[3], again[3];
        k->gelu_forward(3, x, y);
        assert_true(isnan(y[0]) && y[1] == (real)INFINITY);
        k->relu_forward(3, x, y);
        assert_true(isnan(y[0]) && y[1] == (real)INFINITY && y[2] == 0);
        k->gelu_backward(3, x, one, y, again);
        assert_true(isnan(y[0]) && isnan(again[0]) && again[1] == (real)INFINITY);
        k->gelu_exact_forward(3, x, y);
        assert_true(isnan(y[0]) && y[1] == (real)INFINITY);
        k->gelu_exact_backward(3, x, one, y, again);
        assert_true(isnan(y[0]) && isnan(again[0]) && again[1] == (real)INFINITY);
        k->swiglu_forward(3, x, one, y);
        assert_true(isnan(y[0]) && y[1] == (real)INFINITY);
        k->swiglu_forward(3, one, x, y);
        assert_true(isnan(y[0]) && y[1] == (real)INFINITY && y[2] == -(real)INFINITY);
        k->relu_backward(3, one, x, y);
        assert_true(isnan(y[0]) && y[1] == (real)INFINITY && y[2] == -(real)INFINITY);
        real mean, rstd;
        k->layernorm_forward(1, 3, 1e-5, x, one, NULL, y, &mean, &rstd);
        assert_true(isnan(y[0]) && isnan(y[1]) && isnan(y[2]));
    }
}

/* silu keeps its relative accuracy where it is small, for a large negative gate; with up = 1 it stands alone. */
static void silu_is_within_3_ulp(void **state)
{
    (void)state;
    enum { N = 40001 };
    real gate[N], up[N], y[N];
    long double worst = 0;
    for (int i = 0; i < N; i++) {
        gate[i] = (real)(-87 + 174.0 * i / N);
        up[i] = 1;
    }
    kernels_best()->swiglu_forward(N, gate, up, y);
    for (int i = 0; i < N; i++) {
        const long double z = (long double)gate[i], exact = z / (1 + expl(-z));
        int e;
        frexpl(exact, &e);
        const long double error = fabsl((long double)y[i] - exact) / ldexpl((long double)REAL_EPSILON, e - 1);
        worst = error > worst ? error : worst;
    }
    print_message("# silu: largest error %.3Lf ulp over %d points\n", worst, N);
    assert_true(worst <= 3);
}

/* 1e7 elements: a sum in float would be lost long before; chunks and tree in double keep 14 digits. */
static void sum_of_squares_is_exact_enough(void **state)
{
    (void)state;
    enum { N = 1000003 };
    uint32_t random = 5;
    real *x = new_reals(N, 3, &random);
    /* What roundings lose, by Knuth's two-sum: under valgrind a long double has no more digits than a double. */
    double sum = 0, lost = 0;
    for (int i = 0; i < N; i++) {
        const double z = (double)x[i], square = z * z, next = sum + square, added = next - sum;
        lost += (sum - (next - added)) + (square - added) + fma(z, z, -square);
        sum = next;
    }
    const double first = kernels_best()->sum_of_squares(N, x);
    assert_true(fabs(first / (sum + lost) - 1) < 1e-14);
    for (const char *const *name = kernels_available(); *name; name++)
        assert_true(kernels_named(*name)->sum_of_squares(N, x) == first);
    free_reals(N, x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_on_every_path),
        cmocka_unit_test(every_kernel_on_hostile_values),
        cmocka_unit_test(masked_entries_are_exact_zeros),
        cmocka_unit_test(softmax_of_huge_and_broken_rows),
        cmocka_unit_test(cross_entropy_of_huge_and_broken_rows),
        cmocka_unit_test(cross_entropy_of_a_large_vocabulary),
        cmocka_unit_test(nan_and_infinity_pass_elementwise),
        cmocka_unit_test(sum_of_squares_is_exact_enough),
        cmocka_unit_test(silu_is_within_3_ulp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
