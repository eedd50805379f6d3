/* The transformer's forward and backward as numbered passes; the backward walks them in reverse, restating the forward
 * line that it differentiates. The residual stream is one array per block that later passes add to.
 *
 * Attention after Vaswani et al. 2017. Where a branch f meets the stream, model.norm_placement decides:
 *
 *   pre       x + f(norm(x))         Radford et al. 2019; a final norm before the head
 *   post      norm(x + f(x))         Vaswani et al. 2017; the last block's norm is the final one (Xiong et al. 2020)
 *   sandwich  x + norm(f(norm(x)))   Ding et al. 2021 (CogView, arXiv 2105.13290); a final norm before the head
 *
 * Without attention_residual the first x of attention's join is left out; without mlp a block ends with that join. With
 * parallel_residual the MLP's norm reads the block's input x, as attention's does, and no longer what attention has
 * written (GPT-J: Wang & Komatsuzaki 2021; GPT-NeoX: Black et al. 2022, arXiv 2204.06745, section 2.1).
 *
 * In the passes `norm` stands for the norm before a branch, nothing in post-norm; `join` for how a branch's output
 * meets the stream, a plain sum in pre-norm. The gradient of the stream, dx, is one array: each branch adds its share
 * to it.
 */
#include <assert.h>
#include <string.h>

#include "model/internal.h"

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* E[token] */
static void tokens_forward(const Call *call, const int32_t *tokens, real *x)
{
    const size_t C = (size_t)call->model->settings.d_model;
    const real *embedding = call->parameters + call->model->embedding;
    for (int i = 0; i < call->rows; i++) {
        assert(tokens[i] >= 0 && tokens[i] < call->model->settings.vocab_size);
        memcpy(x + (size_t)i * C, embedding + (size_t)tokens[i] * C, sizeof(real) * C);
    }
}

/* Where the row of E[type] lies that position i of a sequence has, `segment` being that of the position before it: EOS
 * is the last of its segment, BOS the first; behind the last type comes the first again (Devlin et al. 2018, arXiv
 * 1810.04805: two sentences; in turn for more of them: Liu & Lapata 2019, arXiv 1908.08345). */
static size_t type_at(const Model *model, const int32_t *tokens, int i, int *segment)
{
    *segment = i == 0 ? 0 : *segment + (tokens[i - 1] == TOKEN_EOS) + (tokens[i] == TOKEN_BOS);
    return model->token_type + (size_t)(*segment % model->settings.token_types) * (size_t)model->settings.d_model;
}

/* x += E[type]; one type alone is the same row everywhere. */
static void types_forward(const Call *call, const int32_t *tokens, real *x)
{
    const Model *model = call->model;
    const int C = model->settings.d_model, *starts = call->w->starts;
    if (model->settings.token_types == 1)
        model->kernels->bias_forward(call->rows, C, call->parameters + model->token_type, x);
    for (int s = 0; model->settings.token_types > 1 && s < call->n; s++)
        for (int r = starts[s], segment = 0; r < starts[s + 1]; r++)
            model->kernels->add((size_t)C,
                                call->parameters + type_at(model, tokens + starts[s], r - starts[s], &segment),
                                x + (size_t)r * C);
}

/* dE[type] += dx */
static void types_backward(const Call *call, const int32_t *tokens, const real *dx)
{
    const Model *model = call->model;
    const int C = model->settings.d_model, *starts = call->w->starts;
    if (model->settings.token_types == 1)
        model->kernels->bias_backward(call->rows, C, dx, call->gradient + model->token_type);
    for (int s = 0; model->settings.token_types > 1 && s < call->n; s++)
        for (int r = starts[s], segment = 0; r < starts[s + 1]; r++)
            model->kernels->add((size_t)C, dx + (size_t)r * C,
                                call->gradient + type_at(model, tokens + starts[s], r - starts[s], &segment));
}

/* 1. x_0 = E[token] (+ P) (+ E[type]), of vectors u W or u for E[token]; with embedding_norm norm(...) of that */
static void embed_forward(const Call *call, const Given *given, real *ret_x)
{
    const Model *model = call->model;
    const ModelSettings *s = &model->settings;
    const Workspace *w = call->w;
    const size_t C = (size_t)s->d_model;
    real *x = model->embedding_norm.gain == ABSENT ? ret_x : w->embedded;
    switch (s->input) {
    case INPUT_EMBEDDING:
        tokens_forward(call, given->tokens, x);
        break;
    case INPUT_LINEAR:
        linear_forward(call, &model->input, given->vectors, NULL, x);
        break;
    case INPUT_IDENTITY:
        memcpy(x, given->vectors, sizeof(real) * (size_t)call->rows * C);
        break;
    }
    for (int i = 0; s->position->embed_forward && i < call->n; i++)
        s->position->embed_forward(model->position_state, call->parameters, w->starts[i + 1] - w->starts[i],
                                   x + (size_t)w->starts[i] * C);
    types_forward(call, given->tokens, x);
    norm_forward(call, &model->embedding_norm, x, &w->embedding_norm, ret_x);
}

/* What the MLP's norm reads. */
static const real *mlp_input(const Call *call, const BlockActs *a)
{
    return call->model->settings.parallel_residual ? a->x : a->x_mid;
}

/* 2-9 of one layer: from a->x to x_next; with x_next NULL only 2-4, for who wants its attention alone. */
static void block_forward(const Call *call, int layer, BlockActs *a, real *x_next)
{
    const Block *block = &call->model->blocks[layer];
    const ModelSettings *s = &call->model->settings;
    const Workspace *w = call->w;

    /* 2. h = norm(x) */
    const real *h = norm_forward(call, &block->attention_norm, a->x, &a->attention_norm, w->h);
    /* 3. q, k, v = h W_q, h W_k, h W_v; with qk_norm q, k = norm(q), norm(k) */
    linear_forward(call, &block->q, h, NULL, a->q_raw);
    heads_norm_forward(call, block->q_gain, s->n_heads, a->q_raw, a->q_rstd, a->q);
    linear_forward(call, &block->k, h, NULL, a->k_raw);
    heads_norm_forward(call, block->k_gain, s->n_kv_heads, a->k_raw, a->k_rstd, a->k);
    linear_forward(call, &block->v, h, NULL, a->v_raw);
    /* with a gate g = f(h W_gate), on values v = g v */
    gate_factors(call, block, h, a);
    gate_forward(call, GATE_VALUE, a);
    /* 4. heads = attention(q, k, v); with a gate on them heads = g heads */
    attention_forward(call, layer, a);
    gate_forward(call, GATE_OUTPUT, a);
    if (!x_next)
        return;
    /* 5. x_mid = join(x, heads W_out) */
    join_forward(call, &block->out, &block->attention_post_norm, s->attention_residual ? a->x : NULL, a->heads,
                 &a->attention_join, s->mlp ? a->x_mid : x_next);
    if (!s->mlp)
        return;
    /* 6. h = norm(x_mid), with parallel_residual norm(x) */
    h = norm_forward(call, &block->mlp_norm, mlp_input(call, a), &a->mlp_norm, w->h);
    /* 7. up = h W_up; with swiglu gate = h W_gate */
    if (s->activation == ACTIVATION_SWIGLU)
        linear_forward(call, &block->gate, h, NULL, a->gate);
    linear_forward(call, &block->up, h, NULL, a->up);
    /* 8. act = f(up); with swiglu silu(gate) up */
    const real *act = activation_forward(call, a->gate, a->up, w->act);
    /* 9. x_next = join(x_mid, act W_down) */
    join_forward(call, &block->down, &block->mlp_post_norm, a->x_mid, act, &a->mlp_join, x_next);
}

static void capture_block(const Call *call, int state, const BlockActs *acts, const real *x, const Capture *capture);

/* Whether a capture ends with the attention of the last layer. */
static int wants_attention_only(const Capture *capture)
{
    return capture && !capture->residual && !capture->normed && !capture->losses;
}

/* Panels of a workspace's own follow the parameters of every call. */
static void pack_own(const Call *call)
{
    Workspace *w = call->w;
    for (int i = 0; w->own_panels && i < model_n_packs(call->model, w->with_backward); i++)
        model_pack(call->model, call->parameters, i, w->own_panels);
}

/* A forward of n sequences, from a batch's number `first` on. */
static Call call_of_batch(const Model *model, const real *parameters, const Batch *batch, int first, int n,
                          Workspace *w)
{
    const int start = batch_start(batch, first);
    assert(n >= 1 && n <= w->n && first >= 0 && first + n <= batch->n);
    w->starts[0] = 0;
    for (int i = 1; i <= n; i++) {
        w->starts[i] = batch_start(batch, first + i) - start;
        const int length = w->starts[i] - w->starts[i - 1];
        assert(length >= 1 && length <= model->settings.context_length);
        (void)length;
    }
    return (Call){.model = model, .parameters = parameters, .n = n, .rows = w->starts[n], .w = w};
}

/* Of `length` tokens each. */
static Call call_of(const Model *model, const real *parameters, int n, int length, Workspace *w)
{
    return call_of_batch(model, parameters, &(Batch){.n = n, .length = length}, 0, n, w);
}

/* 1-9 of all layers; returns the last block's output. A capture takes what it wants as each block's input, then the
 * block, is known: without backward the next block overwrites both. */
static real *forward(const Call *call, const Given *given, const Capture *capture)
{
    const int L = call->model->settings.n_layers;
    Workspace *w = call->w;
    pack_own(call);
    embed_forward(call, given, w->blocks[0].x);
    for (int l = 0; l < L; l++) {
        BlockActs *acts = &w->blocks[l];
        real *x_next = l + 1 < L ? w->blocks[l + 1].x : wants_attention_only(capture) ? NULL : w->x_last;
        if (capture && l == 0)
            capture_block(call, 0, NULL, acts->x, capture);
        block_forward(call, l, acts, x_next);
        if (capture)
            capture_block(call, l + 1, acts, x_next, capture);
    }
    return w->x_last;
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* 9-6 of one layer: w->dx, the gradient of the block's output, becomes that of x_mid; with parallel_residual
 * w->dparallel is the MLP's share of that of x. */
static void mlp_backward(const Call *call, const Block *block, const BlockActs *a)
{
    const ModelSettings *s = &call->model->settings;
    const Workspace *w = call->w;
    /* 9. x_next = join(x_mid, act W_down) */
    const real *df = join_backward(call, &block->mlp_post_norm, 1, &a->mlp_join, w->dx, w->dnorm);
    linear_backward_input(call, &block->down, df, 0, w->dup);
    /* 8. act = f(up); with swiglu silu(gate) up */
    const real *act = activation_backward(call, a->gate, a->up, w->act, w->dgate, w->dup);
    linear_backward_weight(call, &block->down, act, df);
    /* 7. up = h W_up; with swiglu gate = h W_gate */
    const real *h = norm_forward(call, &block->mlp_norm, mlp_input(call, a), &a->mlp_norm, w->h);
    linear_backward(call, &block->up, h, w->dup, 0, w->dnorm);
    if (s->activation == ACTIVATION_SWIGLU)
        linear_backward(call, &block->gate, h, w->dgate, 1, w->dnorm);
    /* 6. h = norm(x_mid), with parallel_residual norm(x) */
    if (w->dparallel)
        memset(w->dparallel, 0, sizeof(real) * (size_t)call->rows * (size_t)s->d_model);
    norm_backward(call, &block->mlp_norm, mlp_input(call, a), &a->mlp_norm, w->dnorm,
                  w->dparallel ? w->dparallel : w->dx);
}

/* 9-2 of one layer: w->dx, the gradient of the block's output, becomes that of its input. */
static void block_backward(const Call *call, int layer, const BlockActs *a)
{
    const ModelSettings *s = &call->model->settings;
    const Block *block = &call->model->blocks[layer];
    const Workspace *w = call->w;

    if (s->mlp)
        mlp_backward(call, block, a);
    /* 5. x_mid = join(x, heads W_out) */
    const real *df =
        join_backward(call, &block->attention_post_norm, s->attention_residual, &a->attention_join, w->dx, w->dnorm);
    gate_forward(call, GATE_OUTPUT, a);
    linear_backward(call, &block->out, a->heads, df, 0, w->dheads);
    /* 4. heads = attention(q, k, v); with a gate on them heads = g heads */
    gate_backward(call, GATE_OUTPUT, a, w->dheads);
    gate_forward(call, GATE_VALUE, a);
    attention_backward(call, layer, a);
    /* with a gate g = f(h W_gate), on values v = g v */
    gate_backward(call, GATE_VALUE, a, w->dv);
    /* 3. q, k, v = h W_q, h W_k, h W_v; with qk_norm q, k = norm(q), norm(k) */
    const real *h = norm_forward(call, &block->attention_norm, a->x, &a->attention_norm, w->h);
    const real *dq_raw = heads_norm_backward(call, block->q_gain, s->n_heads, a->q_raw, a->q_rstd, w->dq, w->dheads);
    linear_backward(call, &block->q, h, dq_raw, 0, w->dnorm);
    const real *dk_raw = /* dq_raw has been used */
        heads_norm_backward(call, block->k_gain, s->n_kv_heads, a->k_raw, a->k_rstd, w->dk, w->dheads);
    linear_backward(call, &block->k, h, dk_raw, 1, w->dnorm);
    linear_backward(call, &block->v, h, w->dv, 1, w->dnorm);
    if (call->model->gate_state)
        linear_backward(call, &block->head_gate, h, w->dfactors, 1, w->dnorm);
    /* 2. h = norm(x) */
    norm_backward(call, &block->attention_norm, a->x, &a->attention_norm, w->dnorm, w->dx);
    if (w->dparallel)
        call->model->kernels->add((size_t)call->rows * (size_t)s->d_model, w->dparallel, w->dx);
}

/* 1. x_0 = E[token] (+ P) (+ E[type]), of vectors u W or u for E[token]; with embedding_norm norm(...) of that */
static void embed_backward(const Call *call, const Given *given, const real *dx)
{
    const Model *model = call->model;
    const Position *position = model->settings.position;
    const Workspace *w = call->w;
    const size_t C = (size_t)model->settings.d_model;
    if (model->embedding_norm.gain != ABSENT) {
        memset(w->dnorm, 0, sizeof(real) * (size_t)call->rows * C);
        norm_backward(call, &model->embedding_norm, w->embedded, &w->embedding_norm, dx, w->dnorm);
        dx = w->dnorm;
    }
    types_backward(call, given->tokens, dx);
    for (int i = 0; model->embedding != ABSENT && i < call->rows; i++)
        model->kernels->add(C, dx + (size_t)i * C, call->gradient + model->embedding + (size_t)given->tokens[i] * C);
    if (model->input.in > 0)
        linear_backward_weight(call, &model->input, given->vectors, dx);
    for (int i = 0; position->embed_backward && i < call->n; i++)
        position->embed_backward(model->position_state, call->parameters, w->starts[i + 1] - w->starts[i],
                                 dx + (size_t)w->starts[i] * C, call->gradient);
}

Given model_given(const Model *model, const Batch *batch, int first)
{
    const ModelSettings *s = &model->settings;
    const size_t start = (size_t)batch_start(batch, first);
    Given given = {.tokens = batch->inputs + start, .targets = batch->targets + start};
    if (s->vector_width > 0)
        given.vectors = batch->vectors + start * (size_t)s->vector_width;
    if (s->goal_width > 0)
        given.goals = batch->goals + start * (size_t)s->goal_width;
    return given;
}

static double step(const Call *call, const Batch *batch, int first, real *ret_losses)
{
    const Given given = model_given(call->model, batch, first);
    Workspace *w = call->w;
    assert(!call->gradient || w->with_backward);
    /* 1-9 forward, then 10. loss of norm(x_L) W_head, which is forward and backward at once */
    const real scale = batch->n_targets > 0 ? (real)(1.0 / batch->n_targets) : 0;
    const real *x = forward(call, &given, NULL);
    const double loss = head_loss(call, x, &given, scale, w->dx, ret_losses);
    if (!call->gradient)
        return loss;

    for (int l = call->model->settings.n_layers - 1; l >= 0; l--)
        block_backward(call, l, &w->blocks[l]);
    embed_backward(call, &given, w->dx);
    return loss;
}

double model_step(const Model *model, const real *parameters, const Batch *batch, int first, int n, Workspace *w,
                  real *gradient, real *ret_losses)
{
    Call call = call_of_batch(model, parameters, batch, first, n, w);
    call.gradient = gradient;
    return step(&call, batch, first, ret_losses);
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
    Call call = call_of_batch(model, parameters, batch, first, n, w);
    call.gradient = gradient, call.is_first = 1;
    return step(&call, batch, first, ret_losses);
}

void model_outputs(const Model *model, const real *parameters, const Given *given, int length, Workspace *w,
                   real *ret_outputs)
{
    const Call call = call_of(model, parameters, 1, length, w);
    head_outputs(&call, forward(&call, given, NULL), ret_outputs);
}

/* ---- capture ----------------------------------------------------------------------------------------------------- */

/* (T, n D) to (H, T, D): each of the n heads H/n times in turn. */
static void split_heads(int n, int H, int T, int D, const real *x, real *ret_y)
{
    for (int h = 0; h < H; h++)
        for (int t = 0; t < T; t++)
            memcpy(ret_y + ((size_t)h * T + t) * D, x + ((size_t)t * n + h / (H / n)) * D, sizeof(real) * (size_t)D);
}

/* A map to (T,T), 0 where hidden. */
static void unpack_map(const Workspace *w, const real *map, real *ret_map)
{
    const int T = w->length;
    memset(ret_map, 0, sizeof(real) * (size_t)T * T);
    for (int b = 0; b < w->n_query_blocks; b++) {
        const QueryBlock *block = &w->query_blocks[b];
        for (int i = block->row; i < block->row + block->n_rows; i++)
            memcpy(ret_map + (size_t)i * T + block->key, map + (size_t)i * w->map_ld + w->slot_columns + block->key,
                   sizeof(real) * (size_t)block->n_keys);
    }
}

/* What a map gives to slots: (T,S). */
static void unpack_slots(const Workspace *w, const real *map, real *ret_slots)
{
    const size_t S = (size_t)w->n_slots;
    for (int b = 0; b < w->n_query_blocks; b++) {
        const QueryBlock *block = &w->query_blocks[b];
        for (int i = block->row; i < block->row + block->n_rows; i++)
            memcpy(ret_slots + (size_t)i * S, map + (size_t)i * w->map_ld + w->slot_columns + block->key - S,
                   sizeof(real) * S);
    }
}

/* x (n,T,C) is residual state `state`; acts, if any, are those of the block before it. */
static void capture_block(const Call *call, int state, const BlockActs *acts, const real *x, const Capture *capture)
{
    const ModelSettings *s = &call->model->settings;
    const Workspace *w = call->w;
    const int H = s->n_heads, D = s->d_head, T = call->rows / call->n, L = s->n_layers; /* all of one length */
    const size_t stream = (size_t)T * (size_t)s->d_model, rows = (size_t)H * T * D, map = (size_t)T * T;
    for (size_t i = 0; i < (size_t)call->n; i++) {
        const size_t layer = i * (size_t)L + (size_t)state - 1; /* of all sequences' layers; used with acts only */
        if (capture->residual)
            memcpy(capture->residual + (i * (size_t)(L + 1) + (size_t)state) * stream, x + i * stream,
                   sizeof(real) * stream);
        if (!acts)
            continue;
        const struct {
            int n;
            const real *from;
            real *to;
        } heads[] = {{H, acts->q, capture->q},
                     {s->n_kv_heads, acts->k, capture->k},
                     {s->n_kv_heads, acts->v, capture->v},
                     {H, acts->heads, capture->heads}};
        for (size_t a = 0; a < sizeof heads / sizeof *heads; a++)
            if (heads[a].to)
                split_heads(heads[a].n, H, T, D, heads[a].from + i * (size_t)heads[a].n * T * D,
                            heads[a].to + layer * rows);
        for (size_t h = 0; capture->maps && h < (size_t)H; h++)
            unpack_map(w, acts->maps + (i * (size_t)H + h) * w->map_size,
                       capture->maps + (layer * (size_t)H + h) * map);
        for (size_t h = 0; capture->slots && h < (size_t)H; h++)
            unpack_slots(w, acts->maps + (i * (size_t)H + h) * w->map_size,
                         capture->slots + (layer * (size_t)H + h) * (size_t)T * (size_t)w->n_slots);
    }
}

void model_capture_given(const Model *model, const real *parameters, const Given *given, int n, int length,
                         Workspace *w, const Capture *capture)
{
    const Call call = call_of(model, parameters, n, length, w);
    const real *x = forward(&call, given, capture);
    if (capture->normed)
        head_norm(&call, x, capture->normed);
    if (capture->losses && given->targets)
        head_loss(&call, x, given, 0, NULL, capture->losses);
}

void model_capture_changed(const Model *model, const real *parameters, const Given *given, int length,
                           const Change *change, Workspace *w, const Capture *capture)
{
    w->change = *change;
    model_capture_given(model, parameters, given, 1, length, w, capture);
    w->change = (Change){CHANGE_NOTHING, -1, -1};
}

void model_ablated_losses_given(const Model *model, const real *parameters, const Given *given, int length,
                                int hidden_key, Workspace *w, real *ret_losses)
{
    model_capture_changed(model, parameters, given, length, &(Change){CHANGE_HIDE, hidden_key, -1}, w,
                          &(Capture){.losses = ret_losses});
}

/* ---- what position alone says ------------------------------------------------------------------------------------ */

/* Of a layer. */
static size_t bias_values(const ModelSettings *s, int length)
{
    return (size_t)s->n_heads * position_table_size(s->position, length);
}

size_t model_bias_size(const Model *model, int length)
{
    return (size_t)model->settings.n_layers * bias_values(&model->settings, length);
}

void model_position_bias(const Model *model, const real *parameters, int length, real *ret_bias)
{
    const ModelSettings *s = &model->settings;
    memset(ret_bias, 0, sizeof(real) * model_bias_size(model, length));
    for (int l = 0; s->position->bias_forward && l < s->n_layers; l++)
        s->position->bias_forward(model->position_state, parameters, l, length,
                                  ret_bias + (size_t)l * bias_values(s, length));
}

void model_positions(const Model *model, const real *parameters, int length, real *ret_table)
{
    const ModelSettings *s = &model->settings;
    memset(ret_table, 0, sizeof(real) * (size_t)length * (size_t)s->d_model);
    if (s->position->embed_forward)
        s->position->embed_forward(model->position_state, parameters, length, ret_table);
}

void model_weights(const Model *model, const real *parameters, int layer, int head, int i, int n, const double *scores,
                   double *ret_weights)
{
    model->settings.score->weights(model->score_state, parameters, layer, head, i, n, scores, ret_weights);
}

/* The scores of slots, 0 without a query, and of the keys that are seen stand side by side while the score function
 * works on them. */
void model_position_weights(const Model *model, const real *parameters, const real *bias, const Visible *visible,
                            int layer, int head, int i, double *work, double *ret_weights)
{
    const ModelSettings *s = &model->settings;
    const int T = visible->length, n_slots = model_n_slots(model);
    const real *table = bias + (size_t)layer * bias_values(s, T) + (size_t)head * position_table_size(s->position, T) +
                        (size_t)i * position_table_stride(s->position, T) + T - 1 + i; /* table[-j]: distance i-j */
    const KeyRange *range = visible->keys[i].range;
    int n = 0;
    while (n < n_slots)
        work[n++] = 0;
    for (int r = 0; r < KEY_RANGES; r++)
        for (int j = range[r].first; j < range[r].end; j++)
            work[n++] = logit_of(&s->logit, 0, (double)table[-j]);
    model_weights(model, parameters, layer, head, i, n, work, work);
    memset(ret_weights, 0, sizeof(double) * (size_t)T);
    n = n_slots;
    for (int r = 0; r < KEY_RANGES; r++)
        for (int j = range[r].first; j < range[r].end; j++)
            ret_weights[j] = work[n++];
}
