/* What an objective asks of mask and source. */
#include "model/objective/objective.h"

#include "model/mask/mask.h"

/* Ids or vectors, as the source gives them and as the objective takes them. */
static int check_vectors(const Objective *objective, const ModelSettings *model, Error *err)
{
    const char *name = objective->variant.name;
    if (objective->loss == LOSS_SQUARED_ERROR && model->goal_width == 0)
        return settings_error(model->settings, "objective.kind", err,
                              "objective '%s' needs a data.source.kind that asks for vectors; this one does not", name);
    if (objective->loss != LOSS_SQUARED_ERROR && model->goal_width > 0)
        return settings_error(model->settings, "objective.kind", err,
                              "objective '%s' predicts ids, and this data.source.kind asks for vectors: `regression`",
                              name);
    if (!objective->takes_vectors && model->vector_width > 0)
        return settings_error(model->settings, "objective.kind", err,
                              "objective '%s' predicts ids of the sequence, and this data.source.kind gives vectors",
                              name);
    return STATUS_OK;
}

int objective_check(const Objective *objective, const ModelSettings *model, int source_has_labels, Error *err)
{
    if (objective->needs_hidden_future && model->visible->sees_later)
        return settings_error(
            model->settings, "objective.kind", err,
            "objective '%s' needs a model.mask that shows no later key; under '%s' a position sees its target",
            objective->variant.name, model->mask->variant.name);
    const int status = check_vectors(objective, model, err);
    if (status == STATUS_OK && objective->needs_labels && !source_has_labels)
        return settings_error(model->settings, "objective.kind", err,
                              "objective '%s' needs a data.source.kind with labels, which this one has not",
                              objective->variant.name);
    return status;
}
