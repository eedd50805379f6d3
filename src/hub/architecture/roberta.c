/* RoBERTa (Liu et al. 2019, arXiv 1907.11692): BERT whose table of positions begins behind the padding's id: a token at
 * place t has row padding + 1 + t, and padding itself stands at no place. Read back alone, and without its head, which
 * has a layer, an activation and a norm that ours has not.
 */
#include "hub/architecture/roberta.h"

#include "hub/architecture/bert.h"

const TensorRow roberta_rows[ROBERTA_ROWS] = {
    {"roberta.embeddings.word_embeddings.weight", "embedding.token", LAYOUT_MATRIX, NULL},
    {"roberta.embeddings.position_embeddings.weight", "embedding.position", LAYOUT_MATRIX, NULL},
    {"roberta.embeddings.token_type_embeddings.weight", "embedding.type", LAYOUT_MATRIX, NULL},
    {"roberta.embeddings.LayerNorm.weight", "embedding.norm.gain", LAYOUT_VECTOR, NULL},
    {"roberta.embeddings.LayerNorm.bias", "embedding.norm.shift", LAYOUT_VECTOR, NULL},
};

const char *const roberta_extras[] = {"embeddings.position_ids", "pooler.*", "classifier.*", NULL};

int roberta_describe(const FieldReader *r)
{
    int status = bert_describe(r);
    if (status == STATUS_OK)
        status = field_whole(r, "pad_token_id", 1, 0, 1000000, &r->fields->padding);
    if (status != STATUS_OK)
        return status;
    r->fields->first_position = r->fields->padding + 1;
    if (r->fields->n_positions < r->fields->first_position + 2)
        return error_set(r->err, STATUS_INPUT,
                         "%s: max_position_embeddings: %d leaves no two places behind pad_token_id %d", r->path,
                         r->fields->n_positions, r->fields->padding);
    return STATUS_OK;
}

const Architecture architecture_roberta = {
    .variant = {.name = "roberta",
                .summary = "BERT whose positions begin behind the padding's id; only read",
                .source = "Liu et al. 2019, arXiv 1907.11692"},
    .class = "RobertaModel",
    TENSORS(roberta_rows),
    .prefix = "roberta.encoder.layer",
    .block_rows = bert_block_rows,
    .n_block_rows = BERT_BLOCK_ROWS,
    .base = "roberta.",
    .head = "lm_head.",
    .fields = bert_fields,
    .n_fields = BERT_FIELDS,
    .is_encoder = 1,
    .describe = roberta_describe,
    .shape = bert_shape,
    .extras = roberta_extras,
};
