/* Next-token prediction: position i predicts the token at i + 1. Special tokens are inputs but never targets. */
#include "model/objective/objective.h"

static double target_share(const void *state)
{
    (void)state;
    return 1;
}

static void make(const void *state, int vocab_size, const Sequence *seq, Pcg *pcg, int32_t *ret_inputs,
                 int32_t *ret_targets, uint8_t *ret_groups)
{
    (void)state, (void)vocab_size, (void)pcg;
    for (int i = 0; i < seq->length; i++) {
        ret_inputs[i] = seq->ids[i];
        ret_targets[i] = sequence_asks(seq, i + 1) ? seq->ids[i + 1] : -1;
        if (ret_groups)
            ret_groups[i] = seq->groups[i + 1];
    }
}

const Objective objective_next = {
    .variant = {.name = "next",
                .summary = "each position predicts the token after it",
                .source = "Radford et al. 2018"},
    .needs_hidden_future = 1,
    .target_share = target_share,
    .make = make,
};
