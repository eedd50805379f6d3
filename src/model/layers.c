/* Linear layers, norms, joins and activations of a model, by kernel calls: what the block and the head are made of.
 *
 * A linear layer is y = x W + b with W stored (in, out). Products read it from panels, packed once for many of them,
 * and for backward transposed.
 */
#include "model/internal.h"

#include <string.h>

void linear_forward(const Call *call, const Linear *linear, const real *x, const real *plus, real *y)
{
    const Kernels *kernels = call->model->kernels;
    kernels->matmul_packed(&(PackedProduct){.kind = MATMUL_NN,
                                            .m = call->rows,
                                            .n = linear->out,
                                            .k = linear->in,
                                            .alpha = 1,
                                            .a = x,
                                            .ld_a = linear->in,
                                            .panels = call->w->panels + linear->panels[0],
                                            .k_packed = linear->in,
                                            .plus = plus,
                                            .c = y,
                                            .ld_c = linear->out},
                           call->w->scratch);
    if (linear->bias != ABSENT)
        kernels->bias_forward(call->rows, linear->out, call->parameters + linear->bias, y);
}

void linear_backward_input(const Call *call, const Linear *linear, const real *dy, int accumulate, real *dx)
{
    call->model->kernels->matmul_packed(&(PackedProduct){.kind = MATMUL_NN,
                                                         .m = call->rows,
                                                         .n = linear->in,
                                                         .k = linear->out,
                                                         .alpha = 1,
                                                         .a = dy,
                                                         .ld_a = linear->out,
                                                         .panels = call->w->panels + linear->panels[1],
                                                         .k_packed = linear->out,
                                                         .plus = accumulate ? dx : NULL,
                                                         .c = dx,
                                                         .ld_c = linear->in},
                                        call->w->scratch);
}

void linear_backward_weight(const Call *call, const Linear *linear, const real *x, const real *dy)
{
    const Kernels *kernels = call->model->kernels;
    const int in = linear->in, out = linear->out;
    if (linear->bias != ABSENT)
        kernels->bias_backward(call->rows, out, dy, call->gradient + linear->bias);
    kernels->matmul(MATMUL_TN, in, out, call->rows, 1, x, in, dy, out, !call->is_first, call->gradient + linear->weight,
                    out, call->w->scratch);
}

void linear_backward(const Call *call, const Linear *linear, const real *x, const real *dy, int accumulate, real *dx)
{
    linear_backward_weight(call, linear, x, dy);
    linear_backward_input(call, linear, dy, accumulate, dx);
}

const real *norm_forward(const Call *call, const Norm *norm, const real *x, const NormActs *acts, real *y)
{
    const ModelSettings *s = &call->model->settings;
    const Kernels *kernels = call->model->kernels;
    const real *parameters = call->parameters;
    if (norm->gain == ABSENT)
        return x;
    if (s->norm == NORM_LAYERNORM)
        kernels->layernorm_forward(call->rows, s->d_model, s->norm_epsilon, x, parameters + norm->gain,
                                   parameters + norm->shift, y, acts->mean, acts->rstd);
    else
        kernels->rmsnorm_forward(call->rows, s->d_model, s->norm_epsilon, x, parameters + norm->gain, y, acts->rstd);
    return y;
}

void norm_backward(const Call *call, const Norm *norm, const real *x, const NormActs *acts, const real *dy, real *dx)
{
    const ModelSettings *s = &call->model->settings;
    const Kernels *kernels = call->model->kernels;
    const real *parameters = call->parameters;
    real *gradient = call->gradient;
    if (norm->gain == ABSENT)
        kernels->add((size_t)call->rows * (size_t)s->d_model, dy, dx);
    else if (s->norm == NORM_LAYERNORM)
        kernels->layernorm_backward(call->rows, s->d_model, dy, x, parameters + norm->gain, acts->mean, acts->rstd, dx,
                                    gradient + norm->gain, gradient + norm->shift);
    else
        kernels->rmsnorm_backward(call->rows, s->d_model, dy, x, parameters + norm->gain, acts->rstd, dx,
                                  gradient + norm->gain);
}

void join_forward(const Call *call, const Linear *linear, const Norm *norm, const real *x, const real *in,
                  const JoinActs *acts, real *y)
{
    const size_t n = (size_t)call->rows * (size_t)linear->out;
    switch (call->model->settings.norm_placement) {
    case PLACEMENT_PRE: /* y = x + in W */
        linear_forward(call, linear, in, x, y);
        return;
    case PLACEMENT_POST: /* y = norm(x + in W) */
        linear_forward(call, linear, in, x, acts->x);
        norm_forward(call, norm, acts->x, &acts->norm, y);
        return;
    case PLACEMENT_SANDWICH: /* y = x + norm(in W) */
        linear_forward(call, linear, in, NULL, acts->x);
        norm_forward(call, norm, acts->x, &acts->norm, x ? call->w->h : y);
        if (x && x != y)
            memcpy(y, x, sizeof(real) * n);
        if (x)
            call->model->kernels->add(n, call->w->h, y);
        return;
    }
}

const real *join_backward(const Call *call, const Norm *norm, int is_added, const JoinActs *acts, real *dx,
                          real *dbranch)
{
    const ModelSettings *s = &call->model->settings;
    const size_t bytes = sizeof(real) * (size_t)call->rows * (size_t)s->d_model;
    if (s->norm_placement == PLACEMENT_PRE && is_added) /* y = x + f */
        return dx;
    memset(dbranch, 0, bytes);
    norm_backward(call, norm, acts->x, &acts->norm, dx, dbranch);
    if (!is_added) /* y = f or norm(f) */
        memset(dx, 0, bytes);
    else if (s->norm_placement == PLACEMENT_POST) /* y = norm(x + f), else x + norm(f) */
        memcpy(dx, dbranch, bytes);
    return dbranch;
}

void heads_norm_forward(const Call *call, size_t gain, int n_heads, const real *raw, real *rstd, real *x)
{
    const ModelSettings *s = &call->model->settings;
    if (gain != ABSENT)
        call->model->kernels->rmsnorm_forward(call->rows * n_heads, s->d_head, s->norm_epsilon, raw,
                                              call->parameters + gain, x, rstd);
}

const real *heads_norm_backward(const Call *call, size_t gain, int n_heads, const real *raw, const real *rstd,
                                const real *dx, real *draw)
{
    const ModelSettings *s = &call->model->settings;
    const int n_rows = call->rows * n_heads;
    if (gain == ABSENT)
        return dx;
    memset(draw, 0, sizeof(real) * (size_t)n_rows * (size_t)s->d_head);
    call->model->kernels->rmsnorm_backward(n_rows, s->d_head, dx, raw, call->parameters + gain, rstd, draw,
                                           call->gradient + gain);
    return draw;
}

const real *activation_forward(const Call *call, const real *gate, real *up, real *act)
{
    const ModelSettings *s = &call->model->settings;
    const Kernels *kernels = call->model->kernels;
    const size_t n = (size_t)call->rows * (size_t)s->d_ff;
    switch (s->activation) {
    case ACTIVATION_GELU:
        kernels->gelu_forward(n, up, act);
        return act;
    case ACTIVATION_GELU_EXACT:
        kernels->gelu_exact_forward(n, up, act);
        return act;
    case ACTIVATION_SWIGLU:
        kernels->swiglu_forward(n, gate, up, act);
        return act;
    case ACTIVATION_RELU:
        break;
    }
    kernels->relu_forward(n, up, up);
    return up;
}

const real *activation_backward(const Call *call, const real *gate, real *up, real *act, real *dgate, real *dup)
{
    const ModelSettings *s = &call->model->settings;
    const Kernels *kernels = call->model->kernels;
    const size_t n = (size_t)call->rows * (size_t)s->d_ff;
    switch (s->activation) {
    case ACTIVATION_GELU:
        kernels->gelu_backward(n, up, dup, dup, act);
        return act;
    case ACTIVATION_GELU_EXACT:
        kernels->gelu_exact_backward(n, up, dup, dup, act);
        return act;
    case ACTIVATION_SWIGLU:
        kernels->swiglu_backward(n, gate, up, dup, dgate, dup, act);
        return act;
    case ACTIVATION_RELU:
        break;
    }
    kernels->relu_backward(n, up, dup, dup);
    return up;
}
