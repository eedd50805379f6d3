/* Masks: which keys a query sees, as at most two ranges a query (base/visible.h). One file each, with a const Mask at
 * its foot.
 */
#ifndef REFFRAME_MODEL_MASK_H
#define REFFRAME_MODEL_MASK_H

#include "base/variant.h"
#include "base/visible.h"
#include "model/settings.h"

struct Mask {
    Variant variant; /* keys below model.mask */
    ModelPrepare *prepare;
    /* Query i of a sequence of `length`, which may be shorter than the context, sees *ret_keys, empty before the call:
     * at least one key. */
    void (*visible)(const void *state, int i, int length, KeyRanges *ret_keys);
};

REGISTRY(Mask, mask);

#endif
