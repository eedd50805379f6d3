/* refframe measure: metrics again from a run's saved weights. */
#include <stdio.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/run.h"
#include "train/train.h"

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Program program = program_new(arena);
    Settings settings;
    const char *folder = arguments->words[0];
    int threads, n_measured = 0, n_changed = 0;
    int status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err);
    if (status == STATUS_OK)
        status = plan_load_run(arena, file_join(arena, folder, RUN_CONFIG), &program, &settings, err);
    if (status == STATUS_OK) {
        TrainJob job = {.folder = folder, .settings = &settings, .kernels = kernels_best(), .threads = threads};
        status = train_measure_again(&job, &n_measured, &n_changed, err);
    }
    if (status == STATUS_OK && n_measured == 0)
        status = error_set(err, STATUS_INPUT, "%s: no snapshot or checkpoint holds weights; set snapshot.weights: true",
                           folder);
    if (status == STATUS_OK)
        printf("%s: %d snapshots measured again, %d of them changed\n", folder, n_measured, n_changed);
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--threads", "N", "threads (default: all cores); never changes a result", 0},
};

const Verb verb_measure = {
    .name = "measure",
    .usage = "measure RUN [--threads N]",
    .summary = "measure a run again from its saved weights",
    .details = "Recomputes every snapshot whose weights were kept (`snapshot.weights: true`, or a checkpoint of that step) and\n"
               "says how many changed; nothing is trained. `refframe report` then works on the new numbers.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
