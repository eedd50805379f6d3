/* Linear layers, norms, joins and activations of a model, by kernel calls: what the block and the head are made of.
 *
 * A linear layer is y = x W + b with W stored (in, out), so that forward reads W by rows and no weight is ever
 * transposed in memory.
 */
#include "model/internal.h"

#include <string.h>

void linear_forward(const Model *model, const Linear *linear, const real *parameters, int n, const real *x,
                    int accumulate, real *y, real *scratch)
{
    const Kernels *kernels = model->kernels;
    int in = linear->in, out = linear->out;
    kernels->matmul(MATMUL_NN, n, out, in, 1, x, in, parameters + linear->weight, out, accumulate, y, out, scratch);
    if (linear->bias != ABSENT)
        kernels->bias_forward(n, out, parameters + linear->bias, y);
}

void linear_backward(const Model *model, const Linear *linear, const real *parameters, int n, const real *x,
                     const real *dy, int accumulate, real *dx, real *gradient, real *scratch)
{
    const Kernels *kernels = model->kernels;
    int in = linear->in, out = linear->out;
    if (linear->bias != ABSENT)
        kernels->bias_backward(n, out, dy, gradient + linear->bias);
    kernels->matmul(MATMUL_TN, in, out, n, 1, x, in, dy, out, 1, gradient + linear->weight, out, scratch);
    kernels->matmul(MATMUL_NT, n, in, out, 1, dy, out, parameters + linear->weight, out, accumulate, dx, in, scratch);
}

static void copy_unless_same(size_t n, const real *x, real *y)
{
    if (x != y)
        memcpy(y, x, sizeof(real) * n);
}

void norm_forward(const Model *model, const Norm *norm, const real *parameters, int n, const real *x, NormActs *acts)
{
    const ModelSettings *s = &model->settings;
    if (norm->gain == ABSENT)
        copy_unless_same((size_t)n * (size_t)s->d_model, x, acts->y);
    else if (s->norm == NORM_LAYERNORM)
        model->kernels->layernorm_forward(n, s->d_model, s->norm_epsilon, x, parameters + norm->gain,
                                          parameters + norm->shift, acts->y, acts->mean, acts->rstd);
    else
        model->kernels->rmsnorm_forward(n, s->d_model, s->norm_epsilon, x, parameters + norm->gain, acts->y,
                                        acts->rstd);
}

void norm_backward(const Model *model, const Norm *norm, const real *parameters, int n, const real *x,
                   const NormActs *acts, const real *dy, real *dx, real *gradient)
{
    const ModelSettings *s = &model->settings;
    if (norm->gain == ABSENT)
        model->kernels->add((size_t)n * (size_t)s->d_model, dy, dx);
    else if (s->norm == NORM_LAYERNORM)
        model->kernels->layernorm_backward(n, s->d_model, dy, x, parameters + norm->gain, acts->mean, acts->rstd, dx,
                                           gradient + norm->gain, gradient + norm->shift);
    else
        model->kernels->rmsnorm_backward(n, s->d_model, dy, x, parameters + norm->gain, acts->rstd, dx,
                                         gradient + norm->gain);
}

void join_forward(const Model *model, const Linear *linear, const Norm *norm, const real *parameters, int n,
                  const real *x, const real *in, const JoinActs *acts, real *y, real *scratch)
{
    const size_t n_values = (size_t)n * (size_t)linear->out;
    NormActs after = {acts->mean, acts->rstd, y};
    switch (model->settings.norm_placement) {
    case PLACEMENT_PRE: /* y = x + in W */
        copy_unless_same(n_values, x, y);
        linear_forward(model, linear, parameters, n, in, 1, y, scratch);
        return;
    case PLACEMENT_POST: /* y = norm(x + in W) */
        copy_unless_same(n_values, x, acts->x);
        linear_forward(model, linear, parameters, n, in, 1, acts->x, scratch);
        norm_forward(model, norm, parameters, n, acts->x, &after);
        return;
    case PLACEMENT_SANDWICH: /* y = x + norm(in W) */
        linear_forward(model, linear, parameters, n, in, 0, acts->x, scratch);
        norm_forward(model, norm, parameters, n, acts->x, &after);
        model->kernels->add(n_values, x, y);
        return;
    }
}

void join_backward(const Model *model, const Linear *linear, const Norm *norm, const real *parameters, int n,
                   const real *in, const JoinActs *acts, real *dx, real *din, real *dbranch, real *gradient,
                   real *scratch)
{
    const size_t bytes = sizeof(real) * (size_t)n * (size_t)linear->out;
    const NormActs after = {acts->mean, acts->rstd, NULL};
    switch (model->settings.norm_placement) {
    case PLACEMENT_PRE: /* y = x + in W */
        linear_backward(model, linear, parameters, n, in, dx, 0, din, gradient, scratch);
        return;
    case PLACEMENT_POST: /* y = norm(x + in W) */
        memset(dbranch, 0, bytes);
        norm_backward(model, norm, parameters, n, acts->x, &after, dx, dbranch, gradient);
        memcpy(dx, dbranch, bytes);
        linear_backward(model, linear, parameters, n, in, dx, 0, din, gradient, scratch);
        return;
    case PLACEMENT_SANDWICH: /* y = x + norm(in W) */
        memset(dbranch, 0, bytes);
        norm_backward(model, norm, parameters, n, acts->x, &after, dx, dbranch, gradient);
        linear_backward(model, linear, parameters, n, in, dbranch, 0, din, gradient, scratch);
        return;
    }
}

void heads_norm_forward(const Model *model, size_t gain, const real *parameters, int n, const real *raw, real *rstd,
                        real *x)
{
    const ModelSettings *s = &model->settings;
    if (gain != ABSENT)
        model->kernels->rmsnorm_forward(n * s->n_heads, s->d_head, s->norm_epsilon, raw, parameters + gain, x, rstd);
}

const real *heads_norm_backward(const Model *model, size_t gain, const real *parameters, int n, const real *raw,
                                const real *rstd, const real *dx, real *draw, real *gradient)
{
    const ModelSettings *s = &model->settings;
    if (gain == ABSENT)
        return dx;
    memset(draw, 0, sizeof(real) * (size_t)n * (size_t)s->n_heads * (size_t)s->d_head);
    model->kernels->rmsnorm_backward(n * s->n_heads, s->d_head, dx, raw, parameters + gain, rstd, draw,
                                     gradient + gain);
    return draw;
}

void activation_forward(const Model *model, size_t n, const real *gate, const real *up, real *act)
{
    switch (model->settings.activation) {
    case ACTIVATION_GELU:
        model->kernels->gelu_forward(n, up, act);
        return;
    case ACTIVATION_RELU:
        model->kernels->relu_forward(n, up, act);
        return;
    case ACTIVATION_SWIGLU:
        model->kernels->swiglu_forward(n, gate, up, act);
        return;
    }
}

void activation_backward(const Model *model, size_t n, const real *gate, const real *up, real *dgate, real *dup)
{
    switch (model->settings.activation) {
    case ACTIVATION_GELU:
        model->kernels->gelu_backward(n, up, dup, dup);
        return;
    case ACTIVATION_RELU:
        model->kernels->relu_backward(n, up, dup, dup);
        return;
    case ACTIVATION_SWIGLU:
        model->kernels->swiglu_backward(n, gate, up, dup, dgate, dup);
        return;
    }
}
