/* BERT (Devlin et al. 2019, arXiv 1810.04805): no mask, a vector per position, post-norm, a norm behind the embeddings,
 * biases everywhere.
 *
 * Its head for masked tokens has a layer, an activation and a norm in front of the last layer, which our head has not;
 * they can't be made to do nothing. Its head for token classification is our head: a linear layer, whose classes here
 * are the tokens.
 */
#include <stdio.h>
#include <string.h>

#include "hub/needs.h"
#include "hub/architecture/bert.h"
#include "hub/config.h"
#include "model/mask/mask.h"

static int is_full(const ModelSettings *model)
{
    return strcmp(model->mask->variant.name, "full") == 0;
}

static int is_post_norm(const ModelSettings *model)
{
    return model->norm_placement == PLACEMENT_POST;
}

static const Need needs[] = {
    {"model.score.kind", is_softmax},
    {"model.mlp", has_mlp},
    {"model.mask.kind", is_full},
    {"model.position.kind", is_absolute_or_none},
    {"model.norm", is_layernorm},
    {"model.norm_placement", is_post_norm},
    {"model.parallel_residual", has_branches_in_turn},
    {"model.embedding_norm", has_embedding_norm},
    {"model.activation", is_without_gate},
    {"model.qk_norm", has_no_qk_norm},
    {"model.n_kv_heads", has_all_kv_heads},
    {"model.d_head", heads_fill_width},
};

static const TensorRow rows[] = {
    {"bert.embeddings.word_embeddings.weight", "embedding.token", LAYOUT_MATRIX, NULL},
    {"bert.embeddings.position_embeddings.weight", "embedding.position", LAYOUT_MATRIX, NULL},
    {"bert.embeddings.token_type_embeddings.weight", "embedding.type", LAYOUT_MATRIX, NULL},
    {"bert.embeddings.LayerNorm.weight", "embedding.norm.gain", LAYOUT_VECTOR, NULL},
    {"bert.embeddings.LayerNorm.bias", "embedding.norm.shift", LAYOUT_VECTOR, NULL},
    {"classifier.weight", "head.weight", LAYOUT_TURNED, has_own_head},
    {"classifier.weight", "embedding.token", LAYOUT_MATRIX, has_tied_head},
    {"classifier.bias", "head.bias", LAYOUT_VECTOR, NULL},
};

const TensorRow bert_block_rows[BERT_BLOCK_ROWS] = {
    {"attention.self.query.weight", "attention.q.weight", LAYOUT_TURNED, NULL},
    {"attention.self.query.bias", "attention.q.bias", LAYOUT_VECTOR, NULL},
    {"attention.self.key.weight", "attention.k.weight", LAYOUT_TURNED, NULL},
    {"attention.self.key.bias", "attention.k.bias", LAYOUT_VECTOR, NULL},
    {"attention.self.value.weight", "attention.v.weight", LAYOUT_TURNED, NULL},
    {"attention.self.value.bias", "attention.v.bias", LAYOUT_VECTOR, NULL},
    {"attention.output.dense.weight", "attention.out.weight", LAYOUT_TURNED, NULL},
    {"attention.output.dense.bias", "attention.out.bias", LAYOUT_VECTOR, NULL},
    {"attention.output.LayerNorm.weight", "attention.post_norm.gain", LAYOUT_VECTOR, NULL},
    {"attention.output.LayerNorm.bias", "attention.post_norm.shift", LAYOUT_VECTOR, NULL},
    {"intermediate.dense.weight", "mlp.up.weight", LAYOUT_TURNED, NULL},
    {"intermediate.dense.bias", "mlp.up.bias", LAYOUT_VECTOR, NULL},
    {"output.dense.weight", "mlp.down.weight", LAYOUT_TURNED, NULL},
    {"output.dense.bias", "mlp.down.bias", LAYOUT_VECTOR, NULL},
    {"output.LayerNorm.weight", "mlp.post_norm.gain", LAYOUT_VECTOR, NULL},
    {"output.LayerNorm.bias", "mlp.post_norm.shift", LAYOUT_VECTOR, NULL},
};

/* The number of classes is that of these names. */
static void put_classes(const ModelSettings *model, JsonWriter *json)
{
    char number[16];
    json_key(json, "id2label");
    json_open_object(json);
    for (int v = 0; v < model->vocab_size; v++) {
        snprintf(number, sizeof number, "%d", v);
        json_put_string(json, number, number);
    }
    json_close_object(json);
}

static void configure(const ModelSettings *model, JsonWriter *json)
{
    static const char *const dropouts[] = {"attention_probs_dropout_prob", "hidden_dropout_prob"};
    config_put_sizes(json, model);
    json_put_number(json, "type_vocab_size", 1);
    json_put_string(json, "hidden_act", config_activation(model));
    json_put_number(json, "layer_norm_eps", model->norm_epsilon);
    config_put_zeros(json, dropouts, sizeof dropouts / sizeof *dropouts);
    put_classes(model, json);
}

const FieldRow bert_fields[BERT_FIELDS] = {
    {"hidden_size", "model.d_model", NULL, NULL},
    {"num_hidden_layers", "model.n_layers", NULL, NULL},
    {"num_attention_heads", "model.n_heads", NULL, NULL},
    {"intermediate_size", "model.d_ff", NULL, NULL},
    {"max_position_embeddings", "model.context_length", NULL, "512"},
    {"hidden_act", "model.activation", NULL, "gelu"},
    {"layer_norm_eps", "model.norm_epsilon", NULL, "1e-12"},
    {"type_vocab_size", NULL, NULL, ""},
    {"position_embedding_type", NULL, "absolute", "absolute"},
    {"is_decoder", NULL, "false", "false"},
    {"add_cross_attention", NULL, "false", "false"},
    {"tie_word_embeddings", NULL, NULL, ""}, /* of the head for masked tokens; the classifier is never tied */
    {"pooler_fc_size", NULL, NULL, ""},
    {"pooler_num_attention_heads", NULL, NULL, ""},
    {"pooler_num_fc_layers", NULL, NULL, ""},
    {"pooler_size_per_head", NULL, NULL, ""},
    {"pooler_type", NULL, NULL, ""},
    {"directionality", NULL, NULL, ""},
};

const char *const bert_shape[] = {"model.position.kind",
                                  "absolute",
                                  "model.mask.kind",
                                  "full",
                                  "model.bias",
                                  "true",
                                  "model.norm_placement",
                                  "post",
                                  "model.token_type",
                                  "true",
                                  "model.embedding_norm",
                                  "true",
                                  NULL};

/* Every place is of the first type. */
int bert_describe(const FieldReader *r)
{
    return field_whole(r, "type_vocab_size", 2, 1, 1000000, &r->fields->n_types);
}

static const char *const extras[] = {"embeddings.position_ids", "pooler.*", "cls.*", NULL};

const Architecture architecture_bert = {
    .variant = {.name = "bert",
                .summary = "full mask, absolute positions, or none, and post-norm; tokens as classes of each place",
                .source = "Devlin et al. 2019, arXiv 1810.04805"},
    .class = "BertForTokenClassification",
    NEEDS(needs),
    TENSORS(rows),
    .prefix = "bert.encoder.layer",
    BLOCKS(bert_block_rows),
    .configure = configure,
    .base = "bert.",
    .head = "classifier.",
    .fields = bert_fields,
    .n_fields = BERT_FIELDS,
    .is_encoder = 1,
    .describe = bert_describe,
    .shape = bert_shape,
    .extras = extras,
};
