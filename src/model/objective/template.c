/* Template of an objective; the tests compile it and hold it to everything that a registered one must pass. As an
 * example, every position predicts the token before it: a task for one previous-token head.
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/objective' in src/meson.build.
 */
#include "model/objective/objective.h"

/* 2. Share of a sequence's positions that are targets, at most: the cost of the head in FLOP counts. */
static double target_share(const Settings *settings)
{
    (void)settings;
    return 1;
}

/* 3. Inputs, targets (-1: none; never BOS, EOS or MASK) and the loss groups of the targets. Random numbers come from
 *    pcg alone; how many are drawn depends on the sequence alone. */
static void make(const Settings *settings, int vocab_size, const Sequence *seq, Pcg *pcg, int32_t *ret_inputs,
                 int32_t *ret_targets, uint8_t *ret_groups)
{
    (void)settings;
    (void)vocab_size;
    (void)pcg;
    for (int i = 0; i < seq->length; i++) {
        int from = i > 0 ? i - 1 : 0;
        ret_inputs[i] = seq->ids[i];
        ret_targets[i] = i > 0 && seq->ids[from] >= TOKEN_CONTENT ? seq->ids[from] : -1;
        ret_groups[i] = seq->groups[from];
    }
}

/* 4. The strategy itself, with what it needs of mask and source; the list in meson.build finds it as objective_NAME. */
extern const Objective objective_template;
const Objective objective_template = {
    .variant = {.name = "template",
                .summary = "each position predicts the token before it",
                .source = "Olsson et al. 2022, arXiv 2209.11895"},
    .target_share = target_share,
    .make = make,
};
