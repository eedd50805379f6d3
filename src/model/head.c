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
static void logits_backward(const Model *model, int n, const real *y, const real *dlogits, int is_first, real *dy,
                            real *gradient, Workspace *w)
{
    const Linear *head = &model->head;
    const Kernels *kernels = model->kernels;
    const int C = head->in, V = head->out;
    if (head->bias != ABSENT)
        kernels->bias_backward(n, V, dlogits, gradient + head->bias);
    if (head->weight == ABSENT)
        kernels->matmul(MATMUL_TN, V, C, n, 1, dlogits, V, y, C, 1, gradient + model->embedding, C, w->scratch);
    else
        kernels->matmul(MATMUL_TN, C, V, n, 1, y, C, dlogits, V, !is_first, gradient + head->weight, V, w->scratch);
    linear_backward_input(model, head, n, dlogits, 0, dy, w);
}

double head_loss(const Model *model, const real *parameters, int n_rows, const real *x, const int32_t *targets,
                 real scale, Workspace *w, real *dx, real *gradient, real *ret_losses)
{
    const int C = model->settings.d_model, V = model->settings.vocab_size;
    const size_t row_bytes = sizeof(real) * (size_t)C;
    double loss = 0;
    int n_targets = 0;

    for (int i = 0; i < n_rows; i++)
        if (targets[i] >= 0)
            w->target_rows[n_targets++] = i;
    if (ret_losses)
        memset(ret_losses, 0, sizeof(real) * (size_t)n_rows);
    if (gradient)
        memset(dx, 0, row_bytes * (size_t)n_rows);
    if (gradient && w->is_first && n_targets == 0 && model->head.weight != ABSENT)
        memset(gradient + model->head.weight, 0, row_bytes * (size_t)V);

    for (int start = 0; start < n_targets; start += w->head_rows) {
        const int *rows = w->target_rows + start;
        int n = n_targets - start < w->head_rows ? n_targets - start : w->head_rows;

        /* forward */
        for (int r = 0; r < n; r++)
            memcpy(w->head_x + (size_t)r * C, x + (size_t)rows[r] * C, row_bytes);
        const real *y = norm_forward(model, &model->final_norm, parameters, n, w->head_x, &w->head_norm, w->head_y);
        linear_forward(model, &model->head, parameters, n, y, NULL, w->logits, w);
        for (int r = 0; r < n; r++) {
            int32_t target = targets[rows[r]];
            assert(target < V);
            double row_loss =
                model->kernels->cross_entropy_row(V, w->logits + (size_t)r * V, target, gradient ? scale : 0);
            loss += row_loss;
            if (ret_losses)
                ret_losses[rows[r]] = (real)row_loss;
        }
        if (!gradient)
            continue;

        /* backward */
        logits_backward(model, n, y, w->logits, w->is_first && start == 0, w->head_dnorm, gradient, w);
        memset(w->head_dx, 0, row_bytes * (size_t)n);
        norm_backward(model, &model->final_norm, parameters, n, w->head_x, &w->head_norm, w->head_dnorm, w->head_dx,
                      gradient);
        for (int r = 0; r < n; r++)
            memcpy(dx + (size_t)rows[r] * C, w->head_dx + (size_t)r * C, row_bytes);
    }
    return loss;
}

void head_norm(const Model *model, const real *parameters, int n_rows, const real *x, Workspace *w, real *ret_normed)
{
    const int C = model->settings.d_model;
    for (int start = 0; start < n_rows; start += w->head_rows) {
        int n = n_rows - start < w->head_rows ? n_rows - start : w->head_rows;
        real *out = ret_normed + (size_t)start * C;
        const real *y =
            norm_forward(model, &model->final_norm, parameters, n, x + (size_t)start * C, &w->head_norm, out);
        if (y != out)
            memcpy(out, y, sizeof(real) * (size_t)n * C);
    }
}

void head_logits(const Model *model, const real *parameters, int n_rows, const real *x, Workspace *w, real *ret_logits)
{
    const int C = model->settings.d_model, V = model->settings.vocab_size;
    for (int start = 0; start < n_rows; start += w->head_rows) {
        int n = n_rows - start < w->head_rows ? n_rows - start : w->head_rows;
        const real *y =
            norm_forward(model, &model->final_norm, parameters, n, x + (size_t)start * C, &w->head_norm, w->head_y);
        linear_forward(model, &model->head, parameters, n, y, NULL, ret_logits + (size_t)start * V, w);
    }
}
