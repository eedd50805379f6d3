/* A training in steps: one folder a revision, measured one after another, and what that says as a series.
 *
 * The series is laid out as a run of a report (report/results.h), so that traces, onsets and labels over time are those
 * of our runs, by the same code.
 */
#ifndef REFFRAME_APP_MEASURE_REVISIONS_H
#define REFFRAME_APP_MEASURE_REVISIONS_H

#include "maps/maps.h"
#include "report/trace.h"

/* One folder, known by its name: stepN, stepN-tokensM, or either behind a word and a dash. */
typedef struct {
    const char *name;
    int64_t step;
    double tokens; /* NaN where the name does not say */
} Revision;

typedef struct {
    const char *path;
    const Revision *revisions; /* (n) by step */
    int n;
    Report report; /* of one run, whose snapshots are the revisions */
    ReportRun run;
    const MapsFact *facts; /* what was read, the same of all */
    int n_facts;
    const int *lengths; /* (run.n_sequences) */
    const char *notes[MAPS_MOST_NOTES + 2];
    int n_notes;
    const unsigned char *is_shown; /* (L) as in MapsSet */
} Series;

/* Whether a folder that is no model's has one for a revision in it. */
int revisions_are_at(const char *path);

/* The revisions of a folder, by step; other files and folders are left alone. Two of one step are refused:
 * STATUS_INPUT. Memory from arena. */
int revisions_list(Arena *arena, const char *path, Revision **ret_revisions, int *ret_n, Error *err);

/* The values of metric m in revision s, over all sequences: (L,H), (L) or one. */
const double *series_values(const Series *series, int m, int s);

/* When a metric's first head, or layer, came; as a run's report says it. */
typedef struct {
    const ReportMetric *metric;
    int layer, head;
    Onset onset;
} MetricOnset;

/* Of metric m; 0 where its table declares no onset, or no odd sequence has a value of it. Memory from arena. */
int series_onset(Arena *arena, const Series *series, int m, MetricOnset *ret_onset);

/* As a table a line a revision and a line an onset; all numbers as csv and json (src/hub/README.md). */
void series_to_table(const Series *series, int use_colour, Text *ret_text);
void series_to_csv(const Series *series, Text *ret_text);
void series_to_json(const Series *series, Text *ret_text);

#endif
