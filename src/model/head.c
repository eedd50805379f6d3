/* Final norm, head and cross-entropy, fused by blocks of rows that have a target.
 *
 *   loss_i = log sum_v exp(z_iv) - z_i,target,  z = norm(x) W;    dz = softmax(z) - onehot(target)
 *
 * Only rows with a target are computed: under the masked objective that saves most of the head. They are gathered into
 * a block, go forward and, while their logits are still in the cache, backward; so that N times V logits never exist.
 * With a tied head W is the token embedding (V,C), transposed.
 */
#include <assert.h>
#include <string.h>

#include "model/internal.h"

/* Logits of a block: as many rows as make the head's gradient (C,V), which each block reads and writes once, cheap
 * beside the products. Part of the definition of the result. */
enum { HEAD_VALUES = 1 << 20, HEAD_MIN_ROWS = 32 };

int head_block_rows(const ModelSettings *settings, int n_rows)
{
    int rows = HEAD_VALUES / settings->vocab_size;
    rows = rows < HEAD_MIN_ROWS ? HEAD_MIN_ROWS : rows;
    return rows < n_rows ? rows : n_rows;
}

/* is_first: of the row blocks of a first step. */
static void logits_backward(const Call *call, const real *y, const real *dlogits, int is_first, real *dy)
{
    const Linear *head = &call->model->head;
    const Kernels *kernels = call->model->kernels;
    const int C = head->in, V = head->out;
    real *gradient = call->gradient, *scratch = call->w->scratch;
    if (head->bias != ABSENT)
        kernels->bias_backward(call->rows, V, dlogits, gradient + head->bias);
    if (head->weight == ABSENT)
        kernels->matmul(MATMUL_TN, V, C, call->rows, 1, dlogits, V, y, C, 1, gradient + call->model->embedding, C,
                        scratch);
    else
        kernels->matmul(MATMUL_TN, C, V, call->rows, 1, y, C, dlogits, V, !is_first, gradient + head->weight, V,
                        scratch);
    linear_backward_input(call, head, dlogits, 0, dy);
}

/* The rows of a block, forward and, while their logits are near, backward. Returns the loss. */
static double block_loss(const Call *call, const int *rows, const real *x, const int32_t *targets, real scale,
                         int is_first, real *dx, real *ret_losses)
{
    const Model *model = call->model;
    Workspace *w = call->w;
    const int C = model->settings.d_model, V = model->settings.vocab_size;
    const size_t row_bytes = sizeof(real) * (size_t)C;
    double loss = 0;

    /* 1. y = norm(x) */
    for (int r = 0; r < call->rows; r++)
        memcpy(w->head_x + (size_t)r * C, x + (size_t)rows[r] * C, row_bytes);
    const real *y = norm_forward(call, &model->final_norm, w->head_x, &w->head_norm, w->head_y);
    /* 2. z = y W */
    linear_forward(call, &model->head, y, NULL, w->logits);
    /* 3. loss = log sum exp z - z_target; dz in its place */
    for (int r = 0; r < call->rows; r++) {
        const int32_t target = targets[rows[r]];
        assert(target < V);
        const double row_loss =
            model->kernels->cross_entropy_row(V, w->logits + (size_t)r * V, target, call->gradient ? scale : 0);
        loss += row_loss;
        if (ret_losses)
            ret_losses[rows[r]] = (real)row_loss;
    }
    if (!call->gradient)
        return loss;
    /* 2. z = y W */
    logits_backward(call, y, w->logits, is_first, w->head_dnorm);
    /* 1. y = norm(x) */
    memset(w->head_dx, 0, row_bytes * (size_t)call->rows);
    norm_backward(call, &model->final_norm, w->head_x, &w->head_norm, w->head_dnorm, w->head_dx);
    for (int r = 0; r < call->rows; r++)
        memcpy(dx + (size_t)rows[r] * C, w->head_dx + (size_t)r * C, row_bytes);
    return loss;
}

double head_loss(const Call *call, const real *x, const int32_t *targets, real scale, real *dx, real *ret_losses)
{
    const Linear *head = &call->model->head;
    Workspace *w = call->w;
    double loss = 0;
    int n_targets = 0;

    for (int i = 0; i < call->rows; i++)
        if (targets[i] >= 0)
            w->target_rows[n_targets++] = i;
    if (ret_losses)
        memset(ret_losses, 0, sizeof(real) * (size_t)call->rows);
    if (call->gradient)
        memset(dx, 0, sizeof(real) * (size_t)head->in * (size_t)call->rows);
    if (call->gradient && call->is_first && n_targets == 0 && head->weight != ABSENT)
        memset(call->gradient + head->weight, 0, sizeof(real) * (size_t)head->in * (size_t)head->out);

    for (int start = 0; start < n_targets; start += w->head_rows) {
        Call block = *call;
        block.rows = n_targets - start < w->head_rows ? n_targets - start : w->head_rows;
        loss +=
            block_loss(&block, w->target_rows + start, x, targets, scale, call->is_first && start == 0, dx, ret_losses);
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

void head_logits(const Call *call, const real *x, real *ret_logits)
{
    const int C = call->model->settings.d_model, V = call->model->settings.vocab_size;
    Workspace *w = call->w;
    for (int start = 0; start < call->rows; start += w->head_rows) {
        const Call block = block_from(call, start);
        const real *y = norm_forward(&block, &call->model->final_norm, x + (size_t)start * C, &w->head_norm, w->head_y);
        linear_forward(&block, &call->model->head, y, NULL, ret_logits + (size_t)start * V);
    }
}
