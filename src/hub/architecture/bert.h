/* What those that came of BERT share with it, for reading back. */
#ifndef REFFRAME_HUB_ARCHITECTURE_BERT_H
#define REFFRAME_HUB_ARCHITECTURE_BERT_H

#include "hub/fields.h"

enum { BERT_BLOCK_ROWS = 16, BERT_FIELDS = 18 };

extern const TensorRow bert_block_rows[BERT_BLOCK_ROWS];
extern const FieldRow bert_fields[BERT_FIELDS];
extern const char *const bert_shape[]; /* no mask, absolute positions, post-norm, one type, biases everywhere */
int bert_describe(const FieldReader *r);

#endif
