/* A run's folder (format: results/README.md): paths, the manifest, and who may write.
 *
 * manifest.json is the only file that marks a run finished. Its status is one of "running", "finished", "failed"
 * (with a reason: a non-finite loss, a full disk) and "interrupted".
 */
#ifndef REFFRAME_STORE_RUN_H
#define REFFRAME_STORE_RUN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "store/machine.h"

#define RUN_CONFIG      "run.yaml"
#define RUN_MANIFEST    "manifest.json"
#define RUN_TOKENIZER   "tokenizer.csv" /* absent where ids' strings say it all */
#define RUN_SERIES      "train.csv"
#define RUN_TIMING      "timing.csv"
#define RUN_SNAPSHOTS   "snapshots"
#define RUN_CHECKPOINTS "checkpoints"
#define RUN_LOG         "log.txt"
#define RUN_LOCK        "lock"
#define RUN_BASELINES   "snapshots/baselines.npz"

typedef enum { RUN_ABSENT, RUN_PENDING, RUN_RUNNING, RUN_FINISHED, RUN_FAILED, RUN_INTERRUPTED } RunStatus;

typedef struct {
    RunStatus status;
    const char *reason;  /* one line, "" unless failed */
    const char *id;      /* 12 hex digits */
    const char *version; /* refframe's */
    int numerics_version;
    Machine machine;          /* that trains it, the last one if there were several */
    int n_other_machines;     /* resumes accepted, and measurings again, on a machine that computes other bits */
    const char *kernels_note; /* "own products; no BLAS in the training step" */
    uint64_t seed;
    int threads, lanes;
    const char *input_sha256; /* of the corpus; "" when there is none */
    int64_t step, steps;      /* done, planned */
    int64_t tokens, targets;  /* seen so far */
    int64_t n_parameters;
    double newline_share;                 /* NaN without a corpus */
    double oracle_loss;                   /* nats per target on held-out data; NaN where unknown */
    double oracle_loss_measured;          /* the same on the measuring set itself: the floor of final_loss */
    double final_loss;                    /* held-out loss of the last snapshot, NaN before */
    double wall_seconds, measure_seconds; /* summed over resumes */
    const char *started, *ended;          /* UTC */
    int n_resumes;
    const char **files;        /* relative paths and */
    const char **files_sha256; /* hashes of tokenizer, series, snapshots and the last checkpoint, once finished */
    int n_files;
} Manifest;

int manifest_read(Arena *arena, const char *run_folder, Manifest *ret_manifest, Error *err);
int manifest_write(const char *run_folder, const Manifest *manifest, Error *err);

/* Fills files and files_sha256 with what the run leaves: tokenizer, series, snapshots, checkpoints. */
int manifest_hash_files(Arena *arena, const char *run_folder, Manifest *manifest, Error *err);

/* Status without an error: RUN_ABSENT without a folder, RUN_PENDING without a manifest; a manifest that says "running"
 * while nobody holds the lock is RUN_INTERRUPTED. */
RunStatus run_status(const char *run_folder);
const char *run_status_name(RunStatus status);

/* Holds the run's lock file while training. */
int run_lock(const char *run_folder, int *ret_lock, Error *err);
void run_unlock(int lock);

/* "snapshots/step-%08d.npz" and "checkpoints/step-%08d.safetensors" below the run folder. */
char *run_snapshot_path(Arena *arena, const char *run_folder, int64_t step);
char *run_checkpoint_path(Arena *arena, const char *run_folder, int64_t step);
/* Steps for which such files stand, ascending. `folder` is RUN_SNAPSHOTS or RUN_CHECKPOINTS. */
int run_steps(Arena *arena, const char *run_folder, const char *folder, int64_t **ret_steps, int *ret_n, Error *err);
/* Removes snapshots and checkpoints behind `step` (resume). */
int run_cut_back(const char *run_folder, int64_t step, Error *err);

/* Appends one line with a time stamp to log.txt. */
int run_log(const char *run_folder, const char *line, Error *err);

#endif
