/* See verify.h. Nothing is printed of a folder before it is known that nobody has been writing in it meanwhile. */
#include "app/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/slurm.h"
#include "base/file.h"
#include "report/export/export.h"
#include "store/manifest.h"
#include "store/npz.h"
#include "store/safetensors.h"
#include "store/series.h"
#include "store/sums.h"
#include "train/records.h"

/* One folder. */
typedef struct {
    Arena *arena;
    const char *folder;
    const char **listed; /* (n_listed,) names that have hashes, in order */
    int n_listed;
    Text lines, unknown; /* what was found; names without a hash */
    Verified found;
} Look;

/* ---- findings ---- */

static void add_finding(Look *look, Finding finding, const char *name, const char *why)
{
    static const char *const words[] = {
        [FINDING_DAMAGED] = "damaged", [FINDING_LOST] = "lost", [FINDING_FOREIGN] = "foreign"};
    look->found.n[finding]++;
    if (finding == FINDING_UNKNOWN)
        text_addf(&look->unknown, "%s%s", look->unknown.size > 0 ? ", " : "", terminal_text(look->arena, name));
    else
        text_addf(&look->lines, "      %-8s %s%s%s\n", words[finding], terminal_text(look->arena, name),
                  *why ? ": " : "", terminal_text(look->arena, why));
}

/* A message about a path, without the path. */
static const char *without_path(const char *path, const Error *err)
{
    const char *at = strstr(err->text, path);
    return at == err->text ? at + strlen(path) + strspn(at + strlen(path), ": ") : err->text;
}

/* What a check of a file came to. */
static void add_checked(Look *look, const char *name, int status, const Error *err)
{
    if (status == STATUS_OK)
        look->found.n_whole++;
    else
        add_finding(look, FINDING_DAMAGED, name, without_path(file_join(look->arena, look->folder, name), err));
}

static void check_hash(Look *look, const char *name, const char *hash)
{
    const char *path = file_join(look->arena, look->folder, name);
    char hex[65];
    Error err;
    if (!file_exists(path)) {
        add_finding(look, FINDING_LOST, name, "");
        return;
    }
    int status = file_sha256(path, hex, &err);
    if (status == STATUS_OK && strcmp(hex, hash) != 0)
        status = error_set(&err, STATUS_INPUT, "is not what was written");
    add_checked(look, name, status, &err);
}

/* ---- which names are listed ---- */

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void list(Look *look, const char *const *names, int n)
{
    const char **all = ARENA_ARRAY(look->arena, const char *, look->n_listed + n + 1);
    for (int i = 0; i < look->n_listed; i++)
        all[i] = look->listed[i];
    for (int i = 0; i < n; i++)
        all[look->n_listed + i] = names[i];
    look->listed = all;
    look->n_listed += n;
    qsort(all, (size_t)look->n_listed, sizeof *all, compare_names);
}

static int is_listed(const Look *look, const char *name)
{
    return look->n_listed > 0 &&
           bsearch(&name, look->listed, (size_t)look->n_listed, sizeof *look->listed, compare_names);
}

/* Every name in a folder below the look's own ("": itself) that no list has. */
static void each_unlisted(Look *look, const char *below, void (*check)(Look *look, const char *name, void *context),
                          void *context)
{
    char **names;
    int n = 0;
    Error err;
    if (file_list(look->arena, file_join(look->arena, look->folder, below), &names, &n, &err) != STATUS_OK)
        add_finding(look, FINDING_DAMAGED, below, err.text);
    for (int i = 0; i < n; i++) {
        const char *name = *below ? file_join(look->arena, below, names[i]) : names[i];
        if (is_listed(look, name) || file_writer_lives(name))
            continue;
        if (file_temporary_of(name) > 0)
            add_finding(look, FINDING_FOREIGN, name, "left half-written by a process that was ended");
        else
            check(look, name, context);
    }
}

/* ---- a run ---- */

typedef struct {
    const Program *program;
    Manifest manifest;
    int is_known, is_finished; /* its manifest was read; it says so */
    int64_t last;              /* the step of the newest checkpoint, -1 without one */
} RunLook;

static int is_below(const char *name, const char *folder)
{
    const size_t n = strlen(folder);
    return strncmp(name, folder, n) == 0 && name[n] == '/';
}

/* The step of a snapshot or checkpoint by its name; -1 for another name. */
static int64_t step_of(Arena *arena, const char *name)
{
    const char *mark = strstr(name, "/step-");
    int64_t step = -1;
    if (!mark || sscanf(mark, "/step-%18" SCNd64, &step) != 1 || step < 0)
        return -1;
    const char *own =
        is_below(name, RUN_SNAPSHOTS) ? run_snapshot_path(arena, "", step) : run_checkpoint_path(arena, "", step);
    return strcmp(own + strspn(own, "/"), name) == 0 ? step : -1;
}

static void read_manifest(Look *look, RunLook *run)
{
    Error err;
    const char *path = file_join(look->arena, look->folder, RUN_MANIFEST);
    if (!file_exists(path))
        return;
    int status = manifest_read(look->arena, look->folder, &run->manifest, &err);
    run->is_known = status == STATUS_OK;
    run->is_finished = run->is_known && run->manifest.status == RUN_FINISHED;
    const char *name = file_basename(look->arena, look->folder), *id = run->manifest.id;
    if (run->is_known && (strlen(name) < strlen(id) || strcmp(name + strlen(name) - strlen(id), id) != 0))
        status = error_set(&err, STATUS_INPUT, "is of the run with id %s", id);
    if (status == STATUS_OK && !run->manifest.is_sealed)
        add_finding(look, FINDING_UNKNOWN, RUN_MANIFEST, "");
    else
        add_checked(look, RUN_MANIFEST, status, &err);
}

/* The settings, which the id stands for. */
static void check_settings(Look *look, const RunLook *run)
{
    const char *path = file_join(look->arena, look->folder, RUN_CONFIG);
    const Manifest *manifest = &run->manifest;
    Settings settings;
    char id[13];
    Error err;
    if (!file_exists(path)) {
        add_finding(look, FINDING_LOST, RUN_CONFIG, "");
        return;
    }
    int status = plan_load_run(look->arena, path, run->program, &settings, &err);
    if (status == STATUS_OK && run->is_known) {
        plan_run_id(&settings, manifest->input_sha256, manifest->numerics_version, id);
        if (strcmp(id, manifest->id) != 0)
            status = error_set(&err, STATUS_INPUT, "its settings have the id %s, and the run %s", id, manifest->id);
    }
    const int is_sealed = plan_run_has_hash(path);
    look->found.n_sealed += is_sealed;
    if (status == STATUS_OK && !is_sealed)
        add_finding(look, FINDING_UNKNOWN, RUN_CONFIG, "");
    else
        add_checked(look, RUN_CONFIG, status, &err);
}

/* Rows up to every step of which the manifest of an unfinished run has the hash. */
static void check_rows(Look *look, const Manifest *manifest)
{
    const char *path = file_join(look->arena, look->folder, RUN_SERIES);
    int status = STATUS_OK;
    Error err;
    if (manifest->n_rows == 0) {
        add_finding(look, FINDING_UNKNOWN, RUN_SERIES, "");
        return;
    }
    for (int i = 0; i < manifest->n_rows && status == STATUS_OK; i++) {
        int64_t step;
        char hex[65];
        if (text_parse_int(manifest->rows[i], &step) != 0)
            continue;
        status = series_hash(path, series_columns, N_SERIES, step, hex, &err);
        if (status == STATUS_OK && strcmp(hex, manifest->rows_sha256[i]) != 0)
            status = error_set(&err, STATUS_INPUT, "its rows up to step %" PRId64 " are not what was written", step);
    }
    add_checked(look, RUN_SERIES, status, &err);
}

/* What a run under way has no hash of yet, and checks of its own. */
static void check_itself(Look *look, const char *name)
{
    Arena *arena = arena_new();
    const char *path = file_join(look->arena, look->folder, name);
    Npz npz;
    SafeTensors tensors;
    Error err;
    const int status = is_below(name, RUN_SNAPSHOTS) ? npz_read(arena, path, &npz, &err)
                                                     : safetensors_read(arena, path, &tensors, &err);
    arena_free(arena);
    add_checked(look, name, status, &err);
}

static void check_unlisted(Look *look, const char *name, void *context)
{
    static const char *const without[] = {RUN_LOG, RUN_TIMING, RUN_STDERR};
    static const char *const with_own[] = {RUN_CONFIG, RUN_MANIFEST, RUN_SNAPSHOTS, RUN_CHECKPOINTS};
    const RunLook *run = context;
    uint64_t size = 0;
    for (size_t i = 0; i < sizeof with_own / sizeof *with_own; i++)
        if (strcmp(name, with_own[i]) == 0)
            return;
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (strcmp(name, without[i]) == 0) {
            add_finding(look, FINDING_UNKNOWN, name, "");
            return;
        }
    if (strcmp(name, RUN_LEASE) == 0) /* of a process that was killed; whoever has one that lives is asked before */
        return;
    if (strcmp(name, RUN_LOCK) == 0 && file_size(file_join(look->arena, look->folder, name), &size) == 0 && size == 0)
        return;
    if (!run->is_finished && strcmp(name, RUN_SERIES) == 0)
        check_rows(look, &run->manifest);
    else if (!run->is_finished && strcmp(name, RUN_TOKENIZER) == 0)
        add_finding(look, FINDING_UNKNOWN, name, "");
    else if (!run->is_finished && (step_of(look->arena, name) >= 0 || strcmp(name, RUN_BASELINES) == 0))
        check_itself(look, name);
    else
        add_finding(look, FINDING_FOREIGN, name, "");
}

/* Whether a listed file that is gone is missed by nobody: checkpoints of a finished run, and, of an unfinished one,
 * snapshots behind the newest checkpoint, which are made again. */
static int may_be_gone(const Look *look, const RunLook *run, const char *name)
{
    if (run->is_finished)
        return is_below(name, RUN_CHECKPOINTS);
    return is_below(name, RUN_SNAPSHOTS) && (run->last < 0 || step_of(look->arena, name) > run->last);
}

/* Of the files that belong to steps; -1 without any. */
static int64_t last_step(const Look *look, const char *folder)
{
    int64_t *steps;
    int n = 0;
    return run_steps(look->arena, look->folder, folder, &steps, &n, NULL) == STATUS_OK && n > 0 ? steps[n - 1] : -1;
}

static void look_at_run(Look *look, RunLook *run)
{
    const Manifest *manifest = &run->manifest;
    read_manifest(look, run);
    check_settings(look, run);
    run->last = last_step(look, RUN_CHECKPOINTS);
    if (!file_exists(file_join(look->arena, look->folder, RUN_MANIFEST)) &&
        (run->last >= 0 || last_step(look, RUN_SNAPSHOTS) >= 0)) /* it is written before any of these */
        add_finding(look, FINDING_LOST, RUN_MANIFEST, "");
    list(look, manifest->files, manifest->n_files);
    list(look, manifest->times, manifest->n_times);
    for (int i = 0; i < manifest->n_files; i++)
        if (file_exists(file_join(look->arena, look->folder, manifest->files[i])) ||
            !may_be_gone(look, run, manifest->files[i]))
            check_hash(look, manifest->files[i], manifest->files_sha256[i]);
    for (int i = 0; i < manifest->n_times; i++)
        check_hash(look, manifest->times[i], manifest->times_sha256[i]);
    if (manifest->n_rows > 0 && !run->is_finished && !file_exists(file_join(look->arena, look->folder, RUN_SERIES)))
        add_finding(look, FINDING_LOST, RUN_SERIES, "");
    each_unlisted(look, "", check_unlisted, run);
    each_unlisted(look, RUN_SNAPSHOTS, check_unlisted, run);
    each_unlisted(look, RUN_CHECKPOINTS, check_unlisted, run);
}

/* ---- both ---- */

/* Prints what was found, or that it is not known. */
static void end_look(Look *look, const char *in_use, Verified *verified)
{
    if (in_use) {
        terminal_rowf("      in use   %s\n", in_use);
        verified->n_in_use++;
    } else {
        terminal_rowf("%s", text_string(&look->lines));
        if (look->unknown.size > 0)
            terminal_rowf("      no hash  %s\n", text_string(&look->unknown));
        verified->n_whole += look->found.n_whole;
        verified->n_sealed += look->found.n_sealed;
        for (int f = 0; f < FINDING_COUNT; f++)
            verified->n[f] += look->found.n[f];
    }
    text_free(&look->lines);
    text_free(&look->unknown);
    arena_free(look->arena);
}

static int n_wrong(const Look *look)
{
    return look->found.n[FINDING_DAMAGED] + look->found.n[FINDING_LOST] + look->found.n[FINDING_FOREIGN];
}

void verify_run(const Program *program, const char *folder, Verified *verified)
{
    Look look = {.arena = arena_new(), .folder = folder};
    RunLook run = {.program = program};
    int is_in_use = run_is_locked(folder);
    if (!is_in_use) {
        look_at_run(&look, &run);
        is_in_use = n_wrong(&look) > 0 && run_is_locked(folder); /* somebody has begun meanwhile */
    }
    end_look(&look, is_in_use ? "it is being trained or measured now, and not checked" : NULL, verified);
}

int verify_is_run(const char *folder)
{
    Arena *arena = arena_new();
    const int is_run =
        file_temporary_of(folder) == 0 && file_is_folder(folder) &&
        (file_exists(file_join(arena, folder, RUN_CONFIG)) || file_exists(file_join(arena, folder, RUN_MANIFEST)));
    arena_free(arena);
    return is_run;
}

static void check_unlisted_result(Look *look, const char *name, void *context)
{
    (void)context;
    int is_known = 0;
    if (strcmp(name, SUMS_FILE) == 0 || strcmp(name, SLURM_FOLDER) == 0 || strcmp(name, LEASE_FILE) == 0 ||
        verify_is_run(file_join(look->arena, look->folder, name)))
        return;
    for (int d = 0; d < DOCUMENT_COUNT; d++)
        is_known |= strcmp(name, document_names[d]) == 0;
    for (const Export *const *export = export_registry; *export; export ++)
        is_known |= strcmp(name, (*export)->file) == 0;
    add_finding(look, is_known ? FINDING_UNKNOWN : FINDING_FOREIGN, name, "");
}

void verify_results(const char *folder, const char *const *planned, int n_planned, Verified *verified)
{
    Look look = {.arena = arena_new(), .folder = folder};
    const char *path = file_join(look.arena, folder, SUMS_FILE);
    Sums sums = {.n = 0}, now = {.n = 0};
    Error err;
    const int status = sums_read(look.arena, folder, &sums, &err);
    if (file_exists(path))
        add_checked(&look, SUMS_FILE, status, &err);
    else if (verified->n_sealed > 0)
        add_finding(&look, FINDING_LOST, SUMS_FILE, "");
    list(&look, sums.names, sums.n);
    list(&look, planned, n_planned); /* folders: one that is empty yet is no stranger's */
    for (int i = 0; i < sums.n; i++)
        check_hash(&look, sums.names[i], sums.hashes[i]);
    each_unlisted(&look, "", check_unlisted_result, NULL);
    int is_in_use = 0; /* a report has begun, or ended, meanwhile */
    if (n_wrong(&look) > 0 && sums_read(look.arena, folder, &now, NULL) == STATUS_OK) {
        is_in_use = now.n != sums.n && status == STATUS_OK;
        for (int i = 0; i < now.n && !is_in_use; i++)
            is_in_use = status == STATUS_OK && strcmp(now.hashes[i], sums.hashes[i]) != 0;
    }
    end_look(&look, is_in_use ? "it is being written now, and not checked" : NULL, verified);
}
