/* Linear decay after warm-up: factor = 1 - (1 - floor) x. */
#include "train/schedule/schedule.h"

typedef struct {
    double floor;
} Linear;

static const SchemaRow params[] = {
    {"floor", VALUE_NUMBER, "0", 0, 1, NULL, "share of the peak that is left at the last step", FIELD(Linear, floor)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.schedule", ROWS(params), sizeof(Linear));
    return STATUS_OK;
}

static double factor(const void *state, double progress)
{
    return 1 - (1 - ((const Linear *)state)->floor) * progress;
}

const Schedule schedule_linear = {
    .variant = {.name = "linear", .summary = "falls on a straight line to floor x peak", .source = "-", PARAMS(params)},
    .prepare = prepare,
    .factor = factor,
};
