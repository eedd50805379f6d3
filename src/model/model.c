/* The transformer's forward and backward as numbered passes; the backward walks them in reverse, restating the forward
 * line that it differentiates. The residual stream is one array per block that later passes add to.
 *
 * Attention after Vaswani et al. 2017. Where a branch f meets the stream, model.norm_placement decides:
 *
 *   pre       x + f(norm(x))         Radford et al. 2019; a final norm before the head
 *   post      norm(x + f(x))         Vaswani et al. 2017; the last block's norm is the final one (Xiong et al. 2020,
 * table 1) sandwich  x + norm(f(norm(x)))   Ding et al. 2021 (CogView, arXiv 2105.13290); a final norm before the head
 *
 * In the passes `norm` stands for the norm before a branch, nothing in post-norm; `join` for how a branch's output
 * meets the stream, a plain sum in pre-norm. The gradient of the stream, dx, is one array: each branch adds its share
 * to it.
 */
#include <assert.h>
#include <string.h>

#include "model/internal.h"

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* 1. x_0 = E[token] (+ P) */
static void embed_forward(const Model *model, const real *parameters, int n, int length, const int32_t *tokens, real *x)
{
    const ModelSettings *s = &model->settings;
    const size_t C = (size_t)s->d_model;
    const real *embedding = parameters + model->embedding;
    for (int i = 0; i < n * length; i++) {
        assert(tokens[i] >= 0 && tokens[i] < s->vocab_size);
        memcpy(x + (size_t)i * C, embedding + (size_t)tokens[i] * C, sizeof(real) * C);
    }
    if (s->position->embed_forward)
        for (int i = 0; i < n; i++)
            s->position->embed_forward(model->position_state, parameters, length, x + (size_t)i * length * C);
}

/* 2-9 of one layer: from a->x to x_next; with x_next NULL only 2-4, for who wants its attention alone. */
static void block_forward(const Model *model, const real *parameters, int layer, int n, BlockActs *a, real *x_next,
                          Workspace *w)
{
    const ModelSettings *s = &model->settings;
    const Block *block = &model->blocks[layer];
    const int N = n * w->length;

    /* 2. h = norm(x) */
    const real *h = norm_forward(model, &block->attention_norm, parameters, N, a->x, &a->attention_norm, w->h);
    /* 3. q, k, v = h W_q, h W_k, h W_v; with qk_norm q, k = norm(q), norm(k) */
    linear_forward(model, &block->q, parameters, N, h, NULL, a->q_raw, w);
    heads_norm_forward(model, block->q_gain, parameters, N, a->q_raw, a->q_rstd, a->q);
    linear_forward(model, &block->k, parameters, N, h, NULL, a->k_raw, w);
    heads_norm_forward(model, block->k_gain, parameters, N, a->k_raw, a->k_rstd, a->k);
    linear_forward(model, &block->v, parameters, N, h, NULL, a->v, w);
    /* 4. heads = attention(q, k, v) */
    attention_forward(model, parameters, layer, n, a, w);
    if (!x_next)
        return;
    /* 5. x_mid = join(x, heads W_out) */
    join_forward(model, &block->out, &block->attention_post_norm, parameters, N, a->x, a->heads, &a->attention_join,
                 a->x_mid, w);
    /* 6. h = norm(x_mid) */
    h = norm_forward(model, &block->mlp_norm, parameters, N, a->x_mid, &a->mlp_norm, w->h);
    /* 7. up = h W_up; with swiglu gate = h W_gate */
    if (s->activation == ACTIVATION_SWIGLU)
        linear_forward(model, &block->gate, parameters, N, h, NULL, a->gate, w);
    linear_forward(model, &block->up, parameters, N, h, NULL, a->up, w);
    /* 8. act = f(up); with swiglu silu(gate) up */
    const real *act = activation_forward(model, (size_t)N * (size_t)s->d_ff, a->gate, a->up, w->act);
    /* 9. x_next = join(x_mid, act W_down) */
    join_forward(model, &block->down, &block->mlp_post_norm, parameters, N, a->x_mid, act, &a->mlp_join, x_next, w);
}

static void capture_block(const Model *model, const Workspace *w, int n, int state, const BlockActs *acts,
                          const real *x, const Capture *capture);

/* Whether a capture ends with the attention of the last layer. */
static int wants_attention_only(const Capture *capture)
{
    return capture && !capture->residual && !capture->normed && !capture->losses;
}

/* Panels of a workspace's own follow the parameters of every call. */
static void pack_own(const Model *model, const real *parameters, Workspace *w)
{
    for (int i = 0; w->own_panels && i < model_n_packs(model, w->with_backward); i++)
        model_pack(model, parameters, i, w->own_panels);
}

/* 1-9 of all layers; returns the last block's output. A capture takes what it wants as each block's input, then the
 * block, is known: without backward the next block overwrites both. */
static real *forward(const Model *model, const real *parameters, int n, int length, const int32_t *tokens, Workspace *w,
                     const Capture *capture)
{
    const int L = model->settings.n_layers;
    assert(n >= 1 && n <= w->n && length >= 1 && length <= model->settings.context_length);
    pack_own(model, parameters, w);
    attention_lay_mask(model, length, w);
    embed_forward(model, parameters, n, length, tokens, w->blocks[0].x);
    for (int l = 0; l < L; l++) {
        BlockActs *acts = &w->blocks[l];
        real *x_next = l + 1 < L ? w->blocks[l + 1].x : wants_attention_only(capture) ? NULL : w->x_last;
        if (capture && l == 0)
            capture_block(model, w, n, 0, NULL, acts->x, capture);
        block_forward(model, parameters, l, n, acts, x_next, w);
        if (capture)
            capture_block(model, w, n, l + 1, acts, x_next, capture);
    }
    return w->x_last;
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* 9-2 of one layer: w->dx, the gradient of the block's output, becomes that of its input. */
static void block_backward(const Model *model, const real *parameters, int layer, int n, const BlockActs *a,
                           Workspace *w, real *gradient)
{
    const ModelSettings *s = &model->settings;
    const Block *block = &model->blocks[layer];
    const int N = n * w->length;

    /* 9. x_next = join(x_mid, act W_down) */
    const real *df =
        join_backward(model, &block->mlp_post_norm, parameters, N, &a->mlp_join, w->dx, w->dnorm, gradient);
    linear_backward_input(model, &block->down, N, df, 0, w->dup, w);
    /* 8. act = f(up); with swiglu silu(gate) up */
    const real *act = activation_backward(model, (size_t)N * (size_t)s->d_ff, a->gate, a->up, w->act, w->dgate, w->dup);
    linear_backward_weight(model, &block->down, N, act, df, gradient, w);
    /* 7. up = h W_up; with swiglu gate = h W_gate */
    const real *h = norm_forward(model, &block->mlp_norm, parameters, N, a->x_mid, &a->mlp_norm, w->h);
    linear_backward(model, &block->up, N, h, w->dup, 0, w->dnorm, gradient, w);
    if (s->activation == ACTIVATION_SWIGLU)
        linear_backward(model, &block->gate, N, h, w->dgate, 1, w->dnorm, gradient, w);
    /* 6. h = norm(x_mid) */
    norm_backward(model, &block->mlp_norm, parameters, N, a->x_mid, &a->mlp_norm, w->dnorm, w->dx, gradient);
    /* 5. x_mid = join(x, heads W_out) */
    df =
        join_backward(model, &block->attention_post_norm, parameters, N, &a->attention_join, w->dx, w->dnorm, gradient);
    linear_backward(model, &block->out, N, a->heads, df, 0, w->dheads, gradient, w);
    /* 4. heads = attention(q, k, v) */
    attention_backward(model, layer, n, a, w, gradient);
    /* 3. q, k, v = h W_q, h W_k, h W_v; with qk_norm q, k = norm(q), norm(k) */
    h = norm_forward(model, &block->attention_norm, parameters, N, a->x, &a->attention_norm, w->h);
    const real *dq_raw =
        heads_norm_backward(model, block->q_gain, parameters, N, a->q_raw, a->q_rstd, w->dq, w->dheads, gradient);
    linear_backward(model, &block->q, N, h, dq_raw, 0, w->dnorm, gradient, w);
    const real *dk_raw = /* dq_raw has been used */
        heads_norm_backward(model, block->k_gain, parameters, N, a->k_raw, a->k_rstd, w->dk, w->dheads, gradient);
    linear_backward(model, &block->k, N, h, dk_raw, 1, w->dnorm, gradient, w);
    linear_backward(model, &block->v, N, h, w->dv, 1, w->dnorm, gradient, w);
    /* 2. h = norm(x) */
    norm_backward(model, &block->attention_norm, parameters, N, a->x, &a->attention_norm, w->dnorm, w->dx, gradient);
}

/* 1. x_0 = E[token] (+ P) */
static void embed_backward(const Model *model, int n, int length, const int32_t *tokens, const real *dx, real *gradient)
{
    const ModelSettings *s = &model->settings;
    const size_t C = (size_t)s->d_model;
    for (int i = 0; i < n * length; i++)
        model->kernels->add(C, dx + (size_t)i * C, gradient + model->embedding + (size_t)tokens[i] * C);
    if (s->position->embed_backward)
        for (int i = 0; i < n; i++)
            s->position->embed_backward(model->position_state, length, dx + (size_t)i * length * C, gradient);
}

static double step(const Model *model, const real *parameters, const Batch *batch, int first, int n, Workspace *w,
                   real *gradient, real *ret_losses)
{
    assert(first >= 0 && first + n <= batch->n && (!gradient || w->with_backward));
    const int T = batch->length, L = model->settings.n_layers;
    const int32_t *tokens = batch->inputs + (size_t)first * T, *targets = batch->targets + (size_t)first * T;
    /* 1-9 forward, then 10. loss = cross-entropy(norm(x_L) W_head), which is forward and backward at once */
    const real scale = batch->n_targets > 0 ? (real)(1.0 / batch->n_targets) : 0;
    const real *x = forward(model, parameters, n, T, tokens, w, NULL);
    double loss = head_loss(model, parameters, n * T, x, targets, scale, w, w->dx, gradient, ret_losses);
    if (!gradient)
        return loss;

    for (int l = L - 1; l >= 0; l--)
        block_backward(model, parameters, l, n, &w->blocks[l], w, gradient);
    embed_backward(model, n, T, tokens, w->dx, gradient);
    return loss;
}

double model_step(const Model *model, const real *parameters, const Batch *batch, int first, int n, Workspace *w,
                  real *gradient, real *ret_losses)
{
    w->is_first = 0;
    return step(model, parameters, batch, first, n, w, gradient, ret_losses);
}

static int is_weight(const Model *model, const Tensor *tensor)
{
    for (int i = 0; i < model->n_linears; i++)
        if (model->linears[i]->weight == tensor->offset)
            return 1;
    return 0;
}

/* Weights, of which a step has one product each, are written by it; what is added to in places is zeroed. */
double model_first_step(const Model *model, const real *parameters, const Batch *batch, int first, int n, Workspace *w,
                        real *gradient, real *ret_losses)
{
    const Parameters *table = &model->parameters;
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *tensor = &table->tensors[t];
        if (!is_weight(model, tensor))
            memset(gradient + tensor->offset, 0, sizeof(real) * (size_t)tensor->rows * (size_t)tensor->cols);
    }
    w->is_first = 1;
    return step(model, parameters, batch, first, n, w, gradient, ret_losses);
}

void model_logits(const Model *model, const real *parameters, const int32_t *tokens, int length, Workspace *w,
                  real *ret_logits)
{
    const real *x = forward(model, parameters, 1, length, tokens, w, NULL);
    head_logits(model, parameters, length, x, w, ret_logits);
}

/* ---- capture ----------------------------------------------------------------------------------------------------- */

/* (T, H D) to (H, T, D) */
static void split_heads(int H, int T, int D, const real *x, real *ret_y)
{
    for (int h = 0; h < H; h++)
        for (int t = 0; t < T; t++)
            memcpy(ret_y + ((size_t)h * T + t) * D, x + ((size_t)t * H + h) * D, sizeof(real) * (size_t)D);
}

/* A map to (T,T), 0 where hidden. */
static void unpack_map(const Workspace *w, const real *map, real *ret_map)
{
    const int T = w->length;
    memset(ret_map, 0, sizeof(real) * (size_t)T * T);
    for (int b = 0; b < w->n_query_blocks; b++) {
        const QueryBlock *block = &w->query_blocks[b];
        for (int r = 0; r < block->n_rows; r++)
            memcpy(ret_map + (size_t)(block->row + r) * T + block->key,
                   map + (size_t)(block->row + r) * w->map_ld + block->key, sizeof(real) * (size_t)block->n_keys);
    }
}

/* x (n,T,C) is residual state `state`; acts, if any, are those of the block before it. */
static void capture_block(const Model *model, const Workspace *w, int n, int state, const BlockActs *acts,
                          const real *x, const Capture *capture)
{
    const ModelSettings *s = &model->settings;
    const int H = s->n_heads, D = s->d_head, T = w->length, L = s->n_layers;
    const size_t stream = (size_t)T * (size_t)s->d_model, rows = (size_t)H * T * D, map = (size_t)T * T;
    for (size_t i = 0; i < (size_t)n; i++) {
        const size_t layer = i * (size_t)L + (size_t)state - 1; /* of all sequences' layers; used with acts only */
        if (capture->residual)
            memcpy(capture->residual + (i * (size_t)(L + 1) + (size_t)state) * stream, x + i * stream,
                   sizeof(real) * stream);
        if (!acts)
            continue;
        if (capture->q)
            split_heads(H, T, D, acts->q + i * rows, capture->q + layer * rows);
        if (capture->k)
            split_heads(H, T, D, acts->k + i * rows, capture->k + layer * rows);
        if (capture->v)
            split_heads(H, T, D, acts->v + i * rows, capture->v + layer * rows);
        for (size_t h = 0; capture->maps && h < (size_t)H; h++)
            unpack_map(w, acts->maps + (i * (size_t)H + h) * w->map_size,
                       capture->maps + (layer * (size_t)H + h) * map);
    }
}

void model_capture(const Model *model, const real *parameters, const int32_t *tokens, const int32_t *targets, int n,
                   int length, Workspace *w, const Capture *capture)
{
    const real *x = forward(model, parameters, n, length, tokens, w, capture);
    if (capture->normed)
        head_norm(model, parameters, n * length, x, w, capture->normed);
    if (capture->losses && targets)
        head_loss(model, parameters, n * length, x, targets, 0, w, NULL, NULL, capture->losses);
}

void model_ablated_losses(const Model *model, const real *parameters, const int32_t *tokens, const int32_t *targets,
                          int length, int hidden_key, Workspace *w, real *ret_losses)
{
    w->hidden_key = hidden_key;
    const real *x = forward(model, parameters, 1, length, tokens, w, NULL);
    w->hidden_key = -1;
    head_loss(model, parameters, length, x, targets, 0, w, NULL, NULL, ret_losses);
}

void model_position_bias(const Model *model, const real *parameters, int length, real *ret_bias)
{
    const ModelSettings *s = &model->settings;
    size_t layer_values = (size_t)s->n_heads * (size_t)(2 * length - 1);
    memset(ret_bias, 0, sizeof(real) * (size_t)s->n_layers * layer_values);
    for (int l = 0; s->position->bias_forward && l < s->n_layers; l++)
        s->position->bias_forward(model->position_state, parameters, l, length, ret_bias + (size_t)l * layer_values);
}

void model_visible(const Model *model, int i, int length, int *ret_first, int *ret_end)
{
    model->settings.mask->visible(i, length, ret_first, ret_end);
}
