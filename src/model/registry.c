/* Finding a variant by its name, and the checks that two variants pass together. The registries themselves are written
 * from the lists in src/meson.build.
 */
#include <string.h>

#include "model/mask/mask.h"
#include "model/objective/objective.h"
#include "model/position/position.h"
#include "model/score/score.h"

const Position *position_find(const char *name)
{
    for (const Position *const *p = position_registry; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}

const Mask *mask_find(const char *name)
{
    for (const Mask *const *p = mask_registry; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}

const Score *score_find(const char *name)
{
    for (const Score *const *p = score_registry; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}

const Objective *objective_find(const char *name)
{
    for (const Objective *const *p = objective_registry; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}

int objective_check(const Objective *objective, const Mask *mask, int source_has_labels, const Settings *settings,
                    Error *err)
{
    if (objective->needs_causal && !mask->is_causal)
        return settings_error(settings, "objective.kind", err,
                              "objective '%s' needs a causal model.mask.kind; under '%s' each position sees its target",
                              objective->name, mask->name);
    if (objective->needs_labels && !source_has_labels)
        return settings_error(settings, "objective.kind", err,
                              "objective '%s' needs a data.source.kind with labels, which this one has not",
                              objective->name);
    return STATUS_OK;
}
