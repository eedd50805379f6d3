/* Measuring again from saved weights: for metrics and rules that came after a run was trained. */
#include "train/train.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "store/manifest.h"
#include "train/session.h"
#include "train/saved.h"

/* Changed is also what a measuring that was killed had changed: the manifest still has the hash of before. */
static int measure_one(Session *session, const char *folder, const Manifest *manifest, const real *parameters,
                       const int64_t progress[3], int *ret_is_changed, Error *err)
{
    Arena *arena = arena_new();
    char *path = run_snapshot_path(arena, folder, progress[0]), before[65] = "", after[65] = "";
    const char *recorded = manifest_hash(manifest, folder, path);
    MeasureSummary summary;
    int status = file_exists(path) ? file_sha256(path, before, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = measure_snapshot(session->measurer, parameters, session->lock, folder, progress[0], progress[1],
                                  progress[2], &summary, err);
    if (status == STATUS_OK)
        status = file_sha256(path, after, err);
    *ret_is_changed = strcmp(before, after) != 0 || (recorded && strcmp(recorded, after) != 0);
    arena_free(arena);
    return status;
}

/* Steps of snapshots that stand, and of those that are due at a checkpoint and are gone. */
static int list_steps(Arena *arena, const char *folder, const TrainSettings *settings, int64_t **ret_steps, int *ret_n,
                      Error *err)
{
    int64_t *stand, *checkpoints;
    int n_stand, n_checkpoints, status = run_steps(arena, folder, RUN_SNAPSHOTS, &stand, &n_stand, err);
    if (status == STATUS_OK)
        status = run_steps(arena, folder, RUN_CHECKPOINTS, &checkpoints, &n_checkpoints, err);
    if (status != STATUS_OK)
        return status;
    int64_t *steps = ARENA_ARRAY(arena, int64_t, n_stand + n_checkpoints + 1);
    int n = n_stand;
    memcpy(steps, stand, sizeof *steps * (size_t)n_stand);
    for (int c = 0; c < n_checkpoints; c++)
        if (snapshot_is_due(settings, checkpoints[c]) && !file_exists(run_snapshot_path(arena, folder, checkpoints[c])))
            steps[n++] = checkpoints[c];
    saved_sort_steps(steps, n);
    *ret_steps = steps, *ret_n = n;
    return STATUS_OK;
}

/* Puts the hashes of what measuring a step has written into the manifest, and that on disk at once: measuring may end
 * behind any step. */
static int record(Arena *arena, const Lock *lock, const char *folder, int64_t step, int has_new_baselines,
                  Manifest *manifest, Error *err)
{
    const char *name = run_snapshot_path(arena, "", step);
    int status = manifest_hash_again(arena, folder, manifest, name + strspn(name, "/"), err);
    if (status == STATUS_OK && has_new_baselines)
        status = manifest_hash_again(arena, folder, manifest, RUN_BASELINES, err);
    if (status == STATUS_OK)
        status = lock_check(lock, err);
    return status == STATUS_OK ? manifest_write(folder, manifest, err) : status;
}

/* Every snapshot whose weights stand. */
static int measure_all(Session *session, Arena *arena, const char *folder, Manifest *manifest,
                       Remeasured **ret_snapshots, int *ret_n, Error *err)
{
    const Parameters *parameters = model_parameters(session->model);
    real *block = ARENA_ARRAY(arena, real, parameters->n_values);
    int64_t *steps, progress[3];
    int n_steps, n = 0, status = list_steps(arena, folder, &session->settings, &steps, &n_steps, err);
    if (status != STATUS_OK)
        return status;
    Remeasured *measured = ARENA_ARRAY(arena, Remeasured, n_steps);
    for (int i = 0; i < n_steps && status == STATUS_OK; i++) {
        int found = 0;
        status = saved_weights(parameters, folder, steps[i], block, progress, &found, err);
        if (status != STATUS_OK || !found)
            continue;
        const int has_new_baselines = steps[i] == 0 || !file_exists(file_join(arena, folder, RUN_BASELINES));
        measured[n].step = steps[i];
        status = measure_one(session, folder, manifest, block, progress, &measured[n++].is_changed, err);
        if (status == STATUS_OK)
            status = record(arena, session->lock, folder, steps[i], has_new_baselines, manifest, err);
    }
    if (status == STATUS_OK)
        *ret_snapshots = measured, *ret_n = n;
    return status;
}

/* The measuring set is drawn from the inputs: with others, new numbers would not be those of the same sequences. */
static int check_inputs(const Session *session, const char *folder, const Manifest *manifest, Error *err)
{
    if (strcmp(session->input_sha256, manifest->input_sha256) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%s: its input files have changed since it was trained (SHA-256 %.12s, now %.12s)", folder,
                     manifest->input_sha256, session->input_sha256);
}

/* Another version's numbers would stand beside those of the one that the manifest names. */
static int check_numerics(const char *folder, const Manifest *manifest, Error *err)
{
    if (manifest->numerics_version == TRAIN_NUMERICS_VERSION)
        return STATUS_OK;
    return error_set(
        err, STATUS_INPUT,
        "%s: was trained by numerics version %d, and this program's is %d: other bits; measure it with the "
        "program that trained it",
        folder, manifest->numerics_version, TRAIN_NUMERICS_VERSION);
}

/* Measures all. Snapshots of a machine that computes other bits than the one that trained are counted, as resumes on it
 * are. Without hashes to tell them after a kill, they are counted before, and taken back when nothing has changed. */
static int measure_and_count(Session *session, Arena *arena, const TrainJob *job, Manifest *manifest,
                             Remeasured **ret_snapshots, int *ret_n, Error *err)
{
    const Machine here = machine_here(arena, session->kernels);
    const int is_other = machine_difference(arena, &manifest->machine, &here) != NULL;
    int n_changed = 0, status = STATUS_OK;
    manifest->n_other_machines += is_other;
    if (is_other && manifest->status != RUN_FINISHED)
        status = manifest_write(job->folder, manifest, err);
    if (status == STATUS_OK)
        status = measure_all(session, arena, job->folder, manifest, ret_snapshots, ret_n, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < *ret_n; i++)
        n_changed += (*ret_snapshots)[i].is_changed;
    if (n_changed == 0)
        manifest->n_other_machines -= is_other;
    status = lock_check(session->lock, err);
    return status == STATUS_OK ? manifest_write(job->folder, manifest, err) : status;
}

/* Opens what measuring needs. What was opened is for train_measure_again to close, whatever came of it. */
static int open_session(const TrainJob *job, const Manifest *manifest, Session *session, Error *err)
{
    int status = session_open(job->settings, job->kernels, session, err);
    if (status == STATUS_OK)
        status = check_inputs(session, job->folder, manifest, err);
    if (status == STATUS_OK)
        status = session_keep_tokenizer(session, job->folder, 1, err);
    if (status == STATUS_OK)
        status = session_start(session, job->threads, 0, 1, err);
    return status;
}

/* Everything under the run's lock. */
static int measure_locked(Session *session, const Lock *lock, Arena *arena, const TrainJob *job,
                          Remeasured **ret_snapshots, int *ret_n, Error *err)
{
    Manifest manifest;
    int status = manifest_read(arena, job->folder, &manifest, err);
    if (status == STATUS_OK)
        status = check_numerics(job->folder, &manifest, err);
    if (status == STATUS_OK) /* behind no step: what a kill left half-written */
        status = run_cut_back(job->folder, INT64_MAX, err);
    if (status == STATUS_OK)
        status = open_session(job, &manifest, session, err);
    session->lock = lock;
    if (status == STATUS_OK)
        status = lock_check(lock, err);
    return status == STATUS_OK ? measure_and_count(session, arena, job, &manifest, ret_snapshots, ret_n, err) : status;
}

int train_measure_again(Arena *arena, const TrainJob *job, Remeasured **ret_snapshots, int *ret_n, Error *err)
{
    Session session = {0};
    Lock *lock;
    int status = run_lock(job->folder, LOCK_TO_WRITE, &lock, err);
    if (status != STATUS_OK)
        return status;
    status = measure_locked(&session, lock, arena, job, ret_snapshots, ret_n, err);
    status = lock_explain(lock, status, err);
    session_close(&session);
    lock_free(lock);
    return status;
}
