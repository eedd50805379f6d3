/* Building a model: the tensor table in the order of the forward pass, the initial distribution of each, the variants'
 * constant tables; and what a step costs.
 *
 * Initial values, after the calibration of the embedding scale that decides when sinks form: matrices normal with
 * std = d_model^-1/2, weight_std or the inverse root of their own fan-in (LeCun et al. 1998, "Efficient BackProp",
 * section 4.6), or uniform within +-fan-in^-1/2, which is what PyTorch's nn.Linear draws; those that write into the
 * residual stream divided by sqrt(2L) (Radford et al. 2019, section 2.3), so that the stream's variance does not grow
 * with depth; gains 1, shifts and biases 0.
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

/* How a matrix begins, beside its fan-in: whether it writes into the residual stream, and the std that a key gives, or
 * 0. */
typedef struct {
    int writes;
    double std;
} Start;

/* A matrix, drawn and decayed. */
static size_t add_weight(const Builder *b, const char *name, int rows, int cols, Start start)
{
    const ModelSettings *s = b->settings;
    const WeightRule rule = s->init.weight;
    const double width = rule == WEIGHT_FAN_IN ? s->d_model : rows;
    const double size = (rule == WEIGHT_CONSTANT ? s->init.weight_std : 1 / sqrt(width)) /
                        (start.writes && s->init.residual == RESIDUAL_SCALED ? sqrt(2.0 * s->n_layers) : 1);
    const int is_uniform = start.std == 0 && rule == WEIGHT_UNIFORM;
    return add_tensor(b, (Tensor){.name = name,
                                  .rows = rows,
                                  .cols = cols,
                                  .initial_std = start.std > 0 ? start.std
                                                 : is_uniform  ? 0
                                                               : size,
                                  .initial_bound = is_uniform ? size : 0,
                                  .decays = 1});
}

/* A vector that starts at one value: a gain, a shift. */
static size_t add_vector(const Builder *b, const char *name, int n, double value)
{
    return add_tensor(b, (Tensor){.name = name, .rows = 1, .cols = n, .initial_value = value});
}

/* Of a layer with `in` inputs. */
static size_t add_bias(const Builder *b, const char *name, int in, int n)
{
    const int is_drawn = b->settings->init.bias == BIAS_UNIFORM;
    return add_tensor(
        b, (Tensor){.name = name, .rows = 1, .cols = n, .initial_bound = is_drawn ? 1 / sqrt((double)in) : 0});
}

static Linear add_linear(const Builder *b, const char *name, int in, int out, Start start, BiasRule bias)
{
    char tensor[48];
    Linear linear = {in, out, ABSENT, ABSENT, {0}};
    snprintf(tensor, sizeof tensor, "%s.weight", name);
    linear.weight = add_weight(b, tensor, in, out, start);
    if (bias == BIAS_ON) {
        snprintf(tensor, sizeof tensor, "%s.bias", name);
        linear.bias = add_bias(b, tensor, in, out);
    }
    return linear;
}

/* `name` is "norm" or "post_norm"; ABSENT unless one stands there. */
static Norm add_norm(Builder *b, const char *name, int stands)
{
    const TensorGroup around = b->group;
    char tensor[48];
    Norm norm = {ABSENT, ABSENT};
    if (!stands || b->settings->norm == NORM_NONE)
        return norm;
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
static Linear add_gate(const Builder *b, const GateKeys *keys)
{
    const ModelSettings *s = b->settings;
    const int n_heads = keys->on == GATE_OUTPUT ? s->n_heads : s->n_kv_heads;
    Linear gate = {s->d_model, s->gate->by_channel ? n_heads * s->d_head : n_heads, ABSENT, ABSENT, {0}};
    gate.weight = add_weight(b, "gate.weight", gate.in, gate.out, (Start){0});
    if (keys->bias)
        gate.bias = add_vector(b, "gate.bias", gate.out, keys->initial);
    return gate;
}

static void add_attention(Builder *b, const GateKeys *gate, Block *block)
{
    const ModelSettings *s = b->settings;
    const int C = s->d_model, HD = s->n_heads * s->d_head, KD = s->n_kv_heads * s->d_head;
    block->attention_norm = add_norm(b, "norm", s->norm_placement != PLACEMENT_POST);
    block->q = add_linear(b, "q", C, HD, (Start){0, s->init.q_std}, s->bias_q);
    block->k = add_linear(b, "k", C, KD, (Start){0, s->init.k_std}, s->bias_k);
    block->v = add_linear(b, "v", C, KD, (Start){0, s->init.v_std}, s->bias_v);
    block->q_gain = add_head_gain(b, "q_norm.gain");
    block->k_gain = add_head_gain(b, "k_norm.gain");
    if (gate)
        block->head_gate = add_gate(b, gate);
    block->out = add_linear(b, "out", HD, C, (Start){1, s->init.out_std}, s->bias_out);
    block->attention_post_norm = add_norm(b, "post_norm", s->norm_placement != PLACEMENT_PRE);
}

static void add_mlp(Builder *b, Block *block)
{
    const ModelSettings *s = b->settings;
    const int C = s->d_model, F = s->d_ff;
    block->mlp_norm = add_norm(b, "norm", s->norm_placement != PLACEMENT_POST);
    if (s->activation == ACTIVATION_SWIGLU)
        block->gate = add_linear(b, "gate", C, F, (Start){0, s->init.up_std}, s->bias_mlp);
    block->up = add_linear(b, "up", C, F, (Start){0, s->init.up_std}, s->bias_mlp);
    block->down = add_linear(b, "down", F, C, (Start){1, s->init.down_std}, s->bias_mlp);
    block->mlp_post_norm = add_norm(b, "post_norm", s->norm_placement != PLACEMENT_PRE);
}

static Block add_block(Builder *b, const GateKeys *gate, int layer)
{
    const ModelSettings *s = b->settings;
    char prefix[48];
    Block block = {0};

    b->prefix = prefix, b->layer = layer;
    b->group = TENSOR_ATTENTION;
    snprintf(prefix, sizeof prefix, "blocks.%d.attention.", layer);
    add_attention(b, gate, &block);
    b->group = TENSOR_MLP;
    snprintf(prefix, sizeof prefix, "blocks.%d.mlp.", layer);
    if (s->mlp)
        add_mlp(b, &block);
    b->prefix = "";
    return block;
}

/* What stands before the head's last layer. */
static Linear *add_head_hidden(const Builder *b)
{
    const ModelSettings *s = b->settings;
    Linear *hidden = ARENA_ARRAY(b->arena, Linear, s->head_layers - 1);
    for (int i = 0; i < s->head_layers - 1; i++) {
        char name[24];
        snprintf(name, sizeof name, "hidden.%d", i);
        hidden[i] = add_linear(b, name, s->d_model, s->d_model, (Start){0}, s->bias_head);
    }
    return hidden;
}

static Linear add_head(const Builder *b)
{
    const ModelSettings *s = b->settings;
    const int O = model_output_width(s);
    Linear head = {s->d_model, O, ABSENT, ABSENT, {0}};
    if (s->output == OUTPUT_IDENTITY)
        return (Linear){0};
    if (!s->tied_head)
        head.weight = s->init.weight == WEIGHT_UNIFORM ? add_weight(b, "weight", s->d_model, O, (Start){0})
                                                       : add_tensor(b, (Tensor){.name = "weight",
                                                                                .rows = s->d_model,
                                                                                .cols = O,
                                                                                .initial_std = s->init.head_std,
                                                                                .decays = 1});
    if (s->bias_head == BIAS_ON)
        head.bias = add_bias(b, "bias", s->d_model, O);
    return head;
}

/* What ids, or vectors, are read by. */
static void add_input(const Builder *b, Model *model)
{
    const ModelSettings *s = b->settings;
    model->embedding = ABSENT;
    if (s->input == INPUT_EMBEDDING)
        model->embedding = add_tensor(
            b,
            (Tensor){.name = "token", .rows = s->vocab_size, .cols = s->d_model, .initial_std = s->init.embedding_std});
    else if (s->input == INPUT_LINEAR)
        model->input = add_linear(b, "input", s->vector_width, s->d_model,
                                  (Start){0, s->init.weight == WEIGHT_FAN_IN ? 1 / sqrt(s->vector_width) : 0},
                                  s->bias ? BIAS_ON : BIAS_OFF);
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

    int status = model_check_vectors(settings, err);
    if (status < 0)
        return status;
    add_input(&b, model);
    status = prepare_variants(arena, model, err);
    if (status < 0)
        return status;
    model->token_type = settings->token_types ? add_tensor(&b, (Tensor){.name = "type",
                                                                        .rows = settings->token_types,
                                                                        .cols = settings->d_model,
                                                                        .initial_std = settings->init.embedding_std})
                                              : ABSENT;
    model->embedding_norm = add_norm(&b, "norm", settings->embedding_norm);
    for (int l = 0; l < settings->n_layers; l++)
        model->blocks[l] = add_block(&b, model->gate_state, l);
    b.prefix = "head.", b.group = TENSOR_HEAD, b.layer = -1;
    model->final_norm =
        add_norm(&b, "norm", settings->norm_placement != PLACEMENT_POST && settings->output == OUTPUT_LINEAR);
    model->head_hidden = add_head_hidden(&b);
    model->head = add_head(&b);
    model_lay_panels(arena, model);
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
    const double KD = (double)s->n_kv_heads * s->d_head, T = s->context_length;
    const double head = s->output == OUTPUT_LINEAR ? model_output_width(s) + (s->head_layers - 1) * C : 0;
    const double C_in = s->input == INPUT_LINEAR ? s->vector_width : 0; /* whose gradient nobody asks for */
    const double n_gate = model->blocks[0].head_gate.out;
    const double n_mlp = !s->mlp ? 0 : s->activation == ACTIVATION_SWIGLU ? 3 : 2; /* matrices (C,F) */
    const double products =
        6 * (L * ((2 * HD + 2 * KD + n_gate) * C + n_mlp * C * F) + C * head * target_share) + 4 * C_in * C;
    return products + 12 * L * HD * ((double)visible_pairs(&model->visible) / T + model_n_slots(model));
}
