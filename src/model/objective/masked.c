/* Masked-token prediction (Devlin et al. 2018, arXiv 1810.04805, section 3.1): each content token is a target with
 * probability `rate`; a target's input is MASK in 80 % of cases, a random content token in 10 %, itself in 10 %.
 *
 * BOS and EOS are never masked, never targets, never replacements. Every content position draws the same three numbers
 * whether it is chosen or not, so that a position's fate does not hang on the rate or on its neighbours' fates.
 */
#include "model/objective/objective.h"

static const double share_masked = 0.8, share_random = 0.1;

typedef struct {
    double rate;
} Masked;

static const SchemaRow params[] = {
    {"rate", VALUE_NUMBER, "0.15", 0.01, 1, NULL, "share of content tokens that are targets", FIELD(Masked, rate)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "objective", ROWS(params), sizeof(Masked));
    return STATUS_OK;
}

static double target_share(const void *state)
{
    return ((const Masked *)state)->rate;
}

static void make(const void *state, int vocab_size, const Sequence *seq, Pcg *pcg, int32_t *ret_inputs,
                 int32_t *ret_targets, uint8_t *ret_groups)
{
    const double rate = ((const Masked *)state)->rate;
    for (int i = 0; i < seq->length; i++) {
        int32_t id = seq->ids[i];
        ret_inputs[i] = id;
        ret_targets[i] = -1;
        if (ret_groups)
            ret_groups[i] = seq->groups[i];
        if (!sequence_asks(seq, i))
            continue;
        double chosen = pcg_uniform(pcg), kind = pcg_uniform(pcg);
        int32_t replacement = TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)(vocab_size - TOKEN_CONTENT));
        if (chosen >= rate)
            continue;
        ret_targets[i] = id;
        if (kind < share_masked)
            ret_inputs[i] = TOKEN_MASK;
        else if (kind < share_masked + share_random)
            ret_inputs[i] = replacement;
    }
}

const Objective objective_masked = {
    .variant = {.name = "masked",
                .summary = "some tokens are hidden or replaced (80/10/10) and predicted from both sides",
                .source = "Devlin et al. 2018, arXiv 1810.04805, section 3.1",
                PARAMS(params)},
    .prepare = prepare,
    .corrupts = 1,
    .target_share = target_share,
    .make = make,
};
