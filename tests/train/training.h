/* Small runs for the tests of train/: settings from key=value pairs over a tiny model, and a folder to run in. */
#ifndef REFFRAME_TESTS_TRAIN_TRAINING_H
#define REFFRAME_TESTS_TRAIN_TRAINING_H

#include "base/schema.h"
#include "geometry/view.h"
#include "model/model.h"
#include "train/train.h"

/* Settings of a tiny recall run (1 layer, d_model 16, T 16, 12 steps), changed by key, value, ..., NULL. */
Settings tiny_settings(Arena *arena, const char *const *changes);

/* A fresh folder below the system's temporary one; remove it with file_remove_tree. */
char *fresh_folder(Arena *arena);

/* Trains settings in `folder`; stops after `stop_after` steps when that is > 0. Returns train_run's status. */
int train_in(const char *folder, const Settings *settings, int threads, int64_t stop_after, Error *err);

/* The same with a kernel table of the caller's choice. */
int train_with(const char *folder, const Settings *settings, const Kernels *kernels, int threads, int64_t stop_after,
               Error *err);

/* SHA-256 over names and bytes of train.csv, the tokenizer if it is there, snapshots and checkpoints of a run,
 * as hex. */
void results_hash(const char *folder, char ret_hex[65]);

/* What position alone gives by a model and its parameters, to geometry. */
typedef struct {
    const Model *model;
    const real *parameters, *bias; /* as model_position_bias makes it of them */
    const Visible *visible;
} ModelRows;

PositionRows position_rows_of(const ModelRows *rows);

#endif
