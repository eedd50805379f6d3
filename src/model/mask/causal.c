/* The causal mask (Vaswani et al. 2017, section 3.2.3): query i sees keys 0..i. */
#include "model/mask/mask.h"

static void visible(int i, int length, int *ret_first, int *ret_end)
{
    (void)length;
    *ret_first = 0;
    *ret_end = i + 1;
}

const Mask mask_causal = {
    .variant = {.name = "causal",
                .summary = "a query sees itself and everything before",
                .source = "Vaswani et al. 2017, arXiv 1706.03762, section 3.2.3"},
    .is_causal = 1,
    .visible = visible,
};
