/* Small runs for the tests of train/: settings from key=value pairs over a tiny model, and a folder to run in. */
#ifndef REFFRAME_TESTS_TRAIN_TRAINING_H
#define REFFRAME_TESTS_TRAIN_TRAINING_H

#include "base/variant.h"
#include "geometry/view.h"
#include "model/model.h"
#include "store/npz.h"
#include "train/optimizer/optimizer.h"
#include "train/schedule/schedule.h"
#include "train/train.h"
#include "tools.h"

/* One kind of variants whose settings are no model's: those of its registry, and its template. */
typedef struct {
    const char *name, *group; /* "optimizer", "train.optimizer" */
    const char *initial;      /* of GROUP.kind */
    const Variant *const *registered;
    const Variant *template;
} VariantKind;

extern const VariantKind variant_kinds[];
extern const int n_variant_kinds;

/* Variant i of a kind, from 0: the registered ones, then the template, then NULL. */
const Variant *any_variant(const VariantKind *kind, int i);
const Optimizer *any_optimizer(int i);
const Schedule *any_schedule(int i);

/* Settings of a tiny recall run (1 layer, d_model 16, T 16, 12 steps), changed by key, value, ..., NULL. */
Settings tiny_settings(Arena *arena, const char *const *changes);

/* The same, changed by n assignments that may be refused; `instead` (may be NULL) stands for the kind of its name. */
int tiny_settings_with(Arena *arena, const VariantKind *instead, const Assignment *changes, int n,
                       Settings *ret_settings, Error *err);

/* A fresh folder below the system's temporary one; remove it with remove_tree. */
char *fresh_folder(Arena *arena);

/* Trains settings in `folder`; stops after `stop_after` steps when that is > 0. Returns train_run's status. */
int train_in(const char *folder, const Settings *settings, int threads, int64_t stop_after, Error *err);

/* The same with a kernel table of the caller's choice. */
int train_with(const char *folder, const Settings *settings, const Kernels *kernels, int threads, int64_t stop_after,
               Error *err);

/* A whole run of changed tiny settings in a folder of its own; one of its snapshots, in its arena; and the end of both.
 * They fail the test if they cannot. */
typedef struct {
    Arena *arena;
    char *folder;
} Trained;

Trained train_tiny(const char *const *changes);
Npz snapshot_of(const Trained *trained, int64_t step);
void drop_trained(Trained *trained);

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
