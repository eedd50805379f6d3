/* Lookup in the table that the build writes. */
#include "base/asset.h"

#include <string.h>

const Asset *asset_find(const char *name)
{
    for (const Asset *asset = asset_table; asset->name; asset++)
        if (strcmp(asset->name, name) == 0)
            return asset;
    return NULL;
}
