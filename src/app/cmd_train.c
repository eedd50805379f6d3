/* refframe train: one resolved run, as `refframe run` starts it. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "data/corpus.h"
#include "data/source/source.h"
#include "sched/sched.h"
#include "store/manifest.h"
#include "train/initial.h"

typedef struct {
    double last;
} Speaker;

static int should_stop(void *context)
{
    (void)context;
    return child_interrupted();
}

static void on_begin(void *context)
{
    (void)context;
    child_catch_interrupts();
}

static void on_note(void *context, const char *line)
{
    Arena *arena = arena_new();
    (void)context;
    printf(SCHED_NOTE "%s\n", terminal_text(arena, line));
    fflush(stdout);
    arena_free(arena);
}

/* A line of progress a few times a second, for the parent or for whoever looks on. */
static void on_progress(void *context, const TrainProgress *progress)
{
    static const double every = 0.3;
    Speaker *speaker = context;
    char line[160];
    if (clock_seconds() - speaker->last < every && progress->step < progress->steps)
        return;
    speaker->last = clock_seconds();
    progress_format(
        &(Progress){progress->step, progress->steps, progress->loss, progress->tokens_per_second, progress->sink},
        line);
    printf("%s\n", line);
    fflush(stdout);
}

static int run_id(Arena *arena, const Settings *settings, char ret_id[13], Error *err)
{
    char corpus[65] = "", inputs[65];
    int status = STATUS_OK;
    if (source_find(settings_text(settings, "data.source.kind"))->needs_corpus)
        status = corpus_hash(arena, settings, corpus, err);
    if (status == STATUS_OK)
        status = initial_inputs(settings, corpus, inputs, err);
    if (status == STATUS_OK)
        plan_run_id(settings, inputs, TRAIN_NUMERICS_VERSION, ret_id);
    return status;
}

/* A folder goes on only as what it began as: run.yaml edited, an input changed or other numerics make it
 * another run. */
static int check_id(Arena *arena, const char *folder, const char *id, Error *err)
{
    Manifest manifest;
    if (manifest_read(arena, folder, &manifest, NULL) != STATUS_OK || strcmp(manifest.id, id) == 0)
        return STATUS_OK;
    return error_set(
        err, STATUS_INPUT,
        "%s: its settings, its input files or the program's numerics have changed since it was begun (id %s, "
        "now %s); start it anew with refframe run",
        folder, manifest.id, id);
}

/* The settings of a folder's run.yaml, and their id, which must be the folder's own. */
static int open_run(Arena *arena, const Arguments *arguments, Settings *ret_settings, char ret_id[13], Error *err)
{
    const char *folder = arguments->words[0];
    const Program program = program_new(arena, arguments->kernels);
    int status = plan_load_run(arena, file_join(arena, folder, RUN_CONFIG), &program, ret_settings, err);
    if (status == STATUS_OK)
        status = run_id(arena, ret_settings, ret_id, err);
    return status == STATUS_OK ? check_id(arena, folder, ret_id, err) : status;
}

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Settings settings;
    Speaker speaker = {0};
    int threads;
    char id[13];
    const char *folder = arguments->words[0];
    int status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err);
    if (status == STATUS_OK)
        status = open_run(arena, arguments, &settings, id, err);
    if (status == STATUS_OK && run_status(folder) != RUN_FINISHED) {
        TrainJob job = {
            .folder = folder,
            .id = id,
            .settings = &settings,
            .kernels = arguments->kernels,
            .threads = threads,
            .accepts_other_machine = argument_given(arguments, "--accept-other-machine"),
            .on_begin = on_begin,
            .on_note = on_note,
            .should_stop = should_stop,
            .on_progress = on_progress,
            .context = &speaker,
        };
        status = train_run(&job, err);
    }
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--threads", "N", "threads (default: all cores); never changes a result", 0},
    {"--accept-other-machine", NULL,
     "go on from a checkpoint of a machine that computes other bits; the "
     "manifest counts it",
     0},
};

const Verb verb_train = {
    .name = "train",
    .usage = "train RUN_DIR [--threads N] [--accept-other-machine]",
    .summary = "train one resolved run (what `run` starts)",
    .details = "Trains the run described by RUN_DIR/run.yaml, from its newest checkpoint if it has one. A finished run "
               "is left as it is. Prints lines of progress.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
