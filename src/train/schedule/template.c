/* Template of a schedule: copy to NAME.c, follow the steps, add the word NAME to 'train/schedule' in src/meson.build.
 * As it stands it drops to a tenth at half time, and compiles with the tests.
 */
#include "train/schedule/schedule.h"

/* 1. Settings below train.schedule (a `params` table as in cosine.c); none here. */

/* 2. The factor on the peak learning rate; 1 at progress 0, never negative. */
static double factor(const Settings *settings, double progress)
{
    (void)settings;
    return progress < 0.5 ? 1 : 0.1;
}

/* 3. Say who you are. */
const Schedule schedule_template;
const Schedule schedule_template = {
    .variant = {.name = "template", .summary = "a tenth after half time", .source = "where it comes from"},
    .factor = factor,
};
