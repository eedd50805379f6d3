/* Building a model: the tensor table in the order of the forward pass, the initial distribution of each, the variants'
 * constant tables; and what a step costs.
 *
 * Initial values, after the calibration of the embedding scale that decides when sinks form: matrices normal with
 * std = d_model^-1/2 or weight_std; those that write into the residual stream divided by sqrt(2L) (Radford et al. 2019,
 * section 2.3), so that the stream's variance does not grow with depth; gains 1, shifts and biases 0.
 */
#include <math.h>
#include <stdio.h>

#include "model/internal.h"

typedef struct {
    Arena *arena;
    Parameters *parameters;
    const ModelSettings *settings;
    const char *prefix; /* "blocks.0.attention." */
} Builder;

static size_t add_tensor(const Builder *b, const char *name, int rows, int cols, double std, double value, int decays)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", b->prefix, name);
    int i = parameters_add(b->arena, b->parameters, full, rows, cols, std, value, decays);
    return b->parameters->tensors[i].offset;
}

static Linear add_linear(const Builder *b, const char *name, int in, int out, double std)
{
    char tensor[48];
    Linear linear = {in, out, ABSENT, ABSENT, {0}};
    snprintf(tensor, sizeof tensor, "%s.weight", name);
    linear.weight = add_tensor(b, tensor, in, out, std, 0, 1);
    if (b->settings->bias) {
        snprintf(tensor, sizeof tensor, "%s.bias", name);
        linear.bias = add_tensor(b, tensor, 1, out, 0, 0, 0);
    }
    return linear;
}

/* `name` is "norm" or "post_norm". */
static Norm add_norm(const Builder *b, const char *name)
{
    char tensor[48];
    Norm norm = {ABSENT, ABSENT};
    snprintf(tensor, sizeof tensor, "%s.gain", name);
    norm.gain = add_tensor(b, tensor, 1, b->settings->d_model, 0, 1, 0);
    snprintf(tensor, sizeof tensor, "%s.shift", name);
    if (b->settings->norm == NORM_LAYERNORM)
        norm.shift = add_tensor(b, tensor, 1, b->settings->d_model, 0, 0, 0);
    return norm;
}

static Block add_block(Builder *b, int layer)
{
    const ModelSettings *s = b->settings;
    const int C = s->d_model, HD = s->n_heads * s->d_head;
    const double std = s->init.weight == WEIGHT_FAN_IN ? 1 / sqrt((double)C) : s->init.weight_std;
    const double out_std = s->init.residual == RESIDUAL_SCALED ? std / sqrt(2.0 * s->n_layers) : std;
    const int is_pre = s->norm_placement == PLACEMENT_PRE, is_post = s->norm_placement == PLACEMENT_POST;
    const Norm none = {ABSENT, ABSENT};
    char prefix[48];
    Block block = {0};

    b->prefix = prefix;
    snprintf(prefix, sizeof prefix, "blocks.%d.attention.", layer);
    block.attention_norm = is_post ? none : add_norm(b, "norm");
    block.q = add_linear(b, "q", C, HD, std);
    block.k = add_linear(b, "k", C, HD, std);
    block.v = add_linear(b, "v", C, HD, std);
    block.q_gain = s->qk_norm ? add_tensor(b, "q_norm.gain", 1, s->d_head, 0, 1, 0) : ABSENT;
    block.k_gain = s->qk_norm ? add_tensor(b, "k_norm.gain", 1, s->d_head, 0, 1, 0) : ABSENT;
    block.out = add_linear(b, "out", HD, C, out_std);
    block.attention_post_norm = is_pre ? none : add_norm(b, "post_norm");
    snprintf(prefix, sizeof prefix, "blocks.%d.mlp.", layer);
    block.mlp_norm = is_post ? none : add_norm(b, "norm");
    if (s->activation == ACTIVATION_SWIGLU)
        block.gate = add_linear(b, "gate", C, s->d_ff, std);
    block.up = add_linear(b, "up", C, s->d_ff, std);
    block.down = add_linear(b, "down", s->d_ff, C, out_std);
    block.mlp_post_norm = is_pre ? none : add_norm(b, "post_norm");
    return block;
}

static Linear add_head(const Builder *b)
{
    const ModelSettings *s = b->settings;
    Linear head = {s->d_model, s->vocab_size, ABSENT, ABSENT, {0}};
    if (!s->tied_head)
        head.weight = add_tensor(b, "weight", s->d_model, s->vocab_size, s->init.head_std, 0, 1);
    if (s->bias)
        head.bias = add_tensor(b, "bias", 1, s->vocab_size, 0, 0, 0);
    return head;
}

/* Lists the linear layers and gives their packed weights places, those for backward behind those for forward. */
static void lay_panels(Arena *arena, Model *model)
{
    enum { PER_BLOCK = 7 };
    const int L = model->settings.n_layers;
    model->linears = ARENA_ARRAY(arena, Linear *, L * PER_BLOCK + 1);
    model->linears[model->n_linears++] = &model->head; /* first: often the largest, and threads take turns */
    for (int l = 0; l < L; l++) {
        Block *block = &model->blocks[l];
        Linear *const linears[PER_BLOCK] = {&block->q,  &block->k,    &block->v,   &block->out,
                                            &block->up, &block->down, &block->gate};
        for (int i = 0; i < PER_BLOCK; i++)
            if (linears[i]->in > 0) /* no gate but with swiglu */
                model->linears[model->n_linears++] = linears[i];
    }

    size_t start = 0;
    for (int backward = 0; backward < 2; backward++) {
        for (int i = 0; i < model->n_linears; i++) {
            Linear *linear = model->linears[i];
            linear->panels[backward] = start;
            start += backward ? pack_size(linear->in, linear->out) : pack_size(linear->out, linear->in);
        }
        model->n_panels[backward] = backward ? start - model->n_panels[0] : start;
    }
}

size_t model_panels(const Model *model, int with_backward)
{
    return model->n_panels[0] + (with_backward ? model->n_panels[1] : 0);
}

int model_n_packs(const Model *model, int with_backward)
{
    return model->n_linears * (1 + with_backward);
}

void model_pack(const Model *model, const real *parameters, int index, real *ret_panels)
{
    const int backward = index >= model->n_linears;
    const Linear *linear = model->linears[index % model->n_linears];
    const int in = linear->in, out = linear->out,
              is_tied = linear->weight == ABSENT; /* then it is (out,in), transposed */
    const real *weight = parameters + (is_tied ? model->embedding : linear->weight);
    model->kernels->pack(backward == is_tied ? MATMUL_NN : MATMUL_NT, backward ? in : out, backward ? out : in, weight,
                         is_tied ? in : out, ret_panels + linear->panels[backward]);
}

int model_new(Arena *arena, const ModelSettings *settings, const Kernels *kernels, Model **ret_model, Error *err)
{
    Model *model = ARENA_ARRAY(arena, Model, 1);
    model->settings = *settings;
    model->kernels = kernels;
    model->blocks = ARENA_ARRAY(arena, Block, settings->n_layers);
    Builder b = {arena, &model->parameters, &model->settings, "embedding."};

    model->embedding =
        add_tensor(&b, "token", settings->vocab_size, settings->d_model, settings->init.embedding_std, 0, 0);
    if (settings->position->prepare) {
        int status =
            settings->position->prepare(arena, &model->settings, &model->parameters, &model->position_state, err);
        if (status < 0)
            return status;
    }
    for (int l = 0; l < settings->n_layers; l++)
        model->blocks[l] = add_block(&b, l);
    b.prefix = "head.";
    model->final_norm = settings->norm_placement == PLACEMENT_POST ? (Norm){ABSENT, ABSENT} : add_norm(&b, "norm");
    model->head = add_head(&b);
    lay_panels(arena, model);
    *ret_model = model;
    return STATUS_OK;
}

const ModelSettings *model_settings(const Model *model)
{
    return &model->settings;
}

const Parameters *model_parameters(const Model *model)
{
    return &model->parameters;
}

const real *model_output_weight(const Model *model, const real *parameters, int layer)
{
    return parameters + model->blocks[layer].out.weight;
}

double model_flops_per_token(const ModelSettings *s, double target_share)
{
    const double L = s->n_layers, C = s->d_model, HD = (double)s->n_heads * s->d_head, F = s->d_ff;
    const double T = s->context_length, V = s->vocab_size;
    const double n_mlp = s->activation == ACTIVATION_SWIGLU ? 3 : 2; /* matrices (C,F) */
    const double products = 6 * (L * (4 * HD * C + n_mlp * C * F) + C * V * target_share);
    return products + (s->mask->is_causal ? 6 * L * HD * (T + 1) : 12 * L * HD * T);
}
