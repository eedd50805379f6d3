/* SmolLM3 (Hugging Face 2025): Llama in which layers go without rope, as many as one says. Here: all of them, for a
 * model that has no encoding but its mask, or in every Nth layer.
 */
#include <string.h>

#include "hub/needs.h"
#include "hub/architecture/llama.h"
#include "hub/config.h"
#include "hub/fields.h"
#include "model/position/position.h"

static int is_rope_or_none(const ModelSettings *model)
{
    return is_rope(model) || strcmp(model->position->variant.name, "none") == 0;
}

static const Need needs[] = {
    {"model.score.kind", is_softmax},
    {"model.mlp", has_mlp},
    {"model.mask.kind", is_causal},
    {"model.position.kind", is_rope_or_none},
    {"model.position.fraction", turns_whole_heads},
    {"model.norm", is_rmsnorm},
    {"model.norm_placement", is_pre_norm},
    {"model.parallel_residual", has_branches_in_turn},
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
        config_put_rope(json, model, ROPE_SCALED_IF_SO);
    put_layers(model, json);
    json_put_bool(json, "use_sliding_window", 0);
    json_put_bool(json, "attention_bias", has_attention_bias(model));
    json_put_bool(json, "mlp_bias", has_mlp_bias(model));
}

/* A list, 1 for each layer that turns, or each but every so manyth. As `skip_every` of ours, or no encoding at all. */
static int describe(const FieldReader *r)
{
    const Json *list = json_get(r->config, "no_rope_layers");
    const int is_listed = list && list->type != JSON_NULL;
    int every = 0;
    if (!is_listed) {
        const int status = field_whole(r, "no_rope_layer_interval", 4, 1, 256, &every);
        if (status != STATUS_OK)
            return status;
    } else if (list->type != JSON_ARRAY) {
        return field_refuse(r, "no_rope_layers", field_text(r->arena, list), "a list of 0 and 1");
    }
    const int n = is_listed ? list->n_items : 0;
    if (is_listed && n != json_get_number(r->config, "num_hidden_layers", 0))
        return field_refuse(r, "no_rope_layers", "a list", "one item for each layer");
    for (int l = n; l-- > 0;) /* the first that does not turn */
        every = list->items[l]->number == 0 ? l + 1 : every;
    for (int l = 0; l < n; l++)
        if (list->items[l]->type != JSON_NUMBER || list->items[l]->number != (every == 0 || (l + 1) % every != 0))
            return field_refuse(r, "no_rope_layers", "a list", "0 for every n-th layer, 1 for all others");
    r->fields->has_no_rope = every == 1;
    field_assign(r, "model.position.kind", every == 1 ? "none" : "rope");
    if (every > 1)
        field_assign(r, "model.position.skip_every", arena_format(r->arena, "%d", every));
    return STATUS_OK;
}

static const FieldRow fields[] = {
    {"hidden_size", "model.d_model", NULL, NULL},
    {"num_hidden_layers", "model.n_layers", NULL, NULL},
    {"num_attention_heads", "model.n_heads", NULL, NULL},
    {"num_key_value_heads", "model.n_kv_heads", NULL, "4"},
    {"head_dim", "model.d_head", NULL, "0"},
    {"intermediate_size", "model.d_ff", NULL, NULL},
    {"max_position_embeddings", "model.context_length", NULL, "32768"},
    {"hidden_act", NULL, "silu", "silu"},
    {"rms_norm_eps", "model.norm_epsilon", NULL, "1e-6"},
    {"tie_word_embeddings", "model.tied_head", NULL, "true"},
    {"attention_bias", "model.bias_q", NULL, "false"},
    {"attention_bias", "model.bias_k", NULL, "false"},
    {"attention_bias", "model.bias_v", NULL, "false"},
    {"attention_bias", "model.bias_out", NULL, "false"},
    {"mlp_bias", "model.bias_mlp", NULL, "false"},
    {"use_sliding_window", NULL, "false", "false"},
    {"sliding_window", NULL, NULL, ""},
    {"max_window_layers", NULL, NULL, ""},
    {"layer_types", NULL, "full_attention", "full_attention"},
    {"pretraining_tp", NULL, NULL, ""},
    {"no_rope_layers", NULL, NULL, ""},
    {"no_rope_layer_interval", NULL, NULL, ""},
};

static const char *const shape[] = {"model.norm", "rmsnorm", "model.activation", "swiglu", NULL};

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
    .base = "model.",
    .head = "lm_head.",
    FIELDS(fields),
    .shape = shape,
    .extras = llama_extras,
    .rope_share = 1,
    .rope_theta = "2000000",
    .describe = describe,
};
