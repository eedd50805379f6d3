/* Which runs a results folder is about, by its plan.json: what `status`, `clean` and `serve` ask. */
#ifndef REFFRAME_APP_PLANNED_H
#define REFFRAME_APP_PLANNED_H

#include "base/arena.h"
#include "base/status.h"

typedef struct {
    Arena *arena;
    const char *folder, *name; /* results/NAME, and the experiment's name */
    const char **runs;         /* (n_runs,) folder names, as planned */
    int n_runs;
    const char **compared; /* (n_compared,) what `compare` made it of; none where it did not */
    int n_compared;
} Planned;

/* STATUS_INPUT where plan.json is not there, not what SHA256SUMS lists, or lists no runs; `folder` and the rest stand
 * all the same, without runs. */
int planned_read(Arena *arena, const char *folder, Planned *ret_planned, Error *err);

/* What to say of a folder that could not be read with `status`: where that is because it has no plan.json, err says
 * what the folder is instead, and which is meant. Returns the status. */
int planned_explain(Arena *arena, const char *folder, int status, Error *err);

/* The first folder in it that has a plan; NULL where it holds no experiment. */
const char *planned_below(Arena *arena, const char *folder);

/* Whether it is a folder into which nothing was run yet, and of one experiment: it is there, without plan.json and
 * without folders. */
int planned_awaits(const char *folder);

/* Names of folders in it that are runs, and of no plan that stands there; in order. A folder that can't be listed has
 * none: whoever goes on to read it is told. */
const char **planned_orphans(const Planned *planned, int *ret_n);

#endif
