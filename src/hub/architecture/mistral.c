/* Mistral (Jiang et al. 2023, arXiv 2310.06825): Llama without biases, whose queries see a window of keys. Read back
 * alone: what we have of it is written as llama, and the window has no home there.
 */
#include "hub/architecture/llama.h"
#include "hub/fields.h"

static int describe(const FieldReader *r)
{
    const Json *window = json_get(r->config, "sliding_window");
    if (window && window->type == JSON_NULL) /* all keys before it; where nothing is said, 4096 */
        return STATUS_OK;
    return field_whole(r, "sliding_window", 4096, 1, 1000000000, &r->fields->window);
}

static const FieldRow fields[] = {
    {"hidden_size", "model.d_model", NULL, NULL},
    {"num_hidden_layers", "model.n_layers", NULL, NULL},
    {"num_attention_heads", "model.n_heads", NULL, NULL},
    {"num_key_value_heads", "model.n_kv_heads", NULL, "8"},
    {"head_dim", "model.d_head", NULL, "0"},
    {"intermediate_size", "model.d_ff", NULL, NULL},
    {"max_position_embeddings", "model.context_length", NULL, "131072"},
    {"hidden_act", NULL, "silu", "silu"},
    {"rms_norm_eps", "model.norm_epsilon", NULL, "1e-6"},
    {"tie_word_embeddings", "model.tied_head", NULL, "false"},
    {"sliding_window", NULL, NULL, ""},
};

const Architecture architecture_mistral = {
    .variant = {.name = "mistral",
                .summary = "Llama whose queries see a window of keys; only read",
                .source = "Jiang et al. 2023, arXiv 2310.06825"},
    .class = "MistralForCausalLM",
    .rows = llama_rows,
    .n_rows = LLAMA_ROWS,
    .prefix = "model.layers",
    .block_rows = llama_block_rows,
    .n_block_rows = LLAMA_BLOCK_ROWS,
    .base = "model.",
    .head = "lm_head.",
    FIELDS(fields),
    .describe = describe,
    .shape = llama_shape,
    .extras = llama_extras,
    .rope_share = 1,
};
