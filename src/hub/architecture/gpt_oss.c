/* gpt-oss (OpenAI 2025, arXiv 2508.10925): Llama with one more logit a head that draws attention to no key. Its MLP is
 * a choice among experts whose clamped activation no MLP of ours has. So a model without one has its home here: with
 * one expert, whose weights and whose norm are zero, and which so adds 0 to the stream.
 */
#include <math.h>

#include "base/text.h"
#include "hub/architecture/llama.h"
#include "hub/config.h"
#include "hub/fields.h"
#include "hub/needs.h"

/* transformers multiplies experts' matrices by a product that takes rows of whole 16 bytes alone. */
enum { EXPERTS = 1, EXPERT_WIDTH = 4, FLOATS_OF_16_BYTES = 4 };

static int is_wide_in_fours(const ModelSettings *model)
{
    return model->d_model % FLOATS_OF_16_BYTES == 0;
}

static const Need needs[] = {
    {"model.score.kind", is_sink_logit},
    {"model.mask.kind", is_causal},
    {"model.position.kind", is_rope},
    {"model.position.fraction", turns_whole_heads},
    {"model.position.skip_every", turns_every_layer},
    {"model.norm", is_rmsnorm},
    {"model.norm_placement", is_pre_norm},
    {"model.mlp", has_no_mlp},
    {"model.qk_norm", has_no_qk_norm},
    {"model.embedding_norm", has_no_embedding_norm},
    {"model.token_type", has_no_type},
    {"model.token_types", has_no_types},
    {"model.bias_head", has_no_head_bias},
    {"model.d_model", is_wide_in_fours},
};

static const TensorRow block_rows[] = {
    {"input_layernorm.weight", "attention.norm.gain", LAYOUT_VECTOR, NULL},
    {"self_attn.sinks", "attention.sink_logit", LAYOUT_VECTOR, NULL},
    {"self_attn.q_proj.weight", "attention.q.weight", LAYOUT_TURNED, NULL},
    {"self_attn.q_proj.bias", "attention.q.bias", LAYOUT_VECTOR, has_attention_bias},
    {"self_attn.k_proj.weight", "attention.k.weight", LAYOUT_TURNED, NULL},
    {"self_attn.k_proj.bias", "attention.k.bias", LAYOUT_VECTOR, has_attention_bias},
    {"self_attn.v_proj.weight", "attention.v.weight", LAYOUT_TURNED, NULL},
    {"self_attn.v_proj.bias", "attention.v.bias", LAYOUT_VECTOR, has_attention_bias},
    {"self_attn.o_proj.weight", "attention.out.weight", LAYOUT_TURNED, NULL},
    {"self_attn.o_proj.bias", "attention.out.bias", LAYOUT_VECTOR, has_attention_bias},
};

static const ZeroRow block_zeros[] = {
    {"post_attention_layernorm.weight", {AS_WIDE_AS_MODEL}},
    {"mlp.router.weight", {EXPERTS, AS_WIDE_AS_MODEL}},
    {"mlp.router.bias", {EXPERTS}},
    {"mlp.experts.gate_up_proj", {EXPERTS, AS_WIDE_AS_MODEL, 2 * EXPERT_WIDTH}},
    {"mlp.experts.gate_up_proj_bias", {EXPERTS, 2 * EXPERT_WIDTH}},
    {"mlp.experts.down_proj", {EXPERTS, EXPERT_WIDTH, AS_WIDE_AS_MODEL}},
    {"mlp.experts.down_proj_bias", {EXPERTS, AS_WIDE_AS_MODEL}},
};

/* Every layer sees all keys, and angles are said: theirs are `yarn` where nothing is. */
static void configure(const ModelSettings *model, JsonWriter *json)
{
    json_put_number(json, "hidden_size", model->d_model);
    json_put_number(json, "num_hidden_layers", model->n_layers);
    json_put_number(json, "num_attention_heads", model->n_heads);
    json_put_number(json, "num_key_value_heads", model->n_kv_heads);
    json_put_number(json, "head_dim", model->d_head);
    json_put_number(json, "max_position_embeddings", model->context_length);
    json_put_number(json, "rms_norm_eps", model->norm_epsilon);
    json_put_bool(json, "attention_bias", has_attention_bias(model));
    json_put_number(json, "attention_dropout", 0);
    config_put_rope(json, model, ROPE_ALWAYS_SCALED);
    json_key(json, "layer_types");
    json_open_array(json);
    for (int l = 0; l < model->n_layers; l++)
        json_string(json, "full_attention");
    json_close_array(json);
    json_put_number(json, "num_local_experts", EXPERTS);
    json_put_number(json, "num_experts_per_tok", EXPERTS);
    json_put_number(json, "intermediate_size", EXPERT_WIDTH);
}

static const FieldRow fields[] = {
    {"num_local_experts", NULL, "1", "128"},
    {"num_experts_per_tok", NULL, "1", "4"},
    {"intermediate_size", NULL, "4", "2880"},
    {"hidden_size", "model.d_model", NULL, "2880"},
    {"num_hidden_layers", "model.n_layers", NULL, "36"},
    {"num_attention_heads", "model.n_heads", NULL, "64"},
    {"num_key_value_heads", "model.n_kv_heads", NULL, "8"},
    {"head_dim", "model.d_head", NULL, "64"},
    {"max_position_embeddings", "model.context_length", NULL, "131072"},
    {"rms_norm_eps", "model.norm_epsilon", NULL, "1e-5"},
    {"attention_bias", "model.bias_q", NULL, "true"},
    {"attention_bias", "model.bias_k", NULL, "true"},
    {"attention_bias", "model.bias_v", NULL, "true"},
    {"attention_bias", "model.bias_out", NULL, "true"},
    {"tie_word_embeddings", "model.tied_head", NULL, "false"},
    {"layer_types", NULL, "full_attention", "sliding_attention"},
    {"sliding_window", NULL, NULL, ""}, /* of layers of another type */
    {"initial_context_length", NULL, NULL, ""},
    {"quantization_config", NULL, "none", "none"},
    {"experts_per_token", NULL, NULL, ""}, /* as num_experts_per_tok */
    {"hidden_act", NULL, NULL, ""},        /* from here on: of experts, which are zero */
    {"swiglu_alpha", NULL, NULL, ""},
    {"swiglu_limit", NULL, NULL, ""},
    {"router_aux_loss_coef", NULL, NULL, ""},
    {"output_router_logits", NULL, NULL, ""},
};

static int is_object(const FieldReader *r, const char *name)
{
    const Json *value = json_get(r->config, name);
    return value && value->type == JSON_OBJECT;
}

/* What is read is what could be written. */
static int describe(const FieldReader *r)
{
    const double width = json_get_number(r->config, "hidden_size", 0);
    char digits[32];
    if (fmod(width, FLOATS_OF_16_BYTES) != 0)
        return field_refuse(r, "hidden_size", text_number(width, digits), "a multiple of 4");
    if (is_object(r, "rope_parameters") || is_object(r, "rope_scaling"))
        return STATUS_OK;
    return field_refuse(r, "rope_type", "yarn", "default, linear or llama3");
}

static const char *const shape[] = {"model.position.kind", "rope",      "model.norm", "rmsnorm", "model.score.kind",
                                    "sink_logit",          "model.mlp", "false",      NULL};

const Architecture architecture_gpt_oss = {
    .variant = {.name = "gpt_oss",
                .summary = "rope, RMSNorm, a logit for no key; blocks of attention alone, biases of attention",
                .source = "OpenAI 2025, arXiv 2508.10925"},
    .class = "GptOssForCausalLM",
    NEEDS(needs),
    TENSORS(llama_rows),
    .prefix = "model.layers",
    BLOCKS(block_rows),
    ZEROS(block_zeros),
    .configure = configure,
    .base = "model.",
    .head = "lm_head.",
    FIELDS(fields),
    .describe = describe,
    .shape = shape,
    .extras = llama_extras,
    .rope_share = 1,
    .rope_theta = "150000",
};
