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
    TensorGroup group;
    int layer;
} Builder;

/* Its group and layer are the builder's, whatever the caller says. */
static size_t add_tensor(const Builder *b, Tensor tensor)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", b->prefix, tensor.name);
    tensor.name = full, tensor.group = b->group, tensor.layer = b->layer;
    return parameters_add(b->arena, b->parameters, tensor);
}

/* A matrix, drawn and decayed. */
static size_t add_weight(const Builder *b, const char *name, int rows, int cols, double std)
{
    return add_tensor(b, (Tensor){.name = name, .rows = rows, .cols = cols, .initial_std = std, .decays = 1});
}

/* A vector that starts at one value: a bias, a gain, a shift. */
static size_t add_vector(const Builder *b, const char *name, int n, double value)
{
    return add_tensor(b, (Tensor){.name = name, .rows = 1, .cols = n, .initial_value = value});
}

static Linear add_linear(const Builder *b, const char *name, int in, int out, double std)
{
    char tensor[48];
    Linear linear = {in, out, ABSENT, ABSENT, {0}};
    snprintf(tensor, sizeof tensor, "%s.weight", name);
    linear.weight = add_weight(b, tensor, in, out, std);
    if (b->settings->bias) {
        snprintf(tensor, sizeof tensor, "%s.bias", name);
        linear.bias = add_vector(b, tensor, out, 0);
    }
    return linear;
}

/* `name` is "norm" or "post_norm". */
static Norm add_norm(Builder *b, const char *name)
{
    const TensorGroup around = b->group;
    char tensor[48];
    Norm norm = {ABSENT, ABSENT};
    b->group = TENSOR_NORM;
    snprintf(tensor, sizeof tensor, "%s.gain", name);
    norm.gain = add_vector(b, tensor, b->settings->d_model, 1);
    snprintf(tensor, sizeof tensor, "%s.shift", name);
    if (b->settings->norm == NORM_LAYERNORM)
        norm.shift = add_vector(b, tensor, b->settings->d_model, 0);
    b->group = around;
    return norm;
}

/* With qk_norm. */
static size_t add_head_gain(Builder *b, const char *name)
{
    b->group = TENSOR_NORM;
    const size_t gain = b->settings->qk_norm ? add_vector(b, name, b->settings->d_head, 1) : ABSENT;
    b->group = TENSOR_ATTENTION;
    return gain;
}

/* The layer of a gate's factors. */
static Linear add_gate(const Builder *b, const GateKeys *keys, double std)
{
    const ModelSettings *s = b->settings;
    const int n_heads = keys->on == GATE_OUTPUT ? s->n_heads : s->n_kv_heads;
    Linear gate = {s->d_model, s->gate->by_channel ? n_heads * s->d_head : n_heads, ABSENT, ABSENT, {0}};
    gate.weight = add_weight(b, "gate.weight", gate.in, gate.out, std);
    if (keys->bias)
        gate.bias = add_vector(b, "gate.bias", gate.out, keys->initial);
    return gate;
}

static Block add_block(Builder *b, const GateKeys *gate, int layer)
{
    const ModelSettings *s = b->settings;
    const int C = s->d_model, HD = s->n_heads * s->d_head, KD = s->n_kv_heads * s->d_head;
    const double std = s->init.weight == WEIGHT_FAN_IN ? 1 / sqrt((double)C) : s->init.weight_std;
    const double out_std = s->init.residual == RESIDUAL_SCALED ? std / sqrt(2.0 * s->n_layers) : std;
    const int is_pre = s->norm_placement == PLACEMENT_PRE, is_post = s->norm_placement == PLACEMENT_POST;
    const Norm none = {ABSENT, ABSENT};
    char prefix[48];
    Block block = {0};

    b->prefix = prefix, b->layer = layer;
    b->group = TENSOR_ATTENTION;
    snprintf(prefix, sizeof prefix, "blocks.%d.attention.", layer);
    block.attention_norm = is_post ? none : add_norm(b, "norm");
    block.q = add_linear(b, "q", C, HD, std);
    block.k = add_linear(b, "k", C, KD, std);
    block.v = add_linear(b, "v", C, KD, std);
    block.q_gain = add_head_gain(b, "q_norm.gain");
    block.k_gain = add_head_gain(b, "k_norm.gain");
    if (gate)
        block.head_gate = add_gate(b, gate, std);
    block.out = add_linear(b, "out", HD, C, out_std);
    block.attention_post_norm = is_pre ? none : add_norm(b, "post_norm");
    b->group = TENSOR_MLP;
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
        head.weight = add_weight(b, "weight", s->d_model, s->vocab_size, s->init.head_std);
    if (s->bias)
        head.bias = add_vector(b, "bias", s->vocab_size, 0);
    return head;
}

/* Lists the linear layers and gives their packed weights places, those for backward behind those for forward. */
static void lay_panels(Arena *arena, Model *model)
{
    enum { PER_BLOCK = 8 };
    const int L = model->settings.n_layers;
    model->linears = ARENA_ARRAY(arena, Linear *, L * PER_BLOCK + 1);
    model->linears[model->n_linears++] = &model->head; /* first: often the largest, and threads take turns */
    for (int l = 0; l < L; l++) {
        Block *block = &model->blocks[l];
        Linear *const linears[PER_BLOCK] = {&block->q,  &block->k,    &block->v,    &block->out,
                                            &block->up, &block->down, &block->gate, &block->head_gate};
        for (int i = 0; i < PER_BLOCK; i++)
            if (linears[i]->in > 0) /* gates are not in every model */
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

/* The mask first, since the others may ask what it shows. */
static int prepare_variants(Arena *arena, Model *model, Error *err)
{
    ModelSettings *s = &model->settings;
    void *mask_state = NULL;
    const struct {
        ModelPrepare *prepare;
        void **ret_state;
    } variants[] = {
        {s->mask->prepare, &mask_state},          {s->position->prepare, &model->position_state},
        {s->score->prepare, &model->score_state}, {s->slot->prepare, &model->slot_state},
        {s->gate->prepare, &model->gate_state},
    };
    enum { MASK };
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        const int status =
            variants[v].prepare ? variants[v].prepare(arena, s, &model->parameters, variants[v].ret_state, err) : 0;
        if (status < 0)
            return status;
        if (v == MASK) {
            model->mask = (MaskRule){s->mask->variant.name, mask_state, s->mask->visible};
            const int lengths[] = {s->context_length, s->context_length / 2}; /* of the two measuring sets */
            for (int n = 0; n < 2; n++) {
                const int status_of_mask = visible_check(&model->mask, lengths[n], err);
                if (status_of_mask < 0)
                    return status_of_mask;
            }
            model->visible = visible_new(arena, &model->mask, s->context_length);
        }
    }
    return STATUS_OK;
}

int model_new(Arena *arena, const ModelSettings *settings, const Kernels *kernels, Model **ret_model, Error *err)
{
    Model *model = ARENA_ARRAY(arena, Model, 1);
    model->settings = *settings;
    model->settings.visible = &model->visible;
    model->kernels = model->settings.kernels = kernels;
    model->blocks = ARENA_ARRAY(arena, Block, settings->n_layers);
    Builder b = {arena, &model->parameters, &model->settings, "embedding.", TENSOR_EMBEDDING, -1};

    model->embedding = add_tensor(&b, (Tensor){.name = "token",
                                               .rows = settings->vocab_size,
                                               .cols = settings->d_model,
                                               .initial_std = settings->init.embedding_std});
    const int status = prepare_variants(arena, model, err);
    if (status < 0)
        return status;
    for (int l = 0; l < settings->n_layers; l++)
        model->blocks[l] = add_block(&b, model->gate_state, l);
    b.prefix = "head.", b.group = TENSOR_HEAD, b.layer = -1;
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

int model_n_slots(const Model *model)
{
    return model->slot_state ? ((const SlotKeys *)model->slot_state)->n : 0;
}

int model_rows_sum_to_one(const Model *model)
{
    const Score *score = model->settings.score;
    return score->rows_sum_to_one && score->rows_sum_to_one(model->score_state) && model_n_slots(model) == 0;
}

const MaskRule *model_mask_rule(const Model *model)
{
    return &model->mask;
}

const Visible *model_visible(const Model *model)
{
    return &model->visible;
}

double model_flops_per_token(const Model *model, double target_share)
{
    const ModelSettings *s = &model->settings;
    const double L = s->n_layers, C = s->d_model, HD = (double)s->n_heads * s->d_head, F = s->d_ff;
    const double KD = (double)s->n_kv_heads * s->d_head, T = s->context_length, V = s->vocab_size;
    const double n_gate = model->blocks[0].head_gate.out;
    const double n_mlp = s->activation == ACTIVATION_SWIGLU ? 3 : 2; /* matrices (C,F) */
    const double products = 6 * (L * ((2 * HD + 2 * KD + n_gate) * C + n_mlp * C * F) + C * V * target_share);
    return products + 12 * L * HD * ((double)visible_pairs(&model->visible) / T + model_n_slots(model));
}
