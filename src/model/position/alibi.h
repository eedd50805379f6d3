/* What ALiBi's two kinds share: where their slopes start. */
#ifndef REFFRAME_MODEL_POSITION_ALIBI_H
#define REFFRAME_MODEL_POSITION_ALIBI_H

#include "model/position/position.h"

/* What model.position.slopes says, or 2^(-8h/H), h = 1..H: (H), from arena. */
int alibi_slopes(Arena *arena, const ModelSettings *model, const double **ret_slopes, Error *err);

/* The table of one head, (2*length-1). */
void alibi_fill(double slope, int length, real *ret_table);

#endif
