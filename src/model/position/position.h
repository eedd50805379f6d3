/* Position encodings: one file each, with a const Position at its foot.
 *
 * An encoding acts in up to three places, each a forward/backward pair, NULL when unused: `embed` adds to the residual
 * stream (absolute), `rotate` turns q and k (RoPE), `bias` is added to the scores (ALiBi, T5). Every function gets the
 * state that prepare left, constant by then, and the parameter block; every backward what its forward had, and the
 * gradient block, to which it adds what its own tensors get.
 */
#ifndef REFFRAME_MODEL_POSITION_H
#define REFFRAME_MODEL_POSITION_H

#include "base/variant.h"
#include "model/parameters.h"
#include "model/settings.h"

/* One head's rows of q or k in a layer: (length, D) with leading dimension ld. With grouped queries k has fewer heads,
 * counted for themselves. */
typedef struct {
    int layer, head, length, ld;
} HeadRows;

struct Position {
    Variant variant; /* keys below model.position */
    ModelPrepare *prepare;

    /* x (length,C) += encoding of positions 0..length-1, for one sequence. */
    void (*embed_forward)(const void *state, const real *parameters, int length, real *x);
    void (*embed_backward)(const void *state, const real *parameters, int length, const real *dx, real *gradient);

    /* Rotates q or k in place. Backward turns dx, the gradient of what forward left in x, into that of what it found.
     */
    void (*rotate_forward)(const void *state, const real *parameters, const HeadRows *rows, real *x);
    void (*rotate_backward)(const void *state, const real *parameters, const HeadRows *rows, const real *x, real *dx,
                            real *gradient);

    /* Fills the table of a layer, (H, 2*length-1), entry length-1+(i-j) for query i and key j; or, with bias_by_query,
     * (H, length, 2*length-1), a row of such entries for each query. Backward takes that table's gradient. */
    int bias_by_query;
    void (*bias_forward)(const void *state, const real *parameters, int layer, int length, real *ret_table);
    void (*bias_backward)(const void *state, const real *parameters, int layer, int length, const real *dtable,
                          real *gradient);
};

REGISTRY(Position, position);

/* Reals of a head's bias table; how far the rows of one query and the next lie apart in it. */
static inline size_t position_table_size(const Position *position, int length)
{
    return (size_t)(2 * length - 1) * (size_t)(position->bias_by_query ? length : 1);
}

static inline size_t position_table_stride(const Position *position, int length)
{
    return position->bias_by_query ? (size_t)(2 * length - 1) : 0;
}

#endif
