/* GPT-NeoX (Black et al. 2022, arXiv 2204.06745): rope of a share of the channels, LayerNorm, an MLP without a gate,
 * biases. Its two branches stand side by side, as those of Pythia do (Biderman et al. 2023, arXiv 2304.01373), unless
 * use_parallel_residual is off.
 */
#include "hub/needs.h"
#include "hub/config.h"

static const Need needs[] = {
    {"model.score.kind", is_softmax},
    {"model.mlp", has_mlp},
    {"model.mask.kind", is_causal},
    {"model.position.kind", is_rope},
    {"model.position.skip_every", turns_every_layer},
    {"model.norm", is_layernorm},
    {"model.norm_placement", is_pre_norm},
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
    {"gpt_neox.embed_in.weight", "embedding.token", LAYOUT_MATRIX, NULL},
    {"gpt_neox.final_layer_norm.weight", "head.norm.gain", LAYOUT_VECTOR, NULL},
    {"gpt_neox.final_layer_norm.bias", "head.norm.shift", LAYOUT_VECTOR, NULL},
    {"embed_out.weight", "head.weight", LAYOUT_TURNED, has_own_head},
};

static const TensorRow block_rows[] = {
    {"input_layernorm.weight", "attention.norm.gain", LAYOUT_VECTOR, NULL},
    {"input_layernorm.bias", "attention.norm.shift", LAYOUT_VECTOR, NULL},
    {"attention.query_key_value.weight", "weight", LAYOUT_QKV_HEADS, NULL},
    {"attention.query_key_value.bias", "bias", LAYOUT_QKV_HEADS, has_attention_bias},
    {"attention.dense.weight", "attention.out.weight", LAYOUT_TURNED, NULL},
    {"attention.dense.bias", "attention.out.bias", LAYOUT_VECTOR, has_attention_bias},
    {"post_attention_layernorm.weight", "mlp.norm.gain", LAYOUT_VECTOR, NULL},
    {"post_attention_layernorm.bias", "mlp.norm.shift", LAYOUT_VECTOR, NULL},
    {"mlp.dense_h_to_4h.weight", "mlp.up.weight", LAYOUT_TURNED, NULL},
    {"mlp.dense_h_to_4h.bias", "mlp.up.bias", LAYOUT_VECTOR, NULL},
    {"mlp.dense_4h_to_h.weight", "mlp.down.weight", LAYOUT_TURNED, NULL},
    {"mlp.dense_4h_to_h.bias", "mlp.down.bias", LAYOUT_VECTOR, NULL},
};

static void configure(const ModelSettings *model, JsonWriter *json)
{
    static const char *const dropouts[] = {"attention_dropout", "hidden_dropout"};
    config_put_sizes(json, model);
    const Rope rope = config_put_rope(json, model, ROPE_SCALED_IF_SO);
    json_put_number(json, "rotary_emb_base", rope.theta);
    json_put_number(json, "rotary_pct", rope.share); /* a quarter, if it isn't said */
    json_put_string(json, "hidden_act", config_activation(model));
    json_put_number(json, "layer_norm_eps", model->norm_epsilon);
    json_put_bool(json, "use_parallel_residual", model->parallel_residual);
    json_put_bool(json, "attention_bias", has_attention_bias(model));
    config_put_zeros(json, dropouts, sizeof dropouts / sizeof *dropouts);
}

static const FieldRow fields[] = {
    {"hidden_size", "model.d_model", NULL, NULL},
    {"num_hidden_layers", "model.n_layers", NULL, NULL},
    {"num_attention_heads", "model.n_heads", NULL, NULL},
    {"intermediate_size", "model.d_ff", NULL, NULL},
    {"max_position_embeddings", "model.context_length", NULL, "2048"},
    {"hidden_act", "model.activation", NULL, "gelu"},
    {"layer_norm_eps", "model.norm_epsilon", NULL, "1e-5"},
    {"attention_bias", "model.bias_q", NULL, "true"},
    {"attention_bias", "model.bias_k", NULL, "true"},
    {"attention_bias", "model.bias_v", NULL, "true"},
    {"attention_bias", "model.bias_out", NULL, "true"},
    {"tie_word_embeddings", "model.tied_head", NULL, "false"},
    {"use_parallel_residual", "model.parallel_residual", NULL, "true"},
};

static const char *const shape[] = {"model.position.kind", "rope", "model.bias_mlp", "true", NULL};

/* Masks and frequencies that were buffers of the module. */
static const char *const extras[] = {"layers.#.attention.bias", "layers.#.attention.masked_bias",
                                     "layers.#.attention.rotary_emb.inv_freq", NULL};

const Architecture architecture_gpt_neox = {
    .variant = {.name = "gpt_neox",
                .summary = "rope and LayerNorm; GELU or ReLU, biases of attention and MLP",
                .source = "Black et al. 2022, arXiv 2204.06745"},
    .class = "GPTNeoXForCausalLM",
    NEEDS(needs),
    TENSORS(rows),
    .prefix = "gpt_neox.layers",
    BLOCKS(block_rows),
    .configure = configure,
    .base = "gpt_neox.",
    .head = "embed_out.",
    FIELDS(fields),
    .shape = shape,
    .extras = extras,
    .rope_share = 0.25,
};
