/* XLM-RoBERTa (Conneau et al. 2020, arXiv 1911.02116): RoBERTa of many languages, the same function. */
#include "hub/architecture/bert.h"
#include "hub/architecture/roberta.h"

const Architecture architecture_xlm_roberta = {
    .variant = {.name = "xlm-roberta",
                .summary = "RoBERTa of many languages; only read",
                .source = "Conneau et al. 2020, arXiv 1911.02116"},
    .class = "XLMRobertaModel",
    .rows = roberta_rows,
    .n_rows = ROBERTA_ROWS,
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
