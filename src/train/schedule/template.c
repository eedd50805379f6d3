/* Template of a schedule; the tests compile it and hold it to everything that a registered one must pass. As an
 * example, the rate drops once, at half time.
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'train/schedule' in src/meson.build. Of libm use sqrt, floor and
 *    their like alone, which have one right answer, or the functions that store/machine.c tries (functions[], cos is
 *    one): others may differ between machines that the record takes for the same.
 */
#include "train/schedule/schedule.h"

/* 2. What prepare reads, constant afterwards. A schedule without keys has neither this, nor params, nor prepare. */
typedef struct {
    double floor;
} Template;

/* 3. Keys below train.schedule that are valid with this kind: key, type, default, range, choices, help, and the member
 *    that holds the value. */
static const SchemaRow params[] = {
    {"floor", VALUE_NUMBER, "0.1", 0, 1, NULL, "share of the peak that is left after half time",
     FIELD(Template, floor)},
};

/* 4. Read them; refuse with settings_error what makes no sense. No other function sees the settings. */
static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.schedule", ROWS(params), sizeof(Template));
    return STATUS_OK;
}

/* 5. The factor on the peak learning rate; 1 at progress 0, never negative. */
static double factor(const void *state, double progress)
{
    return progress < 0.5 ? 1 : ((const Template *)state)->floor;
}

/* 6. The strategy itself: the list in meson.build finds it as schedule_NAME. */
extern const Schedule schedule_template;
const Schedule schedule_template = {
    .variant = {.name = "template", .summary = "drops once, at half time", .source = "-", PARAMS(params)},
    .prepare = prepare,
    .factor = factor,
};
