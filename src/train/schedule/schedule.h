/* Learning-rate schedules: what follows the common linear warm-up. One file each, with a const Schedule at its foot.
 *
 *   lr(t) = train.lr * (t+1)/W for t < W = train.warmup_steps, else train.lr * factor((t-W)/(steps-W)),  t = 0, 1, ...
 */
#ifndef REFFRAME_TRAIN_SCHEDULE_H
#define REFFRAME_TRAIN_SCHEDULE_H

#include "base/variant.h"

typedef struct {
    Variant variant; /* keys below train.schedule */
    Prepare *prepare;
    double (*factor)(const void *state, double progress); /* progress in [0, 1); 1 at progress 0 */
} Schedule;

REGISTRY(Schedule, schedule);

/* Learning rate of update t = 0, 1, ... */
double schedule_lr(const Schedule *schedule, const void *state, double peak, int64_t t, int64_t warmup, int64_t steps);

#endif
