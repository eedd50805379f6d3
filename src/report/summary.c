/* See summary.h. */
#include "report/summary.h"

#include <math.h>

/* Index of the lower median among values that are not NaN, or of the first run when all are. */
static int lower_median(int n, const double *values)
{
    for (int i = 0; i < n; i++) {
        int below = 0, known = 0;
        for (int j = 0; j < n; j++) {
            known += !isnan(values[j]);
            below += values[j] < values[i] || (values[j] == values[i] && j < i);
        }
        if (!isnan(values[i]) && below == (known - 1) / 2)
            return i;
    }
    return n > 0 ? 0 : -1;
}

void arm_summary(Arena *arena, const Report *report, int arm, ArmSummary *ret_summary)
{
    enum { ONSETS, FINALS, FLOORS, DRAINS, LOSSES, ORACLES, LABEL_ONSETS, N_SERIES };
    double *series[N_SERIES];
    int *runs = ARENA_ARRAY(arena, int, report->n_runs + 1), n = 0;
    const int m = report->headline, drain = report_find_metric(report, "value_drain");
    ArmSummary summary = {.label = {-1, -1}, .representative = -1};
    for (int k = 0; k < N_SERIES; k++)
        series[k] = ARENA_ARRAY(arena, double, report->n_runs + 1);

    summary.finished = report_count_runs(report, arm, &summary.planned);
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->arm != arm || run->n_snapshots == 0)
            continue;
        for (int k = 0; k < N_SERIES; k++)
            series[k][n] = (double)NAN;
        Trace trace, at_head;
        if (m >= 0 && trace_of(arena, report, run, m, TRACE_STRONGEST, -1, -1, &trace) == 0) {
            Onset onset;
            trace_onset(&trace, &report->metrics[m], &onset);
            series[ONSETS][n] = onset.by;
            series[FINALS][n] = trace_final(&trace);
            series[FLOORS][n] = trace_floor(&trace, &report->metrics[m]);
            summary.formed += onset.kind != ONSET_NEVER;
            summary.at_start += onset.kind == ONSET_AT_START;
            if (drain >= 0 && trace_of(arena, report, run, drain, TRACE_HEAD, trace.layer, trace.head, &at_head) == 0)
                series[DRAINS][n] = trace_final(&at_head);
        }
        double *losses = ARENA_ARRAY(arena, double, run->n_snapshots);
        for (int s = 0; s < run->n_snapshots; s++)
            losses[s] = run->losses[(size_t)s * run->n_losses];
        series[LOSSES][n] = series_final(run->n_snapshots, losses);
        series[ORACLES][n] = run->oracle_loss;
        for (int k = 0; k < 2; k++)
            summary.labels[k][frame_final(run, k)]++;
        runs[n++] = r;
    }

    Interval interval;
    interval_of(arena, n, series[ONSETS], &summary.onset);
    interval_of(arena, n, series[FINALS], &summary.final);
    interval_of(arena, n, series[DRAINS], &summary.drain);
    interval_of(arena, n, series[LOSSES], &summary.loss);
    interval_of(arena, n, series[FLOORS], &interval);
    summary.floor = interval.median;
    interval_of(arena, n, series[ORACLES], &interval);
    summary.oracle = interval.median;
    for (int k = 0; k < 2; k++)
        for (int type = 0; type < FRAME_COUNT; type++)
            if (summary.labels[k][type] > (summary.label[k] < 0 ? 0 : summary.labels[k][summary.label[k]]))
                summary.label[k] = type;
    for (int i = 0; i < n; i++) {
        Onset onset;
        frame_onset(arena, &report->runs[runs[i]], (FrameType)summary.label[0], 0, -1, -1, &onset);
        series[LABEL_ONSETS][i] = onset.by;
    }
    interval_of(arena, n, series[LABEL_ONSETS], &summary.label_onset);
    const int median = lower_median(n, series[FINALS]);
    summary.representative = median < 0 ? -1 : runs[median];
    *ret_summary = summary;
}
