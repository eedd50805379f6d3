/* RoBERTa under its two names. */
#ifndef REFFRAME_HUB_ARCHITECTURE_ROBERTA_H
#define REFFRAME_HUB_ARCHITECTURE_ROBERTA_H

#include "hub/architecture/architecture.h"

enum { ROBERTA_ROWS = 5 };

extern const TensorRow roberta_rows[ROBERTA_ROWS];
extern const char *const roberta_extras[];
int roberta_describe(const FieldReader *r);

#endif
