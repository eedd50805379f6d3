/* What GGUF's metadata and names of the Llama family mean. The rows of queries and keys lie as its rope wants them,
 * with the two channels of a pair as neighbours (LAYOUT_TURNED_PAIRS).
 */
#include "hub/gguf_llama.h"

#include <string.h>

#include "base/text.h"
#include "hub/gguf.h"
#include "hub/needs.h"

static const TensorRow rows[] = {
    {"token_embd.weight", "embedding.token", LAYOUT_MATRIX, NULL},
    {"output_norm.weight", "head.norm.gain", LAYOUT_VECTOR, NULL},
    {"output.weight", "head.weight", LAYOUT_TURNED, has_own_head},
};

static const TensorRow block_rows[] = {
    {"attn_norm.weight", "attention.norm.gain", LAYOUT_VECTOR, NULL},
    {"attn_q.weight", "attention.q.weight", LAYOUT_TURNED_PAIRS, NULL},
    {"attn_k.weight", "attention.k.weight", LAYOUT_TURNED_PAIRS, NULL},
    {"attn_v.weight", "attention.v.weight", LAYOUT_TURNED, NULL},
    {"attn_output.weight", "attention.out.weight", LAYOUT_TURNED, NULL},
    {"ffn_norm.weight", "mlp.norm.gain", LAYOUT_VECTOR, NULL},
    {"ffn_gate.weight", "mlp.gate.weight", LAYOUT_TURNED, NULL},
    {"ffn_up.weight", "mlp.up.weight", LAYOUT_TURNED, NULL},
    {"ffn_down.weight", "mlp.down.weight", LAYOUT_TURNED, NULL},
};

static const FieldRow fields[] = {
    {"general.architecture", NULL, "llama", ""},
    {"general.alignment", NULL, NULL, ""},
    {"llama.embedding_length", "model.d_model", NULL, NULL},
    {"llama.block_count", "model.n_layers", NULL, NULL},
    {"llama.attention.head_count", "model.n_heads", NULL, NULL},
    {"llama.attention.head_count_kv", "model.n_kv_heads", NULL, "0"},
    {"llama.attention.key_length", "model.d_head", NULL, "0"},
    {"llama.attention.value_length", NULL, NULL, ""},
    {"llama.feed_forward_length", "model.d_ff", NULL, NULL},
    {"llama.context_length", "model.context_length", NULL, "2048"},
    {"llama.attention.layer_norm_rms_epsilon", "model.norm_epsilon", NULL, NULL},
    {"llama.rope.freq_base", "model.position.theta", NULL, "10000"},
    {"llama.rope.dimension_count", NULL, NULL, ""},
    {"llama.rope.scaling.type", NULL, "none", "none"},
    {"llama.expert_count", NULL, "0", "0"},
    {"llama.expert_used_count", NULL, "0", "0"},
    {"llama.vocab_size", NULL, NULL, ""},
};

/* All channels of a head are turned, and values are as wide as keys. */
static int describe(const FieldReader *r)
{
    static const char *const alike[] = {"llama.rope.dimension_count", "llama.attention.value_length"};
    const double width = json_get_number(r->config, "llama.embedding_length", 0);
    const double n_heads = json_get_number(r->config, "llama.attention.head_count", 0);
    const double d_head = json_get_number(r->config, "llama.attention.key_length", n_heads > 0 ? width / n_heads : 0);
    char digits[32];
    for (size_t a = 0; a < sizeof alike / sizeof *alike; a++) {
        const Json *value = json_get(r->config, alike[a]);
        if (value && d_head > 0 && (value->type != JSON_NUMBER || value->number != d_head))
            return field_refuse(r, alike[a], field_text(r->arena, value), text_number(d_head, digits));
    }
    return STATUS_OK;
}

static const char *const shape[] = {"model.position.kind", "rope",   "model.norm", "rmsnorm",
                                    "model.activation",    "swiglu", NULL};

static const Architecture architecture = {
    .variant = {.name = "llama", .summary = "Llama in GGUF", .source = "github.com/ggml-org/ggml, docs/gguf.md"},
    .class = "",
    TENSORS(rows),
    .prefix = "blk",
    BLOCKS(block_rows),
    .base = "",
    .head = "output.",
    FIELDS(fields),
    .describe = describe,
    .shape = shape,
};

int gguf_llama_open(Arena *arena, const char *path, Fields *ret_fields, Weights *ret_weights, Error *err)
{
    Json *metadata = NULL;
    Weights weights = {0};
    int status = gguf_open(arena, path, &metadata, &weights, err);
    if (status != STATUS_OK)
        return status;
    const char *name = json_get_string(metadata, "general.architecture", "");
    if (strcmp(name, "llama") != 0)
        return error_set(err, STATUS_INPUT, "%s: general.architecture: \"%.60s\" is not what is read here: llama", path,
                         name);
    const Weight *embedding = weights_find(&weights, rows[0].theirs);
    const FieldSource source = {.architecture = &architecture,
                                .said_by = "its header",
                                .vocab_size = embedding ? (double)embedding->shape[0] : 0,
                                .is_tied = !weights_find(&weights, "output.weight")};
    status = fields_of(arena, path, metadata, &source, ret_fields, err);
    if (status == STATUS_OK)
        *ret_weights = weights;
    return status;
}
