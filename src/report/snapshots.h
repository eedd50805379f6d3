/* One run's snapshots into memory: metrics as they stand, frames classified again from the stored importances. */
#ifndef REFFRAME_REPORT_SNAPSHOTS_H
#define REFFRAME_REPORT_SNAPSHOTS_H

#include "report/results.h"

/* Reads one run's snapshots and baselines into `run` (status, folder, ... are kept); step < 0 reads all, otherwise the
 * one snapshot of that step. The metrics to read are the report's. */
int run_collect(Report *report, const char *run_folder, int64_t step, ReportRun *run, Error *err);

#endif
