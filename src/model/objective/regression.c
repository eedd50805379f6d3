/* Vectors from the source: position i is to give goals[i], where the source says that one counts (zero does, too).
 *
 *   loss = mean over the counted targets of |z_i - y_i|^2 / C_out      (torch.nn.MSELoss; Bishop 2006, section 3.1)
 *
 * Of these targets a share `rate` counts, each by a draw of its own, which is taken whatever the rate: a lower one
 * counts a part of what a higher one does. Inputs are the sequence itself.
 */
#include "model/objective/objective.h"

typedef struct {
    double rate;
} Regression;

static const SchemaRow params[] = {
    {"rate", VALUE_NUMBER, "1", 0.01, 1, NULL, "share of the source's targets that count", FIELD(Regression, rate)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "objective", ROWS(params), sizeof(Regression));
    return STATUS_OK;
}

static double target_share(const void *state)
{
    return ((const Regression *)state)->rate;
}

static void make(const void *state, int vocab_size, const Sequence *seq, Pcg *pcg, int32_t *ret_inputs,
                 int32_t *ret_targets, uint8_t *ret_groups)
{
    (void)vocab_size;
    for (int i = 0; i < seq->length; i++) {
        ret_inputs[i] = seq->ids[i];
        ret_targets[i] = -1;
        if (seq->labels[i] >= 0 && pcg_uniform(pcg) < ((const Regression *)state)->rate)
            ret_targets[i] = seq->labels[i];
        if (ret_groups)
            ret_groups[i] = seq->groups[i];
    }
}

const Objective objective_regression = {
    .variant = {.name = "regression",
                .summary = "each position gives the vector that the source asks of it, if any; mean squared error",
                .source = "Bishop 2006, Pattern Recognition and Machine Learning, section 3.1",
                PARAMS(params)},
    .prepare = prepare,
    .loss = LOSS_SQUARED_ERROR,
    .takes_vectors = 1,
    .needs_labels = 1,
    .target_share = target_share,
    .make = make,
};
