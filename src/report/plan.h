/* plan.json and metrics.json of a results folder: what was meant, and what each metric is. Both are read as any other
 * foreign file: every value is of its type and in its range, names stand once, and an arm's values are of its axes. */
#ifndef REFFRAME_REPORT_PLAN_H
#define REFFRAME_REPORT_PLAN_H

#include "report/results.h"

/* Fill in all of the report but its results; report->arena and ->folder are set. STATUS_INPUT names file, place and
 * what is wrong there. */
int plan_read(Report *report, Error *err);
int metrics_read(Report *report, Error *err);

#endif
