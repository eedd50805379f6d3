/* The search for a source by name. */
#include "data/source/source.h"

#include <string.h>

const Source *source_find(const char *name)
{
    for (const Source *const *s = source_registry; *s; s++)
        if (strcmp((*s)->name, name) == 0)
            return *s;
    return NULL;
}
