/* What the program asks of a system, where there is none: a page has a clock of its own, one core, and no files that
 * travel with it. */
#include <time.h>

#include "base/asset.h"
#include "base/clock.h"
#include "base/variant.h"

double clock_seconds(void)
{
    return 0;
}

char *clock_timestamp(char buffer[32])
{
    buffer[0] = '\0';
    return buffer;
}

int clock_cores(void)
{
    return 1;
}

const Asset *asset_find(const char *name)
{
    (void)name;
    return NULL;
}

/* Nothing is exported from a page. */
const Variant *const export_variants[] = {NULL};
