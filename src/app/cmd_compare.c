/* refframe compare: arms of several experiments in one set of tables and on one page. */
#include <stdio.h>
#include <string.h>

#include "app/experiment.h"
#include "app/merge.h"
#include "app/planned.h"
#include "base/file.h"
#include "store/run.h"
#include "store/sums.h"

/* "A-vs-B" */
static const char *default_name(Arena *arena, const Arguments *arguments)
{
    Text text = {0};
    for (int i = 0; i < arguments->n_words; i++)
        text_addf(&text, "%s%s", i ? "-vs-" : "", file_basename(arena, file_absolute(arena, arguments->words[i])));
    const char *name = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return name;
}

static int is_of_the_same(const Planned *there, const Plan *plan)
{
    int same = there->n_compared == plan->n_compared;
    for (int i = 0; same && i < plan->n_compared; i++)
        same = strcmp(there->compared[i], plan->compared[i]) == 0;
    return same;
}

/* A folder with another plan is another's: an experiment's own, or a comparison of others. */
static int check_folder(const Experiment *experiment, Error *err)
{
    Planned there;
    if (!file_exists(file_join(experiment->arena, experiment->folder, document_names[DOCUMENT_PLAN])))
        return STATUS_OK;
    const int status = planned_read(experiment->arena, experiment->folder, &there, err);
    if (status == STATUS_OK && !is_of_the_same(&there, &experiment->plan))
        return error_set(err, STATUS_INPUT, "%s holds %s; --name gives this comparison another", experiment->folder,
                         there.n_compared > 0 ? "a comparison of others" : "an experiment of its own");
    return status;
}

/* Whether a copy is what its run is now, which may have been measured again. */
static int is_current(Arena *arena, const char *folder, const char *from)
{
    char there[65], here[65];
    return file_sha256(file_join(arena, from, RUN_MANIFEST), there, NULL) == STATUS_OK &&
           file_sha256(file_join(arena, folder, RUN_MANIFEST), here, NULL) == STATUS_OK && strcmp(there, here) == 0;
}

static int take_runs(const Experiment *experiment, const char **from, Error *err)
{
    Reuse reuse = {.from = ARENA_ARRAY(experiment->arena, const char *, experiment->plan.n_runs)};
    for (int r = 0; r < experiment->plan.n_runs; r++) {
        const char *folder = file_join(experiment->arena, experiment->folder, experiment->plan.runs[r].folder);
        if (is_current(experiment->arena, folder, from[r]))
            continue;
        if (file_exists(folder) && file_remove_tree(folder, err) != STATUS_OK)
            return STATUS_FAILED;
        reuse.from[r] = from[r];
    }
    const int status = reuse_take(&experiment->plan, experiment->folder, &reuse, err);
    return status == STATUS_OK && reuse.missed
               ? error_set(err, STATUS_FAILED, "%s is in use: compare again when it is not", reuse.missed)
               : status;
}

static int run(const Arguments *arguments, Error *err)
{
    Experiment experiment = {.arena = arena_new(), .kernels = arguments->kernels};
    Arena *arena = experiment.arena;
    const char **from, *name = argument(arguments, "--name"), *results = argument(arguments, "--results");
    int status = STATUS_OK;
    experiment.program = program_new(arena, experiment.kernels);
    if (!name)
        name = default_name(arena, arguments);
    if (!plan_is_name(name))
        status = error_set(err, STATUS_INPUT, "refframe compare: --name: \"%s\" can't be the name of a folder", name);
    if (status == STATUS_OK)
        status = merge_plans(arena, &experiment.program, arguments->words, arguments->n_words, name, &experiment.plan,
                             &from, err);
    if (status == STATUS_OK) {
        experiment.folder = file_join(arena, results ? results : file_dirname(arena, arguments->words[0]), name);
        status = check_folder(&experiment, err);
    }
    if (status == STATUS_OK)
        status = file_make_folder(experiment.folder, err);
    if (status == STATUS_OK)
        status = take_runs(&experiment, from, err);
    if (status == STATUS_OK)
        status = experiment_write_meta(&experiment, err);
    if (status == STATUS_OK)
        status = experiment_report(experiment.folder, NULL, 0, err);
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--name", "NAME", "the comparison's name (default: the folders' names, joined by -vs-)", 0},
    {"--results", "DIR", "write to DIR/NAME (default: beside the first folder)", 0},
};

const Verb verb_compare = {
    .name = "compare",
    .usage = "compare results/A results/B ... [--name NAME] [--results DIR]",
    .summary = "arms of several experiments in one set of tables and on one page",
    .details =
        "Makes a results folder of the finished runs of several experiments, with tables and page as any other "
        "has. Its first axis is `experiment`. Runs are shared and not copied, where the file system can do that. "
        "If an experiment does not sweep an axis, its arms get the value that stands in their settings. Claims "
        "stay with the experiments that declared them. Nothing is trained.",
    .min_words = 2,
    .max_words = MOST_WORDS,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
