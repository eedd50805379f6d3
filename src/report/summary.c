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

/* What the arm's finished runs say, a value each; NaN where a run does not. */
typedef struct {
    int n;
    const ReportRun **runs;
    double *onsets, *finals, *floors, *drains, *losses, *oracles;
} Collected;

static Collected collected_new(Arena *arena, int most)
{
    Collected own = {.runs = ARENA_ARRAY(arena, const ReportRun *, most + 1)};
    double **const series[] = {&own.onsets, &own.finals, &own.floors, &own.drains, &own.losses, &own.oracles};
    for (size_t k = 0; k < sizeof series / sizeof *series; k++) {
        *series[k] = ARENA_ARRAY(arena, double, most + 1);
        for (int i = 0; i < most; i++)
            (*series[k])[i] = (double)NAN;
    }
    return own;
}

/* Of the headline metric: when the first head formed, what became of the strongest, and of its values. */
static void summarize_sink(Arena *arena, const Report *report, const ReportRun *run, RunSummary *summary)
{
    const int m = report->headline, drain = report_find_metric(report, "value_drain");
    Trace first, trace, at_head;
    if (m < 0 || trace_of(arena, report, run, m, TRACE_STRONGEST, -1, -1, &trace) != 0)
        return;
    trace_of(arena, report, run, m, TRACE_FIRST, -1, -1, &first);
    trace_onset(&first, &report->metrics[m], &summary->onset);
    summary->has_sink = 1;
    if (summary->onset.kind != ONSET_NEVER)
        summary->onset_tokens = run->tokens[first.at[summary->onset.index]];
    summary->layer = trace.layer;
    summary->head = trace.head;
    summary->final = trace_final(&trace);
    summary->floor = trace_floor(&trace, &report->metrics[m]);
    if (drain >= 0 && trace_of(arena, report, run, drain, TRACE_HEAD, trace.layer, trace.head, &at_head) == 0)
        summary->drain = trace_final(&at_head);
}

void run_summary(Arena *arena, const Report *report, const ReportRun *run, RunSummary *ret_summary)
{
    const double none = (double)NAN;
    RunSummary summary = {0, {ONSET_NEVER, -1, none, none}, none, -1, -1, none, none, none, none};
    summary.loss = loss_final(arena, run, 0);
    summarize_sink(arena, report, run, &summary);
    *ret_summary = summary;
}

static void collect_run(Arena *arena, const Report *report, const ReportRun *run, Collected *own, ArmSummary *summary)
{
    const double last = run->steps[run->n_snapshots - 1];
    RunSummary of_run;
    run_summary(arena, report, run, &of_run);
    summary->last_step = own->n == 0 || last < summary->last_step ? last : summary->last_step;
    summary->formed += of_run.onset.kind != ONSET_NEVER;
    summary->at_start += of_run.onset.kind == ONSET_AT_START;
    own->onsets[own->n] = of_run.onset.by;
    own->finals[own->n] = of_run.final;
    own->floors[own->n] = of_run.floor;
    own->drains[own->n] = of_run.drain;
    own->losses[own->n] = of_run.loss;
    own->oracles[own->n] = run->oracle_loss;
    for (int k = 0; k < 2; k++)
        summary->labels[k][frame_final(run, k)]++;
    own->runs[own->n++] = run;
}

/* The most frequent label; the first of the types among equals, -1 without runs. */
static int most_frequent(const int counts[FRAME_LABELS])
{
    int label = -1;
    for (int type = 0; type < FRAME_LABELS; type++)
        if (counts[type] > (label < 0 ? 0 : counts[label]))
            label = type;
    return label;
}

static void over_seeds(Arena *arena, const Collected *own, ArmSummary *summary)
{
    double *label_onsets = ARENA_ARRAY(arena, double, own->n + 1);
    Interval interval;
    interval_of(arena, own->n, own->onsets, &summary->onset);
    interval_of(arena, own->n, own->finals, &summary->final);
    interval_of(arena, own->n, own->drains, &summary->drain);
    interval_of(arena, own->n, own->losses, &summary->loss);
    interval_of(arena, own->n, own->floors, &interval);
    summary->floor = interval.median;
    interval_of(arena, own->n, own->oracles, &interval);
    summary->oracle = interval.median;
    for (int k = 0; k < 2; k++)
        summary->label[k] = most_frequent(summary->labels[k]);
    for (int i = 0; i < own->n; i++) {
        Onset onset;
        frame_onset(arena, own->runs[i], (FrameType)summary->label[0], 0, -1, -1, &onset);
        label_onsets[i] = summary->label[0] == FRAME_COUNT ? (double)NAN : onset.by;
    }
    interval_of(arena, own->n, label_onsets, &summary->label_onset);
}

void arm_summary(Arena *arena, const Report *report, int arm, ArmSummary *ret_summary)
{
    ArmSummary summary = {.representative = -1};
    Collected own = collected_new(arena, report->n_runs);
    summary.finished = report_count_runs(report, arm, &summary.planned);
    for (int r = 0; r < report->n_runs; r++)
        if (report->runs[r].arm == arm && report->runs[r].n_snapshots > 0)
            collect_run(arena, report, &report->runs[r], &own, &summary);
    over_seeds(arena, &own, &summary);
    const int median = lower_median(own.n, own.finals);
    if (median >= 0)
        summary.representative = (int)(own.runs[median] - report->runs);
    *ret_summary = summary;
}
