/* refframe status: how far an experiment's runs are, and whether their files stand. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/planned.h"
#include "app/slurm.h"
#include "app/verify.h"
#include "base/file.h"
#include "store/manifest.h"
#include "store/sums.h"

/* What a run is found to be. */
typedef struct {
    int n_finished, n_lost; /* runs; those of the finished that lack files */
} Found;

/* A results folder. */
typedef struct {
    Planned planned;
    Error plan_error; /* why there is no plan, "" for none */
} Status;

static void add_progress(Arena *arena, const char *path, RunStatus status, const Manifest *manifest, Found *found,
                         Text *row)
{
    char seconds[32];
    const char *first;
    text_addf(row, "  step %lld/%lld  %s", (long long)manifest->step, (long long)manifest->steps,
              text_seconds(manifest->wall_seconds, seconds));
    if (manifest->wall_seconds > 0)
        text_addf(row, ", %.1f %% of it measuring", 100 * manifest->measure_seconds / manifest->wall_seconds);
    if (status == RUN_FAILED)
        text_addf(row, "  %s", terminal_text(arena, manifest->reason));
    const int n_lost = status == RUN_FINISHED ? manifest_lost(manifest, path, "", &first) : 0;
    if (n_lost > 0)
        text_addf(row, "; %d of the %d files that " RUN_MANIFEST " lists are gone: %s%s", n_lost, manifest->n_files,
                  terminal_text(arena, first), n_lost > 1 ? ", ..." : "");
    found->n_lost += n_lost > 0;
}

static void print_run(Arena *arena, const char *folder, const char *name, Found *found)
{
    const char *path = file_join(arena, folder, name);
    const RunStatus status = run_status(path);
    LeaseHolder holder;
    Manifest manifest;
    Error err;
    char text[128];
    Text row = {0};
    text_addf(&row, "  %-12s %s", run_status_name(status), terminal_text(arena, name));
    if (manifest_read(arena, path, &manifest, &err) == STATUS_OK)
        add_progress(arena, path, status, &manifest, found, &row);
    else if (status > RUN_PENDING)
        text_addf(&row, "  %s", terminal_text(arena, err.text));
    if (status == RUN_RUNNING && run_is_elsewhere(path, &holder))
        text_addf(&row, "  by %s", lease_holder_text(&holder, text));
    text_add(&row, "\n");
    terminal_rows(&row);
    found->n_finished += status == RUN_FINISHED;
}

/* ---- --verify ---- */

/* Runs that the plan does not name. */
static void verify_orphans(const Status *status, const Program *program, Verified *verified)
{
    const Planned *planned = &status->planned;
    int n;
    const char **orphans = planned_orphans(planned, &n);
    for (int i = 0; i < n; i++) {
        Found ignored = {0};
        if (i == 0)
            terminal_rowf("runs that no plan here names\n");
        print_run(planned->arena, planned->folder, orphans[i], &ignored);
        verify_run(program, file_join(planned->arena, planned->folder, orphans[i]), verified);
    }
}

static int verify_rest(const Status *status, const Program *program, Verified *verified, Error *err)
{
    const Planned *planned = &status->planned;
    verify_orphans(status, program, verified);
    terminal_rowf("plan, tables and page\n");
    verify_results(planned->folder, planned->runs, planned->n_runs, verified);
    const int n_wrong = verified->n[FINDING_DAMAGED] + verified->n[FINDING_LOST] + verified->n[FINDING_FOREIGN];
    terminal_rowf("%d files stand as they were written; %d damaged, %d lost, %d foreign; %d without a hash\n",
                  verified->n_whole, verified->n[FINDING_DAMAGED], verified->n[FINDING_LOST],
                  verified->n[FINDING_FOREIGN], verified->n[FINDING_UNKNOWN]);
    if (verified->n_in_use > 0)
        terminal_rowf("%d folder%s in use, and not checked\n", verified->n_in_use,
                      verified->n_in_use == 1 ? " is" : "s are");
    if (status->plan_error.text[0])
        return error_set(err, STATUS_FAILED, "%s", status->plan_error.text);
    if (n_wrong > 0)
        return error_set(err, STATUS_FAILED, "%s: %d file%s damaged, lost or foreign", planned->folder, n_wrong,
                         n_wrong == 1 ? " is" : "s are");
    return STATUS_OK;
}

/* ---- the verb ---- */

static void print_orphans(const Planned *planned)
{
    int n;
    const char **orphans = planned_orphans(planned, &n);
    if (n > 0)
        terminal_rowf("%d run%s that no plan here names: %s%s; refframe clean %s --yes removes %s\n", n,
                      n == 1 ? "" : "s", terminal_text(planned->arena, orphans[0]), n > 1 ? ", ..." : "",
                      terminal_text(planned->arena, planned->folder), n > 1 ? "them" : "it");
}

static int show(const Arguments *arguments, const Status *status, Error *err)
{
    const int verifies = argument_given(arguments, "--verify");
    const Planned *planned = &status->planned;
    Arena *arena = planned->arena;
    const Program program = program_new(arena, arguments->kernels);
    Verified verified = {0};
    Found found = {0};
    terminal_rowf("%s\n", terminal_text(arena, planned->name));
    for (int r = 0; r < planned->n_runs; r++) {
        const char *path = file_join(arena, planned->folder, planned->runs[r]);
        print_run(arena, planned->folder, planned->runs[r], &found);
        if (verifies && file_is_folder(path))
            verify_run(&program, path, &verified);
    }
    const char *jobs = slurm_line(arena, planned->folder);
    if (jobs && found.n_finished < planned->n_runs)
        terminal_rowf("%s\n", jobs);
    terminal_rowf("%d of %d run%s finished\n", found.n_finished, planned->n_runs, planned->n_runs == 1 ? "" : "s");
    if (verifies)
        return verify_rest(status, &program, &verified, err);
    print_orphans(planned);
    if (found.n_lost > 0)
        return error_set(err, STATUS_FAILED, "%s: %d of %d finished runs lack files that they left", planned->folder,
                         found.n_lost, found.n_finished);
    return STATUS_OK;
}

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Status status = {.plan_error = {{0}}};
    const char *plan = file_join(arena, arguments->words[0], document_names[DOCUMENT_PLAN]);
    int result = planned_read(arena, arguments->words[0], &status.planned, err);
    if (result != STATUS_OK && argument_given(arguments, "--verify") && file_exists(plan)) {
        status.plan_error = *err; /* damaged: the rest is looked at all the same */
        result = STATUS_OK;
    }
    if (result == STATUS_OK)
        result = show(arguments, &status, err);
    arena_free(arena);
    return result;
}

static const Option options[] = {
    {"--verify", NULL, "check every file of every run, and of the folder, against its hash", 0},
};

const Verb verb_status = {
    .name = "status",
    .usage = "status results/NAME [--verify]",
    .summary = "how far an experiment's runs are, and whether their files stand",
    .details = "Prints one line per run of the current plan: finished, running, interrupted, failed (with the "
               "reason), pending or absent. If a finished run lacks files that its manifest.json lists, it is "
               "named, and the exit code is 1. Runs that an earlier plan left are counted. refframe clean --yes "
               "removes them.\n\n"
               "--verify reads every file, also of other plans' runs in the folder, and names under each run:\n"
               "  damaged  the file is not what was written, by its hash in manifest.json or SHA256SUMS, or by "
               "its own\n"
               "  lost     the file is listed there, and gone\n"
               "  foreign  a process that was ended left the file half-written, or somebody put it there\n"
               "  no hash  there is nothing to check the file by: stderr.txt; of an unfinished run also log.txt, "
               "timing.csv, and what it wrote since its newest checkpoint; files of earlier versions; tables "
               "whose report was not ended\n"
               "  in use   the run is being trained or measured right now: its files are not checked\n"
               "The exit code is 1 if a file is damaged, lost or foreign, else 0. Hashes tell of damage, not of "
               "intent.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
