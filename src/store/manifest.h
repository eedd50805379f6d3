/* manifest.json: what a run is, where it stands and what it left (format: results/README.md).
 *
 * It is the only file that marks a run finished. Its status is one of "running", "finished", "failed" (with a reason: a
 * non-finite loss, a full disk) and "interrupted".
 */
#ifndef REFFRAME_STORE_MANIFEST_H
#define REFFRAME_STORE_MANIFEST_H

#include "store/machine.h"
#include "store/run.h"

typedef struct {
    RunStatus status;
    const char *reason;  /* one line, "" unless failed */
    const char *id;      /* 12 hex digits */
    const char *version; /* refframe's */
    int numerics_version;
    Machine machine;      /* that trains it, the last one if there were several */
    int n_other_machines; /* resumes accepted, and measurings again, on a machine that computes other bits, or none
                             knows */
    uint64_t seed;
    int threads, lanes;
    const char *input_sha256; /* of corpus and initial weights; "" when there are none */
    int64_t step, steps;      /* done, planned */
    int64_t tokens, targets;  /* seen so far */
    int64_t n_parameters;
    double newline_share;                 /* NaN without a corpus */
    double oracle_loss;                   /* per target on held-out data; NaN where unknown */
    double oracle_loss_measured;          /* the same on the measuring set itself: the floor of final_loss */
    double final_loss;                    /* held-out loss of the last snapshot, NaN before */
    double wall_seconds, measure_seconds; /* summed over resumes */
    const char *started, *ended;          /* UTC */
    int n_resumes;
    const char **files;        /* relative paths and */
    const char **files_sha256; /* hashes of tokenizer, series, snapshots and the last checkpoint, once finished */
    int n_files;
    const char **rows; /* while it is not finished: of train.csv up to these steps (digits), each of which has a */
    const char **rows_sha256; /* checkpoint, the hashes; and `files` has those of the snapshots written so far */
    int n_rows;
    const char **times; /* once finished, of the files that hold times, and are no results: log.txt, timing.csv */
    const char **times_sha256;
    int n_times;
    int is_sealed; /* it was read, and has its own SHA-256 at its end, as those of earlier versions have not */
} Manifest;

/* STATUS_INPUT also where it is not what was written, by its own hash. */
int manifest_read(Arena *arena, const char *run_folder, Manifest *ret_manifest, Error *err);
int manifest_write(const char *run_folder, const Manifest *manifest, Error *err);

/* STATUS_OK if every file of a finished run stands as it was written; checkpoints, of which none is needed any more,
 * aside. Else what is the matter with the first that doesn't: STATUS_INPUT if it is gone or another, STATUS_FAILED if
 * the system can't read it. */
int manifest_check_files(const char *run_folder, const Manifest *manifest, Error *ret_reason);

/* Fills files and files_sha256 with what the run leaves: tokenizer, series, snapshots, checkpoints; and, when its log
 * is complete, times and times_sha256. */
int manifest_hash_files(Arena *arena, const char *run_folder, Manifest *manifest, Error *err);
int manifest_hash_times(Arena *arena, const char *run_folder, Manifest *manifest, Error *err);

/* Hashes one file again that has been written anew, by its name in the run's folder; one that is not listed stays so.
 * All others keep what they were written with, so that what has been lost or damaged is still known to be. */
int manifest_hash_again(Arena *arena, const char *run_folder, Manifest *manifest, const char *name, Error *err);

/* The hash that it has of a file of the run, by its path; NULL for none. */
const char *manifest_hash(const Manifest *manifest, const char *run_folder, const char *path);

/* How many of the listed files that begin with `prefix` are gone ("": of all), and the first of them. */
int manifest_lost(const Manifest *manifest, const char *run_folder, const char *prefix, const char **ret_first);

#endif
