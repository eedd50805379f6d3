/* A session: data, model, trainer and measurer of one run, opened from its settings, with the memory they take. */
#ifndef REFFRAME_TRAIN_SESSION_H
#define REFFRAME_TRAIN_SESSION_H

#include "train/initial.h"
#include "train/measure.h"
#include "train/trainer.h"

typedef struct {
    Arena *setup;  /* growing: corpus, tables, names */
    Arena *memory; /* fixed: everything the step and measuring use */
    TrainSettings settings;
    ModelSettings model_settings;
    Data *data;
    Model *model;
    const Kernels *kernels; /* of the engine that the settings ask for; our own where nothing is computed */
    size_t initial_bytes;   /* memory that reading model.init.from takes */
    char input_sha256[65];  /* of all that is read: corpus, initial weights; "" if nothing is */
    Lanes *lanes;
    Trainer trainer;
    Measurer *measurer; /* NULL when nothing is measured */
    const Lock *lock;   /* of the folder that is measured again, NULL elsewhere */
} Session;

/* Opens data and model and checks the whole settings; takes no memory for training. On failure nothing is left open.
 * `kernels` are our own; the engine, where the settings ask for another, puts its products in place of theirs. */
int session_open(const Settings *settings, const Kernels *kernels, Session *ret_session, Error *err);

/* The same with a corpus of a shelf, which outlives the session; NULL: of its own. */
int session_open_shared(const Settings *settings, const Kernels *kernels, CorpusShelf *shelf, Session *ret_session,
                        Error *err);

/* The same for who reads what a run has left and computes nothing: without the engine, which need not be there. */
int session_open_to_read(const Settings *settings, const Kernels *kernels, Session *ret_session, Error *err);

/* Threads that are of use: at most the lanes of a batch, or, without a trainer, of a measuring pass. */
int session_threads(const Session *session, int threads, int with_trainer);

/* Bytes of session_start's fixed arena; `threads` that are of no use take none. */
size_t session_bytes(const Session *session, int threads, int with_trainer, int with_measurer);

/* Takes that memory: trainer (parameters initialised, or taken from model.init.from, streams at their start) and
 * measurer. */
int session_start(Session *session, int threads, int with_trainer, int with_measurer, Error *err);

/* Sees that the run's folder holds the tokenizer (RUN_TOKENIZER) where there is one to keep: written for a run that
 * begins, or again if it is gone; of one that `has_begun`, a file with other bytes is STATUS_INPUT and stays as it is.
 */
int session_keep_tokenizer(const Session *session, const char *folder, int has_begun, Error *err);

/* Expected loss per target of the ideal predictor; NaN where the source or the objective leaves it unknown. */
double session_oracle_loss(const Session *session);

/* Gives everything back; accepts a half-opened session. */
void session_close(Session *session);

#endif
