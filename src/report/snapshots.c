/* See snapshots.h. A snapshot is read whole into an arena of its own and dropped, so that the report's memory grows
 * with the number of metrics, not with that of maps. The baselines are read once and kept while their run is read.
 *
 * What is read is what the run left: of the bytes that its manifest names, and of the shapes that members.c lists.
 */
#include "report/snapshots.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "report/classify.h"
#include "report/members.h"
#include "store/npz.h"

/* A run while its snapshots are read. */
typedef struct {
    Report *report;
    ReportRun *run;
    const char *folder;
    const Manifest *manifest; /* NULL: nothing is known of its files */
    MemberSizes sizes;
    Npz baselines;
} Reader;

/* ---- members, whose types and shapes are checked ---- */

/* A float64 member of n numbers copied to `ret_values`, or NaN where the file has none. */
static void copy_numbers(const Npz *npz, const char *name, size_t n, double *ret_values)
{
    const NpyArray *array = npz_get(npz, name);
    if (array)
        memcpy(ret_values, array->data, n * sizeof *ret_values);
    for (size_t i = 0; !array && i < n; i++)
        ret_values[i] = (double)NAN;
}

static double integer_of(const Npz *npz, const char *name)
{
    const NpyArray *array = npz_get(npz, name);
    return array ? (double)*(const int64_t *)array->data : (double)NAN;
}

/* A switch: int32 (1,). */
static int switch_of(const Npz *npz, const char *name, int if_absent)
{
    const NpyArray *array = npz_get(npz, name);
    return array ? *(const int32_t *)array->data != 0 : if_absent;
}

static void read_baselines(Report *report, ReportRun *run, const Npz *baselines)
{
    for (int m = 0; m < report->n_metrics; m++) {
        const ReportMetric *metric = &report->metrics[m];
        RunMetric *own = &run->metrics[m];
        const size_t n = (size_t)metric_rows(metric, run) * metric_width(metric, run);
        double **ret[2] = {&own->uniform, &own->position};
        for (int k = 0; k < 2; k++) {
            const char *name = metric->members[MEMBER_UNIFORM + k];
            if (!npz_get(baselines, name))
                continue;
            *ret[k] = ARENA_ARRAY(report->arena, double, n);
            copy_numbers(baselines, name, n, *ret[k]);
        }
    }
}

/* Room for a metric from snapshot `s` on. */
static void start_metric(Report *report, const ReportRun *run, int s, size_t size, RunMetric *own)
{
    const size_t most = (size_t)(run->n_snapshots - s);
    own->at = ARENA_ARRAY(report->arena, int, most);
    own->steps = ARENA_ARRAY(report->arena, double, most);
    own->values = ARENA_ARRAY(report->arena, double, most *PART_COUNT *size);
    own->sd = ARENA_ARRAY(report->arena, double, most *size);
    own->counts = ARENA_ARRAY(report->arena, int32_t, most * size);
}

static void read_metrics(Report *report, ReportRun *run, int s, const Npz *npz)
{
    Arena *scratch = arena_new();
    for (int m = 0; m < report->n_metrics; m++) {
        const ReportMetric *metric = &report->metrics[m];
        RunMetric *own = &run->metrics[m];
        if (!npz_get(npz, metric->name))
            continue;
        const size_t size = (size_t)metric_rows(metric, run) * metric_width(metric, run);
        if (own->n == 0)
            start_metric(report, run, s, size, own);
        const size_t i = (size_t)own->n++;
        own->at[i] = s;
        own->steps[i] = run->steps[s];
        copy_numbers(npz, metric->name, PART_COUNT * size, own->values + i * PART_COUNT * size);
        /* both are stored for all three parts; those of the whole set are kept */
        double *sd = ARENA_ARRAY(scratch, double, PART_COUNT *size);
        copy_numbers(npz, metric->members[MEMBER_SD], PART_COUNT * size, sd);
        memcpy(own->sd + i * size, sd, size * sizeof *sd);
        const NpyArray *counts = npz_get(npz, metric->members[MEMBER_N]);
        for (size_t j = 0; j < size; j++)
            own->counts[i * size + j] = counts ? ((const int32_t *)counts->data)[j] : -1;
    }
    arena_free(scratch);
}

/* "held_out_loss" for all targets, then "held_out_loss:GROUP"; a group without a name goes by its number. */
static void read_loss_names(Report *report, ReportRun *run, const Npz *npz)
{
    const NpyArray *groups = npz_get(npz, "loss_groups");
    const int named = groups && groups->n_items + 1 == (size_t)run->n_losses;
    run->loss_names = ARENA_ARRAY(report->arena, const char *, run->n_losses);
    run->loss_names[0] = "held_out_loss";
    for (int g = 1; g < run->n_losses; g++)
        run->loss_names[g] = named ? arena_format(report->arena, "held_out_loss:%.*s", groups->item_bytes,
                                                  (const char *)groups->data + (size_t)(g - 1) * groups->item_bytes)
                                   : arena_format(report->arena, "held_out_loss:%d", g);
}

/* Sizes, room, and what holds for the whole run, once the first snapshot is checked. */
static int start_run(Reader *reader, const char *path, const Npz *npz, Error *err)
{
    Report *report = reader->report;
    ReportRun *run = reader->run;
    run->n_sequences = (int)reader->sizes.of[SIZE_N];
    run->n_layers = (int)reader->sizes.of[SIZE_L];
    run->n_heads = (int)reader->sizes.of[SIZE_H];
    run->length = (int)reader->sizes.of[SIZE_T];
    run->n_losses = (int)reader->sizes.of[SIZE_LOSSES];
    int status = members_of_baselines(report, &reader->baselines,
                                      file_join(report->arena, reader->folder, RUN_BASELINES), &reader->sizes, err);
    if (status == STATUS_OK)
        status = classify_lengths(report->arena, npz, path, run, err);
    if (status == STATUS_OK)
        status = classify_mask(report->arena, npz, &reader->baselines, "", run->length, path, &run->visible, err);
    if (status != STATUS_OK)
        return status;
    run->loss_is_squared_error = switch_of(npz, "loss_is_squared_error", 0);
    run->has_afar = npz_get(npz, "importance_afar") && npz_get(&reader->baselines, "uniform/importance_afar");
    run->rows_sum_to_one = switch_of(npz, "rows_sum_to_one", 1); /* 0.1.0 does not say it: its one score is softmax */

    const size_t S = (size_t)run->n_snapshots;
    run->steps = ARENA_ARRAY(report->arena, double, S);
    run->tokens = ARENA_ARRAY(report->arena, double, S);
    run->targets = ARENA_ARRAY(report->arena, double, S);
    read_loss_names(report, run, npz);
    run->losses = ARENA_ARRAY(report->arena, double, S *(size_t)run->n_losses);
    run->metrics = ARENA_ARRAY(report->arena, RunMetric, report->n_metrics);
    run->frames = ARENA_ARRAY(report->arena, SnapshotFrames, S);
    read_baselines(report, run, &reader->baselines);
    return STATUS_OK;
}

/* ---- files ---- */

/* The bytes that the run left: of the name that its manifest lists, and of the hash. */
static int check_hash(const Reader *reader, const char *path, const char *bytes, size_t n, Error *err)
{
    char hex[65];
    if (!reader->manifest || reader->manifest->n_files == 0)
        return STATUS_OK;
    const char *recorded = manifest_hash(reader->manifest, reader->folder, path);
    if (!recorded)
        return error_set(err, STATUS_INPUT, "%s: is none of the files that %s lists", path, RUN_MANIFEST);
    sha256_hex(bytes, n, hex);
    if (strcmp(hex, recorded) != 0)
        return error_set(err, STATUS_INPUT,
                         "%s: is not the file that %s lists (SHA-256 %.12s, not %.12s): damaged, or measured again by "
                         "a `refframe measure` that was ended",
                         path, RUN_MANIFEST, hex, recorded);
    return STATUS_OK;
}

/* A damaged file is said to be damaged, and only a whole one to be another. */
static int read_npz(const Reader *reader, Arena *arena, const char *path, Npz *ret_npz, Error *err)
{
    char *bytes;
    size_t n;
    int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = npz_parse(arena, path, bytes, n, ret_npz, err);
    return status == STATUS_OK ? check_hash(reader, path, bytes, n, err) : status;
}

/* Snapshots that the manifest lists and that are gone: the last one left is not the final one. */
static int check_all_there(const Reader *reader, Error *err)
{
    const char *first;
    const int n_lost =
        reader->manifest ? manifest_lost(reader->manifest, reader->folder, RUN_SNAPSHOTS "/", &first) : 0;
    if (n_lost == 0)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%s/%s: is gone%s, though %s lists %s", reader->folder, first,
                     n_lost > 1 ? " and others are, too" : "", RUN_MANIFEST, n_lost > 1 ? "them" : "it");
}

static int read_snapshot(Reader *reader, int64_t step, int s, Arena *scratch, Error *err)
{
    ReportRun *run = reader->run;
    Npz npz;
    const char *path = run_snapshot_path(scratch, reader->folder, step);
    int status = read_npz(reader, scratch, path, &npz, err);
    if (status == STATUS_OK)
        status = members_of_snapshot(reader->report, &npz, path, &reader->sizes, err);
    if (status == STATUS_OK && s == 0)
        status = start_run(reader, path, &npz, err);
    if (status != STATUS_OK)
        return status;
    if (npz_get(&npz, "step") && integer_of(&npz, "step") != (double)step)
        return error_set(err, STATUS_INPUT, "%s: is of step %.0f", path, integer_of(&npz, "step"));
    run->steps[s] = (double)step;
    run->tokens[s] = integer_of(&npz, "tokens_seen");
    run->targets[s] = integer_of(&npz, "targets_seen");
    copy_numbers(&npz, "held_out_loss", (size_t)run->n_losses, run->losses + (size_t)s * run->n_losses);
    read_metrics(reader->report, run, s, &npz);
    return classify_snapshot(scratch, reader->report, run, s, &npz, &reader->baselines, path, err);
}

/* `arena` holds what is needed until the last snapshot is read. */
static int read_run(Reader *reader, int64_t step, Arena *arena, Error *err)
{
    const Report *report = reader->report;
    ReportRun *run = reader->run;
    int64_t *steps = &step;
    int n = 1, status = STATUS_OK;
    if (step < 0)
        status = run_steps(arena, reader->folder, RUN_SNAPSHOTS, &steps, &n, err);
    if (status != STATUS_OK)
        return status;
    if (n == 0)
        return error_set(err, STATUS_INPUT, "%s: has no snapshots", reader->folder);
    if (step < 0)
        status = check_all_there(reader, err);
    if (status == STATUS_OK)
        status = read_npz(reader, arena, file_join(arena, reader->folder, RUN_BASELINES), &reader->baselines, err);
    if (status != STATUS_OK)
        return status;
    run->n_snapshots = n;
    for (int s = 0; s < n; s++) {
        Arena *scratch = arena_new();
        status = read_snapshot(reader, steps[s], s, scratch, err);
        arena_free(scratch);
        if (status != STATUS_OK)
            return status;
    }
    for (int m = 0; m < report->n_metrics; m++)
        run->metrics[m].strongest = metric_strongest(arena, &report->metrics[m], run, &run->metrics[m]);
    return STATUS_OK;
}

int run_collect(Report *report, const char *run_folder, const Manifest *manifest, int64_t step, ReportRun *run,
                Error *err)
{
    ReportRun read = *run;
    Reader reader = {.report = report, .run = &read, .folder = run_folder, .manifest = manifest};
    Arena *arena = arena_new();
    const int status = read_run(&reader, step, arena, err);
    arena_free(arena);
    if (status == STATUS_OK)
        *run = read;
    return status;
}
