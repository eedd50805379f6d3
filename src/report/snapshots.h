/* One run's snapshots into memory: metrics as they stand, frames classified again from the stored importances. */
#ifndef REFFRAME_REPORT_SNAPSHOTS_H
#define REFFRAME_REPORT_SNAPSHOTS_H

#include "report/results.h"
#include "store/manifest.h"

/* Reads one run's snapshots and baselines into `run` (status, folder, ... are kept); step < 0 reads all, otherwise the
 * one snapshot of that step. The metrics to read are the report's. `manifest` (NULL: none) says which files there must
 * be, and with which hashes, as soon as the run is finished. STATUS_INPUT: the files are not what a run left;
 * STATUS_FAILED: the system could not read them. `run` is untouched then. */
int run_collect(Report *report, const char *run_folder, const Manifest *manifest, int64_t step, ReportRun *run,
                Error *err);

#endif
