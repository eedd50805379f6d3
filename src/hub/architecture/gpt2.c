/* GPT-2 (Radford et al. 2019): a vector per position, LayerNorm, an MLP without a gate, biases everywhere but in the
 * head. Its layers are stored as ours are, (in, out). A model without an encoding has positions of zeros there.
 */
#include "hub/needs.h"
#include "hub/config.h"

static const Need needs[] = {
    {"model.score.kind", is_softmax},
    {"model.mlp", has_mlp},
    {"model.mask.kind", is_causal},
    {"model.position.kind", is_absolute_or_none},
    {"model.norm", is_layernorm},
    {"model.norm_placement", is_pre_norm},
    {"model.parallel_residual", has_branches_in_turn},
    {"model.activation", is_without_gate},
    {"model.qk_norm", has_no_qk_norm},
    {"model.embedding_norm", has_no_embedding_norm},
    {"model.token_type", has_no_type},
    {"model.token_types", has_no_types},
    {"model.bias_head", has_no_head_bias},
    {"model.n_kv_heads", has_all_kv_heads},
    {"model.d_head", heads_fill_width},
};

static const TensorRow rows[] = {
    {"transformer.wte.weight", "embedding.token", LAYOUT_MATRIX, NULL},
    {"transformer.wpe.weight", "embedding.position", LAYOUT_MATRIX, NULL},
    {"transformer.ln_f.weight", "head.norm.gain", LAYOUT_VECTOR, NULL},
    {"transformer.ln_f.bias", "head.norm.shift", LAYOUT_VECTOR, NULL},
    {"lm_head.weight", "head.weight", LAYOUT_TURNED, has_own_head},
};

static const TensorRow block_rows[] = {
    {"ln_1.weight", "attention.norm.gain", LAYOUT_VECTOR, NULL},
    {"ln_1.bias", "attention.norm.shift", LAYOUT_VECTOR, NULL},
    {"attn.c_attn.weight", "weight", LAYOUT_QKV_COLUMNS, NULL},
    {"attn.c_attn.bias", "bias", LAYOUT_QKV_COLUMNS, NULL},
    {"attn.c_proj.weight", "attention.out.weight", LAYOUT_MATRIX, NULL},
    {"attn.c_proj.bias", "attention.out.bias", LAYOUT_VECTOR, NULL},
    {"ln_2.weight", "mlp.norm.gain", LAYOUT_VECTOR, NULL},
    {"ln_2.bias", "mlp.norm.shift", LAYOUT_VECTOR, NULL},
    {"mlp.c_fc.weight", "mlp.up.weight", LAYOUT_MATRIX, NULL},
    {"mlp.c_fc.bias", "mlp.up.bias", LAYOUT_VECTOR, NULL},
    {"mlp.c_proj.weight", "mlp.down.weight", LAYOUT_MATRIX, NULL},
    {"mlp.c_proj.bias", "mlp.down.bias", LAYOUT_VECTOR, NULL},
};

static void configure(const ModelSettings *model, JsonWriter *json)
{
    static const char *const dropouts[] = {"resid_pdrop", "embd_pdrop", "attn_pdrop"};
    json_put_number(json, "n_positions", model->context_length);
    json_put_number(json, "n_embd", model->d_model);
    json_put_number(json, "n_layer", model->n_layers);
    json_put_number(json, "n_head", model->n_heads);
    json_put_number(json, "n_inner", model->d_ff);
    json_put_string(json, "activation_function", config_activation(model));
    json_put_number(json, "layer_norm_epsilon", model->norm_epsilon);
    config_put_zeros(json, dropouts, sizeof dropouts / sizeof *dropouts);
}

static const FieldRow fields[] = {
    {"n_embd", "model.d_model", NULL, NULL},
    {"n_layer", "model.n_layers", NULL, NULL},
    {"n_head", "model.n_heads", NULL, NULL},
    {"n_positions", "model.context_length", NULL, "1024"},
    {"n_inner", "model.d_ff", NULL, "0"},
    {"activation_function", "model.activation", NULL, "gelu_new"},
    {"layer_norm_epsilon", "model.norm_epsilon", NULL, "1e-5"},
    {"tie_word_embeddings", "model.tied_head", NULL, "true"},
    {"scale_attn_weights", NULL, "true", "true"},
    {"scale_attn_by_inverse_layer_idx", NULL, "false", "false"},
    {"reorder_and_upcast_attn", NULL, "false", "false"},
    {"add_cross_attention", NULL, "false", "false"},
    {"n_ctx", NULL, NULL, ""}, /* of n_positions, once */
};

static const char *const shape[] = {"model.position.kind", "absolute", "model.bias", "true",
                                    "model.bias_head",     "false",    NULL};

/* Masks that were buffers of the module. */
static const char *const extras[] = {"h.#.attn.bias", "h.#.attn.masked_bias", NULL};

const Architecture architecture_gpt2 = {
    .variant = {.name = "gpt2",
                .summary = "absolute positions, or none, and LayerNorm; GELU or ReLU, biases of all layers",
                .source = "Radford et al. 2019"},
    .class = "GPT2LMHeadModel",
    NEEDS(needs),
    TENSORS(rows),
    .prefix = "transformer.h",
    BLOCKS(block_rows),
    .configure = configure,
    .base = "transformer.",
    .head = "lm_head.",
    FIELDS(fields),
    .shape = shape,
    .extras = extras,
};
