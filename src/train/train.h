/* One resolved run, from its folder to its results.
 *
 *   build, load or initialise; per step: batch, forward, objective, backward, clip, optimizer; measure, snapshot and
 *   checkpoint when due. After step s come, in this order: the row of train.csv, the snapshot, the checkpoint; a resume
 *   goes back to the newest checkpoint and cuts away what lies behind it, so that every file ends with the same bytes.
 */
#ifndef REFFRAME_TRAIN_TRAIN_H
#define REFFRAME_TRAIN_TRAIN_H

#include "base/settings.h"
#include "data/corpus.h"
#include "num/kernels.h"

/* Raised when a golden test says that the bits of training or measuring changed; part of every run's id. */
#define TRAIN_NUMERICS_VERSION 2

typedef struct {
    int64_t step, steps;
    double loss, tokens_per_second, sink; /* sink: NaN before the first snapshot */
} TrainProgress;

typedef struct {
    const char *folder; /* of the run; run.yaml stands in it */
    const char *id;     /* 12 hex digits, for the manifest */
    const Settings *settings;
    const Kernels *kernels;
    int threads;                     /* at most `lanes` are of use */
    int accepts_other_machine;       /* goes on from a checkpoint of a machine that computes other bits */
    void (*on_begin)(void *context); /* all is loaded: before it there is nothing to write on an interrupt */
    void (*on_note)(void *context, const char *line);                  /* what whoever asked for the run should know */
    int (*should_stop)(void *context);                                 /* polled after every step */
    void (*on_progress)(void *context, const TrainProgress *progress); /* every step; cheap */
    void *context;                                                     /* of all four; each may be NULL */
} TrainJob;

/* Trains to the end, from the newest checkpoint if there is one; STATUS_INPUT if that is another machine's (machine.h).
 * STATUS_INTERRUPTED when should_stop says so, with a checkpoint written; STATUS_FAILED for a non-finite loss or an I/O
 * error, with the manifest saying why. */
int train_run(const TrainJob *job, Error *err);

enum { MOST_TRAIN_NOTES = 3 };

/* What a run will take, known before anything is taken. */
typedef struct {
    size_t memory_bytes;                         /* of the step, the measuring and the corpus, on one thread, and ... */
    size_t thread_bytes, measuring_thread_bytes; /* ... what each further one takes: see train_memory */
    size_t opening_bytes;                        /* while the corpus is opened, before anything else is taken */
    size_t disk_bytes; /* an upper estimate: snapshots before compression, checkpoints, series */
    int64_t n_parameters;
    double flops;  /* of all training steps */
    double beside; /* what passes beside these, measuring included, as the FLOPs that would take as long */
    double speed;  /* of its engine's, where exact's is 1: engine_speed */
    int64_t tokens, n_snapshots, n_checkpoints;
    int lanes;
    double oracle_loss;                    /* per target, NaN where unknown */
    char input_sha256[65];                 /* "" without input files */
    int64_t tokens_of[2], documents_of[2]; /* of a text: in its training part, in the part held out; 0 without one */
    char notes[MOST_TRAIN_NOTES][256];     /* what is allowed and yet hardly meant, a line each */
    int n_notes;
} TrainEstimate;

/* Opens the data and builds the model, to check whole settings (files exist, sizes fit) and to estimate. Takes memory
 * for the corpus and the tables only, and gives it back; a corpus of a shelf (NULL: none) stays there. */
int train_estimate(const Settings *settings, const Kernels *kernels, CorpusShelf *shelf, TrainEstimate *ret_estimate,
                   Error *err);

/* The most bytes at a time on so many threads; those that are of no use take none. */
size_t train_memory(const TrainEstimate *estimate, int threads);

/* Of a run with these settings and one that differs only in that it has `steps` steps, fewer: after how many of them
 * weights and streams are still the same to the bit. A schedule that ends with the run parts them early. */
int64_t train_steps_alike(const Settings *settings, int64_t steps);

/* A snapshot that was measured again. */
typedef struct {
    int64_t step;
    int is_changed; /* other bytes than before, or than the manifest has the hash of */
} Remeasured;

/* Measures again every snapshot whose weights were kept, in itself or in a checkpoint of its step, also one that is
 * gone; each is replaced atomically. STATUS_INPUT when an input is not the one that the run was trained on (other
 * sequences would be measured), or the manifest has another numerics version. Memory from arena. */
int train_measure_again(Arena *arena, const TrainJob *job, Remeasured **ret_snapshots, int *ret_n, Error *err);

#endif
