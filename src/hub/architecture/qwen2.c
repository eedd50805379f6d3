/* Qwen2 (Yang et al. 2024, arXiv 2407.10671): Llama with biases of queries, keys and values. Read back alone: what we
 * have of it is written as llama, whose bias of the output then is zeros.
 */
#include "hub/architecture/llama.h"

static const TensorRow block_rows[] = {
    {"input_layernorm.weight", "attention.norm.gain", LAYOUT_VECTOR, NULL},
    {"self_attn.q_proj.weight", "attention.q.weight", LAYOUT_TURNED, NULL},
    {"self_attn.q_proj.bias", "attention.q.bias", LAYOUT_VECTOR, NULL},
    {"self_attn.k_proj.weight", "attention.k.weight", LAYOUT_TURNED, NULL},
    {"self_attn.k_proj.bias", "attention.k.bias", LAYOUT_VECTOR, NULL},
    {"self_attn.v_proj.weight", "attention.v.weight", LAYOUT_TURNED, NULL},
    {"self_attn.v_proj.bias", "attention.v.bias", LAYOUT_VECTOR, NULL},
    {"self_attn.o_proj.weight", "attention.out.weight", LAYOUT_TURNED, NULL},
    {"post_attention_layernorm.weight", "mlp.norm.gain", LAYOUT_VECTOR, NULL},
    {"mlp.gate_proj.weight", "mlp.gate.weight", LAYOUT_TURNED, NULL},
    {"mlp.up_proj.weight", "mlp.up.weight", LAYOUT_TURNED, NULL},
    {"mlp.down_proj.weight", "mlp.down.weight", LAYOUT_TURNED, NULL},
};

static const FieldRow fields[] = {
    {"hidden_size", "model.d_model", NULL, NULL},
    {"num_hidden_layers", "model.n_layers", NULL, NULL},
    {"num_attention_heads", "model.n_heads", NULL, NULL},
    {"num_key_value_heads", "model.n_kv_heads", NULL, "32"},
    {"head_dim", "model.d_head", NULL, "0"},
    {"intermediate_size", "model.d_ff", NULL, NULL},
    {"max_position_embeddings", "model.context_length", NULL, "32768"},
    {"hidden_act", NULL, "silu", "silu"},
    {"rms_norm_eps", "model.norm_epsilon", NULL, "1e-6"},
    {"tie_word_embeddings", "model.tied_head", NULL, "false"},
    {"use_mrope", NULL, "false", "false"},
    {"use_sliding_window", NULL, "false", "false"},
    {"sliding_window", NULL, NULL, ""},
    {"max_window_layers", NULL, NULL, ""},
    {"layer_types", NULL, "full_attention", "full_attention"},
};

static const char *const shape[] = {"model.position.kind",
                                    "rope",
                                    "model.norm",
                                    "rmsnorm",
                                    "model.activation",
                                    "swiglu",
                                    "model.bias_q",
                                    "true",
                                    "model.bias_k",
                                    "true",
                                    "model.bias_v",
                                    "true",
                                    NULL};

const Architecture architecture_qwen2 = {
    .variant = {.name = "qwen2",
                .summary = "Llama with biases of queries, keys and values; only read",
                .source = "Yang et al. 2024, arXiv 2407.10671"},
    .class = "Qwen2ForCausalLM",
    .rows = llama_rows,
    .n_rows = LLAMA_ROWS,
    .prefix = "model.layers",
    BLOCKS(block_rows),
    .base = "model.",
    .head = "lm_head.",
    FIELDS(fields),
    .shape = shape,
    .extras = llama_extras,
    .rope_share = 1,
};
