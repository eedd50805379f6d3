/* One run in numbers, and one arm over its seeds: what the terminal, the tables and the HTML report show. */
#ifndef REFFRAME_REPORT_SUMMARY_H
#define REFFRAME_REPORT_SUMMARY_H

#include "report/statistics.h"
#include "report/trace.h"

/* A finished run. NaN is not available. */
typedef struct {
    int has_sink;        /* whether it measured the headline metric; else the five below are not available */
    Onset onset;         /* of the headline metric's first head */
    double onset_tokens; /* trained on by then; 0 at start, NaN for never */
    int layer, head;     /* the strongest; -1 where it has no meaning */
    double final, floor; /* of that head: median of the last three snapshots, odd sequences; larger computed baseline */
    double drain;        /* its final value_drain */
    double loss;         /* final held-out loss per target */
} RunSummary;

typedef struct {
    int planned, finished;
    Interval onset;       /* of its runs: the step by which it formed, infinite for never */
    double last_step;     /* what has not formed by it is censored there; the least of the runs' */
    int formed, at_start; /* runs in which it formed; of these, present at step 0 already */
    Interval final;
    double floor; /* median over seeds; NaN without one */
    Interval drain, loss;
    double oracle;               /* median over seeds of the ideal predictor's loss, NaN where unknown */
    int labels[2][FRAME_LABELS]; /* runs by final label of the model, [by position, by token] */
    int label[2];                /* the most frequent of them, -1 without runs */
    Interval label_onset;        /* by position: first of three snapshots with that label, over all finished runs */
    int representative;          /* index of the run whose final value is the (lower) median; -1 without runs */
} ArmSummary;

void run_summary(Arena *arena, const Report *report, const ReportRun *run, RunSummary *ret_summary);
void arm_summary(Arena *arena, const Report *report, int arm, ArmSummary *ret_summary);

#endif
