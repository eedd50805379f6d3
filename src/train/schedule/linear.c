/* Linear decay after warm-up: factor = 1 - (1 - floor) x. */
#include "train/schedule/schedule.h"

static const SchemaRow params[] = {
    {"floor", VALUE_NUMBER, "0", 0, 1, NULL, "share of the peak that is left at the last step"},
};

static double factor(const Settings *settings, double progress)
{
    return 1 - (1 - settings_number(settings, "train.schedule.floor")) * progress;
}

const Schedule schedule_linear = {
    .variant = {.name = "linear", .summary = "falls on a straight line to floor x peak", .source = "-", PARAMS(params)},
    .factor = factor,
};
