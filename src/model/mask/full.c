/* The full mask of encoders (Devlin et al. 2018): every query sees every key. */
#include "model/mask/mask.h"

static void visible(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)i;
    ret_keys->range[0] = (KeyRange){0, length};
}

const Mask mask_full = {
    .variant = {.name = "full",
                .summary = "every query sees every key",
                .source = "Devlin et al. 2018, arXiv 1810.04805"},
    .visible = visible,
};
