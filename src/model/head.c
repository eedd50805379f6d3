/* Final norm, head and loss, fused by blocks of rows that have a target.
 *
 *   loss_i = log sum_v exp(z_iv) - z_i,target,  z = y W, y = norm(x);    dz = softmax(z) - onehot(target)
 *
 * or, where the data has goals y of C_out components (mean squared error, as torch.nn.MSELoss defines it),
 *
 *   loss_i = sum_c (z_ic - y_ic)^2 / C_out;                       dz = 2 (z - y) / C_out
 *
 * and then without a head, nor the norm before it, z = x. With head_layers the head is an MLP, y <- relu(y W_l) before
 * its last layer (Reddy 2024, arXiv 2312.03002: three layers on attention alone). Only rows with a target are computed:
 * under the masked objective that saves most of the head. They are gathered into a block, go forward and, while their
 * outputs are still in the cache, backward; so that N times O outputs never exist. With a tied head W is the token
 * embedding (V,C), transposed.
 */
#include <assert.h>
#include <string.h>

#include "model/internal.h"

/* Outputs of a block: as many rows as make the head's gradient (C,O), which each block reads and writes once, cheap
 * beside the products. Part of the definition of the result. */
enum { HEAD_VALUES = 1 << 20, HEAD_MIN_ROWS = 32 };

int head_block_rows(const ModelSettings *settings, int n_rows)
{
    int rows = HEAD_VALUES / model_output_width(settings);
    rows = rows < HEAD_MIN_ROWS ? HEAD_MIN_ROWS : rows;
    return rows < n_rows ? rows : n_rows;
}

/* Hidden layer l of the head: what is behind its ReLU, or the gradient of that, in `values`. */
static real *hidden_at(const Call *call, real *values, int l)
{
    return values + (size_t)l * (size_t)call->w->head_rows * (size_t)call->model->settings.d_model;
}

/* y <- relu(y W_l), l = 0 ... head_layers - 2; returns the last y. */
static const real *hidden_forward(const Call *call, const real *y)
{
    const ModelSettings *s = &call->model->settings;
    for (int l = 0; l < s->head_layers - 1; l++) {
        real *hidden = hidden_at(call, call->w->head_hidden, l);
        linear_forward(call, &call->model->head_hidden[l], y, NULL, hidden);
        call->model->kernels->relu_forward((size_t)call->rows * (size_t)s->d_model, hidden, hidden);
        y = hidden;
    }
    return y;
}

/* y <- relu(y W_l), the last first: from head_dhidden to dy; y (rows,C) is what the first one read. */
static void hidden_backward(const Call *call, const real *y, real *dy)
{
    const ModelSettings *s = &call->model->settings;
    Workspace *w = call->w;
    for (int l = s->head_layers - 2; l >= 0; l--) {
        const real *hidden = hidden_at(call, w->head_hidden, l);
        real *dhidden = hidden_at(call, w->head_dhidden, l);
        call->model->kernels->relu_backward((size_t)call->rows * (size_t)s->d_model, hidden, dhidden, dhidden);
        linear_backward(call, &call->model->head_hidden[l], l > 0 ? hidden_at(call, w->head_hidden, l - 1) : y, dhidden,
                        0, l > 0 ? hidden_at(call, w->head_dhidden, l - 1) : dy);
    }
}

static void outputs_backward(const Call *call, const real *y, const real *dz, real *dy)
{
    const Linear *head = &call->model->head;
    const Kernels *kernels = call->model->kernels;
    const int C = head->in, O = head->out;
    real *gradient = call->gradient, *scratch = call->w->scratch;
    if (call->model->settings.output == OUTPUT_IDENTITY) {
        memcpy(dy, dz, sizeof(real) * (size_t)call->rows * (size_t)call->model->settings.d_model);
        return;
    }
    if (head->bias != ABSENT)
        kernels->bias_backward(call->rows, O, dz, gradient + head->bias);
    if (head->weight == ABSENT)
        kernels->matmul(MATMUL_TN, O, C, call->rows, 1, dz, O, y, C, 1, gradient + call->model->embedding, C, scratch);
    else
        kernels->matmul(MATMUL_TN, C, O, call->rows, 1, y, C, dz, O, !call->is_first, gradient + head->weight, O,
                        scratch);
    linear_backward_input(call, head, dz, 0, dy);
}

/* z = y W, or y itself. */
static void outputs_forward(const Call *call, const real *y, real *z)
{
    const Model *model = call->model;
    if (model->settings.output == OUTPUT_LINEAR)
        linear_forward(call, &model->head, y, NULL, z);
    else
        memcpy(z, y, sizeof(real) * (size_t)call->rows * (size_t)model->settings.d_model);
}

/* The mean squared error of z (n), which, when `scale` is not 0, becomes its gradient times scale. */
static double squared_error_row(int n, real *z, const real *goal, real scale)
{
    double sum = 0;
    for (int c = 0; c < n; c++) {
        const real error = z[c] - goal[c];
        sum += (double)error * (double)error;
        if (scale != 0)
            z[c] = 2 * scale / (real)n * error;
    }
    return sum / n;
}

/* The loss of a block's row r, which is row `at` of what is given; z becomes its gradient where one is wanted. */
static double row_loss(const Call *call, const Given *given, int at, real scale, real *z)
{
    const ModelSettings *s = &call->model->settings;
    const int O = model_output_width(s);
    if (s->goal_width > 0)
        return squared_error_row(O, z, given->goals + (size_t)at * O, scale);
    assert(given->targets[at] < O);
    return call->model->kernels->cross_entropy_row(O, z, given->targets[at], scale);
}

/* The rows of a block, forward and, while their logits are near, backward. Returns the loss. */
static double block_loss(const Call *call, const int *rows, const real *x, const Given *given, real scale, real *dx,
                         real *ret_losses)
{
    const Model *model = call->model;
    Workspace *w = call->w;
    const int C = model->settings.d_model, O = model_output_width(&model->settings);
    const size_t row_bytes = sizeof(real) * (size_t)C;
    double loss = 0;

    /* 1. y = norm(x) */
    for (int r = 0; r < call->rows; r++)
        memcpy(w->head_x + (size_t)r * C, x + (size_t)rows[r] * C, row_bytes);
    const real *normed = norm_forward(call, &model->final_norm, w->head_x, &w->head_norm, w->head_y);
    /* 2. y <- relu(y W_l) of all hidden layers, z = y W */
    const real *y = hidden_forward(call, normed);
    outputs_forward(call, y, w->outputs);
    /* 3. loss of z and target; dz in its place */
    for (int r = 0; r < call->rows; r++) {
        const double of_row = row_loss(call, given, rows[r], call->gradient ? scale : 0, w->outputs + (size_t)r * O);
        loss += of_row;
        if (ret_losses)
            ret_losses[rows[r]] = (real)of_row;
    }
    if (!call->gradient)
        return loss;
    /* 2. y <- relu(y W_l) of all hidden layers, z = y W */
    const int n_hidden = model->settings.head_layers - 1;
    outputs_backward(call, y, w->outputs,
                     n_hidden > 0 ? hidden_at(call, w->head_dhidden, n_hidden - 1) : w->head_dnorm);
    hidden_backward(call, normed, w->head_dnorm);
    /* 1. y = norm(x) */
    memset(w->head_dx, 0, row_bytes * (size_t)call->rows);
    norm_backward(call, &model->final_norm, w->head_x, &w->head_norm, w->head_dnorm, w->head_dx);
    for (int r = 0; r < call->rows; r++)
        memcpy(dx + (size_t)rows[r] * C, w->head_dx + (size_t)r * C, row_bytes);
    return loss;
}

/* What no row writes is 0 all the same. */
static void clear_weights(const Call *call)
{
    const Model *model = call->model;
    const size_t C = (size_t)model->settings.d_model;
    if (model->head.in > 0 && model->head.weight != ABSENT)
        memset(call->gradient + model->head.weight, 0, sizeof(real) * C * (size_t)model->head.out);
    for (int l = 0; l < model->settings.head_layers - 1; l++)
        memset(call->gradient + model->head_hidden[l].weight, 0, sizeof(real) * C * C);
}

double head_loss(const Call *call, const real *x, const Given *given, real scale, real *dx, real *ret_losses)
{
    Workspace *w = call->w;
    double loss = 0;
    int n_targets = 0;

    for (int i = 0; i < call->rows; i++)
        if (given->targets[i] >= 0)
            w->target_rows[n_targets++] = i;
    if (ret_losses)
        memset(ret_losses, 0, sizeof(real) * (size_t)call->rows);
    if (call->gradient)
        memset(dx, 0, sizeof(real) * (size_t)call->model->settings.d_model * (size_t)call->rows);
    if (call->gradient && call->is_first && n_targets == 0)
        clear_weights(call);

    for (int start = 0; start < n_targets; start += w->head_rows) {
        Call block = *call;
        block.rows = n_targets - start < w->head_rows ? n_targets - start : w->head_rows;
        block.is_first = call->is_first && start == 0;
        loss += block_loss(&block, w->target_rows + start, x, given, scale, dx, ret_losses);
    }
    return loss;
}

/* Rows from `start` on, at most a block of them. */
static Call block_from(const Call *call, int start)
{
    Call block = *call;
    block.rows = call->rows - start < call->w->head_rows ? call->rows - start : call->w->head_rows;
    return block;
}

void head_norm(const Call *call, const real *x, real *ret_normed)
{
    const int C = call->model->settings.d_model;
    for (int start = 0; start < call->rows; start += call->w->head_rows) {
        const Call block = block_from(call, start);
        real *out = ret_normed + (size_t)start * C;
        const real *y = norm_forward(&block, &call->model->final_norm, x + (size_t)start * C, &call->w->head_norm, out);
        if (y != out)
            memcpy(out, y, sizeof(real) * (size_t)block.rows * C);
    }
}

void head_outputs(const Call *call, const real *x, real *ret_outputs)
{
    const int C = call->model->settings.d_model, O = model_output_width(&call->model->settings);
    Workspace *w = call->w;
    for (int start = 0; start < call->rows; start += w->head_rows) {
        const Call block = block_from(call, start);
        const real *y = norm_forward(&block, &call->model->final_norm, x + (size_t)start * C, &w->head_norm, w->head_y);
        outputs_forward(&block, hidden_forward(&block, y), ret_outputs + (size_t)start * O);
    }
}
