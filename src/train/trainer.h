/* The trainer: everything one run holds in memory, and one step of it.
 *
 * Determinism: the batch is cut into `lanes`; each lane runs forward and backward by itself into a gradient block of
 * its own; blocks are summed in a fixed tree, so threads decide nothing but who computes what. The state that a
 * checkpoint must hold is all in this struct: step, parameters, slots, the two streams, the two counters.
 */
#ifndef REFFRAME_TRAIN_TRAINER_H
#define REFFRAME_TRAIN_TRAINER_H

#include "base/lanes.h"
#include "data/data.h"
#include "model/model.h"
#include "train/settings.h"

typedef struct {
    size_t offset; /* in reals, into the parameter block */
    size_t n;
    int decays;
    int rows, cols; /* of a matrix that is updated as a whole; 0: elementwise */
} Chunk;

typedef struct {
    const TrainSettings *settings;
    const Model *model;
    const Data *data;
    const Kernels *kernels;
    Lanes *lanes;

    real *parameters;                 /* (n_values,) */
    real *slots[OPTIMIZER_MAX_SLOTS]; /* (n_values,) each */
    real *gradients;                  /* (lanes, n_values); block 0 holds the sum after a step */
    double *lane_losses;              /* (lanes,) */
    Chunk *chunks;                    /* cuts of tensors for the threads; also the leaves of the norm's sum */
    int n_chunks;
    Chunk *updates; /* the chunks, or with update_matrix hidden matrices and the chunks of the rest */
    int n_updates;
    real **matrix_scratch;  /* (threads,) with update_matrix */
    double *chunk_squares;  /* (n_chunks,) */
    real *panels;           /* the parameters' weights, packed for the step under way */
    Workspace **workspaces; /* (threads,) */
    Batch batch;
    Sequence sequence;

    int64_t step, tokens, targets; /* updates done; inputs and loss targets seen */
    Pcg data_stream, mask_stream;
} Trainer;

/* One step's figures: a row of train.csv. */
typedef struct {
    double loss;          /* per target before the update, 0 for a batch without targets */
    double gradient_norm; /* global, before clipping */
    double lr;
    int n_targets;
} StepResult;

/* Bytes of the fixed arena that trainer_new needs. */
size_t trainer_bytes(const TrainSettings *settings, const Model *model, int threads);

/* All memory of the step, from a fixed arena; parameters initialised from their seed, streams at their start. `lanes`
 * is borrowed. */
void trainer_new(Arena *arena, const TrainSettings *settings, const Model *model, const Data *data,
                 const Kernels *kernels, Lanes *lanes, Trainer *ret_trainer);

/* Draws a batch, forward, objective, backward, clip, update. STATUS_FAILED, with nothing updated, when the loss or the
 * gradient norm is not finite. Allocates nothing. */
int trainer_step(Trainer *trainer, StepResult *ret_result, Error *err);

/* The same on the batch as it stands in trainer->batch: a step without its draw. */
int trainer_learn(Trainer *trainer, StepResult *ret_result, Error *err);

/* The whole batch through forward and backward into gradients block 0, without an update. */
double trainer_gradient(Trainer *trainer);

/* Draws the next batch into trainer->batch. */
void trainer_draw(Trainer *trainer);

#endif
