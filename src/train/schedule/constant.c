/* Constant learning rate after warm-up: factor = 1. */
#include "train/schedule/schedule.h"

static double factor(const void *state, double progress)
{
    (void)state, (void)progress;
    return 1;
}

const Schedule schedule_constant = {
    .variant = {.name = "constant", .summary = "stays at the peak after warm-up", .source = "-"},
    .factor = factor,
};
