/* Warm-up, stable, decay (Hu et al. 2024, MiniCPM, section 4): the peak for most of the run, then a short way down, so
 * that one long run at the peak can be ended at any length.
 *
 *   factor = 1 for x <= 1 - d, else floor + (1 - floor) g(y),  y = (x - (1 - d)) / d
 *
 * with d = decay_share of the steps that follow warm-up and g(y) = 1 - y or 1 - sqrt(y) (Haegele et al. 2024, who find
 * the square root the better shape).
 */
#include <math.h>
#include <string.h>

#include "train/schedule/schedule.h"

static const char *const shapes[] = {"1-sqrt", "linear", NULL};

static const SchemaRow params[] = {
    {"decay_share", VALUE_NUMBER, "0.2", 0, 1, NULL, "share of the steps after warm-up over which the rate falls"},
    {"shape", VALUE_CHOICE, "1-sqrt", 0, 0, shapes, "of the fall over its course y: 1 - sqrt(y), or 1 - y"},
    {"floor", VALUE_NUMBER, "0", 0, 1, NULL, "share of the peak that is left at the last step"},
};

static double factor(const Settings *settings, double progress)
{
    const double share = settings_number(settings, "train.schedule.decay_share");
    const double floor = settings_number(settings, "train.schedule.floor");
    const double fallen = progress - (1 - share);
    if (fallen <= 0)
        return 1;
    const double y = fallen / share;
    const int is_linear = strcmp(settings_text(settings, "train.schedule.shape"), "linear") == 0;
    return floor + (1 - floor) * (1 - (is_linear ? y : sqrt(y)));
}

const Schedule schedule_wsd = {
    .variant = {.name = "wsd",
                .summary = "stays at the peak, then falls to floor x peak over the last decay_share of the steps",
                .source = "Hu et al. 2024, arXiv 2404.06395; shapes: Haegele et al. 2024, arXiv 2405.18392",
                PARAMS(params)},
    .factor = factor,
};
