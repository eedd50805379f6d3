/* A tensor of theirs: of which of ours it is made, all of one shape, and how these lie in it; of none, it is zero. */
#ifndef REFFRAME_HUB_LAID_H
#define REFFRAME_HUB_LAID_H

#include "hub/architecture/architecture.h"
#include "model/model.h"

enum { LAID_PARTS = 3, LAID_DIMS = 3 };

typedef struct {
    const char *name, *parts[LAID_PARTS];
    TensorLayout layout;
    int n_parts, rows, cols; /* of one of ours */
    size_t d_head;
    int n_dims;
    int64_t shape[LAID_DIMS]; /* 1 behind the last */
} Laid;

/* All of an architecture's tables, the blocks' behind the others; their number. Memory from arena. */
int laid_all(Arena *arena, const Architecture *architecture, const Model *model, Laid **ret_laid);

/* Where element (i, o) of part p stands in theirs. */
size_t laid_place(const Laid *laid, size_t p, size_t i, size_t o);

/* All of it. */
size_t laid_values(const Laid *laid);

int laid_ends_with(const char *name, const char *end);

#endif
