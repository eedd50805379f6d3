/* Small runs for the tests of train/. */
#include "training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "data/data.h"
#include "geometry/metric.h"
#include "model/mask/mask.h"
#include "model/position/position.h"
#include "model/score/score.h"
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

/* The same schema that app/ assembles, of the kinds these tests choose between. */
static Schema schema_of_all(Arena *arena)
{
    SchemaPart *parts = ARENA_ARRAY(arena, SchemaPart, 128);
    int n = 0;
    parts[n++] = (SchemaPart){"model", NULL, model_rows, model_n_rows};
    parts[n++] = (SchemaPart){"data", NULL, data_rows, data_n_rows};
    for (int p = 0; p < train_n_parts; p++)
        parts[n++] = train_parts[p];
#define ADD(group_, registry, initial_)                                                                                \
    do {                                                                                                               \
        const char **names = ARENA_ARRAY(arena, const char *, 64);                                                     \
        for (int i = 0; (registry)[i]; i++) {                                                                          \
            names[i] = (registry)[i]->variant.name;                                                                    \
            parts[n++] =                                                                                               \
                (SchemaPart){group_, names[i], (registry)[i]->variant.params, (registry)[i]->variant.n_params};        \
        }                                                                                                              \
        SchemaRow *row = ARENA_ARRAY(arena, SchemaRow, 1);                                                             \
        *row = (SchemaRow){"kind", VALUE_CHOICE, initial_, 0, 0, names, "test"};                                       \
        parts[n++] = (SchemaPart){group_, NULL, row, 1};                                                               \
    } while (0)
    ADD("model.position", position_registry, "rope");
    ADD("model.mask", mask_registry, "causal");
    ADD("model.score", score_registry, "softmax");
    ADD("objective", objective_registry, "next");
    ADD("data.source", source_registry, "recall");
    ADD("data.tokenizer", tokenizer_registry, "character");
    ADD("train.optimizer", optimizer_registry, "adamw");
    ADD("train.schedule", schedule_registry, "constant");
#undef ADD
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        int n_rows;
        const SchemaRow *rows = family_rows(arena, *family, &n_rows);
        parts[n++] = (SchemaPart){arena_format(arena, "measure.%s", (*family)->variant.name), NULL, rows, n_rows};
    }
    return (Schema){parts, n};
}

static void must(int status, const Error *err)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    abort();
}

Settings tiny_settings(Arena *arena, const char *const *changes)
{
    Assignment assignments[64];
    int n = 0;
    const char *const *lists[] = {tiny, changes};
    for (int l = 0; l < 2; l++)
        for (const char *const *pair = lists[l]; pair && *pair; pair += 2)
            assignments[n++] = (Assignment){.key = pair[0], .text = pair[1], .file = "test"};
    Settings settings;
    Schema *schema = ARENA_ARRAY(arena, Schema, 1);
    *schema = schema_of_all(arena);
    Error err;
    must(settings_resolve(arena, schema, assignments, n, &settings, NULL, &err), &err);
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
    model_position_weights(rows->model, rows->parameters, rows->bias, rows->visible, layer, head, i, ret_weights);
}

PositionRows position_rows_of(const ModelRows *rows)
{
    return (PositionRows){rows, model_row};
}
