/* Fuzzes a checkpoint that a run would go on from, and the same file as initial weights; as it comes and with its
 * checksum put right. What is refused changes nothing; what is taken is written so that it is taken as the same. */
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>

#include "program.h"
#include "repair.h"
#include "store/run.h"
#include "train/checkpoint.h"
#include "train/session.h"

enum { STEP = 3 };
#define CHECKPOINT "run/" RUN_CHECKPOINTS "/step-00000003.safetensors"
#define SERIES     "step,loss,gradient_norm,lr,targets\n1,1,1,1,1\n2,1,1,1,1\n3,1,1,1,1\n"

/* A run and its trainer as it was at the start, made once. */
typedef struct {
    Arena *arena;
    Session session;
    Settings settings, given; /* of the run; of one that takes its initial weights from the checkpoint */
    real *parameters, *slots, *block;
    size_t n;
    Trainer trainer;
} Scene;

static Scene *scene_of_process(void)
{
    static Scene scene;
    Error err;
    if (scene.n)
        return &scene;
    const char *path = fuzz_file(CHECKPOINT, "", 0);
    Arena *arena = scene.arena = arena_new();
    const char *changes[] = {"train.optimizer.kind",
                             "sgd",
                             "checkpoint.every",
                             "3",
                             "data.source.n_symbols",
                             "4",
                             "model.init.from",
                             path,
                             NULL};
    fuzz_file("run/" RUN_SERIES, SERIES, strlen(SERIES));
    scene.given = fuzz_settings(arena, changes);
    changes[6] = NULL;
    scene.settings = fuzz_settings(arena, changes);
    assert(session_open(&scene.settings, kernels_best(), &scene.session, &err) == STATUS_OK);
    assert(session_start(&scene.session, 1, 1, 0, &err) == STATUS_OK);
    scene.trainer = scene.session.trainer;
    scene.n = model_parameters(scene.session.model)->n_values;
    scene.parameters = ARENA_ARRAY(arena, real, scene.n);
    scene.slots = ARENA_ARRAY(arena, real, scene.n);
    scene.block = ARENA_ARRAY(arena, real, scene.n);
    memcpy(scene.parameters, scene.trainer.parameters, scene.n * sizeof(real));
    memcpy(scene.slots, scene.trainer.slots[0], scene.n * sizeof(real));
    return &scene;
}

static int is_as_before(const Scene *scene)
{
    const Trainer *now = &scene->session.trainer, *before = &scene->trainer;
    return memcmp(now->parameters, scene->parameters, scene->n * sizeof(real)) == 0 &&
           memcmp(now->slots[0], scene->slots, scene->n * sizeof(real)) == 0 && now->step == before->step &&
           now->tokens == before->tokens &&
           memcmp(&now->data_stream, &before->data_stream, sizeof now->data_stream) == 0;
}

static void note(void *context, const char *line)
{
    *(int *)context += 1;
    assert(text_is_visible(line) && *line);
}

static int resume(Arena *arena, Scene *scene)
{
    const Records records = {.arena = arena,
                             .folder = arena_format(arena, "%s/run", fuzz_folder()),
                             .settings = &scene->session.settings,
                             .first_lost = INT64_MAX};
    Error err;
    int is_found = 0, n_notes = 0;
    assert(checkpoint_resume(&scene->session.trainer, &records, note, &n_notes, &is_found, &err) == STATUS_OK);
    assert(n_notes == !is_found);
    return is_found;
}

/* Goes on from the file: written again, it is read as the same. */
static void go_on(Arena *arena, Scene *scene)
{
    Trainer *trainer = &scene->session.trainer;
    real *parameters = ARENA_ARRAY(arena, real, scene->n);
    Error err;
    memcpy(parameters, trainer->parameters, scene->n * sizeof(real));
    const int64_t tokens = trainer->tokens, targets = trainer->targets;
    assert(trainer->step == STEP && tokens >= STEP && targets >= 0 && targets <= tokens);
    const Watch nothing = {.n = 0};
    assert(checkpoint_write(trainer, arena_format(arena, "%s/run", fuzz_folder()), &nothing, &err) == STATUS_OK);
    assert(resume(arena, scene));
    assert(memcmp(parameters, trainer->parameters, scene->n * sizeof(real)) == 0);
    assert(trainer->step == STEP && trainer->tokens == tokens && trainer->targets == targets);
}

/* As initial weights: finite, or none at all. */
static void give(const Scene *scene)
{
    const Parameters *parameters = model_parameters(scene->session.model);
    size_t n_bytes;
    Error err;
    for (size_t i = 0; i < scene->n; i++)
        scene->block[i] = 0.5;
    const int is_good = fuzz_is_read(initial_check(&scene->given, parameters, &n_bytes, &err), &err);
    assert(fuzz_is_read(initial_load(&scene->given, parameters, scene->block, &err), &err) == is_good);
    for (size_t i = 0; i < scene->n; i++)
        assert(is_good ? isfinite(scene->block[i]) : scene->block[i] == (real)0.5);
}

static void try(Scene *scene, const void *bytes, size_t n)
{
    Arena *arena = arena_new();
    Trainer *trainer = &scene->session.trainer;
    fuzz_file(CHECKPOINT, bytes, n);
    give(scene);
    if (resume(arena, scene))
        go_on(arena, scene);
    else
        assert(is_as_before(scene));
    memcpy(trainer->parameters, scene->parameters, scene->n * sizeof(real));
    memcpy(trainer->slots[0], scene->slots, scene->n * sizeof(real));
    trainer->data_stream = scene->trainer.data_stream, trainer->mask_stream = scene->trainer.mask_stream;
    trainer->step = scene->trainer.step, trainer->tokens = scene->trainer.tokens;
    trainer->targets = scene->trainer.targets;
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Scene *scene = scene_of_process();
    char *copy = malloc(n ? n : 1);
    try(scene, bytes, n);
    memcpy(copy, bytes, n);
    if (repair_crc(copy, n))
        try(scene, copy, n);
    free(copy);
    return 0;
}
