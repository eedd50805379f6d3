/* Measuring again from saved weights: for metrics and rules that came after a run was trained. */
#include "train/train.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "store/npz.h"
#include "store/run.h"
#include "train/checkpoint.h"
#include "train/session.h"

/* Weights of a snapshot that holds them (*ret_found), with its counters. */
static int weights_from_snapshot(Arena *arena, const Parameters *parameters, const char *path, real *ret_block,
                                 int64_t ret_progress[3], int *ret_found, Error *err)
{
    static const char *const counters[] = {"step", "tokens_seen", "targets_seen"};
    Npz npz;
    *ret_found = 0;
    if (!file_exists(path))
        return STATUS_OK;
    int status = npz_read(arena, path, &npz, err);
    for (int c = 0; c < 3 && status == STATUS_OK; c++) {
        const NpyArray *array = npz_get(&npz, counters[c]);
        if (!array || array->type != NPY_INT64 || array->n_items != 1)
            return error_set(err, STATUS_INPUT, "%s: %s is missing", path, counters[c]);
        memcpy(&ret_progress[c], array->data, sizeof ret_progress[c]);
    }
    for (int t = 0; t < parameters->n_tensors && status == STATUS_OK; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        size_t n = (size_t)tensor->rows * tensor->cols;
        const NpyArray *array = npz_get(&npz, arena_format(arena, "weights/%s", tensor->name));
        if (!array)
            return STATUS_OK;
        if (array->type != NPY_FLOAT32 || array->n_items != n)
            return error_set(err, STATUS_INPUT, "%s: weights/%s has another shape than the model", path, tensor->name);
        for (size_t i = 0; i < n; i++)
            ret_block[tensor->offset + i] = ((const float *)array->data)[i];
    }
    *ret_found = status == STATUS_OK;
    return status;
}

static int measure_one(Session *session, const char *folder, const real *parameters, const int64_t progress[3],
                       int *ret_is_changed, Error *err)
{
    Arena *arena = arena_new();
    char *path = run_snapshot_path(arena, folder, progress[0]), before[65] = "", after[65] = "";
    MeasureSummary summary;
    int status = file_exists(path) ? file_sha256(path, before, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = measure_snapshot(session->measurer, parameters, folder, progress[0], progress[1], progress[2], &summary,
                                  err);
    if (status == STATUS_OK)
        status = file_sha256(path, after, err);
    *ret_is_changed = strcmp(before, after) != 0;
    arena_free(arena);
    return status;
}

/* Every step for which weights stand: in a snapshot, else in a checkpoint. */
static int measure_all(Session *session, Arena *arena, const char *folder, int *ret_n_measured, int *ret_n_changed,
                       Error *err)
{
    const Parameters *parameters = model_parameters(session->model);
    real *block = ARENA_ARRAY(arena, real, parameters->n_values);
    int64_t *snapshots, *checkpoints, progress[3];
    int n_snapshots, n_checkpoints, found, is_changed;
    int status = run_steps(arena, folder, RUN_SNAPSHOTS, &snapshots, &n_snapshots, err);
    if (status == STATUS_OK)
        status = run_steps(arena, folder, RUN_CHECKPOINTS, &checkpoints, &n_checkpoints, err);
    for (int i = 0; i < n_snapshots && status == STATUS_OK; i++) {
        const char *path = run_snapshot_path(arena, folder, snapshots[i]);
        status = weights_from_snapshot(arena, parameters, path, block, progress, &found, err);
        for (int c = 0; c < n_checkpoints && status == STATUS_OK && !found; c++)
            if (checkpoints[c] == snapshots[i]) {
                const char *checkpoint = run_checkpoint_path(arena, folder, checkpoints[c]);
                status = checkpoint_read_weights(parameters, checkpoint, block, progress, err);
                found = 1;
            }
        if (status != STATUS_OK || !found)
            continue;
        status = measure_one(session, folder, block, progress, &is_changed, err);
        *ret_n_measured += 1, *ret_n_changed += is_changed;
    }
    return status;
}

int train_measure_again(const TrainJob *job, int *ret_n_measured, int *ret_n_changed, Error *err)
{
    Arena *arena = arena_new();
    Session session = {0};
    Manifest manifest;
    int lock = -1, n_measured = 0, n_changed = 0;
    int status = run_lock(job->folder, &lock, err);
    if (status == STATUS_OK)
        status = manifest_read(arena, job->folder, &manifest, err);
    if (status == STATUS_OK)
        status = session_open(job->settings, job->kernels, &session, err);
    if (status == STATUS_OK)
        status = session_start(&session, job->threads, 0, 1, job->kernels, err);
    if (status == STATUS_OK)
        status = measure_all(&session, arena, job->folder, &n_measured, &n_changed, err);
    if (status == STATUS_OK && n_changed > 0 && manifest.status == RUN_FINISHED) {
        status = manifest_hash_files(arena, job->folder, &manifest, err);
        if (status == STATUS_OK)
            status = manifest_write(job->folder, &manifest, err);
    }
    if (status == STATUS_OK)
        *ret_n_measured = n_measured, *ret_n_changed = n_changed;
    session_close(&session);
    run_unlock(lock);
    arena_free(arena);
    return status;
}
