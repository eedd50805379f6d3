/* Series for the page: a metric's band over an arm's seeds at every snapshot that measured it, and which metrics there
 * is room for. Numbers are rounded to five digits, never is "inf", not available is null.
 */
#ifndef REFFRAME_REPORT_SERIES_H
#define REFFRAME_REPORT_SERIES_H

#include "base/json.h"
#include "report/trace.h"

/* An arm's finished runs. */
typedef struct {
    const ReportRun **runs;
    int n;
    const ReportRun
        *grid; /* whose snapshots are the arm's steps: the representative; runs on other steps are left out */
} SeriesRuns;

double series_rounded(double value);
void series_numbers(JsonWriter *json, int n, const double *values);
void series_put_numbers(JsonWriter *json, const char *key, int n, const double *values);

/* [least, median, largest] over n runs, each (S,); `series` is (n,S). */
void series_put_band(Arena *arena, JsonWriter *json, const char *key, int n, int S, const double *series);

/* A metric at its levels; `at`, which of the arm's snapshots measured it, where not all did. */
void series_put_metric(Arena *arena, const Report *report, const SeriesRuns *own, int m, JsonWriter *json);

/* Marks the metrics that fit `budget` bytes, (n_metrics,), and returns their weight: the headline (which always fits),
 * those with a threshold, the others, those as published, those on corrupted sequences. What comes after the first that
 * does not fit is left to geometry.csv, on request. */
size_t series_choose(const Report *report, size_t budget, unsigned char *ret_carried);

#endif
