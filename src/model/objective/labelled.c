/* Labels from the source: position i predicts labels[i], or nothing where that is -1. Inputs are the
 * sequence itself. */
#include "model/objective/objective.h"

/* How many positions have a label is the source's matter: an upper bound. */
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
        ret_targets[i] = seq->labels[i];
        if (ret_groups)
            ret_groups[i] = seq->groups[i];
    }
}

const Objective objective_labelled = {
    .variant = {.name = "labelled",
                .summary = "each position predicts the label that the source gives it, if any",
                .source = "Graves 2012, Supervised Sequence Labelling"},
    .takes_vectors = 1,
    .needs_labels = 1,
    .target_share = target_share,
    .make = make,
};
