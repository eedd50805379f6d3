/* The causal mask (Vaswani et al. 2017, section 3.2.3): query i sees keys 0..i. */
#include "model/mask/mask.h"

static void visible(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0] = (KeyRange){0, i + 1};
}

const Mask mask_causal = {
    .variant = {.name = "causal",
                .summary = "a query sees itself and everything before",
                .source = "Vaswani et al. 2017, arXiv 1706.03762, section 3.2.3"},
    .visible = visible,
};
