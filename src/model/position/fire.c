/* FIRE (Li et al. 2023, arXiv 2310.04418, section 3): a bias that a small network makes of the distance as a share of
 * the query's position, so that it differs from query to query.
 *
 *   s_ij += f_h(x),   x = psi(|i - j|) / psi(max(i, L)),   psi(d) = log(1 + c d)
 *   f_h(x) = out.bias_h + sum_k out_kh gelu(in_k x + in.bias_k)
 *
 * in, out, c and L are learned in each layer; c and L, which must stay positive, as c_0 exp(a), L_0 exp(b) with a, b
 * starting at 0. The authors have a ReLU for f; GELU is as good and has a slope everywhere. Their L_0 is 512 of 2048
 * positions; here the same quarter of the context by default, and their c_0. Weights are drawn with the standard
 * deviation of their uniform ones, 1/sqrt(3 fan-in). A key behind the query is as far as one before it; its x may
 * pass 1.
 */
#include <math.h>
#include <string.h>

#include "model/position/position.h"

/* Distances at a time, and the most hidden units: what a thread holds of them lies on its stack. */
enum { SPAN = 32, WIDEST = 64 };

/* A tensor of each layer: their offsets, (L). */
typedef const size_t *InLayers;

typedef struct {
    int width, n_heads, sees_later;
    double c, threshold; /* c_0, L_0 */
    const Kernels *kernels;
    InLayers scales, in, in_bias, out, out_bias; /* (1,2): a, b; (1,width) twice; (width,H); (1,H) */
} Fire;

static const SchemaRow params[] = {
    {"width", VALUE_INT, "32", 1, WIDEST, NULL, "hidden units of the network", FIELD(Fire, width)},
    {"c", VALUE_NUMBER, "0.1", 1e-9, 1000, NULL,
     "1 over the distance from which psi bends, at step 0; learned from there", FIELD(Fire, c)},
    {"threshold", VALUE_NUMBER, "0", 0, 1e6, NULL,
     "L at step 0, learned from there: queries before it share a scale; 0: context_length / 4", FIELD(Fire, threshold)},
};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)err;
    Fire *fire = settings_read_new(arena, model->settings, "model.position", ROWS(params), sizeof(Fire));
    const int H = model->n_heads, L = model->n_layers, width = fire->width;
    const double std = 1 / sqrt(3), out_std = 1 / sqrt(3.0 * width);
    const Tensor tensors[] = {
        {.name = "attention.fire.scales", .rows = 1, .cols = 2},
        {.name = "attention.fire.in.weight", .rows = 1, .cols = width, .initial_std = std, .decays = 1},
        {.name = "attention.fire.in.bias", .rows = 1, .cols = width, .initial_std = std},
        {.name = "attention.fire.out.weight", .rows = width, .cols = H, .initial_std = out_std, .decays = 1},
        {.name = "attention.fire.out.bias", .rows = 1, .cols = H, .initial_std = out_std},
    };
    InLayers *const offsets[] = {&fire->scales, &fire->in, &fire->in_bias, &fire->out, &fire->out_bias};
    for (size_t t = 0; t < sizeof tensors / sizeof *tensors; t++) {
        Tensor tensor = tensors[t];
        tensor.group = TENSOR_ATTENTION;
        *offsets[t] = parameters_add_to_layers(arena, parameters, L, tensor);
    }
    if (fire->threshold == 0)
        fire->threshold = model->context_length / 4.0;
    fire->n_heads = H;
    fire->sees_later = model->visible->sees_later;
    fire->kernels = model->kernels;
    *ret_state = fire;
    return STATUS_OK;
}

/* ---- x ----------------------------------------------------------------------------------------------------------- */

/* A layer's c and L. */
typedef struct {
    double c, threshold;
} Scales;

static Scales scales_of(const Fire *fire, const real *parameters, int layer)
{
    const real *learned = parameters + fire->scales[layer];
    real grown[2] = {learned[0], learned[1]};
    fire->kernels->exponential(2, grown, grown);
    return (Scales){fire->c * (double)grown[0], fire->threshold * (double)grown[1]};
}

/* x of query i at distances [first, first + n); zeros behind. `log[SPAN]` is psi(max(i, L)), the others psi. */
typedef struct {
    int first, n;
    double grown[SPAN + 1], log[SPAN + 1]; /* 1 + c d */
    real x[SPAN];
} Ratios;

static double scale_of(const Scales *scales, int i) /* NaN stays */
{
    return i > scales->threshold ? i : scales->threshold;
}

static void ratios_of(const Fire *fire, const Scales *scales, int i, int first, int n, Ratios *ret)
{
    ret->first = first, ret->n = n;
    for (int e = 0; e < SPAN; e++)
        ret->grown[e] = 1 + scales->c * (first + e);
    ret->grown[SPAN] = 1 + scales->c * scale_of(scales, i);
    fire->kernels->logarithm(SPAN + 1, ret->grown, ret->log);
    if (!isfinite(ret->grown[SPAN])) /* which mean nothing to the kernel */
        ret->log[SPAN] = NAN;
    for (int e = 0; e < SPAN; e++)
        ret->x[e] = e < n ? (real)(ret->log[e] / ret->log[SPAN]) : 0;
}

/* da, db += of a query's dx:   dx/da = (c d / (1 + c d) - x c m / (1 + c m)) / psi(m),   m = max(i, L)
 *                              dx/db = -x c L / (1 + c L) / psi(L) where m = L, else 0 */
static void ratios_backward(const Scales *scales, int i, const Ratios *ratios, const real *dx, double da_db[2])
{
    const double to_scale = scales->c * scale_of(scales, i) / ratios->grown[SPAN];
    for (int e = 0; e < ratios->n; e++) {
        const double x = ratios->log[e] / ratios->log[SPAN], slope = (double)dx[e] / ratios->log[SPAN];
        da_db[0] += slope * (scales->c * (ratios->first + e) / ratios->grown[e] - x * to_scale);
        da_db[1] -= scales->threshold > i ? slope * x * to_scale : 0;
    }
}

/* ---- f ----------------------------------------------------------------------------------------------------------- */

/* Hidden units over a span: before the GELU and after it. */
typedef struct {
    real u[WIDEST][SPAN], a[WIDEST][SPAN];
} Hidden;

static void hidden_forward(const Fire *fire, const real *parameters, int layer, const real *x, Hidden *ret)
{
    const real *in = parameters + fire->in[layer], *bias = parameters + fire->in_bias[layer];
    for (int k = 0; k < fire->width; k++)
        for (int e = 0; e < SPAN; e++)
            ret->u[k][e] = in[k] * x[e] + bias[k];
    fire->kernels->gelu_forward((size_t)fire->width * SPAN, ret->u[0], ret->a[0]);
}

/* sum x y, in lanes that a compiler makes vectors of. */
static real sum_of_products(const real *x, const real *y)
{
    enum { LANES = 8 };
    real lanes[LANES] = {0};
    for (int e = 0; e < SPAN; e += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] += x[e + l] * y[e + l];
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/* From da, the gradient of hidden->a, which is used up: gradients of `in`, and dx (SPAN). */
static void hidden_backward(const Fire *fire, const real *parameters, int layer, const real *x, Hidden *hidden,
                            real da[WIDEST][SPAN], real *gradient, real *ret_dx)
{
    static const real ones[SPAN] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const real *in = parameters + fire->in[layer];
    fire->kernels->gelu_backward((size_t)fire->width * SPAN, hidden->u[0], da[0], da[0], hidden->a[0]);
    memset(ret_dx, 0, SPAN * sizeof *ret_dx);
    for (int k = 0; k < fire->width; k++) {
        gradient[fire->in[layer] + (size_t)k] += sum_of_products(da[k], x);
        gradient[fire->in_bias[layer] + (size_t)k] += sum_of_products(da[k], ones);
        for (int e = 0; e < SPAN; e++)
            ret_dx[e] += in[k] * da[k][e];
    }
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* How far query i sees, and no further than there are keys. */
static int reach_of(const Fire *fire, int i, int length)
{
    return fire->sees_later && length - 1 - i > i ? length - 1 - i : i;
}

/* Where distance 0 of a head's query stands in a table. */
static size_t middle_of(int head, int i, int length)
{
    return ((size_t)head * length + i) * (2 * (size_t)length - 1) + length - 1;
}

static void bias_forward(const void *state, const real *parameters, int layer, int length, real *ret_table)
{
    const Fire *fire = state;
    const int H = fire->n_heads;
    const Scales scales = scales_of(fire, parameters, layer);
    const real *out = parameters + fire->out[layer], *bias = parameters + fire->out_bias[layer];
    Ratios ratios;
    Hidden hidden;
    memset(ret_table, 0, sizeof(real) * (size_t)H * length * (2 * (size_t)length - 1));
    for (int i = 0; i < length; i++)
        for (int first = 0, end = reach_of(fire, i, length) + 1; first < end; first += SPAN) {
            ratios_of(fire, &scales, i, first, end - first < SPAN ? end - first : SPAN, &ratios);
            hidden_forward(fire, parameters, layer, ratios.x, &hidden);
            for (int h = 0; h < H; h++) {
                real b[SPAN], *middle = ret_table + middle_of(h, i, length);
                for (int e = 0; e < SPAN; e++)
                    b[e] = bias[h];
                for (int k = 0; k < fire->width; k++)
                    for (int e = 0; e < SPAN; e++)
                        b[e] += out[k * H + h] * hidden.a[k][e];
                for (int e = 0; e < ratios.n; e++)
                    middle[first + e] = middle[-first - e] = b[e];
            }
        }
}

/* Gradients of `out`; ret_da (width,SPAN) of hidden->a. */
static void out_backward(const Fire *fire, const real *parameters, int layer, int i, int length, const Ratios *ratios,
                         const Hidden *hidden, const real *dtable, real *gradient, real ret_da[WIDEST][SPAN])
{
    const int H = fire->n_heads;
    const real *out = parameters + fire->out[layer];
    memset(ret_da, 0, sizeof(real) * (size_t)fire->width * SPAN);
    for (int h = 0; h < H; h++) {
        const real *middle = dtable + middle_of(h, i, length);
        real db[SPAN] = {0}, sum = 0;
        for (int e = 0; e < ratios->n; e++) {
            const int d = ratios->first + e;
            db[e] = d == 0 ? middle[0] : middle[d] + middle[-d];
            sum += db[e];
        }
        gradient[fire->out_bias[layer] + (size_t)h] += sum;
        for (int k = 0; k < fire->width; k++) {
            gradient[fire->out[layer] + (size_t)(k * H + h)] += sum_of_products(db, hidden->a[k]);
            for (int e = 0; e < SPAN; e++)
                ret_da[k][e] += out[k * H + h] * db[e];
        }
    }
}

static void bias_backward(const void *state, const real *parameters, int layer, int length, const real *dtable,
                          real *gradient)
{
    const Fire *fire = state;
    const Scales scales = scales_of(fire, parameters, layer);
    double da_db[2] = {0, 0};
    Ratios ratios;
    Hidden hidden;
    real da[WIDEST][SPAN], dx[SPAN];
    for (int i = 0; i < length; i++)
        for (int first = 0, end = reach_of(fire, i, length) + 1; first < end; first += SPAN) {
            ratios_of(fire, &scales, i, first, end - first < SPAN ? end - first : SPAN, &ratios);
            hidden_forward(fire, parameters, layer, ratios.x, &hidden);
            out_backward(fire, parameters, layer, i, length, &ratios, &hidden, dtable, gradient, da);
            hidden_backward(fire, parameters, layer, ratios.x, &hidden, da, gradient, dx);
            ratios_backward(&scales, i, &ratios, dx, da_db);
        }
    gradient[fire->scales[layer]] += (real)da_db[0];
    gradient[fire->scales[layer] + 1] += (real)da_db[1];
}

const Position position_fire = {
    .variant = {.name = "fire",
                .summary = "a bias that a small network makes of log distance as a share of the query's position; no "
                           "vector kernel: a step takes twice as long",
                .source = "Li et al. 2023, arXiv 2310.04418, section 3",
                PARAMS(params)},
    .prepare = prepare,
    .bias_by_query = 1,
    .bias_forward = bias_forward,
    .bias_backward = bias_backward,
};
