/* Warm-up, stable, decay (Hu et al. 2024, MiniCPM, section 4): the peak for most of the run, then a short way down, so
 * that one long run at the peak can be ended at any length.
 *
 *   factor = 1 for x <= 1 - d, else floor + (1 - floor) g(y),  y = (x - (1 - d)) / d
 *
 * with d = decay_share of the steps that follow warm-up and g(y) = 1 - y or 1 - sqrt(y) (Haegele et al. 2024, who find
 * the square root the better shape).
 */
#include <math.h>

#include "train/schedule/schedule.h"

typedef struct {
    double decay_share, floor;
    enum { SHAPE_ROOT, SHAPE_LINEAR } shape;
} Wsd;

static const char *const shapes[] = {[SHAPE_ROOT] = "1-sqrt", [SHAPE_LINEAR] = "linear", NULL};

static const SchemaRow params[] = {
    {"decay_share", VALUE_NUMBER, "0.2", 0, 1, NULL, "share of the steps after warm-up over which the rate falls",
     FIELD(Wsd, decay_share)},
    {"shape", VALUE_CHOICE, "1-sqrt", 0, 0, shapes, "of the fall over its course y: 1 - sqrt(y), or 1 - y",
     FIELD(Wsd, shape)},
    {"floor", VALUE_NUMBER, "0", 0, 1, NULL, "share of the peak that is left at the last step", FIELD(Wsd, floor)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.schedule", ROWS(params), sizeof(Wsd));
    return STATUS_OK;
}

static double factor(const void *state, double progress)
{
    const Wsd *wsd = state;
    const double fallen = progress - (1 - wsd->decay_share);
    if (fallen <= 0)
        return 1;
    const double y = fallen / wsd->decay_share;
    return wsd->floor + (1 - wsd->floor) * (1 - (wsd->shape == SHAPE_LINEAR ? y : sqrt(y)));
}

const Schedule schedule_wsd = {
    .variant = {.name = "wsd",
                .summary = "stays at the peak, then falls to floor x peak over the last decay_share of the steps",
                .source = "Hu et al. 2024, arXiv 2404.06395; shapes: Haegele et al. 2024, arXiv 2405.18392",
                PARAMS(params)},
    .prepare = prepare,
    .factor = factor,
};
