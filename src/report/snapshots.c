/* See snapshots.h. A snapshot is read whole into an arena of its own and dropped, so that the report's memory grows
 * with the number of metrics, not with that of maps. The baselines are read once and kept while their run is read.
 */
#include "report/snapshots.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "report/classify.h"
#include "store/npz.h"

/* A run while its snapshots are read. */
typedef struct {
    Report *report;
    ReportRun *run;
    const char *folder;
    Npz baselines;
} Reader;

/* A float64 member of exactly this shape copied to `ret_values`, or NaN where the file has none. */
static void copy_numbers(const Npz *npz, const char *name, int n_dims, const int64_t *shape, double *ret_values)
{
    const double *data = npz_data(npz, name, NPY_FLOAT64, n_dims, shape);
    size_t n = 1;
    for (int d = 0; d < n_dims; d++)
        n *= (size_t)shape[d];
    if (data)
        memcpy(ret_values, data, n * sizeof *ret_values);
    else
        for (size_t i = 0; i < n; i++)
            ret_values[i] = (double)NAN;
}

static double first_integer(const Npz *npz, const char *name)
{
    const NpyArray *array = npz_get(npz, name);
    return array && array->type == NPY_INT64 && array->n_items == 1 ? (double)*(const int64_t *)array->data
                                                                    : (double)NAN;
}

static void read_baselines(Report *report, ReportRun *run, const Npz *baselines)
{
    const int64_t shape[2] = {run->n_layers, run->n_heads};
    for (int m = 0; m < report->n_metrics; m++) {
        const ReportMetric *metric = &report->metrics[m];
        RunMetric *own = &run->metrics[m];
        const size_t n = (size_t)metric_rows(metric, run) * metric_width(metric, run);
        const char *names[2] = {arena_format(report->arena, "uniform/%s", metric->name),
                                arena_format(report->arena, "position/%s", metric->name)};
        double **ret[2] = {&own->uniform, &own->position};
        for (int k = 0; k < 2; k++) {
            if (!npz_get(baselines, names[k]))
                continue;
            *ret[k] = ARENA_ARRAY(report->arena, double, n);
            copy_numbers(baselines, names[k], PER_MODEL - metric->level, shape, *ret[k]);
        }
    }
}

/* What stands beside a metric: "sd/NAME", and "corrupted/sd/NAME" of its twin there (measured_on). */
static const char *member_of(Arena *arena, const char *kind, const char *metric)
{
    const char *slash = strrchr(metric, '/');
    const size_t prefix = slash ? (size_t)(slash + 1 - metric) : 0;
    return arena_format(arena, "%.*s%s/%s", (int)prefix, metric, kind, metric + prefix);
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
        const int64_t shape[3] = {PART_COUNT, run->n_layers, run->n_heads};
        const int n_dims = 1 + PER_MODEL - metric->level;
        if (own->n == 0)
            start_metric(report, run, s, size, own);
        const size_t i = (size_t)own->n++;
        own->at[i] = s;
        own->steps[i] = run->steps[s];
        copy_numbers(npz, metric->name, n_dims, shape, own->values + i * PART_COUNT * size);
        /* both are stored for all three parts; those of the whole set are kept */
        double *sd = ARENA_ARRAY(scratch, double, PART_COUNT *size);
        copy_numbers(npz, member_of(scratch, "sd", metric->name), n_dims, shape, sd);
        memcpy(own->sd + i * size, sd, size * sizeof *sd);
        const int32_t *counts = npz_data(npz, member_of(scratch, "n", metric->name), NPY_INT32, n_dims, shape);
        for (size_t j = 0; j < size; j++)
            own->counts[i * size + j] = counts ? counts[j] : -1;
    }
    arena_free(scratch);
}

/* "held_out_loss" for all targets, then "held_out_loss:GROUP"; a group without a name goes by its number. */
static void read_loss_names(Report *report, ReportRun *run, const Npz *npz)
{
    const NpyArray *groups = npz_get(npz, "loss_groups");
    int named = groups && groups->type == NPY_STRING && groups->n_items + 1 == (size_t)run->n_losses;
    run->loss_names = ARENA_ARRAY(report->arena, const char *, run->n_losses);
    run->loss_names[0] = "held_out_loss";
    for (int g = 1; g < run->n_losses; g++)
        run->loss_names[g] = named ? arena_format(report->arena, "held_out_loss:%.*s", groups->item_bytes,
                                                  (const char *)groups->data + (size_t)(g - 1) * groups->item_bytes)
                                   : arena_format(report->arena, "held_out_loss:%d", g);
}

/* Shapes, room, and what holds for the whole run, once the first snapshot is open. */
static int start_run(Reader *reader, const char *path, const Npz *npz, Error *err)
{
    Report *report = reader->report;
    ReportRun *run = reader->run;
    const NpyArray *importance = npz_get(npz, "importance"), *loss = npz_get(npz, "held_out_loss");
    if (!npz_data(npz, "importance", NPY_FLOAT32, 4, (int64_t[]){-1, -1, -1, -1}) || importance->shape[1] < 1 ||
        importance->shape[2] < 1 || importance->shape[3] < 2)
        return error_set(err, STATUS_INPUT, "%s: `importance` is missing or not float32 (N, L, H, T)", path);
    if (!npz_data(npz, "held_out_loss", NPY_FLOAT64, 1, (int64_t[]){-1}) || loss->shape[0] < 1)
        return error_set(err, STATUS_INPUT, "%s: `held_out_loss` is missing or not float64 (1+G,)", path);
    run->n_sequences = (int)importance->shape[0];
    run->n_layers = (int)importance->shape[1];
    run->n_heads = (int)importance->shape[2];
    run->length = (int)importance->shape[3];
    run->n_losses = (int)loss->shape[0];
    int status = classify_lengths(report->arena, npz, path, run, err);
    if (status != STATUS_OK)
        return status;
    const int64_t shape[] = {run->n_sequences, run->n_layers, run->n_heads, run->length};
    const int is_each = run->lengths != NULL;
    if (!npz_data(&reader->baselines, "uniform/importance", NPY_FLOAT32, 3 + is_each, shape + !is_each))
        return error_set(err, STATUS_INPUT, "%s: `uniform/importance` is missing or not (%sL, H, T) as in %s",
                         RUN_BASELINES, is_each ? "N, " : "", path);
    status = classify_mask(report->arena, npz, &reader->baselines, "", run->length, path, &run->visible, err);
    if (status != STATUS_OK)
        return status;
    const int32_t *sums = npz_data(npz, "rows_sum_to_one", NPY_INT32, 1, (int64_t[]){1});
    const int32_t *is_squared = npz_data(npz, "loss_is_squared_error", NPY_INT32, 1, (int64_t[]){1});
    run->loss_is_squared_error = is_squared && *is_squared;
    run->has_afar = npz_get(npz, "importance_afar") != NULL;
    run->rows_sum_to_one = !sums || *sums != 0; /* version 0.1.0 does not say it: its one score is softmax */

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

static int read_snapshot(Reader *reader, int64_t step, int s, Arena *scratch, Error *err)
{
    ReportRun *run = reader->run;
    Npz npz;
    const char *path = run_snapshot_path(scratch, reader->folder, step);
    int status = npz_read(scratch, path, &npz, err);
    if (status == STATUS_OK && s == 0)
        status = start_run(reader, path, &npz, err);
    if (status != STATUS_OK)
        return status;
    const int64_t shape[4] = {run->n_sequences, run->n_layers, run->n_heads, run->length};
    if (!npz_data(&npz, "importance", NPY_FLOAT32, 4, shape))
        return error_set(err, STATUS_INPUT, "%s: its shapes differ from the run's first snapshot", path);
    if (!npz_data(&npz, "tokens", NPY_INT32, 2, (int64_t[]){run->n_sequences, run->length}))
        return error_set(err, STATUS_INPUT, "%s: `tokens` is missing or not int32 (N, T)", path);
    run->steps[s] = (double)step;
    run->tokens[s] = first_integer(&npz, "tokens_seen");
    run->targets[s] = first_integer(&npz, "targets_seen");
    copy_numbers(&npz, "held_out_loss", 1, (int64_t[]){run->n_losses}, run->losses + (size_t)s * run->n_losses);
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
    status = npz_read(arena, file_join(arena, reader->folder, RUN_BASELINES), &reader->baselines, err);
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

int run_collect(Report *report, const char *run_folder, int64_t step, ReportRun *run, Error *err)
{
    Reader reader = {.report = report, .run = run, .folder = run_folder};
    Arena *arena = arena_new();
    const int status = read_run(&reader, step, arena, err);
    arena_free(arena);
    if (status != STATUS_OK)
        run->n_snapshots = 0;
    return status;
}
