/* Cosine decay after warm-up (Loshchilov & Hutter, SGDR, ICLR 2017, eq. 5): factor = floor +
 * (1-floor)(1+cos(pi x))/2. */
#include <math.h>

#include "train/schedule/schedule.h"

typedef struct {
    double floor;
} Cosine;

static const SchemaRow params[] = {
    {"floor", VALUE_NUMBER, "0.1", 0, 1, NULL, "share of the peak that is left at the last step", FIELD(Cosine, floor)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.schedule", ROWS(params), sizeof(Cosine));
    return STATUS_OK;
}

static double factor(const void *state, double progress)
{
    const double floor = ((const Cosine *)state)->floor;
    return floor + (1 - floor) * 0.5 * (1 + cos(3.14159265358979323846 * progress));
}

const Schedule schedule_cosine = {
    .variant = {.name = "cosine",
                .summary = "falls on half a cosine to floor x peak",
                .source = "Loshchilov & Hutter, ICLR 2017, arXiv 1608.03983",
                PARAMS(params)},
    .prepare = prepare,
    .factor = factor,
};
