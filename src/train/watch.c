/* See watch.h. */
#include "train/watch.h"

#include <math.h>

#include "base/file.h"
#include "store/npz.h"
#include "store/run.h"
#include "train/measurer.h"

int watch_most(const TrainSettings *settings)
{
    const int reach = settings->measure.enabled ? settings->checkpoint.around_onset : 0;
    return reach > 0 ? 2 * reach + ONSET_STAY : 0;
}

/* The largest of a member's first values, as many as there are heads; NaN without it. */
static double largest(const Npz *npz, const char *name, int n)
{
    const NpyArray *array = npz_get(npz, name);
    double found = (double)NAN;
    for (int i = 0; array && array->type == NPY_FLOAT64 && i < n && (size_t)i < array->n_items; i++)
        found = fmax(found, ((const double *)array->data)[i]);
    return found;
}

static int read_floor(Watch *watch, const char *run_folder, Error *err)
{
    const Place *place = measurer_sink_place(watch->measurer);
    const char *name = place->column->name;
    Arena *arena = arena_new();
    Npz npz;
    const int status = npz_read(arena, file_join(arena, run_folder, RUN_BASELINES), &npz, err);
    if (status == STATUS_OK)
        watch->floor = fmax(largest(&npz, arena_format(arena, "uniform/%s", name), place->size),
                            largest(&npz, arena_format(arena, "position/%s", name), place->size));
    arena_free(arena);
    return status;
}

static int read_sink(const Watch *watch, const char *run_folder, int64_t step, double *ret_sink, Error *err)
{
    const Place *place = measurer_sink_place(watch->measurer);
    Arena *arena = arena_new();
    Npz npz;
    const int status = npz_read(arena, run_snapshot_path(arena, run_folder, step), &npz, err);
    if (status == STATUS_OK)
        *ret_sink = largest(&npz, place->column->name, place->size);
    arena_free(arena);
    return status;
}

int watch_add(Watch *watch, const char *run_folder, int64_t step, double sink, Error *err)
{
    if (watch_most(watch->settings) == 0 || isnan(sink)) /* its family was not due */
        return STATUS_OK;
    if (isnan(watch->floor)) {
        const int status = read_floor(watch, run_folder, err);
        if (status != STATUS_OK)
            return status;
    }
    const MetricColumn *column = measurer_sink_place(watch->measurer)->column;
    watch->steps[watch->n] = (double)step;
    watch->sinks[watch->n++] = sink;
    onset_of_run(watch->n, watch->steps, watch->sinks, watch->floor, watch->sinks[0],
                 column->direction == DIRECTION_FALLS ? -1 : 1, column->threshold, column->ratio, &watch->onset);
    return STATUS_OK;
}

int watch_begin(Arena *arena, const TrainSettings *settings, const Measurer *measurer, const char *run_folder,
                int64_t step, Watch *ret_watch, Error *err)
{
    Watch watch = {.settings = settings, .measurer = measurer, .floor = (double)NAN, .onset = {.index = -1}};
    int status = STATUS_OK;
    if (watch_most(settings) > 0) {
        watch.steps = ARENA_ARRAY(arena, double, snapshot_count(settings) + 1);
        watch.sinks = ARENA_ARRAY(arena, double, snapshot_count(settings) + 1);
        for (int64_t s = 0; s <= step && status == STATUS_OK; s++) {
            double sink = (double)NAN;
            if (!snapshot_is_due(settings, s) || !file_exists(run_snapshot_path(arena, run_folder, s)))
                continue;
            status = read_sink(&watch, run_folder, s, &sink, err);
            if (status == STATUS_OK)
                status = watch_add(&watch, run_folder, s, sink, err);
        }
    }
    *ret_watch = watch;
    return status;
}

/* Whether measured snapshot i may be around the onset: is, once it is found, and else can still turn out to be. */
static int is_around(const Watch *watch, int i)
{
    const int reach = watch->settings->checkpoint.around_onset;
    if (watch->onset.kind != ONSET_NEVER)
        return i >= watch->onset.index - reach && i <= watch->onset.index + reach;
    const int is_over = watch->steps[watch->n - 1] >= (double)watch->settings->steps;
    return !is_over && i > watch->n - ONSET_STAY - reach;
}

int watch_keeps(const Watch *watch, int64_t step)
{
    for (int i = 0; i < watch->n; i++)
        if (watch->steps[i] == (double)step)
            return is_around(watch, i);
    return 0;
}
