/* Masks: which keys a query sees, as one range per query. One file each, with a const Mask at its foot. */
#ifndef REFFRAME_MODEL_MASK_H
#define REFFRAME_MODEL_MASK_H

#include "base/variant.h"
#include "model/settings.h"

struct Mask {
    Variant variant; /* keys below model.mask */
    int is_causal;   /* no query sees a later key */
    /* Query i of a sequence of `length` sees keys [*ret_first, *ret_end); never empty. */
    void (*visible)(int i, int length, int *ret_first, int *ret_end);
};

REGISTRY(Mask, mask);

#endif
