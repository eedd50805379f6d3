/* config.json as settings of ours. */
#ifndef REFFRAME_HUB_FIELDS_H
#define REFFRAME_HUB_FIELDS_H

#include "base/resolve.h"
#include "hub/architecture/architecture.h"

enum { MOST_FIELDS = 64 };

typedef struct {
    const Architecture *architecture;
    int vocab_size;
    Assignment assignments[MOST_FIELDS];
    int n_assignments;
} Fields;

/* STATUS_INPUT names the field that is missing, is not what a model of ours has, or is not known. */
int fields_read(Arena *arena, const char *path, Fields *ret_fields, Error *err);

#endif
