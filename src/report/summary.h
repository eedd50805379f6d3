/* One arm over its seeds: the numbers that the terminal, summary.csv and the HTML report show. */
#ifndef REFFRAME_REPORT_SUMMARY_H
#define REFFRAME_REPORT_SUMMARY_H

#include "report/statistics.h"
#include "report/trace.h"

typedef struct {
    int planned, finished;
    Interval onset;       /* of the headline metric's first head: the step by which it formed, infinite for never */
    double last_step;     /* what has not formed by it is censored there; the least of the runs' */
    int formed, at_start; /* runs in which it formed; of these, present at step 0 already */
    Interval final;       /* median of the last three snapshots, strongest head, odd sequences */
    double floor;         /* the larger computed baseline, median over seeds; NaN without one */
    Interval drain;       /* final value_drain of that head */
    Interval loss;        /* final held-out loss per target */
    double oracle;        /* median over seeds of the ideal predictor's loss, NaN where unknown */
    int labels[2][FRAME_LABELS]; /* runs by final label of the model, [by position, by token] */
    int label[2];                /* the most frequent of them, -1 without runs */
    Interval label_onset;        /* by position: first of three snapshots with that label, over all finished runs */
    int representative;          /* index of the run whose final value is the (lower) median; -1 without runs */
} ArmSummary;

void arm_summary(Arena *arena, const Report *report, int arm, ArmSummary *ret_summary);

#endif
