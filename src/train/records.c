/* What stands beside a checkpoint, looked at before a run goes on from it, and hashed as it is written. */
#include "train/records.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "store/npz.h"
#include "store/series.h"
#include "train/watch.h"

/* Of a name among others; NULL if it is not there. */
static const char *hash_of(const char *name, const char *const *names, const char *const *hashes, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return hashes[i];
    return NULL;
}

/* A snapshot's path below the run's folder. */
static const char *snapshot_name(Arena *arena, int64_t step)
{
    const char *name = run_snapshot_path(arena, "", step);
    return name + strspn(name, "/");
}

/* ---- what stands ---- */

/* STATUS_OK if a file is as it was written: by its hash, or, where nothing has it, by its own checks. */
static int check_file(const Records *records, const char *name, Error *ret_reason)
{
    Arena *arena = arena_new();
    const Manifest *earlier = &records->earlier;
    const char *path = file_join(arena, records->folder, name);
    const char *recorded = hash_of(name, earlier->files, earlier->files_sha256, earlier->n_files);
    char hex[65];
    Npz npz;
    int status = STATUS_OK;
    if (!file_exists(path))
        status = error_set(ret_reason, STATUS_INPUT, "%s is gone", path);
    else if (!recorded)
        status = npz_read(arena, path, &npz, ret_reason);
    else if ((status = file_sha256(path, hex, ret_reason)) == STATUS_OK && strcmp(hex, recorded) != 0)
        status = error_set(ret_reason, STATUS_INPUT, "%s is not what was written", path);
    arena_free(arena);
    return status;
}

int records_lack(const Records *records, int64_t step)
{
    const Manifest *earlier = &records->earlier;
    const char *name = snapshot_name(records->arena, step);
    return !hash_of(name, earlier->files, earlier->files_sha256, earlier->n_files) &&
           !file_exists(file_join(records->arena, records->folder, name));
}

int records_open(Arena *arena, const char *folder, const TrainSettings *settings, int64_t last, Records *ret_records,
                 Error *err)
{
    Records records = {.arena = arena, .folder = folder, .settings = settings, .first_lost = INT64_MAX};
    const char *manifest = file_join(arena, folder, RUN_MANIFEST);
    int status = manifest_read(arena, folder, &records.earlier, err);
    if (status == STATUS_FAILED) /* the system can't read: what stands in it is not to be lost */
        return status;
    if (status != STATUS_OK) {
        records.earlier = (Manifest){.n_files = 0};
        if (file_exists(manifest))
            records.damage = arena_strdup(arena, err->text);
        else if (last >= 0) /* a checkpoint is written behind a manifest */
            records.damage = arena_format(arena, "%s is gone", manifest);
    }
    for (int64_t step = 0; step <= last && records.first_lost == INT64_MAX; step++) {
        if (!snapshot_is_due(settings, step) || (step == last && !records.damage && records_lack(&records, step)))
            continue;
        status = step == 0 ? check_file(&records, RUN_BASELINES, &records.reason) : STATUS_OK;
        if (status == STATUS_OK)
            status = check_file(&records, snapshot_name(arena, step), &records.reason);
        if (status == STATUS_FAILED) /* the system can't read: no reason to train anything again */
            return error_set(err, status, "%s", records.reason.text);
        if (status != STATUS_OK)
            records.first_lost = step;
    }
    *ret_records = records;
    return STATUS_OK;
}

int records_check(const Records *records, int64_t step, Error *ret_reason)
{
    const Manifest *earlier = &records->earlier;
    if (records->first_lost <= step)
        return error_set(ret_reason, STATUS_INPUT, "%s", records->reason.text);
    const char *path = file_join(records->arena, records->folder, RUN_SERIES);
    const char *name = arena_format(records->arena, "%" PRId64, step);
    const char *recorded = hash_of(name, earlier->rows, earlier->rows_sha256, earlier->n_rows);
    char hex[65];
    const int status = series_hash(path, series_columns, N_SERIES, step, hex, ret_reason);
    if (status == STATUS_OK && recorded && strcmp(hex, recorded) != 0)
        return error_set(ret_reason, STATUS_INPUT, "%s: its rows up to step %" PRId64 " are not what was written", path,
                         step);
    return status;
}

/* ---- what is written ---- */

static int add_file(Recorder *recorder, const char *name, Error *err)
{
    Manifest *manifest = recorder->manifest;
    char hex[65];
    const int status = file_sha256(file_join(recorder->arena, recorder->folder, name), hex, err);
    if (status != STATUS_OK)
        return status;
    manifest->files_sha256[manifest->n_files] = arena_strdup(recorder->arena, hex);
    manifest->files[manifest->n_files++] = name;
    return STATUS_OK;
}

int recorder_add_snapshot(Recorder *recorder, int64_t step, Error *err)
{
    int status = step == 0 ? add_file(recorder, RUN_BASELINES, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = add_file(recorder, snapshot_name(recorder->arena, step), err);
    return status;
}

/* Rows up to a step that has no checkpoint (any more) are of no use. */
static void drop_rows(Recorder *recorder)
{
    Manifest *manifest = recorder->manifest;
    Arena *arena = arena_new();
    int n = 0;
    for (int i = 0; i < manifest->n_rows; i++) {
        int64_t step;
        if (text_parse_int(recorder->steps[i], &step) != 0 ||
            !file_exists(run_checkpoint_path(arena, recorder->folder, step)))
            continue;
        memmove(recorder->steps[n], recorder->steps[i], sizeof *recorder->steps);
        memmove(recorder->hashes[n++], recorder->hashes[i], sizeof *recorder->hashes);
    }
    manifest->n_rows = n;
    arena_free(arena);
}

void recorder_add_rows(Recorder *recorder, int64_t step, const char *hash)
{
    Manifest *manifest = recorder->manifest;
    drop_rows(recorder);
    assert(manifest->n_rows < recorder->most);
    snprintf(recorder->steps[manifest->n_rows], sizeof *recorder->steps, "%" PRId64, step);
    snprintf(recorder->hashes[manifest->n_rows++], sizeof *recorder->hashes, "%s", hash);
}

/* Of the rows recorded earlier those up to `step`: of more than there is room for, as where checkpoint.keep was
 * lowered, the newest. */
static void take_rows(Recorder *recorder, const Manifest *earlier, int64_t step)
{
    Manifest *manifest = recorder->manifest;
    int n = 0;
    int64_t at;
    for (int i = 0; i < earlier->n_rows; i++)
        n += text_parse_int(earlier->rows[i], &at) == 0 && at <= step;
    for (int i = 0; i < earlier->n_rows; i++) {
        if (text_parse_int(earlier->rows[i], &at) != 0 || at > step || n-- > recorder->most - 1)
            continue; /* one is for the next */
        snprintf(recorder->steps[manifest->n_rows], sizeof *recorder->steps, "%" PRId64, at);
        snprintf(recorder->hashes[manifest->n_rows++], sizeof *recorder->hashes, "%s", earlier->rows_sha256[i]);
    }
}

int recorder_begin(Arena *arena, const Records *records, int64_t step, Manifest *manifest, Recorder *ret_recorder,
                   Error *err)
{
    enum { BESIDE_KEPT = 3 }; /* the last that was not due, the one being written, one that a kill left */
    const TrainSettings *settings = records->settings;
    const Manifest *earlier = &records->earlier;
    Recorder recorder = {.folder = records->folder, .arena = arena, .manifest = manifest};
    recorder.most = settings->checkpoint.keep + watch_most(settings) + BESIDE_KEPT;
    recorder.steps = arena_alloc(arena, (size_t)recorder.most * sizeof *recorder.steps);
    recorder.hashes = arena_alloc(arena, (size_t)recorder.most * sizeof *recorder.hashes);
    manifest->rows = ARENA_ARRAY(arena, const char *, recorder.most);
    manifest->rows_sha256 = ARENA_ARRAY(arena, const char *, recorder.most);
    for (int i = 0; i < recorder.most; i++)
        manifest->rows[i] = recorder.steps[i], manifest->rows_sha256[i] = recorder.hashes[i];
    manifest->n_rows = 0;
    if (step >= 0)
        take_rows(&recorder, earlier, step);
    enum { BESIDE_SNAPSHOTS = 2 }; /* tokenizer, baselines */
    manifest->files = ARENA_ARRAY(arena, const char *, BESIDE_SNAPSHOTS + snapshot_count(settings));
    manifest->files_sha256 = ARENA_ARRAY(arena, const char *, BESIDE_SNAPSHOTS + snapshot_count(settings));
    manifest->n_files = 0;
    int status = STATUS_OK;
    if (file_exists(file_join(arena, records->folder, RUN_TOKENIZER)))
        status = add_file(&recorder, RUN_TOKENIZER, err);
    for (int64_t s = 0; s <= step && status == STATUS_OK; s++)
        if (snapshot_is_due(settings, s) && !(s == step && records_lack(records, s)))
            status = recorder_add_snapshot(&recorder, s, err);
    if (status == STATUS_OK)
        *ret_recorder = recorder;
    return status;
}

static int compare(const char *name, const char *written, const Manifest *finished, const char *folder, Error *err)
{
    const char *hash = hash_of(name, finished->files, finished->files_sha256, finished->n_files);
    if (hash && strcmp(hash, written) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_FAILED, "%s: %s is %s; the same command trains it again", folder, name,
                     hash ? "not what was written" : "gone");
}

int records_compare(const Manifest *recorded, const char *series_hash, const Manifest *finished, const char *folder,
                    Error *err)
{
    int status = compare(RUN_SERIES, series_hash, finished, folder, err);
    for (int i = 0; i < recorded->n_files && status == STATUS_OK; i++)
        status = compare(recorded->files[i], recorded->files_sha256[i], finished, folder, err);
    return status;
}
