/* The scheduler: runs of a plan as child processes, a few at a time; finished ones are skipped, killed ones resumed.
 *
 * It writes RUN/run.yaml and starts `refframe train RUN`, whose stdout carries one Progress line now and then. Ctrl-C
 * reaches the children, who write what they have; the scheduler then returns STATUS_INTERRUPTED.
 */
#ifndef REFFRAME_SCHED_SCHED_H
#define REFFRAME_SCHED_SCHED_H

#include "base/clock.h"
#include "plan/plan.h"
#include "store/run.h"

/* What a training process tells its parent, one line of text. */
typedef struct {
    int64_t step, steps;
    double loss; /* of the last step, per target */
    double tokens_per_second;
    double sink; /* strongest head's sink mass at the last snapshot, NaN before the first */
} Progress;

void progress_format(const Progress *progress, char buffer[160]);
int progress_parse(const char *line, Progress *ret_progress); /* 0, or -1 for any other line */

/* Before what else it has to say, a line each. */
#define SCHED_NOTE "note: "

typedef struct {
    int n_runs, n_finished, n_skipped, n_failed, n_running;
    double share;           /* of all steps of all runs, those done before this call included */
    double seconds_left;    /* estimate from the steps done so far, NaN at first */
    Progress latest;        /* of the run that spoke last */
    const char *latest_run; /* its folder name */
} SchedState;

typedef struct {
    int jobs, threads;                /* processes at a time; threads for each */
    const char *program;              /* path of the executable */
    const char *const *train_options; /* extra words for `train`, NULL-terminated; may be NULL */
    void (*on_change)(void *context, const SchedState *state);               /* at most a few times a second */
    void (*on_note)(void *context, const PlannedRun *run, const char *line); /* may be NULL */
    void (*on_end)(void *context, const PlannedRun *run, RunStatus status, const char *reason);
    void *context;
} SchedOptions;

/* Looks at every run's folder before anything is created, then makes `folder`. STATUS_INPUT if it can't be made or
 * written into, or if a run's folder holds another run; STATUS_FAILED if another process is training one. */
int sched_check(const Plan *plan, const char *folder, Error *err);

/* Runs everything of `plan` below `folder` (results/NAME), after a sched_check of its own. STATUS_FAILED if any run
 * failed (the others still run), STATUS_INTERRUPTED after Ctrl-C (the caller has called child_catch_interrupts). */
int sched_run(const Plan *plan, const char *folder, const SchedOptions *options, SchedState *ret_state, Error *err);

#endif
