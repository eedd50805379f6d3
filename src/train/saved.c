/* See saved.h. */
#include "train/saved.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/npz.h"
#include "store/run.h"
#include "train/checkpoint.h"

/* The counters are those of the step that the file is named after: what is measured again is written under it. */
static int check_progress(const char *path, int64_t step, const int64_t progress[3], Error *err)
{
    if (progress[0] == step && progress[1] >= 0 && progress[2] >= 0 && progress[2] <= progress[1])
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%s: its counters are not those of step %lld", path, (long long)step);
}

/* Weights of a snapshot that holds them (*ret_found), with its counters. */
static int weights_from_snapshot(Arena *arena, const Parameters *parameters, const char *path, int64_t step,
                                 real *ret_block, int64_t ret_progress[3], int *ret_found, Error *err)
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
    if (status == STATUS_OK)
        status = check_progress(path, step, ret_progress, err);
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

/* What is read on the way is given back at once. */
int saved_weights(const Parameters *parameters, const char *folder, int64_t step, real *ret_block,
                  int64_t ret_progress[3], int *ret_found, Error *err)
{
    Arena *arena = arena_new();
    const char *checkpoint = run_checkpoint_path(arena, folder, step);
    int status = weights_from_snapshot(arena, parameters, run_snapshot_path(arena, folder, step), step, ret_block,
                                       ret_progress, ret_found, err);
    if (status != STATUS_FAILED && !*ret_found && file_exists(checkpoint)) {
        status = checkpoint_read_weights(parameters, checkpoint, ret_block, ret_progress, err);
        if (status == STATUS_OK)
            status = check_progress(checkpoint, step, ret_progress, err);
        *ret_found = status == STATUS_OK;
    }
    arena_free(arena);
    return status;
}

static int compare_steps(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void saved_sort_steps(int64_t *steps, int n)
{
    qsort(steps, (size_t)n, sizeof *steps, compare_steps);
}

int saved_steps(Arena *arena, const char *run_folder, int64_t **ret_steps, int *ret_n, Error *err)
{
    int64_t *snapshots, *checkpoints;
    int n_snapshots, n_checkpoints, status = run_steps(arena, run_folder, RUN_SNAPSHOTS, &snapshots, &n_snapshots, err);
    if (status == STATUS_OK)
        status = run_steps(arena, run_folder, RUN_CHECKPOINTS, &checkpoints, &n_checkpoints, err);
    if (status != STATUS_OK)
        return status;
    int64_t *steps = ARENA_ARRAY(arena, int64_t, n_snapshots + n_checkpoints + 1);
    int n = 0;
    for (int i = 0; i < n_snapshots; i++)
        steps[n++] = snapshots[i];
    for (int i = 0; i < n_checkpoints; i++)
        steps[n++] = checkpoints[i];
    saved_sort_steps(steps, n);
    int n_kept = 0;
    for (int i = 0; i < n; i++)
        if (n_kept == 0 || steps[i] != steps[n_kept - 1])
            steps[n_kept++] = steps[i];
    *ret_steps = steps, *ret_n = n_kept;
    return STATUS_OK;
}
