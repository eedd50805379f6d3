/* Runs that go on where a shorter one ended. Part of reuse.h, which says when one may. */
#ifndef REFFRAME_SCHED_LONGER_H
#define REFFRAME_SCHED_LONGER_H

#include "sched/reuse.h"
#include "store/manifest.h"

/* Finds for every run of the plan that has neither a folder nor a run of its id a shorter one, and of several the one
 * that gets it furthest; sets from, go_on_at, n_shorter, first_shorter and too_short. */
void longer_find(Arena *arena, const Plan *plan, const char *folder, const Machine *const *here,
                 StepsAlike *steps_alike, Reuse *reuse);

/* Whether a file below a shorter run's folder, of its snapshots or checkpoints, is part of the longer one, which goes
 * on at `step`; a checkpoint only if it is as it was written. */
int longer_shares(const Manifest *shorter, const char *run_folder, const char *folder, const char *name, int64_t step);

/* Makes the manifest that was copied into `folder` that of an interrupted run of `planned` at `step`. */
int longer_write_manifest(Arena *arena, const char *folder, const PlannedRun *planned, int64_t step, Error *err);

#endif
