/* Warm-up. */
#include "train/schedule/schedule.h"

double schedule_lr(const Schedule *schedule, const void *state, double peak, int64_t t, int64_t warmup, int64_t steps)
{
    if (t < warmup)
        return peak * (double)(t + 1) / (double)warmup;
    return peak * schedule->factor(state, (double)(t - warmup) / (double)(steps - warmup));
}
