/* Small runs for the tests of train/. */
#include "training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/resolve.h"
#include "base/sha256.h"
#include "data/data.h"
#include "geometry/metric.h"
#include "model/gate/gate.h"
#include "model/mask/mask.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "model/slot/slot.h"
#include "num/engine.h"
#include "store/run.h"
#include "train/settings.h"

static const char *const tiny[] = {"model.n_layers",
                                   "1",
                                   "model.d_model",
                                   "16",
                                   "model.context_length",
                                   "16",
                                   "train.steps",
                                   "12",
                                   "train.batch_size",
                                   "8",
                                   "train.lanes",
                                   "4",
                                   "train.warmup_steps",
                                   "4",
                                   "measure.sequences",
                                   "6",
                                   "snapshot.every",
                                   "5",
                                   "snapshot.maps",
                                   "1",
                                   "checkpoint.every",
                                   "5",
                                   "objective.kind",
                                   "labelled",
                                   "data.source.kind",
                                   "recall",
                                   "data.bos",
                                   "never",
                                   "model.position.kind",
                                   "rope",
                                   NULL};

extern const Source source_template;
extern const Tokenizer tokenizer_template;
extern const Objective objective_template;
extern const Optimizer optimizer_template;
extern const Schedule schedule_template;

const VariantKind variant_kinds[] = {
    {"objective", "objective", "next", objective_variants, &objective_template.variant},
    {"source", "data.source", "recall", source_variants, &source_template.variant},
    {"tokenizer", "data.tokenizer", "character", tokenizer_variants, &tokenizer_template.variant},
    {"optimizer", "train.optimizer", "adamw", optimizer_variants, &optimizer_template.variant},
    {"schedule", "train.schedule", "constant", schedule_variants, &schedule_template.variant},
};
const int n_variant_kinds = sizeof variant_kinds / sizeof *variant_kinds;

static const VariantKind model_kinds[] = {
    {"position", "model.position", "rope", position_variants, NULL},
    {"mask", "model.mask", "causal", mask_variants, NULL},
    {"score", "model.score", "softmax", score_variants, NULL},
    {"slot", "model.slot", "none", slot_variants, NULL},
    {"gate", "model.gate", "none", gate_variants, NULL},
};

const Variant *any_variant(const VariantKind *kind, int i)
{
    for (int n = 0; n < i; n++)
        if (!kind->registered[n])
            return NULL;
    return kind->registered[i] ? kind->registered[i] : kind->template;
}

const Optimizer *any_optimizer(int i)
{
    return (const Optimizer *)any_variant(&variant_kinds[3], i);
}

const Schedule *any_schedule(int i)
{
    return (const Schedule *)any_variant(&variant_kinds[4], i);
}

/* GROUP.kind, and the keys of each variant. */
static int add_kind(Arena *arena, const VariantKind *kind, SchemaPart *parts)
{
    enum { MOST_NAMES = 64 };
    const char **names = ARENA_ARRAY(arena, const char *, MOST_NAMES);
    SchemaRow *row = ARENA_ARRAY(arena, SchemaRow, 1);
    int n = 0;
    for (const Variant *variant; (variant = any_variant(kind, n)) != NULL; n++) {
        names[n] = variant->name;
        parts[n] = (SchemaPart){kind->group, variant->name, variant->params, variant->n_params};
    }
    *row = (SchemaRow){"kind", VALUE_CHOICE, kind->initial, 0, 0, names, "test", BY_HAND};
    parts[n++] = (SchemaPart){kind->group, NULL, row, 1};
    return n;
}

/* The same schema that app/ assembles, and the templates. */
static Schema schema_of_all(Arena *arena, const VariantKind *instead)
{
    SchemaPart *parts = ARENA_ARRAY(arena, SchemaPart, 128);
    int n = 0;
    parts[n++] = (SchemaPart){"model", NULL, model_rows, model_n_rows};
    parts[n++] = (SchemaPart){"model", NULL, model_vector_rows, model_n_vector_rows};
    parts[n++] = (SchemaPart){"model.score", NULL, model_score_rows, model_n_score_rows};
    parts[n++] = (SchemaPart){"data", NULL, data_rows, data_n_rows};
    parts[n++] = (SchemaPart){"numerics", NULL, engine_rows, engine_n_rows};
    for (int p = 0; p < train_n_parts; p++)
        parts[n++] = train_parts[p];
    for (size_t k = 0; k < sizeof model_kinds / sizeof *model_kinds; k++)
        n += add_kind(arena, &model_kinds[k], parts + n);
    for (int k = 0; k < n_variant_kinds; k++)
        n += add_kind(arena, instead && strcmp(instead->name, variant_kinds[k].name) == 0 ? instead : &variant_kinds[k],
                      parts + n);
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        int n_rows;
        const SchemaRow *rows = family_rows(arena, *family, &n_rows);
        parts[n++] = (SchemaPart){arena_format(arena, "measure.%s", (*family)->variant.name), NULL, rows, n_rows};
    }
    return (Schema){.parts = parts, .n_parts = n};
}

static void must(int status, const Error *err)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    abort();
}

int tiny_settings_with(Arena *arena, const VariantKind *instead, const Assignment *changes, int n,
                       Settings *ret_settings, Error *err)
{
    Assignment assignments[128];
    int n_all = 0;
    for (const char *const *pair = tiny; *pair; pair += 2)
        assignments[n_all++] = (Assignment){.key = pair[0], .text = pair[1], .file = "test"};
    for (int i = 0; i < n; i++)
        assignments[n_all++] = changes[i];
    const Schema schema = schema_of_all(arena, instead);
    return settings_resolve(arena, &schema, assignments, n_all, ret_settings, NULL, err);
}

Settings tiny_settings(Arena *arena, const char *const *changes)
{
    Assignment assignments[96];
    int n = 0;
    for (const char *const *pair = changes; pair && *pair; pair += 2)
        assignments[n++] = (Assignment){.key = pair[0], .text = pair[1], .file = "test"};
    Settings settings;
    Error err;
    must(tiny_settings_with(arena, NULL, assignments, n, &settings, &err), &err);
    return settings;
}

char *fresh_folder(Arena *arena)
{
    const char *base = getenv("TMPDIR");
    char *folder = arena_format(arena, "%s/refframe-train-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        abort();
    return folder;
}

typedef struct {
    int64_t polls, stop_after;
} Stopper;

static int should_stop(void *context)
{
    Stopper *stopper = context;
    return ++stopper->polls >= stopper->stop_after && stopper->stop_after > 0;
}

int train_in(const char *folder, const Settings *settings, int threads, int64_t stop_after, Error *err)
{
    return train_with(folder, settings, kernels_best(), threads, stop_after, err);
}

int train_with(const char *folder, const Settings *settings, const Kernels *kernels, int threads, int64_t stop_after,
               Error *err)
{
    Stopper stopper = {0, stop_after};
    TrainJob job = {.folder = folder,
                    .id = "0123456789ab",
                    .settings = settings,
                    .kernels = kernels,
                    .threads = threads,
                    .should_stop = should_stop,
                    .context = &stopper};
    return train_run(&job, err);
}

static void add_file(Arena *arena, Sha256 *sha, const char *folder, const char *name)
{
    char *bytes;
    size_t n;
    Error err;
    must(file_read(arena, file_join(arena, folder, name), &bytes, &n, &err), &err);
    sha256_add(sha, name, strlen(name) + 1);
    sha256_add(sha, bytes, n);
}

void results_hash(const char *folder, char ret_hex[65])
{
    static const char *const folders[] = {RUN_SNAPSHOTS, RUN_CHECKPOINTS};
    Arena *arena = arena_new();
    Sha256 sha;
    Error err;
    unsigned char digest[32];
    sha256_start(&sha);
    add_file(arena, &sha, folder, RUN_SERIES);
    if (file_exists(file_join(arena, folder, RUN_TOKENIZER)))
        add_file(arena, &sha, folder, RUN_TOKENIZER);
    for (int f = 0; f < 2; f++) {
        char **names;
        int n;
        must(file_list(arena, file_join(arena, folder, folders[f]), &names, &n, &err), &err);
        for (int i = 0; i < n; i++)
            add_file(arena, &sha, folder, file_join(arena, folders[f], names[i]));
    }
    sha256_end(&sha, digest);
    sha256_digest_hex(digest, ret_hex);
    arena_free(arena);
}

static void model_row(const void *context, int layer, int head, int i, double *ret_weights)
{
    const ModelRows *rows = context;
    double work[128];
    if (rows->visible->length + model_n_slots(rows->model) > 128)
        abort();
    model_position_weights(rows->model, rows->parameters, rows->bias, rows->visible, layer, head, i, work, ret_weights);
}

PositionRows position_rows_of(const ModelRows *rows)
{
    return (PositionRows){rows, model_row};
}

Trained train_tiny(const char *const *changes)
{
    Error err = {""};
    Trained trained = {arena_new(), NULL};
    const Settings settings = tiny_settings(trained.arena, changes);
    trained.folder = fresh_folder(trained.arena);
    must(train_in(trained.folder, &settings, 1, 0, &err), &err);
    return trained;
}

Npz snapshot_of(const Trained *trained, int64_t step)
{
    Error err;
    Npz npz;
    must(npz_read(trained->arena, run_snapshot_path(trained->arena, trained->folder, step), &npz, &err), &err);
    return npz;
}

void drop_trained(Trained *trained)
{
    remove_tree(trained->folder);
    arena_free(trained->arena);
}
