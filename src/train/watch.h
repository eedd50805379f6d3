/* Checkpoints around the onset of the sink: weights of the snapshots between which it forms, kept though nobody knew
 * beforehand when that would be.
 *
 * The onset is that of the number which progress lines show, MeasureSummary's sink, by the rule of reports
 * (onset_of_run): over the larger of its computed baselines, and over its first value. Once found it does not move, and
 * before, the newest snapshots that could still be around it are kept. So what is kept in the end depends on the
 * snapshots alone, not on when a run was interrupted. Counted are snapshots in which the sink was measured.
 */
#ifndef REFFRAME_TRAIN_WATCH_H
#define REFFRAME_TRAIN_WATCH_H

#include "frame/onset.h"
#include "train/measure.h"

typedef struct {
    const TrainSettings *settings;
    const Measurer *measurer;
    double *steps, *sinks; /* (n,) of the snapshots in which it was measured */
    int n;
    double floor; /* of uniform or position-only attention; NaN until it was read */
    Onset onset;
} Watch;

/* Of a run that goes on at `step`, whose snapshots up to there are read; -1: that begins. Watches nothing where
 * checkpoint.around_onset is 0 or nothing is measured. Memory from arena, for all that will come. */
int watch_begin(Arena *arena, const TrainSettings *settings, const Measurer *measurer, const char *run_folder,
                int64_t step, Watch *ret_watch, Error *err);

/* The snapshot of `step` has been written. */
int watch_add(Watch *watch, const char *run_folder, int64_t step, double sink, Error *err);

/* Whether the checkpoint of a step is, as far as is known, around the onset: after a snapshot, whether to write one. */
int watch_keeps(const Watch *watch, int64_t step);

/* The most checkpoints that it keeps at a time. */
int watch_most(const TrainSettings *settings);

#endif
