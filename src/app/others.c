/* What else lies in an experiment's folder: runs of another plan, whose tables this one's will replace, and runs that
 * were begun with other settings, on which nothing goes on; and there or beside it, runs that can be used. None of it
 * is wrong; all of it is said. */
#include <inttypes.h>
#include <string.h>

#include "app/experiment.h"
#include "base/file.h"
#include "base/json.h"
#include "store/machine.h"
#include "store/manifest.h"

static int is_planned(const Plan *plan, const char *folder)
{
    for (int r = 0; r < plan->n_runs; r++)
        if (strcmp(plan->runs[r].folder, folder) == 0)
            return 1;
    return 0;
}

/* Runs of the plan.json that stands there, and are not this plan's; 0 where none can be read. */
static int count_others(const Experiment *experiment)
{
    Arena *arena = arena_new();
    const char *path = file_join(arena, experiment->folder, "plan.json");
    char *bytes;
    size_t size;
    Json *json;
    int n = 0;
    if (file_read(arena, path, &bytes, &size, NULL) == STATUS_OK &&
        json_parse(arena, path, bytes, size, &json, NULL) == STATUS_OK) {
        const Json *runs = json_get(json, "runs");
        for (int r = 0; runs && r < runs->n_items; r++)
            n += !is_planned(&experiment->plan, json_get_string(runs->items[r], "folder", ""));
    }
    arena_free(arena);
    return n;
}

/* An unfinished run of the same arm and seed; NULL without one. */
static const char *begun_before(Arena *arena, const Experiment *experiment, char *const *names, int n,
                                const PlannedRun *run)
{
    const size_t same = strlen(run->folder) - strlen(run->id); /* ARM-sSEED- */
    for (int i = 0; i < n; i++) {
        if (strncmp(names[i], run->folder, same) != 0 || strlen(names[i]) != strlen(run->folder) ||
            is_planned(&experiment->plan, names[i]))
            continue;
        const RunStatus status = run_status(file_join(arena, experiment->folder, names[i]));
        if (status == RUN_INTERRUPTED || status == RUN_FAILED)
            return names[i];
    }
    return NULL;
}

static const char *describe(const Experiment *experiment, const char *name, const PlannedRun *run, int n_more)
{
    Arena *arena = experiment->arena;
    const char *folder = file_join(arena, experiment->folder, name), *key = NULL;
    const char *path = file_join(arena, folder, RUN_CONFIG);
    const char *what = "other input files or by another version";
    Manifest manifest;
    Error err;
    if (manifest_read(arena, folder, &manifest, NULL) != STATUS_OK)
        manifest.step = 0;
    if (plan_run_difference(arena, path, &run->settings, &key, &err) != STATUS_OK)
        key = NULL, what = arena_format(arena, "settings that cannot be read (%s)", err.text);
    const char *more = n_more > 0 ? arena_format(arena, " (and %d more like it)", n_more) : "";
    return arena_format(arena, "%s ended at step %" PRId64 " with %s%s, and stays as it is: %s starts at step 0%s",
                        name, manifest.step, key ? "another " : what, key ? key : "", run->folder, more);
}

int experiment_find_reuse(Experiment *experiment, Reuse *ret_reuse, Error *err)
{
    Arena *arena = experiment->arena;
    const Machine *const *machines;
    const int status = experiment_machines(experiment, &machines, err);
    if (status != STATUS_OK)
        return status;
    reuse_find(arena, &experiment->part, experiment->folder, machines, train_steps_alike, ret_reuse);
    const int n = ret_reuse->n_finished + ret_reuse->n_begun;
    const char *begun = ret_reuse->n_begun == 0      ? ""
                        : ret_reuse->n_finished == 0 ? ", not finished"
                                                     : arena_format(arena, ", %d not finished", ret_reuse->n_begun);
    if (n > 0)
        experiment_add_note(experiment,
                            arena_format(arena, "%d run%s %s in other folders already, found by %s%s: %s%s", n,
                                         n == 1 ? "" : "s", n == 1 ? "is" : "are", n == 1 ? "its id" : "their ids",
                                         begun, ret_reuse->first, n == 1 ? "" : ", ..."));
    if (ret_reuse->n_shorter > 0)
        experiment_add_note(experiment,
                            arena_format(arena,
                                         "%d run%s on where a shorter one ended that is the same up to there, with the "
                                         "checkpoints that it kept: %s%s",
                                         ret_reuse->n_shorter, ret_reuse->n_shorter == 1 ? " goes" : "s go",
                                         ret_reuse->first_shorter, ret_reuse->n_shorter == 1 ? "" : ", ..."));
    if (ret_reuse->refused)
        experiment_add_note(experiment, ret_reuse->refused);
    if (ret_reuse->too_short)
        experiment_add_note(experiment, ret_reuse->too_short);
    return STATUS_OK;
}

void experiment_note_others(Experiment *experiment)
{
    Arena *arena = arena_new();
    const Plan *plan = &experiment->plan;
    const int n_others = count_others(experiment);
    char **names;
    const char *first = NULL;
    const PlannedRun *first_run = NULL;
    int n = 0, n_begun = 0;
    if (n_others > 0)
        experiment_add_note(experiment,
                            arena_format(experiment->arena,
                                         "%s holds %d run%s of another plan: they stay, but its tables and report.html "
                                         "become this plan's; --results DIR keeps both",
                                         experiment->folder, n_others, n_others == 1 ? "" : "s"));
    if (file_list(arena, experiment->folder, &names, &n, NULL) != STATUS_OK)
        n = 0;
    for (int r = 0; r < plan->n_runs; r++) {
        if (n == 0 || file_exists(file_join(arena, experiment->folder, plan->runs[r].folder)))
            continue;
        const char *name = begun_before(arena, experiment, names, n, &plan->runs[r]);
        if (name && n_begun++ == 0)
            first = name, first_run = &plan->runs[r];
    }
    if (first)
        experiment_add_note(experiment, describe(experiment, first, first_run, n_begun - 1));
    arena_free(arena);
}
