/* What an objective asks of mask and source. */
#include "model/objective/objective.h"

#include "model/mask/mask.h"

int objective_check(const Objective *objective, const Mask *mask, int source_has_labels, const Settings *settings,
                    Error *err)
{
    if (objective->needs_causal && !mask->is_causal)
        return settings_error(settings, "objective.kind", err,
                              "objective '%s' needs a causal model.mask.kind; under '%s' each position sees its target",
                              objective->variant.name, mask->variant.name);
    if (objective->needs_labels && !source_has_labels)
        return settings_error(settings, "objective.kind", err,
                              "objective '%s' needs a data.source.kind with labels, which this one has not",
                              objective->variant.name);
    return STATUS_OK;
}
