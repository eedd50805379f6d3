/* The settings of training, measuring, snapshots and checkpoints, resolved. */
#ifndef REFFRAME_TRAIN_SETTINGS_H
#define REFFRAME_TRAIN_SETTINGS_H

#include "data/source/source.h"
#include "model/objective/objective.h"
#include "train/optimizer/optimizer.h"
#include "train/schedule/schedule.h"

/* How often a metric family is measured. */
typedef struct {
    int every;       /* snapshots, 0: never */
    int n_sequences; /* of the measuring set */
} Cadence;

#define MOST_FAMILIES 64

/* Whether tensors of a kind decay; auto: as each says of itself, which matrices but embeddings do. */
typedef enum { DECAY_AUTO, DECAY_ON, DECAY_OFF } DecayRule;

typedef struct {
    uint64_t seed;      /* the run's, which stands for those of the next two that are 0 in the file */
    uint64_t data_seed; /* of all sequences, and of what is hidden in them */
    uint64_t init_seed; /* of the weights at step 0 */
    int64_t steps;
    int batch_size;  /* B */
    int lanes;       /* pieces a batch is cut into; decides the order of sums, hence the bits */
    double lr, clip; /* clip 0: off */
    int64_t warmup_steps;
    struct {
        DecayRule embedding, attention, mlp, head, norm; /* by the tensor's group, */
        DecayRule bias;                                  /* but what is no matrix of attention, MLP and head */
    } decay;
    const Optimizer *optimizer;
    void *optimizer_state; /* here and below: what the variant's prepare made, NULL where it has none */
    const Schedule *schedule;
    void *schedule_state;
    const Objective *objective;
    void *objective_state;
    struct {
        int enabled;
        int n_sequences;                 /* N of the measuring set, and of the set of half length */
        int half_every;                  /* snapshots between those that measure the set of half length; 0: never */
        int targets;                     /* metrics of maps again, over queries with a target */
        Cadence families[MOST_FAMILIES]; /* in the order of family_registry */
        const void *const *states;       /* of families, likewise */
    } measure;
    struct {
        int64_t every; /* steps between snapshots once the log-spaced early ones are wider apart */
        int maps;      /* sequences whose whole maps are kept */
        int weights;   /* weights go into snapshots */
    } snapshot;
    struct {
        int64_t every;    /* steps between checkpoints */
        int keep;         /* how many stay */
        int around_onset; /* of how many snapshots on either side of the sink's onset they stay, too */
    } checkpoint;
} TrainSettings;

/* Rows of the groups "train", "measure", "snapshot", "checkpoint" and of the top level (`seed`). */
extern const SchemaPart train_parts[];
extern const int train_n_parts;

/* Reads and cross-checks; resolves 0 = automatic. The default of lanes is min(4, batch_size), whatever the machine. The
 * variants' states come from arena. */
int train_settings_read(Arena *arena, const Settings *settings, TrainSettings *ret_train, Error *err);

/* The learning rate of the update behind `step`, 0 ... steps - 1. */
double settings_lr(const TrainSettings *train, int64_t step);

/* Whether a source's ideal predictor predicts what the objective asks for: not what was corrupted, nor the content of a
 * source whose labels it knows. */
int settings_know_ideal(const TrainSettings *train, const Source *source);

/* Whether step s (0 = before the first update) has a snapshot: 0, 1, 2, 4, 8, ... while closer together than `every`,
 * then every multiple of `every`, and the last step. Fixed before step 0. */
int snapshot_is_due(const TrainSettings *train, int64_t step);
int snapshot_count(const TrainSettings *train);

/* Whether the set of half length is measured in the snapshot of a step at which one is due. */
int half_is_due(const TrainSettings *train, int64_t step);

/* Whether a family (by its place in the registry) is measured in the snapshot of a step at which one is due. */
int family_is_due(const TrainSettings *train, int family, int64_t step);

/* Whether a checkpoint is due after step s: every multiple of checkpoint.every, and the last step. */
int checkpoint_is_due(const TrainSettings *train, int64_t step);

#endif
