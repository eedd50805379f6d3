/* What a checkpoint was written behind, and a run that goes on from it needs as it was: the rows of train.csv, the
 * baselines and the snapshots up to its step. Their hashes stand in the manifest, which is written before each
 * checkpoint; a manifest of an earlier version, or none, leaves what can be told from the files themselves.
 */
#ifndef REFFRAME_TRAIN_RECORDS_H
#define REFFRAME_TRAIN_RECORDS_H

#include "store/manifest.h"
#include "train/settings.h"

typedef struct {
    Arena *arena;
    const char *folder;
    const TrainSettings *settings;
    Manifest earlier;   /* the run's last one; without files where none can be read */
    int64_t first_lost; /* the first step of which a record is lost, INT64_MAX for none, and ... */
    Error reason;       /* ... which, and how */
    const char
        *damage; /* of a manifest that is none, or is gone behind checkpoints; NULL: it was read, or is not due */
} Records;

/* Looks at baselines and snapshots due up to `last`, the step of the newest checkpoint. The snapshot of that step may
 * never have been written: it can be from the checkpoint's weights. Memory from arena. */
int records_open(Arena *arena, const char *folder, const TrainSettings *settings, int64_t last, Records *ret_records,
                 Error *err);

/* STATUS_OK if everything up to `step` stands as it was written; else the reason, which names the file. */
int records_check(const Records *records, int64_t step, Error *ret_reason);

/* Whether a snapshot is not there and nothing says that it ever was: the weights of its step can be measured. */
int records_lack(const Records *records, int64_t step);

/* The hashes of a run under way, in its manifest. */
typedef struct {
    const char *folder;
    Arena *arena;
    Manifest *manifest;
    char (*steps)[24], (*hashes)[65]; /* (most,) of manifest->rows */
    int most;
} Recorder;

/* Begins with what stands up to `step`; -1: with nothing. Memory from arena, for all that will come. */
int recorder_begin(Arena *arena, const Records *records, int64_t step, Manifest *manifest, Recorder *ret_recorder,
                   Error *err);

/* The snapshot of `step` has been written; with the first, the baselines. */
int recorder_add_snapshot(Recorder *recorder, int64_t step, Error *err);

/* train.csv was written up to the row of `step`, and so has the hash; a checkpoint comes next. */
void recorder_add_rows(Recorder *recorder, int64_t step, const char *hash);

/* The run has finished: each file that was recorded has the hash of then among those of the finished manifest, and
 * train.csv that of what was written into it, or STATUS_FAILED. */
int records_compare(const Manifest *recorded, const char *series_hash, const Manifest *finished, const char *folder,
                    Error *err);

#endif
