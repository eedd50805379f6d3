/* How far an experiment's runs are: what `refframe status` says, read while they train. Nothing is written, and a run's
 * lock is only asked for, as `status` does. */
#ifndef REFFRAME_SERVE_PROGRESS_H
#define REFFRAME_SERVE_PROGRESS_H

#include "base/json.h"
#include "store/run.h"

enum { PROGRESS_STATUSES = RUN_INTERRUPTED + 1, PROGRESS_TAG = 17 };

typedef struct {
    const char *folder, *arm;
    uint64_t seed;
    RunStatus status;
    const char *reason;  /* why it failed, or can't be read; "" otherwise */
    int64_t step, steps; /* trained, planned; 0 where not known yet */
    int64_t snapshot;    /* the newest one's step, -1 for none */
    int n_snapshots;
    double loss; /* of the newest step, in train.csv; NaN before */
} RunProgress;

typedef struct {
    const char *name, *title;
    RunProgress *runs;           /* (n_runs,) as planned */
    int n_runs, n_measured;      /* of which have snapshots */
    int n_of[PROGRESS_STATUSES]; /* runs by RunStatus */
    char tag[PROGRESS_TAG];      /* hex digits: of equal tags the pages are equal */
} Progress;

/* STATUS_INPUT where there is no such plan, STATUS_FAILED where the system fails. Memory from arena. */
int progress_read(Arena *arena, const char *folder, Progress *ret_progress, Error *err);

/* Keys of an object that is open: name, title, planned, a number for each status; and, with `has_runs`, every run. */
void progress_json(const Progress *progress, int has_runs, JsonWriter *json);

#endif
