/* The full mask of encoders (Devlin et al. 2018): every query sees every key. */
#include "model/mask/mask.h"

static void visible(int i, int length, int *ret_first, int *ret_end)
{
    (void)i;
    *ret_first = 0;
    *ret_end = length;
}

const Mask mask_full = {
    .variant = {.name = "full",
                .summary = "every query sees every key",
                .source = "Devlin et al. 2018, arXiv 1810.04805"},
    .is_causal = 0,
    .visible = visible,
};
