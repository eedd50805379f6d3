/* What an objective asks of mask and source. */
#include "model/objective/objective.h"

#include "model/mask/mask.h"

int objective_check(const Objective *objective, const ModelSettings *model, int source_has_labels, Error *err)
{
    if (objective->needs_hidden_future && model->visible->sees_later)
        return settings_error(
            model->settings, "objective.kind", err,
            "objective '%s' needs a model.mask that shows no later key; under '%s' a position sees its target",
            objective->variant.name, model->mask->variant.name);
    if (objective->needs_labels && !source_has_labels)
        return settings_error(model->settings, "objective.kind", err,
                              "objective '%s' needs a data.source.kind with labels, which this one has not",
                              objective->variant.name);
    return STATUS_OK;
}
