/* Objectives: which targets count, how inputs are corrupted, and what the loss is. One file each, with a const
 * Objective at its foot.
 */
#ifndef REFFRAME_MODEL_OBJECTIVE_H
#define REFFRAME_MODEL_OBJECTIVE_H

#include "base/pcg.h"
#include "base/variant.h"
#include "data/sequence.h"
#include "model/settings.h"

/* Of a target: cross-entropy with an id, in nats; or the mean over components of the squared error of a vector. */
typedef enum { LOSS_CROSS_ENTROPY, LOSS_SQUARED_ERROR } LossKind;

struct Objective {
    Variant variant; /* keys below objective */
    Prepare *prepare;
    LossKind loss;           /* with LOSS_SQUARED_ERROR the source must have goals, else it must have none */
    int takes_vectors;       /* the source may give vectors; false: inputs and targets are ids of the sequence */
    int needs_labels;        /* the source must have labels */
    int needs_hidden_future; /* refused under a mask that shows a query what comes later (next + full) */
    int corrupts;            /* inputs differ from the sequence: measured clean, and again on one fixed corruption */
    /* Share of a sequence's tokens that are targets, for FLOP counts. */
    double (*target_share)(const void *state);
    /* Writes inputs (T), targets (T; -1 none) and target groups (T; NULL when nobody asks) from a sequence. Draws from
     * `pcg` ("mask" stream) in an order that depends on the sequence alone. vocab_size bounds random replacements
     * (never a reserved id). */
    void (*make)(const void *state, int vocab_size, const Sequence *seq, Pcg *pcg, int32_t *ret_inputs,
                 int32_t *ret_targets, uint8_t *ret_groups);
};

REGISTRY(Objective, objective);

/* Mask, objective and source together: full + next, labelled without labels, next of vectors. `model` as model_settings
 * gives it, with the mask laid out. Names file, line and key. */
int objective_check(const Objective *objective, const ModelSettings *model, int source_has_labels, Error *err);

#endif
