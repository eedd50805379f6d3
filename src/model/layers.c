/* Linear layers, norms, joins and activations of a model, by kernel calls: what the block and the head are made of.
 *
 * A linear layer is y = x W + b with W stored (in, out). Products read it from panels, packed once for many of them,
 * and for backward transposed.
 */
#include "model/internal.h"

#include <string.h>

void linear_forward(const Model *model, const Linear *linear, const real *parameters, int n, const real *x,
                    const real *plus, real *y, Workspace *w)
{
    const Kernels *kernels = model->kernels;
    const int in = linear->in, out = linear->out;
    kernels->matmul_packed(MATMUL_NN, n, out, in, 1, x, in, w->panels + linear->panels[0], in, 0, plus, y, out,
                           w->scratch);
    if (linear->bias != ABSENT)
        kernels->bias_forward(n, out, parameters + linear->bias, y);
}

void linear_backward_input(const Model *model, const Linear *linear, int n, const real *dy, int accumulate, real *dx,
                           Workspace *w)
{
    const int in = linear->in, out = linear->out;
    model->kernels->matmul_packed(MATMUL_NN, n, in, out, 1, dy, out, w->panels + linear->panels[1], out, 0,
                                  accumulate ? dx : NULL, dx, in, w->scratch);
}

void linear_backward_weight(const Model *model, const Linear *linear, int n, const real *x, const real *dy,
                            real *gradient, Workspace *w)
{
    const Kernels *kernels = model->kernels;
    const int in = linear->in, out = linear->out;
    if (linear->bias != ABSENT)
        kernels->bias_backward(n, out, dy, gradient + linear->bias);
    kernels->matmul(MATMUL_TN, in, out, n, 1, x, in, dy, out, !w->is_first, gradient + linear->weight, out, w->scratch);
}

void linear_backward(const Model *model, const Linear *linear, int n, const real *x, const real *dy, int accumulate,
                     real *dx, real *gradient, Workspace *w)
{
    linear_backward_weight(model, linear, n, x, dy, gradient, w);
    linear_backward_input(model, linear, n, dy, accumulate, dx, w);
}

const real *norm_forward(const Model *model, const Norm *norm, const real *parameters, int n, const real *x,
                         const NormActs *acts, real *y)
{
    const ModelSettings *s = &model->settings;
    if (norm->gain == ABSENT)
        return x;
    if (s->norm == NORM_LAYERNORM)
        model->kernels->layernorm_forward(n, s->d_model, s->norm_epsilon, x, parameters + norm->gain,
                                          parameters + norm->shift, y, acts->mean, acts->rstd);
    else
        model->kernels->rmsnorm_forward(n, s->d_model, s->norm_epsilon, x, parameters + norm->gain, y, acts->rstd);
    return y;
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
                  const real *x, const real *in, const JoinActs *acts, real *y, Workspace *w)
{
    switch (model->settings.norm_placement) {
    case PLACEMENT_PRE: /* y = x + in W */
        linear_forward(model, linear, parameters, n, in, x, y, w);
        return;
    case PLACEMENT_POST: /* y = norm(x + in W) */
        linear_forward(model, linear, parameters, n, in, x, acts->x, w);
        norm_forward(model, norm, parameters, n, acts->x, &acts->norm, y);
        return;
    case PLACEMENT_SANDWICH: /* y = x + norm(in W) */
        linear_forward(model, linear, parameters, n, in, NULL, acts->x, w);
        norm_forward(model, norm, parameters, n, acts->x, &acts->norm, y);
        model->kernels->add((size_t)n * (size_t)linear->out, x, y);
        return;
    }
}

const real *join_backward(const Model *model, const Norm *norm, const real *parameters, int n, const JoinActs *acts,
                          real *dx, real *dbranch, real *gradient)
{
    const size_t bytes = sizeof(real) * (size_t)n * (size_t)model->settings.d_model;
    if (model->settings.norm_placement == PLACEMENT_PRE) /* y = x + f */
        return dx;
    memset(dbranch, 0, bytes);
    norm_backward(model, norm, parameters, n, acts->x, &acts->norm, dx, dbranch, gradient);
    if (model->settings.norm_placement == PLACEMENT_POST) /* y = norm(x + f), else x + norm(f) */
        memcpy(dx, dbranch, bytes);
    return dbranch;
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

const real *activation_forward(const Model *model, size_t n, const real *gate, real *up, real *act)
{
    switch (model->settings.activation) {
    case ACTIVATION_GELU:
        model->kernels->gelu_forward(n, up, act);
        return act;
    case ACTIVATION_SWIGLU:
        model->kernels->swiglu_forward(n, gate, up, act);
        return act;
    case ACTIVATION_RELU:
        break;
    }
    model->kernels->relu_forward(n, up, up);
    return up;
}

const real *activation_backward(const Model *model, size_t n, const real *gate, real *up, real *act, real *dgate,
                                real *dup)
{
    switch (model->settings.activation) {
    case ACTIVATION_GELU:
        model->kernels->gelu_backward(n, up, dup, dup, act);
        return act;
    case ACTIVATION_SWIGLU:
        model->kernels->swiglu_backward(n, gate, up, dup, dgate, dup, act);
        return act;
    case ACTIVATION_RELU:
        break;
    }
    model->kernels->relu_backward(n, up, dup, dup);
    return up;
}
