/* Template of an objective; the tests compile it and hold it to everything that a registered one must pass. As an
 * example, every position predicts a token before it: a task for one previous-token head.
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/objective' in src/meson.build, and a row to README.md.
 */
#include "model/objective/objective.h"

/* 2. What prepare reads, constant afterwards. An objective without keys has neither this, nor params, nor prepare. */
typedef struct {
    int distance;
} Template;

/* 3. Keys below objective that are valid with this kind: key, type, default, range, choices, help, and the member that
 *    holds the value. */
static const SchemaRow params[] = {
    {"distance", VALUE_INT, "1", 1, 4, NULL, "places between a position and the token before it that it predicts",
     FIELD(Template, distance)},
};

/* 4. Read them; refuse with settings_error what makes no sense. No other function sees the settings. */
static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "objective", ROWS(params), sizeof(Template));
    return STATUS_OK;
}

/* 5. Share of a sequence's positions that are targets, at most: the cost of the head in FLOP counts. */
static double target_share(const void *state)
{
    (void)state;
    return 1;
}

/* 6. Inputs, targets (-1: none; never what sequence_asks rules out) and, where they are asked for, the loss groups of
 * the targets. Random numbers come from pcg alone; how many are drawn depends on the sequence alone. */
static void make(const void *state, int vocab_size, const Sequence *seq, Pcg *pcg, int32_t *ret_inputs,
                 int32_t *ret_targets, uint8_t *ret_groups)
{
    const Template *template = state;
    (void)vocab_size, (void)pcg;
    for (int i = 0; i < seq->length; i++) {
        int has_target = i >= template->distance, from = has_target ? i - template->distance : 0;
        ret_inputs[i] = seq->ids[i];
        ret_targets[i] = has_target && sequence_asks(seq, from) ? seq->ids[from] : -1;
        if (ret_groups)
            ret_groups[i] = seq->groups[from];
    }
}

/* 7. The strategy itself, with what it needs of mask and source (takes_vectors where vectors stand beside the ids, loss
 *    where targets are vectors); the list in meson.build finds it as objective_NAME. */
extern const Objective objective_template;
const Objective objective_template = {
    .variant = {.name = "template",
                .summary = "each position predicts a token before it",
                .source = "Olsson et al. 2022, arXiv 2209.11895",
                PARAMS(params)},
    .prepare = prepare,
    .target_share = target_share,
    .make = make,
};
