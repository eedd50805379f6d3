/* Reading the settings of training, and the steps at which something is due. */
#include "train/settings.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "geometry/metric.h"
#include "train/train.h"

static const SchemaRow top_rows[] = {
    {"seed", VALUE_INT, "1", 0, 4294967295.0, NULL,
     "seed of every random stream of the run, but for those of train.data_seed or train.init_seed",
     FIELD(TrainSettings, seed)},
};

static const char *const decay_names[] = {[DECAY_AUTO] = "auto", [DECAY_ON] = "true", [DECAY_OFF] = "false", NULL};

static const SchemaRow train_rows[] = {
    {"data_seed", VALUE_INT, "0", 0, 4294967295.0, NULL,
     "seed of all sequences, in training and measuring, and of what is hidden in them; 0: the run's",
     FIELD(TrainSettings, data_seed)},
    {"init_seed", VALUE_INT, "0", 0, 4294967295.0, NULL,
     "seed of the weights at step 0; 0: the run's; not beside data_seed", FIELD(TrainSettings, init_seed)},
    {"steps", VALUE_INT, "500", 1, 1e9, NULL, "updates", FIELD(TrainSettings, steps)},
    {"batch_size", VALUE_INT, "16", 1, 65536, NULL, "sequences a step", FIELD(TrainSettings, batch_size)},
    {"lanes", VALUE_INT, "0", 0, 1024, NULL, "pieces a batch is cut into, each summed by itself; 0: min(4, batch_size)",
     FIELD(TrainSettings, lanes)},
    {"lr", VALUE_NUMBER, "2e-3", 0, 1000, NULL, "peak learning rate", FIELD(TrainSettings, lr)},
    {"warmup_steps", VALUE_INT, "100", 0, 1e9, NULL, "steps over which the learning rate rises linearly to its peak",
     FIELD(TrainSettings, warmup_steps)},
    {"clip", VALUE_NUMBER, "1", 0, 1e9, NULL, "largest global gradient norm; 0: no clipping",
     FIELD(TrainSettings, clip)},
    {"decay.embedding", VALUE_CHOICE, "auto", 0, 0, decay_names,
     "the optimizer's weight_decay for token, position and other embeddings; auto: no, but for the map of vectors",
     FIELD(TrainSettings, decay.embedding)},
    {"decay.attention", VALUE_CHOICE, "auto", 0, 0, decay_names, "for matrices of attention; auto: yes",
     FIELD(TrainSettings, decay.attention)},
    {"decay.mlp", VALUE_CHOICE, "auto", 0, 0, decay_names, "for matrices of the MLP; auto: yes",
     FIELD(TrainSettings, decay.mlp)},
    {"decay.head", VALUE_CHOICE, "auto", 0, 0, decay_names, "for the head's matrix; auto: yes",
     FIELD(TrainSettings, decay.head)},
    {"decay.norm", VALUE_CHOICE, "auto", 0, 0, decay_names, "for gains and shifts of norms; auto: no",
     FIELD(TrainSettings, decay.norm)},
    {"decay.bias", VALUE_CHOICE, "auto", 0, 0, decay_names, "for biases and what else is no matrix; auto: no",
     FIELD(TrainSettings, decay.bias)},
};

static const SchemaRow measure_rows[] = {
    {"enabled", VALUE_BOOL, "true", 0, 1, NULL, "measure at all; training is the same bits either way",
     FIELD(TrainSettings, measure.enabled)},
    {"sequences", VALUE_INT, "32", 2, 65536, NULL,
     "held-out sequences of the measuring set, and of the set of half length",
     FIELD(TrainSettings, measure.n_sequences)},
    {"half_every", VALUE_INT, "4", 0, 1e6, NULL,
     "the set of half length, which tells a place from the start from one from the end, is "
     "measured at every Nth snapshot, and at the first and the last; 0: never",
     FIELD(TrainSettings, measure.half_every)},
    {"targets", VALUE_BOOL, "false", 0, 1, NULL,
     "measures means over queries a second time, as targets/NAME: over the queries from which something is predicted",
     FIELD(TrainSettings, measure.targets)},
};

static const SchemaRow snapshot_rows[] = {
    {"every", VALUE_INT, "20", 1, 1e9, NULL,
     "steps between snapshots after the log-spaced early ones (0, 1, 2, 4, 8, ...)",
     FIELD(TrainSettings, snapshot.every)},
    {"maps", VALUE_INT, "2", 0, 1024, NULL, "sequences of the measuring set whose whole attention maps are kept",
     FIELD(TrainSettings, snapshot.maps)},
    {"weights", VALUE_BOOL, "false", 0, 1, NULL, "keep the weights in every snapshot, for measuring again later",
     FIELD(TrainSettings, snapshot.weights)},
};

static const SchemaRow checkpoint_rows[] = {
    {"every", VALUE_INT, "0", 0, 1e9, NULL, "steps between checkpoints; 0: a quarter of the run",
     FIELD(TrainSettings, checkpoint.every)},
    {"keep", VALUE_INT, "1", 1, 1e6, NULL, "how many checkpoints stay on disk", FIELD(TrainSettings, checkpoint.keep)},
    {"around_onset", VALUE_INT, "0", 0, 1000, NULL,
     "the checkpoint of the snapshot at which the largest sink forms stays, too, with those of the N before it and the "
     "N behind it; 0: none",
     FIELD(TrainSettings, checkpoint.around_onset)},
};

const SchemaPart train_parts[] = {
    {"", NULL, ROWS(top_rows)},
    {"train", NULL, ROWS(train_rows)},
    {"measure", NULL, ROWS(measure_rows)},
    {"snapshot", NULL, ROWS(snapshot_rows)},
    {"checkpoint", NULL, ROWS(checkpoint_rows)},
};
const int train_n_parts = sizeof train_parts / sizeof *train_parts;

enum { DEFAULT_LANES = 4 };

/* measure.FAMILY.every and .sequences of all families. */
static int read_cadences(const Settings *settings, TrainSettings *train, Error *err)
{
    for (int f = 0; family_registry[f]; f++) {
        char every[64], sequences[64];
        assert(f < MOST_FAMILIES);
        snprintf(every, sizeof every, "measure.%s.every", family_registry[f]->variant.name);
        snprintf(sequences, sizeof sequences, "measure.%s.sequences", family_registry[f]->variant.name);
        Cadence cadence = {(int)settings_int(settings, every), (int)settings_int(settings, sequences)};
        if (cadence.n_sequences % 2)
            return settings_error(settings, sequences, err,
                                  "%d is odd; the strongest head is chosen on even sequences and read on odd ones",
                                  cadence.n_sequences);
        if (cadence.n_sequences == 0 || cadence.n_sequences > train->measure.n_sequences)
            cadence.n_sequences = train->measure.n_sequences;
        train->measure.families[f] = cadence;
        if (train->checkpoint.around_onset > 0 && strcmp(family_registry[f]->variant.name, "sink") == 0 &&
            (!train->measure.enabled || cadence.every == 0))
            return settings_error(settings, "checkpoint.around_onset", err,
                                  "is %d, but measure.enabled or measure.sink.every leaves no sink to form",
                                  train->checkpoint.around_onset);
    }
    return STATUS_OK;
}

/* The states of the variants that were chosen. */
static int prepare(Arena *arena, const Settings *settings, TrainSettings *train, Error *err)
{
    train->optimizer = optimizer_find(settings_text(settings, "train.optimizer.kind"));
    train->schedule = schedule_find(settings_text(settings, "train.schedule.kind"));
    train->objective = objective_find(settings_text(settings, "objective.kind"));
    int status = variant_prepare(train->optimizer->prepare, arena, settings, &train->optimizer_state, err);
    if (status == STATUS_OK)
        status = variant_prepare(train->schedule->prepare, arena, settings, &train->schedule_state, err);
    if (status == STATUS_OK)
        status = variant_prepare(train->objective->prepare, arena, settings, &train->objective_state, err);
    if (status == STATUS_OK)
        status = families_prepare(arena, settings, &train->measure.states, err);
    return status;
}

int train_settings_read(Arena *arena, const Settings *settings, TrainSettings *ret_train, Error *err)
{
    TrainSettings train = {0};
    for (int p = 0; p < train_n_parts; p++)
        settings_read_rows(settings, train_parts[p].group, train_parts[p].rows, train_parts[p].n_rows, &train);
    if (train.data_seed != 0 && train.init_seed != 0)
        return settings_error(settings, "train.init_seed", err,
                              "beside train.data_seed: seeds would draw nothing, and all of them be one run");
    if (train.data_seed == 0)
        train.data_seed = train.seed;
    if (train.init_seed == 0)
        train.init_seed = train.seed;
    if (train.lanes == 0)
        train.lanes = train.batch_size < DEFAULT_LANES ? train.batch_size : DEFAULT_LANES;
    if (train.lanes > train.batch_size)
        return settings_error(settings, "train.lanes", err, "%d lanes are more than train.batch_size %d", train.lanes,
                              train.batch_size);
    if (train.snapshot.maps > train.measure.n_sequences)
        return settings_error(settings, "snapshot.maps", err, "%d is more than measure.sequences %d",
                              train.snapshot.maps, train.measure.n_sequences);
    if (train.measure.n_sequences % 2)
        return settings_error(settings, "measure.sequences", err,
                              "%d is odd; the strongest head is chosen on even sequences and read on odd ones",
                              train.measure.n_sequences);
    if (train.checkpoint.every == 0)
        train.checkpoint.every = (train.steps + 3) / 4;
    int status = read_cadences(settings, &train, err);
    if (status == STATUS_OK)
        status = prepare(arena, settings, &train, err);
    if (status == STATUS_OK)
        *ret_train = train;
    return status;
}

double settings_lr(const TrainSettings *train, int64_t step)
{
    return schedule_lr(train->schedule, train->schedule_state, train->lr, step, train->warmup_steps, train->steps);
}

int64_t train_steps_alike(const Settings *settings, int64_t steps)
{
    Arena *arena = arena_new();
    const Settings fewer = settings_with_int(arena, settings, "train.steps", steps);
    TrainSettings shorter, longer;
    int64_t step = 0;
    if (train_settings_read(arena, settings, &longer, NULL) == STATUS_OK &&
        train_settings_read(arena, &fewer, &shorter, NULL) == STATUS_OK)
        while (step < steps && step < longer.steps && settings_lr(&shorter, step) == settings_lr(&longer, step))
            step++;
    arena_free(arena);
    return step;
}

int settings_know_ideal(const TrainSettings *train, const Source *source)
{
    return !train->objective->corrupts && (train->objective->needs_labels || !source->has_labels);
}

int snapshot_is_due(const TrainSettings *train, int64_t step)
{
    if (!train->measure.enabled)
        return 0;
    int is_power_of_two = (step & (step - 1)) == 0; /* 0 included */
    return step == train->steps || step % train->snapshot.every == 0 ||
           (is_power_of_two && step < train->snapshot.every);
}

/* Snapshots due before `step`: step 0, the powers of two below `every`, its multiples. */
static int snapshots_before(const TrainSettings *train, int64_t step)
{
    if (step == 0)
        return 0;
    int n = 1 + (int)((step - 1) / train->snapshot.every);
    for (int64_t early = 1; early < train->snapshot.every && early < step; early *= 2)
        n++;
    return n;
}

int snapshot_count(const TrainSettings *train)
{
    return train->measure.enabled ? snapshots_before(train, train->steps) + 1 : 0;
}

static int is_due(const TrainSettings *train, int every, int64_t step)
{
    return every > 0 && (step == train->steps || snapshots_before(train, step) % every == 0);
}

int half_is_due(const TrainSettings *train, int64_t step)
{
    return is_due(train, train->measure.half_every, step);
}

int family_is_due(const TrainSettings *train, int family, int64_t step)
{
    return is_due(train, train->measure.families[family].every, step);
}

int checkpoint_is_due(const TrainSettings *train, int64_t step)
{
    return step == train->steps || (step > 0 && step % train->checkpoint.every == 0);
}
