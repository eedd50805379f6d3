/* The measuring driver: runs the model over the measuring set, hands each sequence's View to every metric family, and
 * writes one snapshot. It reads parameters and nothing else of training, so that measuring cannot disturb it.
 *
 * The measuring set is N held-out sequences of length T and N of length T/2, drawn once from the streams "measure/full"
 * and "measure/half"; where lengths vary N of up to T alone, each measured as long as it is; an objective that corrupts
 * is measured on the clean sequences and again on one fixed corruption
 * ("measure/mask"), on which the loss is measured too. Sequences go to MEASURE_LANES lanes; sums over them have a fixed
 * order.
 */
#ifndef REFFRAME_TRAIN_MEASURE_H
#define REFFRAME_TRAIN_MEASURE_H

#include "base/lanes.h"
#include "data/data.h"
#include "model/model.h"
#include "store/lock.h"
#include "train/settings.h"

#define MEASURE_LANES 4

typedef struct Measurer Measurer;

typedef struct {
    double loss; /* held out, per target */
    double sink; /* largest over heads of sink_mass_idle, or of sink_mass where the source has no idle queries */
} MeasureSummary;

/* Loss per target of the ideal predictor on this very measuring set: the floor of its held-out loss. The
 * source's expected oracle loss differs from it by the luck of the draw. NaN where the source does not know it, and
 * under objectives that corrupt. */
double measurer_oracle_loss(const Measurer *measurer);

/* Bytes of the fixed arena that measurer_new needs for so many threads. */
size_t measurer_bytes(const TrainSettings *settings, const Model *model, const Data *data, int threads);

/* Draws the measuring set and takes all memory. `lanes` is borrowed. Fails where given weights (initial.h), of which
 * baselines may be, cannot be read. */
int measurer_new(Arena *arena, const TrainSettings *settings, const Model *model, const Data *data,
                 const Kernels *kernels, Lanes *lanes, Measurer **ret_measurer, Error *err);

/* Measures `parameters` and writes, if `lock` (NULL: without one) still holds then, RUN/snapshots/step-STEP.npz; at
 * step 0 (or when it is missing) also baselines.npz. */
int measure_snapshot(Measurer *measurer, const real *parameters, const Lock *lock, const char *run_folder, int64_t step,
                     int64_t tokens, int64_t targets, MeasureSummary *ret_summary, Error *err);

#endif
