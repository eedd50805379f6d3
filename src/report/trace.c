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
    return level == TRACE_STRONGEST ? most : mean_of(&mean);
}

int trace_of(Arena *arena, const Report *report, const ReportRun *run, int metric, TraceLevel level, int layer,
             int head, Trace *ret_trace)
{
    const ReportMetric *schema = &report->metrics[metric];
    const RunMetric *own = run->n_snapshots > 0 ? &run->metrics[metric] : NULL;
    *ret_trace =
        (Trace){.uniform = (double)NAN, .position = (double)NAN, .start = (double)NAN, .layer = -1, .head = -1};
    if (!own || own->n == 0 || (schema->level == PER_MODEL && (level == TRACE_LAYER || level == TRACE_HEAD)))
        return -1;
    const int rows = metric_rows(schema, run), width = metric_width(schema, run), direction = schema->direction;
    const int part = level == TRACE_STRONGEST && schema->level != PER_MODEL ? PART_ODD : PART_ALL;
    const TraceLevel read_at = level == TRACE_STRONGEST ? TRACE_HEAD : level;
    if (level == TRACE_STRONGEST) {
        layer = own->strongest / width;
        head = own->strongest % width;
    } else if (level == TRACE_HEAD && schema->level == PER_LAYER) {
        head = 0;
    }
    ret_trace->n = own->n;
    ret_trace->at = own->at;
    ret_trace->steps = own->steps;
    ret_trace->values = ARENA_ARRAY(arena, double, own->n);
    const double *first = own->values + (size_t)part * rows * width;
    for (int i = 0; i < own->n; i++)
        ret_trace->values[i] =
            reduce(first + (size_t)i * PART_COUNT * rows * width, rows, width, read_at, layer, head, direction);
    ret_trace->uniform = reduce(own->uniform, rows, width, level, layer, head, direction);
    ret_trace->position = reduce(own->position, rows, width, level, layer, head, direction);
    if (own->at[0] == 0)
        ret_trace->start = reduce(first, rows, width, level, layer, head, direction);
    if (schema->level != PER_MODEL && level != TRACE_MODEL)
        ret_trace->layer = layer;
    if (schema->level == PER_HEAD && (level == TRACE_STRONGEST || level == TRACE_HEAD))
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
    const double floor = trace_floor(trace, metric), baseline = trace_baseline(trace, metric);
    *ret_onset = (Onset){ONSET_NEVER, -1, HUGE_VAL, HUGE_VAL};
    if (trace->n == 0 || metric->direction == 0 || isnan(metric->threshold))
        return; /* without a baseline the threshold stands alone */
    if (!isnan(floor)) {
        Onset at_start;
        onset_of_metric(trace->n, trace->steps, trace->values, floor, metric->direction, metric->threshold,
                        metric->ratio, &at_start);
        if (at_start.kind == ONSET_AT_START) {
            *ret_onset = at_start;
            return;
        }
    }
    onset_of_metric(trace->n, trace->steps, trace->values, baseline, metric->direction, metric->threshold,
                    metric->ratio, ret_onset);
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

double loss_fall_share(Arena *arena, const ReportRun *run, double step)
{
    double *losses = ARENA_ARRAY(arena, double, run->n_snapshots + 1);
    for (int s = 0; s < run->n_snapshots; s++)
        losses[s] = run->losses[(size_t)s * run->n_losses];
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
