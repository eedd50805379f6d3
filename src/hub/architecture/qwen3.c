/* Qwen3 (Yang et al. 2025, arXiv 2505.09388): Llama with an RMSNorm of each head's q and k before rotation. */
#include "hub/needs.h"
#include "hub/architecture/llama.h"
#include "hub/config.h"

static const Need needs[] = {
    {"model.score.kind", is_softmax},
    {"model.mlp", has_mlp},
    {"model.mask.kind", is_causal},
    {"model.position.kind", is_rope},
    {"model.position.fraction", turns_whole_heads},
    {"model.position.skip_every", turns_every_layer},
    {"model.norm", is_rmsnorm},
    {"model.norm_placement", is_pre_norm},
    {"model.parallel_residual", has_branches_in_turn},
    {"model.activation", is_swiglu},
    {"model.qk_norm", has_qk_norm},
    {"model.embedding_norm", has_no_embedding_norm},
    {"model.token_type", has_no_type},
    {"model.token_types", has_no_types},
    {"model.bias_head", has_no_head_bias},
    {"model.bias_mlp", has_no_mlp_bias},
};

static const TensorRow rows[] = {
    {"model.embed_tokens.weight", "embedding.token", LAYOUT_MATRIX, NULL},
    {"model.norm.weight", "head.norm.gain", LAYOUT_VECTOR, NULL},
    {"lm_head.weight", "head.weight", LAYOUT_TURNED, has_own_head},
};

static const TensorRow block_rows[] = {
    {"input_layernorm.weight", "attention.norm.gain", LAYOUT_VECTOR, NULL},
    {"self_attn.q_proj.weight", "attention.q.weight", LAYOUT_TURNED, NULL},
    {"self_attn.q_proj.bias", "attention.q.bias", LAYOUT_VECTOR, has_attention_bias},
    {"self_attn.q_norm.weight", "attention.q_norm.gain", LAYOUT_VECTOR, NULL},
    {"self_attn.k_norm.weight", "attention.k_norm.gain", LAYOUT_VECTOR, NULL},
    {"self_attn.k_proj.weight", "attention.k.weight", LAYOUT_TURNED, NULL},
    {"self_attn.k_proj.bias", "attention.k.bias", LAYOUT_VECTOR, has_attention_bias},
    {"self_attn.v_proj.weight", "attention.v.weight", LAYOUT_TURNED, NULL},
    {"self_attn.v_proj.bias", "attention.v.bias", LAYOUT_VECTOR, has_attention_bias},
    {"self_attn.o_proj.weight", "attention.out.weight", LAYOUT_TURNED, NULL},
    {"self_attn.o_proj.bias", "attention.out.bias", LAYOUT_VECTOR, has_attention_bias},
    {"post_attention_layernorm.weight", "mlp.norm.gain", LAYOUT_VECTOR, NULL},
    {"mlp.gate_proj.weight", "mlp.gate.weight", LAYOUT_TURNED, NULL},
    {"mlp.up_proj.weight", "mlp.up.weight", LAYOUT_TURNED, NULL},
    {"mlp.down_proj.weight", "mlp.down.weight", LAYOUT_TURNED, NULL},
};

static void configure(const ModelSettings *model, JsonWriter *json)
{
    config_put_llama(json, model);
    config_put_rope(json, model, ROPE_SCALED_IF_SO);
    json_put_bool(json, "attention_bias", has_attention_bias(model));
    json_put_bool(json, "use_sliding_window", 0);
}

static const FieldRow fields[] = {
    {"hidden_size", "model.d_model", NULL, NULL},
    {"num_hidden_layers", "model.n_layers", NULL, NULL},
    {"num_attention_heads", "model.n_heads", NULL, NULL},
    {"num_key_value_heads", "model.n_kv_heads", NULL, "32"},
    {"head_dim", "model.d_head", NULL, "128"},
    {"intermediate_size", "model.d_ff", NULL, NULL},
    {"max_position_embeddings", "model.context_length", NULL, "32768"},
    {"hidden_act", NULL, "silu", "silu"},
    {"rms_norm_eps", "model.norm_epsilon", NULL, "1e-6"},
    {"tie_word_embeddings", "model.tied_head", NULL, "false"},
    {"attention_bias", "model.bias_q", NULL, "false"},
    {"attention_bias", "model.bias_k", NULL, "false"},
    {"attention_bias", "model.bias_v", NULL, "false"},
    {"attention_bias", "model.bias_out", NULL, "false"},
    {"use_sliding_window", NULL, "false", "false"},
    {"sliding_window", NULL, NULL, ""},
    {"max_window_layers", NULL, NULL, ""},
    {"layer_types", NULL, "full_attention", "full_attention"},
};

static const char *const shape[] = {
    "model.position.kind", "rope", "model.norm", "rmsnorm", "model.activation", "swiglu",
    "model.qk_norm",       "true", NULL};

const Architecture architecture_qwen3 = {
    .variant = {.name = "qwen3",
                .summary = "Llama with normed queries and keys",
                .source = "Yang et al. 2025, arXiv 2505.09388"},
    .class = "Qwen3ForCausalLM",
    NEEDS(needs),
    TENSORS(rows),
    .prefix = "model.layers",
    BLOCKS(block_rows),
    .configure = configure,
    .base = "model.",
    .head = "lm_head.",
    FIELDS(fields),
    .shape = shape,
    .extras = llama_extras,
    .rope_share = 1,
};
