/* Warm-up, and finding a schedule by its name. */
#include "train/schedule/schedule.h"

#include <string.h>

const Schedule *schedule_find(const char *name)
{
    for (const Schedule *const *it = schedule_registry; *it; it++)
        if (strcmp((*it)->name, name) == 0)
            return *it;
    return NULL;
}

double schedule_lr(const Schedule *schedule, const Settings *settings, double peak, int64_t t, int64_t warmup,
                   int64_t steps)
{
    if (t < warmup)
        return peak * (double)(t + 1) / (double)warmup;
    return peak * schedule->factor(settings, (double)(t - warmup) / (double)(steps - warmup));
}
