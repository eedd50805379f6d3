/* Position encodings: one file each, with a const Position at its foot.
 *
 * An encoding acts in up to three places, each a forward/backward pair, NULL when unused: `embed` adds to the residual
 * stream (absolute), `rotate` turns q and k (RoPE), `bias` fills a table over i-j that is added to the scores (ALiBi,
 * T5). `declare` adds the tensors it learns. Functions are pure: state is constant after prepare.
 */
#ifndef REFFRAME_MODEL_POSITION_H
#define REFFRAME_MODEL_POSITION_H

#include "base/variant.h"
#include "model/parameters.h"
#include "model/settings.h"

struct Position {
    Variant variant; /* keys below model.position */
    /* Checks what it needs of the shape (an even d_head, say), builds its tables; declares learnt tensors. NULL: none.
     * *ret_state is the variant's own; memory from arena. */
    int (*prepare)(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err);

    /* x (length,C) += encoding of positions 0..length-1, for one sequence; gradient goes to its own tensors. */
    void (*embed_forward)(const void *state, const real *parameters, int length, real *x);
    void (*embed_backward)(const void *state, int length, const real *dx, real *gradient);

    /* Rotates one head's rows in place: x (length, D) with leading dimension ld; backward turns the gradient back. */
    void (*rotate_forward)(const void *state, int length, int ld, real *x);
    void (*rotate_backward)(const void *state, int length, int ld, real *dx);

    /* Fills table (H, 2*length-1), entry length-1+(i-j), for a layer; backward takes that table's gradient. */
    void (*bias_forward)(const void *state, const real *parameters, int layer, int length, real *ret_table);
    void (*bias_backward)(const void *state, int layer, int length, const real *dtable, real *gradient);
};

REGISTRY(Position, position);

#endif
