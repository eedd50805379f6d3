/* Plans of several results folders as one: what `compare` lays side by side.
 *
 *   axes   `experiment`, then every axis that one of them has. An arm whose experiment does not sweep it has the value
 *          that its settings have, or "-" where the axis is no key of theirs
 *   arms   FOLDER.ARM
 *   runs   the finished ones, FOLDER.ARM-sSEED-ID
 *   notes  what was left out. Claims are left out: they were declared for one experiment
 */
#ifndef REFFRAME_APP_MERGE_H
#define REFFRAME_APP_MERGE_H

#include "plan/plan.h"

#define COMPARISON_AXIS "experiment"

/* One plan of `n` results folders, called `name`; and where each of its runs lies, (n_runs,). STATUS_INPUT where a plan
 * can't be read, two folders have one name, one is a comparison itself, or nothing has finished; STATUS_FAILED where a
 * finished run is not what it left. */
int merge_plans(Arena *arena, const Program *program, const char *const *folders, int n, const char *name,
                Plan *ret_plan, const char ***ret_from, Error *err);

#endif
