/* Finding an optimizer by its name. */
#include "train/optimizer/optimizer.h"

#include <string.h>

const Optimizer *optimizer_find(const char *name)
{
    for (const Optimizer *const *it = optimizer_registry; *it; it++)
        if (strcmp((*it)->name, name) == 0)
            return *it;
    return NULL;
}
