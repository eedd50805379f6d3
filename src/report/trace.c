/* See trace.h. */
#include "report/trace.h"

#include <assert.h>
#include <math.h>

/* Running mean that leaves NaN out. */
typedef struct {
    double sum;
    int n;
} Mean;

static void mean_add(Mean *mean, double x)
{
    if (!isnan(x)) {
        mean->sum += x;
        mean->n++;
    }
}

static double mean_of(const Mean *mean)
{
    return mean->n > 0 ? mean->sum / mean->n : (double)NAN;
}

/* The more extreme of two in a direction (0 counts as rising); NaN gives way. */
static double extreme(double a, double b, int direction)
{
    return direction < 0 ? fmin(a, b) : fmax(a, b);
}

/* An (R,W) table brought to the trace's level. */
static double reduce(const double *table, int rows, int width, TraceLevel level, int layer, int head, int direction)
{
    if (!table)
        return (double)NAN;
    if (level == TRACE_HEAD)
        return table[layer * width + head];
    Mean mean = {0};
    double most = (double)NAN;
    for (int l = 0; l < rows; l++)
        for (int h = 0; h < width; h++) {
            if (level == TRACE_LAYER && l != layer)
                continue;
            mean_add(&mean, table[l * width + h]);
            most = extreme(most, table[l * width + h], direction);
        }
    return level == TRACE_STRONGEST || level == TRACE_FIRST ? most : mean_of(&mean);
}

/* What a trace is read from: a cell, with the most extreme cell's baselines where one was chosen. */
typedef struct {
    const ReportMetric *schema;
    const RunMetric *own;
    int rows, width;
} Source;

static void read_trace(Arena *arena, const Source *from, TraceLevel level, int part, int layer, int head,
                       Trace *ret_trace)
{
    const RunMetric *own = from->own;
    const int rows = from->rows, width = from->width, direction = from->schema->direction;
    const TraceLevel read_at = level == TRACE_STRONGEST || level == TRACE_FIRST ? TRACE_HEAD : level;
    const double *first = own->values + (size_t)part * rows * width;
    Trace trace = {.n = own->n,
                   .at = own->at,
                   .steps = own->steps,
                   .values = ARENA_ARRAY(arena, double, own->n),
                   .start = (double)NAN,
                   .layer = -1,
                   .head = -1};
    for (int i = 0; i < own->n; i++)
        trace.values[i] =
            reduce(first + (size_t)i * PART_COUNT * rows * width, rows, width, read_at, layer, head, direction);
    trace.uniform = reduce(own->uniform, rows, width, level, layer, head, direction);
    trace.position = reduce(own->position, rows, width, level, layer, head, direction);
    if (own->at[0] == 0)
        trace.start = reduce(first, rows, width, level, layer, head, direction);
    *ret_trace = trace;
}

/* Whether a's onset comes before b's; among equals whether its series lies further in the metric's direction. */
static int comes_before(const Onset *a, double mean_a, const Onset *b, double mean_b, int direction)
{
    if (a->kind == ONSET_NEVER || b->kind == ONSET_NEVER)
        return a->kind != ONSET_NEVER && b->kind == ONSET_NEVER;
    if (a->kind != b->kind)
        return a->kind == ONSET_AT_START;
    if (a->kind == ONSET_FOUND && a->by < b->by)
        return 1;
    return (a->kind == ONSET_AT_START || a->by <= b->by) && (direction < 0 ? mean_a < mean_b : mean_a > mean_b);
}

/* The cell of R x W whose onset on the even sequences comes first; the strongest where none comes. */
static int first_cell(const Source *from)
{
    Arena *scratch = arena_new();
    int first = from->own->strongest;
    Onset earliest = {ONSET_NEVER, -1, HUGE_VAL, HUGE_VAL};
    double mean_of_first = (double)NAN;
    for (int c = 0; c < from->rows * from->width; c++) {
        Trace trace;
        Onset onset;
        Mean mean = {0};
        read_trace(scratch, from, TRACE_FIRST, PART_EVEN, c / from->width, c % from->width, &trace);
        trace_onset(&trace, from->schema, &onset);
        for (int i = 0; i < trace.n; i++)
            mean_add(&mean, trace.values[i]);
        if (comes_before(&onset, mean_of(&mean), &earliest, mean_of_first, from->schema->direction))
            first = c, earliest = onset, mean_of_first = mean_of(&mean);
    }
    arena_free(scratch);
    return first;
}

int trace_of(Arena *arena, const Report *report, const ReportRun *run, int metric, TraceLevel level, int layer,
             int head, Trace *ret_trace)
{
    const ReportMetric *schema = &report->metrics[metric];
    const RunMetric *own = run->n_snapshots > 0 ? &run->metrics[metric] : NULL;
    const int is_chosen = level == TRACE_STRONGEST || level == TRACE_FIRST;
    *ret_trace =
        (Trace){.uniform = (double)NAN, .position = (double)NAN, .start = (double)NAN, .layer = -1, .head = -1};
    if (!own || own->n == 0 || (schema->level == PER_MODEL && (level == TRACE_LAYER || level == TRACE_HEAD)))
        return -1;
    const Source from = {schema, own, metric_rows(schema, run), metric_width(schema, run)};
    if (is_chosen) {
        const int cell = level == TRACE_FIRST ? first_cell(&from) : own->strongest;
        layer = cell / from.width;
        head = cell % from.width;
    } else if (level == TRACE_HEAD && schema->level == PER_LAYER) {
        head = 0;
    }
    read_trace(arena, &from, level, is_chosen && schema->level != PER_MODEL ? PART_ODD : PART_ALL, layer, head,
               ret_trace);
    if (schema->level != PER_MODEL && level != TRACE_MODEL)
        ret_trace->layer = layer;
    if (schema->level == PER_HEAD && (is_chosen || level == TRACE_HEAD))
        ret_trace->head = head;
    return 0;
}

double trace_floor(const Trace *trace, const ReportMetric *metric)
{
    return extreme(trace->uniform, trace->position, metric->direction);
}

double trace_baseline(const Trace *trace, const ReportMetric *metric)
{
    return extreme(trace_floor(trace, metric), trace->start, metric->direction);
}

void trace_onset(const Trace *trace, const ReportMetric *metric, Onset *ret_onset)
{
    *ret_onset = (Onset){ONSET_NEVER, -1, HUGE_VAL, HUGE_VAL};
    if (trace->n == 0 || metric->direction == 0 || isnan(metric->threshold))
        return; /* without a baseline the threshold stands alone */
    onset_of_run(trace->n, trace->steps, trace->values, trace_floor(trace, metric), trace->start, metric->direction,
                 metric->threshold, metric->ratio, ret_onset);
}

const char *onset_kind_name(OnsetKind kind)
{
    static const char *const names[] = {
        [ONSET_NEVER] = "never", [ONSET_AT_START] = "at_start", [ONSET_FOUND] = "found"};
    return names[kind];
}

double trace_final(const Trace *trace)
{
    return series_final(trace->n, trace->values);
}

double trace_half_rise(const Trace *trace, const ReportMetric *metric)
{
    const double baseline = trace_baseline(trace, metric);
    if (trace->n == 0 || metric->direction == 0 || isnan(baseline))
        return (double)NAN;
    return half_rise_step(trace->n, trace->steps, trace->values, baseline, metric->direction);
}

void frame_onset(Arena *arena, const ReportRun *run, FrameType type, int by_token, int layer, int head,
                 Onset *ret_onset)
{
    unsigned char *is_type = ARENA_ARRAY(arena, unsigned char, run->n_snapshots + 1);
    for (int s = 0; s < run->n_snapshots; s++) {
        const SnapshotFrames *frames = &run->frames[s];
        const Frame *frame = layer < 0  ? &frames->model
                             : head < 0 ? &frames->layers[layer]
                                        : &frames->heads[layer * run->n_heads + head];
        is_type[s] = (by_token ? frame->by_token : frame->by_position) == type;
    }
    onset_of_label(run->n_snapshots, run->steps, is_type, ret_onset);
}

int frame_is_known(const ReportRun *run)
{
    for (int s = 0; s < run->n_snapshots; s++)
        if (run->frames[s].model.by_position != FRAME_COUNT)
            return 1;
    return 0;
}

int frame_final(const ReportRun *run, int by_token)
{
    int labels[ONSET_STAY];
    const int n = run->n_snapshots < ONSET_STAY ? run->n_snapshots : ONSET_STAY;
    if (n == 0)
        return -1;
    for (int i = 0; i < n; i++) {
        const Frame *frame = &run->frames[run->n_snapshots - n + i].model;
        labels[i] = (int)(by_token ? frame->by_token : frame->by_position);
    }
    return label_final(n, labels);
}

/* (S,) held-out loss of a group; 0: of all targets. */
static double *loss_series(Arena *arena, const ReportRun *run, int group)
{
    double *losses = ARENA_ARRAY(arena, double, run->n_snapshots + 1);
    for (int s = 0; s < run->n_snapshots; s++)
        losses[s] = run->losses[(size_t)s * run->n_losses + group];
    return losses;
}

double loss_final(Arena *arena, const ReportRun *run, int group)
{
    assert(group < run->n_losses);
    return series_final(run->n_snapshots, loss_series(arena, run, group));
}

double loss_fall_share(Arena *arena, const ReportRun *run, double step)
{
    const double *losses = loss_series(arena, run, 0);
    const double final = series_final(run->n_snapshots, losses);
    return fall_share(run->n_snapshots, run->steps, losses, isnan(run->oracle_loss) ? final : run->oracle_loss, step);
}

void loss_halved(Arena *arena, const ReportRun *run, int group, Onset *ret_onset)
{
    assert(group < run->n_losses);
    unsigned char *is_halved = ARENA_ARRAY(arena, unsigned char, run->n_snapshots + 1);
    for (int s = 0; s < run->n_snapshots; s++)
        is_halved[s] = run->losses[(size_t)s * run->n_losses + group] <= run->losses[group] / 2;
    onset_of_label(run->n_snapshots, run->steps, is_halved, ret_onset);
}
