/* Checkpoints: one safetensors file with weights, optimizer slots, streams and counters; enough to go on to the same
 * bits.
 *
 * Members: every parameter by its name; `SLOT/NAME` per optimizer slot; `streams` I64 (4,) the state and increment of
 * the data and the mask stream; `progress` I64 (3,) step, tokens, targets. Metadata: format, refframe's version,
 * numerics.
 */
#ifndef REFFRAME_TRAIN_CHECKPOINT_H
#define REFFRAME_TRAIN_CHECKPOINT_H

#include "train/records.h"
#include "train/trainer.h"
#include "train/watch.h"

/* Writes checkpoints/step-STEP.safetensors atomically, then removes all but the newest `keep` that were due and those
 * that the watch keeps (a checkpoint written on an interrupt goes as soon as a newer one stands). */
int checkpoint_write(const Trainer *trainer, const char *run_folder, const Watch *watch, Error *err);

/* What the writing of the checkpoint of the trainer's step removes, in case that a kill came between. */
int checkpoint_prune(const Trainer *trainer, const char *run_folder, const Watch *watch, Error *err);

/* Reads only the parameters of a checkpoint, into a block laid out as `parameters` says; ret_progress: step, tokens,
 * targets, as the file says. */
int checkpoint_read_weights(const Parameters *parameters, const char *path, real *ret_block, int64_t ret_progress[3],
                            Error *err);

/* Reads the newest checkpoint of a run that can be gone on from: readable, of the trainer's shape, its counters those
 * of its step, its records as they were written. Why a newer one can't is said by `note`. *ret_found = 0 when there is
 * none.
 */
int checkpoint_resume(Trainer *trainer, const Records *records, void (*note)(void *context, const char *line),
                      void *context, int *ret_found, Error *err);

#endif
