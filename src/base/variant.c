/* A variant by its name, and the beginning of its life. */
#include "base/variant.h"

#include <string.h>

int variant_index(const Variant *const *variants, const char *name)
{
    for (int i = 0; variants[i]; i++)
        if (strcmp(variants[i]->name, name) == 0)
            return i;
    return -1;
}

int variant_prepare(Prepare *prepare, Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    void *state = NULL;
    const int status = prepare ? prepare(arena, settings, &state, err) : STATUS_OK;
    if (status == STATUS_OK)
        *ret_state = state;
    return status;
}
