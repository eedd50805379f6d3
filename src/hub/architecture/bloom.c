/* BLOOM (Le Scao et al. 2022, arXiv 2211.05100): ALiBi, a norm behind the embeddings, GELU in its tanh form, an MLP
 * four times as wide as the stream, biases of all layers but the head.
 *
 * Its slopes are ALiBi's for a number of heads that is a power of two, and others for other numbers (Press et al. 2021,
 * their code): ours must be just those.
 */
#include <math.h>
#include <string.h>

#include "base/text.h"

#include "hub/needs.h"
#include "hub/config.h"
#include "hub/fields.h"
#include "model/position/alibi.h"

static int is_alibi(const ModelSettings *model)
{
    return strcmp(model->position->variant.name, "alibi") == 0;
}

/* Slope of head h, from 0: 2^(-8 (h+1) / n) for the greatest power n of two up to H; then those between, of 2n. */
static double their_slope(int n_heads, int h)
{
    int n = 1;
    while (2 * n <= n_heads)
        n *= 2;
    return h < n ? exp2(-8.0 * (h + 1) / n) : exp2(-4.0 * (2 * (h - n) + 1) / n);
}

static int has_their_slopes(const ModelSettings *model)
{
    if (!is_alibi(model)) /* said by a row of its own */
        return 1;
    Arena *arena = arena_new();
    const double *slopes;
    int same = alibi_slopes(arena, model, &slopes, NULL) == STATUS_OK;
    for (int h = 0; same && h < model->n_heads; h++)
        same = (float)slopes[h] == (float)their_slope(model->n_heads, h);
    arena_free(arena);
    return same;
}

static int is_gelu(const ModelSettings *model)
{
    return model->activation == ACTIVATION_GELU;
}

static int is_four_times_as_wide(const ModelSettings *model)
{
    return model->d_ff == 4 * model->d_model;
}

static const Need needs[] = {
    {"model.score.kind", is_softmax},
    {"model.mlp", has_mlp},
    {"model.mask.kind", is_causal},
    {"model.position.kind", is_alibi},
    {"model.position.slopes", has_their_slopes},
    {"model.norm", is_layernorm},
    {"model.norm_placement", is_pre_norm},
    {"model.parallel_residual", has_branches_in_turn},
    {"model.embedding_norm", has_embedding_norm},
    {"model.activation", is_gelu},
    {"model.d_ff", is_four_times_as_wide},
    {"model.qk_norm", has_no_qk_norm},
    {"model.token_type", has_no_type},
    {"model.token_types", has_no_types},
    {"model.bias_head", has_no_head_bias},
    {"model.n_kv_heads", has_all_kv_heads},
    {"model.d_head", heads_fill_width},
};

static const TensorRow rows[] = {
    {"transformer.word_embeddings.weight", "embedding.token", LAYOUT_MATRIX, NULL},
    {"transformer.word_embeddings_layernorm.weight", "embedding.norm.gain", LAYOUT_VECTOR, NULL},
    {"transformer.word_embeddings_layernorm.bias", "embedding.norm.shift", LAYOUT_VECTOR, NULL},
    {"transformer.ln_f.weight", "head.norm.gain", LAYOUT_VECTOR, NULL},
    {"transformer.ln_f.bias", "head.norm.shift", LAYOUT_VECTOR, NULL},
    {"lm_head.weight", "head.weight", LAYOUT_TURNED, has_own_head},
};

static const TensorRow block_rows[] = {
    {"input_layernorm.weight", "attention.norm.gain", LAYOUT_VECTOR, NULL},
    {"input_layernorm.bias", "attention.norm.shift", LAYOUT_VECTOR, NULL},
    {"self_attention.query_key_value.weight", "weight", LAYOUT_QKV_HEADS, NULL},
    {"self_attention.query_key_value.bias", "bias", LAYOUT_QKV_HEADS, NULL},
    {"self_attention.dense.weight", "attention.out.weight", LAYOUT_TURNED, NULL},
    {"self_attention.dense.bias", "attention.out.bias", LAYOUT_VECTOR, NULL},
    {"post_attention_layernorm.weight", "mlp.norm.gain", LAYOUT_VECTOR, NULL},
    {"post_attention_layernorm.bias", "mlp.norm.shift", LAYOUT_VECTOR, NULL},
    {"mlp.dense_h_to_4h.weight", "mlp.up.weight", LAYOUT_TURNED, NULL},
    {"mlp.dense_h_to_4h.bias", "mlp.up.bias", LAYOUT_VECTOR, NULL},
    {"mlp.dense_4h_to_h.weight", "mlp.down.weight", LAYOUT_TURNED, NULL},
    {"mlp.dense_4h_to_h.bias", "mlp.down.bias", LAYOUT_VECTOR, NULL},
};

static void configure(const ModelSettings *model, JsonWriter *json)
{
    static const char *const dropouts[] = {"hidden_dropout", "attention_dropout"};
    json_put_number(json, "hidden_size", model->d_model);
    json_put_number(json, "n_layer", model->n_layers);
    json_put_number(json, "n_head", model->n_heads);
    json_put_number(json, "layer_norm_epsilon", model->norm_epsilon);
    json_put_bool(json, "apply_residual_connection_post_layernorm", 0);
    json_put_bool(json, "slow_but_exact", 0);
    json_put_number(json, "pretraining_tp", 1);
    config_put_zeros(json, dropouts, sizeof dropouts / sizeof *dropouts);
}

/* Where H is no power of two, ours are to be told. */
static int describe(const FieldReader *r)
{
    int n_heads;
    char digits[32];
    const int status = field_whole(r, "n_head", 8, 1, 256, &n_heads);
    if (status != STATUS_OK)
        return status;
    const char *width = field_text(r->arena, json_get(r->config, "n_embed")); /* hidden_size, in its first files */
    if (!width)
        width = field_text(r->arena, json_get(r->config, "hidden_size"));
    if (!width)
        return error_set(r->err, STATUS_INPUT, "%s: has no hidden_size", r->path);
    field_assign(r, "model.d_model", width);
    const char **slopes = ARENA_ARRAY(r->arena, const char *, n_heads);
    for (int h = 0; h < n_heads; h++)
        slopes[h] = arena_strdup(r->arena, text_number(their_slope(n_heads, h), digits));
    if ((n_heads & (n_heads - 1)) != 0)
        field_assign_list(r, "model.position.slopes", slopes, n_heads);
    return STATUS_OK;
}

/* No position is beyond ALiBi; 2048 were trained. */
static const FieldRow fields[] = {
    {"hidden_size", NULL, NULL, ""},
    {"n_embed", NULL, NULL, ""},
    {"n_layer", "model.n_layers", NULL, NULL},
    {"n_head", "model.n_heads", NULL, NULL},
    {"n_inner", NULL, "null", "null"},
    {"seq_length", "model.context_length", NULL, "2048"},
    {"layer_norm_epsilon", "model.norm_epsilon", NULL, "1e-5"},
    {"tie_word_embeddings", "model.tied_head", NULL, "true"},
    {"apply_residual_connection_post_layernorm", NULL, "false", "false"},
    {"slow_but_exact", NULL, "false", "false"},
    {"pretraining_tp", NULL, NULL, ""},
    {"offset_alibi", NULL, NULL, ""},
    {"skip_bias_add", NULL, NULL, ""},
    {"skip_bias_add_qkv", NULL, NULL, ""},
    {"bias_dropout_fusion", NULL, NULL, ""},
    {"masked_softmax_fusion", NULL, NULL, ""},
    {"attention_softmax_in_fp32", NULL, NULL, ""},
};

static const char *const shape[] = {"model.position.kind",  "alibi", "model.bias", "true", "model.bias_head", "false",
                                    "model.embedding_norm", "true",  NULL};

const Architecture architecture_bloom = {
    .variant = {.name = "bloom",
                .summary = "ALiBi, LayerNorm, a norm behind the embeddings; GELU, biases of all layers",
                .source = "Le Scao et al. 2022, arXiv 2211.05100"},
    .class = "BloomForCausalLM",
    NEEDS(needs),
    TENSORS(rows),
    .prefix = "transformer.h",
    BLOCKS(block_rows),
    .configure = configure,
    .base = "transformer.",
    .head = "lm_head.",
    FIELDS(fields),
    .describe = describe,
    .shape = shape,
};
