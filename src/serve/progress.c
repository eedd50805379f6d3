/* See progress.h. */
#include "serve/progress.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "report/results.h"
#include "store/manifest.h"
#include "store/series.h"
#include "store/sums.h"

/* ---- one run ---- */

static void read_series(Arena *arena, const char *path, RunProgress *run)
{
    double row[N_SERIES];
    if (series_last(file_join(arena, path, RUN_SERIES), N_SERIES, row) != 0)
        return;
    run->step = (int64_t)row[0];
    run->loss = row[1];
}

static void read_snapshots(Arena *arena, const char *path, RunProgress *run)
{
    int64_t *steps;
    int n = 0;
    if (run_steps(arena, path, RUN_SNAPSHOTS, &steps, &n, NULL) != STATUS_OK || n == 0)
        return;
    run->n_snapshots = n;
    run->snapshot = steps[n - 1];
}

/* What tells one state of a run from another, as far as a page shows it. A finished run's files change only if they are
 * measured again, and then their hashes do. */
static void add_to_tag(const RunProgress *run, const Manifest *manifest, Sha256 *sha)
{
    const int64_t numbers[] = {run->status, run->n_snapshots, run->snapshot};
    sha256_add(sha, numbers, sizeof numbers);
    sha256_add(sha, run->reason, strlen(run->reason) + 1);
    for (int f = 0; run->status == RUN_FINISHED && f < manifest->n_files; f++)
        sha256_add(sha, manifest->files_sha256[f], strlen(manifest->files_sha256[f]));
}

/* Strings that stay are in `arena`; the manifest, whose list of files is long, is not. */
static void read_run(Arena *arena, const char *path, RunProgress *run, Sha256 *sha)
{
    Arena *scratch = arena_new();
    Manifest manifest = {.n_files = 0};
    Error err;
    run->status = run_status(path);
    if (run->status > RUN_PENDING && manifest_read(scratch, path, &manifest, &err) == STATUS_OK) {
        run->steps = manifest.steps;
        if (run->status == RUN_FAILED)
            run->reason = arena_strdup(arena, manifest.reason);
    } else if (run->status > RUN_PENDING) {
        run->reason = arena_strdup(arena, err.text);
    }
    read_series(scratch, path, run);
    read_snapshots(scratch, path, run);
    add_to_tag(run, &manifest, sha);
    arena_free(scratch);
}

/* ---- all of them ---- */

static int start_tag(const char *folder, Sha256 *sha, Error *err)
{
    Arena *arena = arena_new();
    char hex[65] = "";
    const int status = file_sha256(file_join(arena, folder, document_names[DOCUMENT_PLAN]), hex, err);
    sha256_start(sha);
    sha256_add(sha, hex, sizeof hex);
    arena_free(arena);
    return status;
}

static void end_tag(Sha256 *sha, char ret_tag[PROGRESS_TAG])
{
    unsigned char digest[32];
    char hex[65];
    sha256_end(sha, digest);
    sha256_digest_hex(digest, hex);
    memcpy(ret_tag, hex, PROGRESS_TAG - 1);
    ret_tag[PROGRESS_TAG - 1] = '\0';
}

int progress_read(Arena *arena, const char *folder, Progress *ret_progress, Error *err)
{
    Progress progress = {.name = ""};
    Report *report = NULL;
    Sha256 sha;
    int status = start_tag(folder, &sha, err);
    if (status == STATUS_OK)
        status = report_outline(arena, folder, &report, err);
    if (status != STATUS_OK)
        return status;
    progress.name = report->name;
    progress.title = report->title;
    progress.n_runs = report->n_runs;
    progress.runs = ARENA_ARRAY(arena, RunProgress, report->n_runs + 1);
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *planned = &report->runs[r];
        RunProgress *run = &progress.runs[r];
        *run = (RunProgress){.folder = planned->folder,
                             .arm = report->arms[planned->arm].name,
                             .seed = planned->seed,
                             .reason = "",
                             .snapshot = -1,
                             .loss = (double)NAN};
        read_run(arena, file_join(arena, folder, run->folder), run, &sha);
        progress.n_of[run->status]++;
        progress.n_measured += run->n_snapshots > 0;
    }
    end_tag(&sha, progress.tag);
    *ret_progress = progress;
    return STATUS_OK;
}

/* ---- as JSON ---- */

static void put_run(const RunProgress *run, JsonWriter *json)
{
    json_open_object(json);
    json_put_string(json, "run", run->folder);
    json_put_string(json, "arm", run->arm);
    json_put_number(json, "seed", (double)run->seed);
    json_put_string(json, "status", run_status_name(run->status));
    json_put_number(json, "step", (double)run->step);
    json_put_number(json, "steps", (double)run->steps);
    json_put_number(json, "snapshot", run->snapshot < 0 ? (double)NAN : (double)run->snapshot);
    json_put_number(json, "loss", run->loss);
    json_put_string(json, "reason", run->reason);
    json_close_object(json);
}

void progress_json(const Progress *progress, int has_runs, JsonWriter *json)
{
    json_put_string(json, "name", progress->name);
    json_put_string(json, "title", progress->title);
    json_put_number(json, "planned", progress->n_runs);
    for (int s = 0; s < PROGRESS_STATUSES; s++)
        json_put_number(json, run_status_name((RunStatus)s), progress->n_of[s]);
    if (!has_runs)
        return;
    json_key(json, "runs");
    json_open_array(json);
    for (int r = 0; r < progress->n_runs; r++)
        put_run(&progress->runs[r], json);
    json_close_array(json);
}
