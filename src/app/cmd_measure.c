/* refframe measure: metrics again from a run's saved weights. */
#include <stdio.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/run.h"
#include "train/train.h"

static void print_steps(const char *what, int only_changed, const Remeasured *snapshots, int n)
{
    printf("  %s", what);
    for (int i = 0; i < n; i++)
        if (snapshots[i].is_changed || !only_changed)
            printf(" %lld", (long long)snapshots[i].step);
    printf("\n");
}

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Program program = program_new(arena);
    Settings settings;
    Remeasured *snapshots;
    const char *folder = arguments->words[0];
    int threads, n = 0, n_changed = 0;
    int status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err);
    if (status == STATUS_OK && !file_is_folder(folder))
        status = error_set(err, STATUS_INPUT, "%s is no folder; measure takes a run's, results/NAME/RUN", folder);
    if (status == STATUS_OK)
        status = plan_load_run(arena, file_join(arena, folder, RUN_CONFIG), &program, &settings, err);
    if (status == STATUS_OK) {
        TrainJob job = {.folder = folder, .settings = &settings, .kernels = kernels_best(), .threads = threads};
        status = train_measure_again(arena, &job, &snapshots, &n, err);
    }
    if (status == STATUS_OK && n == 0)
        status = error_set(err, STATUS_INPUT, "%s: no snapshot has its weights; train with snapshot.weights: true", folder);
    if (status == STATUS_OK) {
        for (int i = 0; i < n; i++)
            n_changed += snapshots[i].is_changed;
        printf("%s: %d snapshot%s measured again, %d changed\n", folder, n, n == 1 ? "" : "s", n_changed);
        print_steps("steps  ", 0, snapshots, n);
        if (n_changed > 0)
            print_steps("changed", 1, snapshots, n);
    }
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
               "says which steps these are and which changed; nothing is trained. `refframe report` then works on the new\n"
               "numbers.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
