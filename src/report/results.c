/* Finders in what a report knows. */
#include "report/results.h"

#include <math.h>
#include <string.h>

const char *report_level_name(ReportLevel level)
{
    static const char *const names[PER_COUNT] = {[PER_HEAD] = "head", [PER_LAYER] = "layer", [PER_MODEL] = "model"};
    return names[level];
}

void metric_name_members(Arena *arena, ReportMetric *metric)
{
    const char *slash = strrchr(metric->name, '/'); /* corrupted/sd/NAME */
    const int prefix = slash ? (int)(slash + 1 - metric->name) : 0;
    metric->members[MEMBER_SD] = arena_format(arena, "%.*ssd/%s", prefix, metric->name, metric->name + prefix);
    metric->members[MEMBER_N] = arena_format(arena, "%.*sn/%s", prefix, metric->name, metric->name + prefix);
    metric->members[MEMBER_UNIFORM] = arena_format(arena, "uniform/%s", metric->name);
    metric->members[MEMBER_POSITION] = arena_format(arena, "position/%s", metric->name);
}

int metric_rows(const ReportMetric *metric, const ReportRun *run)
{
    return metric->level == PER_MODEL ? 1 : run->n_layers;
}

int metric_width(const ReportMetric *metric, const ReportRun *run)
{
    return metric->level == PER_HEAD ? run->n_heads : 1;
}

int report_find_metric(const Report *report, const char *name)
{
    for (int m = 0; m < report->n_metrics; m++)
        if (strcmp(report->metrics[m].name, name) == 0)
            return m;
    return -1;
}

const char *report_value_name(Arena *arena, const Report *report, int x, const char *value)
{
    return axis_value_needs_name(report->axes, report->n_axes, x, value)
               ? arena_format(arena, "%s %s", axis_short_name(arena, report->axes[x].name), value)
               : value;
}

/* The place of a seed in the plan's list, looked for from `near` on, where it mostly stands; -1 if it is not listed. */
static int seed_index(const Report *report, uint64_t seed, int near)
{
    for (int k = 0; k < report->n_seeds; k++) {
        const int i = (near + k) % report->n_seeds;
        if (report->seeds[i] == seed)
            return i;
    }
    return -1;
}

void report_lay_grid(Report *report)
{
    const size_t n_seeds = (size_t)report->n_seeds;
    report->grid = ARENA_ARRAY(report->arena, const ReportRun *, (size_t)report->n_arms *n_seeds + 1);
    for (int r = 0, next = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        const int i = seed_index(report, run->seed, next);
        if (i < 0)
            continue;
        report->grid[(size_t)run->arm * n_seeds + (size_t)i] = run;
        next = i + 1;
    }
}

const ReportRun *report_run_at(const Report *report, int arm, int i)
{
    return report->grid[(size_t)arm * (size_t)report->n_seeds + (size_t)i];
}

const ReportRun *report_finished_at(const Report *report, int arm, int i)
{
    const ReportRun *run = report_run_at(report, arm, i);
    return run && run_has_finished(run) ? run : NULL;
}

int run_has_finished(const ReportRun *run)
{
    return run->status == RUN_FINISHED && run->n_snapshots > 0;
}

int report_count_runs(const Report *report, int arm, int *ret_planned)
{
    int planned = 0, measured = 0;
    for (int r = 0; r < report->n_runs; r++) {
        planned += report->runs[r].arm == arm;
        measured += report->runs[r].arm == arm && report->runs[r].n_snapshots > 0;
    }
    if (ret_planned)
        *ret_planned = planned;
    return measured;
}

int metric_strongest(Arena *arena, const ReportMetric *metric, const ReportRun *run, const RunMetric *own)
{
    const size_t size = (size_t)metric_rows(metric, run) * metric_width(metric, run);
    double *series = ARENA_ARRAY(arena, double, own->n), best = (double)NAN;
    int strongest = 0;
    for (size_t c = 0; c < size; c++) {
        for (int i = 0; i < own->n; i++)
            series[i] = own->values[((size_t)i * PART_COUNT + PART_EVEN) * size + c];
        const double final = series_final(own->n, series);
        if (isnan(final) || (!isnan(best) && (metric->direction < 0 ? final >= best : final <= best)))
            continue;
        best = final;
        strongest = (int)c;
    }
    return strongest;
}

const char *run_loss_unit(const ReportRun *run)
{
    return run->loss_is_squared_error ? "mean squared error" : "nats";
}

const char *report_loss_unit(const Report *report)
{
    const ReportRun *first = NULL;
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->n_snapshots == 0)
            continue;
        if (first && run->loss_is_squared_error != first->loss_is_squared_error)
            return "nats or mean squared error";
        first = run;
    }
    return first ? run_loss_unit(first) : "nats";
}
