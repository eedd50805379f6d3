/* Finding a variant by its name. */
#include "base/variant.h"

#include <string.h>

int variant_index(const Variant *const *variants, const char *name)
{
    for (int i = 0; variants[i]; i++)
        if (strcmp(variants[i]->name, name) == 0)
            return i;
    return -1;
}
