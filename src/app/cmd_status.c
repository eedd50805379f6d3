/* refframe status: how far an experiment's runs are, and whether their files stand. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/verify.h"
#include "base/file.h"
#include "base/json.h"
#include "store/manifest.h"
#include "store/sums.h"

/* What a run is found to be. */
typedef struct {
    int n_finished, n_lost; /* runs; those of the finished that lack files */
} Found;

/* A results folder. */
typedef struct {
    Arena *arena;
    const char *folder, *name;
    const char **runs; /* (n_runs,) as planned */
    int n_runs;
    Error plan_error; /* why there is no plan, "" for none */
} Status;

static void print_progress(Arena *arena, const char *path, RunStatus status, const Manifest *manifest, Found *found)
{
    char seconds[32];
    const char *first;
    printf("  step %lld/%lld  %s", (long long)manifest->step, (long long)manifest->steps,
           text_seconds(manifest->wall_seconds, seconds));
    if (manifest->wall_seconds > 0)
        printf(", %.1f %% of it measuring", 100 * manifest->measure_seconds / manifest->wall_seconds);
    if (status == RUN_FAILED)
        printf("  %s", terminal_text(arena, manifest->reason));
    const int n_lost = status == RUN_FINISHED ? manifest_lost(manifest, path, "", &first) : 0;
    if (n_lost > 0)
        printf("; %d of the %d files that " RUN_MANIFEST " lists are gone: %s%s", n_lost, manifest->n_files,
               terminal_text(arena, first), n_lost > 1 ? ", ..." : "");
    found->n_lost += n_lost > 0;
}

static void print_run(Arena *arena, const char *folder, const char *name, Found *found)
{
    const char *path = file_join(arena, folder, name);
    const RunStatus status = run_status(path);
    Manifest manifest;
    Error err;
    printf("  %-12s %s", run_status_name(status), terminal_text(arena, name));
    if (manifest_read(arena, path, &manifest, &err) == STATUS_OK)
        print_progress(arena, path, status, &manifest, found);
    else if (status > RUN_PENDING)
        printf("  %s", terminal_text(arena, err.text));
    printf("\n");
    found->n_finished += status == RUN_FINISHED;
}

/* ---- --verify ---- */

static int is_planned(const Status *status, const char *name)
{
    for (int r = 0; r < status->n_runs; r++)
        if (strcmp(status->runs[r], name) == 0)
            return 1;
    return 0;
}

/* Runs that the plan does not name. */
static void verify_others(const Status *status, const Program *program, Verified *verified)
{
    char **names;
    int n = 0, n_others = 0;
    if (file_list(status->arena, status->folder, &names, &n, NULL) != STATUS_OK)
        n = 0; /* verify_results says so */
    for (int i = 0; i < n; i++) {
        const char *path = file_join(status->arena, status->folder, names[i]);
        Found ignored = {0};
        if (is_planned(status, names[i]) || !verify_is_run(path))
            continue;
        if (n_others++ == 0)
            printf("runs of no plan that stands here\n");
        print_run(status->arena, status->folder, names[i], &ignored);
        verify_run(program, path, verified);
    }
}

static int verify_rest(const Status *status, const Program *program, Verified *verified, Error *err)
{
    verify_others(status, program, verified);
    printf("plan, tables and page\n");
    verify_results(status->folder, status->runs, status->n_runs, verified);
    const int n_wrong = verified->n[FINDING_DAMAGED] + verified->n[FINDING_LOST] + verified->n[FINDING_FOREIGN];
    printf("%d files stand as they were written; %d damaged, %d lost, %d foreign; %d without a hash\n",
           verified->n_whole, verified->n[FINDING_DAMAGED], verified->n[FINDING_LOST], verified->n[FINDING_FOREIGN],
           verified->n[FINDING_UNKNOWN]);
    if (verified->n_in_use > 0)
        printf("%d folder%s in use, and not checked\n", verified->n_in_use, verified->n_in_use == 1 ? " is" : "s are");
    if (status->plan_error.text[0])
        return error_set(err, STATUS_FAILED, "%s", status->plan_error.text);
    if (n_wrong > 0)
        return error_set(err, STATUS_FAILED, "%s: %d file%s damaged, lost or foreign", status->folder, n_wrong,
                         n_wrong == 1 ? " is" : "s are");
    return STATUS_OK;
}

/* ---- the verb ---- */

static int read_plan(Status *status, Error *err)
{
    const char *path = file_join(status->arena, status->folder, document_names[DOCUMENT_PLAN]);
    char *bytes;
    size_t n;
    Json *plan;
    Sums sums;
    if (sums_read(status->arena, status->folder, &sums, NULL) != STATUS_OK)
        sums.n = 0; /* what is the matter with it, --verify and `report` say */
    int read = file_read(status->arena, path, &bytes, &n, err);
    if (read == STATUS_OK)
        read = sums_check(&sums, path, document_names[DOCUMENT_PLAN], bytes, n, err);
    if (read == STATUS_OK)
        read = json_parse(status->arena, path, bytes, n, &plan, err);
    if (read != STATUS_OK)
        return read;
    const Json *runs = json_get(plan, "runs");
    if (!runs || runs->type != JSON_ARRAY)
        return error_set(err, STATUS_INPUT, "%s: lists no runs", path);
    status->name = json_get_string(plan, "name", status->folder);
    status->runs = ARENA_ARRAY(status->arena, const char *, runs->n_items + 1);
    for (int r = 0; r < runs->n_items; r++)
        status->runs[r] = json_get_string(runs->items[r], "folder", "");
    status->n_runs = runs->n_items;
    return STATUS_OK;
}

static int show(const Arguments *arguments, const Status *status, Error *err)
{
    const int verifies = argument_given(arguments, "--verify");
    const Program program = program_new(status->arena, arguments->kernels);
    Verified verified = {0};
    Found found = {0};
    printf("%s\n", terminal_text(status->arena, status->name));
    for (int r = 0; r < status->n_runs; r++) {
        const char *path = file_join(status->arena, status->folder, status->runs[r]);
        print_run(status->arena, status->folder, status->runs[r], &found);
        if (verifies && file_is_folder(path))
            verify_run(&program, path, &verified);
    }
    printf("%d of %d runs finished\n", found.n_finished, status->n_runs);
    if (verifies)
        return verify_rest(status, &program, &verified, err);
    if (found.n_lost > 0)
        return error_set(err, STATUS_FAILED, "%s: %d of %d finished runs lack files that they left", status->folder,
                         found.n_lost, found.n_finished);
    return STATUS_OK;
}

static int run(const Arguments *arguments, Error *err)
{
    Status status = {.arena = arena_new(), .folder = arguments->words[0], .name = arguments->words[0]};
    const char *plan = file_join(status.arena, status.folder, document_names[DOCUMENT_PLAN]);
    int result = read_plan(&status, err);
    if (result != STATUS_OK && argument_given(arguments, "--verify") && file_exists(plan)) {
        status.plan_error = *err; /* damaged: the rest is looked at all the same */
        result = STATUS_OK;
    }
    if (result == STATUS_OK)
        result = show(arguments, &status, err);
    arena_free(status.arena);
    return result;
}

static const Option options[] = {
    {"--verify", NULL, "check every file of every run, and of the folder, against its hash", 0},
};

const Verb verb_status = {
    .name = "status",
    .usage = "status results/NAME [--verify]",
    .summary = "how far an experiment's runs are, and whether their files stand",
    .details =
        "One line per run of the current plan: finished, running, interrupted, failed (with the reason), pending or\n"
        "absent. A finished run that lacks files which its manifest.json lists is named: exit code 1.\n\n"
        "--verify reads every file, also of other plans' runs in the folder, and names under each run:\n"
        "  damaged  it is not what was written, by its hash in manifest.json or SHA256SUMS, or by its own\n"
        "  lost     it is listed there, and gone\n"
        "  foreign  nothing of ours: left half-written by a process that was ended, or put there by others\n"
        "  no hash  nothing to check it by: stderr.txt; of an unfinished run also log.txt, timing.csv, and what it "
        "wrote\n"
        "           since its newest checkpoint; files of earlier versions; tables whose report was not ended\n"
        "  in use   the run is being trained or measured right now: its files are not checked\n"
        "Exit code 1 if a file is damaged, lost or foreign, 0 if not. Hashes tell of damage, not of intent.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
