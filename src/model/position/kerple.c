/* KERPLE in its logarithmic form (Chi, Fan, Ramadge, Rudnicky 2022, arXiv 2205.09921): scores
 * fall with the logarithm of the distance, at a rate and from a distance that are learned per layer and head.
 *
 *   s_ij += -r1 log(1 + r2 |i - j|),   r1 = R1 exp(a), r2 = R2 exp(b)
 *
 * The kernel wants r1, r2 > 0, which the authors' code has by clipping them; here a and b are what is learned, so both
 * stay positive and the gradient never ends. They start at 0, and R1, R2 are keys, by default the means of the
 * authors' draws (uniform in 0..2 and 0..1). Under a full mask the bias is symmetric.
 *
 *   d s_ij / da = -r1 log(1 + r2 |i - j|),   d s_ij / db = -r1 r2 |i - j| / (1 + r2 |i - j|)
 */
#include <math.h>

#include "model/position/position.h"

typedef struct {
    double r1, r2; /* R1, R2 */
    int n_heads;
    const Kernels *kernels;
    const size_t *rates; /* (L) offset of each layer's tensor (2,H): a, b */
} Kerple;

static const SchemaRow params[] = {
    {"r1", VALUE_NUMBER, "1", 1e-9, 1000, NULL, "how fast scores fall with log distance at step 0; learned from there",
     FIELD(Kerple, r1)},
    {"r2", VALUE_NUMBER, "0.5", 1e-9, 1000, NULL,
     "1 over the distance from which they do at step 0; learned from there", FIELD(Kerple, r2)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)err;
    Kerple *kerple = settings_read_new(arena, model->settings, "model.position", ROWS(params), sizeof(Kerple));
    const Tensor rates = {
        .name = "attention.kerple", .group = TENSOR_ATTENTION, .rows = 2, .cols = model->n_heads, .initial_value = 0};
    kerple->n_heads = model->n_heads;
    kerple->kernels = model->kernels;
    kerple->rates = parameters_add_to_layers(arena, parameters, model->n_layers, rates);
    *ret_state = kerple;
    return STATUS_OK;
}

/* r1, r2 of a head. */
typedef struct {
    double r1, r2;
} Rates;

static Rates rates_of(const Kerple *kerple, const real *parameters, int layer, int head)
{
    const real *learned = parameters + kerple->rates[layer] + head;
    real grown[2] = {learned[0], learned[kerple->n_heads]};
    kerple->kernels->exponential(2, grown, grown);
    return (Rates){kerple->r1 * (double)grown[0], kerple->r2 * (double)grown[1]};
}

/* Distances at a time; their 1 + r2 d and its logarithm. */
enum { SPAN = 128 };

typedef struct {
    int n;
    double grown[SPAN], log[SPAN];
} Span;

static Span span_of(const Kerple *kerple, double r2, int first, int length)
{
    Span span = {.n = length - first < SPAN ? length - first : SPAN};
    for (int d = 0; d < span.n; d++)
        span.grown[d] = 1 + r2 * (first + d);
    kerple->kernels->logarithm((size_t)span.n, span.grown, span.log);
    for (int d = 0; d < span.n; d++) /* to the kernel only finite numbers mean something */
        span.log[d] = isfinite(span.grown[d]) ? span.log[d] : NAN;
    return span;
}

static void bias_forward(const void *state, const real *parameters, int layer, int length, real *ret_table)
{
    const Kerple *kerple = state;
    for (int h = 0; h < kerple->n_heads; h++) {
        const Rates r = rates_of(kerple, parameters, layer, h);
        real *middle = ret_table + h * (2 * length - 1) + length - 1; /* distance 0 */
        for (int first = 0; first < length; first += SPAN) {
            const Span span = span_of(kerple, r.r2, first, length);
            for (int d = 0; d < span.n; d++)
                middle[first + d] = middle[-first - d] = (real)(-r.r1 * span.log[d]);
        }
    }
}

static void bias_backward(const void *state, const real *parameters, int layer, int length, const real *dtable,
                          real *gradient)
{
    const Kerple *kerple = state;
    for (int h = 0; h < kerple->n_heads; h++) {
        const Rates r = rates_of(kerple, parameters, layer, h);
        const real *middle = dtable + h * (2 * length - 1) + length - 1;
        double da = 0, db = 0;
        for (int first = 0; first < length; first += SPAN) {
            const Span span = span_of(kerple, r.r2, first, length);
            for (int d = 0; d < span.n; d++) { /* at distance 0, of which there is one, both slopes are 0 */
                const double both = (double)middle[first + d] + (double)middle[-first - d];
                da -= both * r.r1 * span.log[d];
                db -= both * r.r1 * r.r2 * (first + d) / span.grown[d];
            }
        }
        real *learned = gradient + kerple->rates[layer] + h;
        learned[0] += (real)da;
        learned[kerple->n_heads] += (real)db;
    }
}

const Position position_kerple = {
    .variant = {.name = "kerple",
                .summary = "scores fall with the logarithm of the distance, at learned rates",
                .source = "Chi et al. 2022, arXiv 2205.09921, the logarithmic kernel",
                PARAMS(params)},
    .prepare = prepare,
    .bias_forward = bias_forward,
    .bias_backward = bias_backward,
};
