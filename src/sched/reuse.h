/* Runs that are there already, under other names: a run is its id, whatever its arm, its experiment or its folder is
 * called. So a plan whose arms were renamed, or that gained an axis, trains nothing twice.
 *
 * Looked through are the experiments that lie beside this one below results, this one's own folder among them. A
 * finished run is used if every file of it stands as it was written; of unfinished ones the one that is furthest, if
 * this machine may go on with it. Nothing is moved: what both need is shared where the file system can, and copied
 * where it can't, and the run that was found stays as it is.
 *
 * A finished run that differs from a planned one only in that it has fewer steps is that one's beginning, as far as
 * their learning rates are the same: the planned one then goes on from its last checkpoint up to there (longer.c).
 */
#ifndef REFFRAME_SCHED_REUSE_H
#define REFFRAME_SCHED_REUSE_H

#include "plan/plan.h"
#include "store/machine.h"

/* Of a run with these settings and one that has only `steps` steps, fewer: after how many both are still the same. */
typedef int64_t StepsAlike(const Settings *settings, int64_t steps);

typedef struct {
    const char **from; /* (n_runs,) folder of a run that is used; NULL: none, or the run has a folder of its own */
    int64_t *go_on_at; /* (n_runs,) -1: it has the same id; else it is shorter, and its checkpoint of that step is
                        * gone on from. NULL: all have the same id */
    int n_finished, n_begun, n_shorter; /* the same by their ids, of either kind; shorter ones */
    const char *first, *first_shorter;  /* the first of either, NULL without any */
    const char *refused;                /* one line on a finished run that was found and can't be used; NULL: none */
    const char *too_short;              /* one line on a shorter one that can't be gone on from; NULL: none */
    const char *missed;                 /* after reuse_take: one that could not be, as somebody had it; NULL: none */
} Reuse;

/* What could be used for the runs of `plan` that have no folder below `folder` (results/NAME) yet, which `here`
 * (n_runs,) would go on with. What cannot be looked into is passed over. */
void reuse_find(Arena *arena, const Plan *plan, const char *folder, const Machine *const *here, StepsAlike *steps_alike,
                Reuse *ret_reuse);

/* Gives these runs their folders; each is there whole, or not at all. A run that somebody holds is not taken, and told
 * in `missed`; a finished one that this user may not lock is. */
int reuse_take(const Plan *plan, const char *folder, Reuse *reuse, Error *err);

#endif
