/* Traces: one number per snapshot that measured the metric, at the level of a head, a layer, the model, the strongest
 * or the first head. What is said of a trace (onset, final, half-rise) is said of these snapshots alone.
 *
 *   layer, model    mean over heads (and layers), NaN left out
 *   strongest head  the head whose final value on the even sequences is the most extreme in the metric's direction
 *   first head      the head whose onset on the even sequences comes first (among equals: whose mean over the snapshots
 *                   is the most extreme); where no head's comes, the strongest. When a model came to something is when
 *                   its first head did: the one that ends strongest may have come later, and one that came and went
 *                   would never have come.
 *
 * The series of both is read on the odd sequences, so that choosing it does not flatter it: a head that was chosen for
 * what is an accident of the even ones has an onset of its own on the odd, perhaps none.
 *
 * Baselines go with the level: of the strongest and the first head they are the most extreme head's, since the maximum
 * was taken over heads. A metric is beyond relative to max(uniform, position, value at step 0) when it rises, min when
 * it falls; whether it is beyond at step 0 already is judged against the computed two alone, since nothing is beyond
 * itself.
 *
 * A layer metric's strongest and first are layers; a model metric has one value, at TRACE_MODEL and as the strongest
 * and the first, which nobody has chosen: it is read on the whole set.
 */
#ifndef REFFRAME_REPORT_TRACE_H
#define REFFRAME_REPORT_TRACE_H

#include "report/results.h"

typedef enum { TRACE_MODEL, TRACE_STRONGEST, TRACE_FIRST, TRACE_LAYER, TRACE_HEAD } TraceLevel;

typedef struct {
    int n;
    const int *at;            /* (n,) which of the run's snapshots; an onset's index is one into these */
    const double *steps;      /* (n,) */
    double *values;           /* (n,) */
    double uniform, position; /* computed baselines, NaN without one */
    double start;             /* the value at the run's first snapshot (step 0), NaN if that did not measure it; of the
                               * strongest and the first head the most extreme head's */
    int layer, head;          /* of TRACE_STRONGEST and TRACE_FIRST the one chosen; -1 where it has no meaning */
} Trace;

/* Returns 0, or -1 if the run did not measure the metric, or not at that level (ret_trace->n is 0 then). */
int trace_of(Arena *arena, const Report *report, const ReportRun *run, int metric, TraceLevel level, int layer,
             int head, Trace *ret_trace);

/* The larger (smaller, when the metric falls) of the computed baselines; NaN without one. */
double trace_floor(const Trace *trace, const ReportMetric *metric);
/* The same with the value at step 0. */
double trace_baseline(const Trace *trace, const ReportMetric *metric);

const char *onset_kind_name(OnsetKind kind); /* "never", "at_start", "found" */

/* Onset of a metric with a declared threshold; never for others. */
void trace_onset(const Trace *trace, const ReportMetric *metric, Onset *ret_onset);
double trace_final(const Trace *trace);
double trace_half_rise(const Trace *trace, const ReportMetric *metric);

/* Onset of a frame type, at model level (layer < 0), of a layer (head < 0) or of a head. */
void frame_onset(Arena *arena, const ReportRun *run, FrameType type, int by_token, int layer, int head,
                 Onset *ret_onset);

/* Whether a label of the model was available in any snapshot: without one it did not fail to come. */
int frame_is_known(const ReportRun *run);

/* The model's final label: the mode of the last three snapshots; -1 for a run without snapshots. */
int frame_final(const ReportRun *run, int by_token);

/* Final held-out loss of group g (1..G), or of all targets (0). */
double loss_final(Arena *arena, const ReportRun *run, int group);

/* Share of the held-out loss's fall from its start to the oracle's loss (or to its final value) made at a step. */
double loss_fall_share(Arena *arena, const ReportRun *run, double step);

/* First snapshot from which loss group g (1..G) stays at or below half its start: the task's own milestone. */
void loss_halved(Arena *arena, const ReportRun *run, int group, Onset *ret_onset);

#endif
