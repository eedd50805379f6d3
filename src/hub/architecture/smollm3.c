/* SmolLM3 (Hugging Face 2025): Llama in which layers go without rope, as many as one says. Here: all of them, for a
 * model that has no encoding but its mask, or in every Nth layer.
 */
#include <string.h>

#include "hub/needs.h"
#include "hub/config.h"
#include "model/position/position.h"

static int is_rope_or_none(const ModelSettings *model)
{
    return is_rope(model) || strcmp(model->position->variant.name, "none") == 0;
}

static const Need needs[] = {
    {"model.mask.kind", is_causal},
    {"model.position.kind", is_rope_or_none},
    {"model.position.fraction", turns_whole_heads},
    {"model.norm", is_rmsnorm},
    {"model.norm_placement", is_pre_norm},
    {"model.activation", is_swiglu},
    {"model.qk_norm", has_no_qk_norm},
    {"model.embedding_norm", has_no_embedding_norm},
    {"model.token_type", has_no_type},
    {"model.token_types", has_no_types},
    {"model.bias_head", has_no_head_bias},
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
    {"self_attn.k_proj.weight", "attention.k.weight", LAYOUT_TURNED, NULL},
    {"self_attn.k_proj.bias", "attention.k.bias", LAYOUT_VECTOR, has_attention_bias},
    {"self_attn.v_proj.weight", "attention.v.weight", LAYOUT_TURNED, NULL},
    {"self_attn.v_proj.bias", "attention.v.bias", LAYOUT_VECTOR, has_attention_bias},
    {"self_attn.o_proj.weight", "attention.out.weight", LAYOUT_TURNED, NULL},
    {"self_attn.o_proj.bias", "attention.out.bias", LAYOUT_VECTOR, has_attention_bias},
    {"post_attention_layernorm.weight", "mlp.norm.gain", LAYOUT_VECTOR, NULL},
    {"mlp.gate_proj.weight", "mlp.gate.weight", LAYOUT_TURNED, NULL},
    {"mlp.gate_proj.bias", "mlp.gate.bias", LAYOUT_VECTOR, has_mlp_bias},
    {"mlp.up_proj.weight", "mlp.up.weight", LAYOUT_TURNED, NULL},
    {"mlp.up_proj.bias", "mlp.up.bias", LAYOUT_VECTOR, has_mlp_bias},
    {"mlp.down_proj.weight", "mlp.down.weight", LAYOUT_TURNED, NULL},
    {"mlp.down_proj.bias", "mlp.down.bias", LAYOUT_VECTOR, has_mlp_bias},
};

/* 1 for each layer that turns. */
static void put_layers(const ModelSettings *model, JsonWriter *json)
{
    const int n = is_rope(model) ? (int)settings_int(model->settings, "model.position.skip_every") : 1;
    json_key(json, "no_rope_layers");
    json_open_array(json);
    for (int l = 0; l < model->n_layers; l++)
        json_number(json, n == 0 || (l + 1) % n != 0);
    json_close_array(json);
}

static void configure(const ModelSettings *model, JsonWriter *json)
{
    config_put_llama(json, model);
    if (is_rope(model))
        config_put_rope(json, model);
    put_layers(model, json);
    json_put_bool(json, "use_sliding_window", 0);
    json_put_bool(json, "attention_bias", has_attention_bias(model));
    json_put_bool(json, "mlp_bias", has_mlp_bias(model));
}

const Architecture architecture_smollm3 = {
    .variant = {.name = "smollm3",
                .summary = "Llama with rope in some layers, or in none",
                .source = "Hugging Face 2025, SmolLM3"},
    .class = "SmolLM3ForCausalLM",
    NEEDS(needs),
    TENSORS(rows),
    .prefix = "model.layers",
    BLOCKS(block_rows),
    .configure = configure,
};
