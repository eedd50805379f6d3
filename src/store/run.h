/* A run's folder (format: results/README.md): paths, status, and who may write.
 */
#ifndef REFFRAME_STORE_RUN_H
#define REFFRAME_STORE_RUN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "store/lock.h"

#define RUN_CONFIG      "run.yaml"
#define RUN_MANIFEST    "manifest.json"
#define RUN_TOKENIZER   "tokenizer.csv" /* absent where ids' strings say it all */
#define RUN_SERIES      "train.csv"
#define RUN_TIMING      "timing.csv"
#define RUN_SNAPSHOTS   "snapshots"
#define RUN_CHECKPOINTS "checkpoints"
#define RUN_LOG         "log.txt"
#define RUN_STDERR      "stderr.txt" /* removed if it stayed empty */
#define RUN_LOCK        "lock"
#define RUN_LEASE       LEASE_FILE /* which host trains; stays behind a kill, and is replaced by whoever comes next */
#define RUN_BASELINES   "snapshots/baselines.npz"

typedef enum { RUN_ABSENT, RUN_PENDING, RUN_RUNNING, RUN_FINISHED, RUN_FAILED, RUN_INTERRUPTED } RunStatus;

/* Status without an error: RUN_ABSENT without a folder, RUN_PENDING without a manifest; a manifest that says "running"
 * while nobody holds the lock, on this host or another, is RUN_INTERRUPTED. */
RunStatus run_status(const char *run_folder);
const char *run_status_name(RunStatus status);

/* The system may take a while to end a process that was killed, as a run is with its parent, and to give back all its
 * memory; until then its lock is held. So whoever finds a run in use waits, for so many seconds at most. */
#define RUN_PATIENCE 5.0
/* 0 once nobody holds the lock; -1: somebody still does, or, without waiting, another host does. */
int run_wait(const char *run_folder);

/* Holds the run's lock file while training, and its lease (lock.h); waits for a process of this host as above. The lock
 * is asked by lock_check before anything is written, and ended by lock_free. */
int run_lock(const char *run_folder, LockUse use, Lock **ret_lock, Error *err);
/* Whether somebody does. */
int run_is_locked(const char *run_folder);
/* Whether another host does, and then who. */
int run_is_elsewhere(const char *run_folder, LeaseHolder *ret_holder);

/* "snapshots/step-%08d.npz" and "checkpoints/step-%08d.safetensors" below the run folder. */
char *run_snapshot_path(Arena *arena, const char *run_folder, int64_t step);
char *run_checkpoint_path(Arena *arena, const char *run_folder, int64_t step);
/* Steps for which such files stand, ascending. `folder` is RUN_SNAPSHOTS or RUN_CHECKPOINTS. */
int run_steps(Arena *arena, const char *run_folder, const char *folder, int64_t **ret_steps, int *ret_n, Error *err);
/* The step of such a file's name in one of the two folders; -1 for any other name. */
int64_t run_step_of(const char *folder, const char *name);
/* Removes snapshots and checkpoints behind `step` (resume). */
int run_cut_back(const char *run_folder, int64_t step, Error *err);

/* Appends one line with a time stamp to log.txt. */
int run_log(const char *run_folder, const char *line, Error *err);

#endif
