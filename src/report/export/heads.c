/* heads.csv: every metric that heads have, for every head, long: one row per run, metric, layer, head and snapshot that
 * measured it; `sd` over sequences, `n` of them behind the value. It is written on request, as geometry.csv, and
 * grows with the heads of a layer. So it leaves out the baselines, which would be the same three numbers in all
 * snapshots of a head: `start` is the row of step 0, the others stand in each run's snapshots/baselines.npz.
 */
#include "report/export/export.h"

#include <math.h>

#include "report/export/rows.h"
#include "report/trace.h"

static void add_head(Arena *scratch, const Report *report, const ReportRun *run, const char *const *fronts, int m,
                     int layer, int head, Text *csv)
{
    const RunMetric *own = &run->metrics[m];
    Trace trace;
    if (trace_of(scratch, report, run, m, TRACE_HEAD, layer, head, &trace) != 0)
        return;
    for (int i = 0; i < trace.n; i++) {
        const size_t cell = ((size_t)i * run->n_layers + layer) * run->n_heads + head;
        text_add(csv, fronts[trace.at[i]]);
        rows_add_index(csv, layer);
        rows_add_index(csv, head);
        rows_add_words(csv, report->metrics[m].name);
        rows_add_number(csv, trace.values[i]);
        rows_add_number(csv, own->sd[cell]);
        rows_add_number(csv, own->counts[cell] < 0 ? (double)NAN : own->counts[cell]); /* not stored */
        text_add(csv, "\n");
    }
}

static void add_run(Arena *scratch, const Report *report, const ReportRun *run, Text *csv)
{
    const char **fronts = rows_fronts(scratch, report, run);
    for (int m = 0; m < report->n_metrics; m++)
        for (int layer = 0; layer < run->n_layers && report->metrics[m].level == PER_HEAD; layer++)
            for (int head = 0; head < run->n_heads; head++)
                add_head(scratch, report, run, fronts, m, layer, head, csv);
}

static int write_heads(Report *report, const char *path, Error *err)
{
    static const ExportColumn columns[] = {
        ROWS_FRONT,
        {"layer", "", 0},
        {"head", "", 0},
        {"metric", "", 1},
        {"value", "that of the metric", 0},
        {"sd", "that of the metric", 0},
        {"n", "sequences", 0},
    };
    Rows rows;
    rows_begin(&rows, report, path, columns, sizeof columns / sizeof *columns);
    for (int r = 0; r < report->n_runs; r++) {
        Arena *scratch = arena_new();
        if (report->runs[r].n_snapshots > 0)
            add_run(scratch, report, &report->runs[r], &rows.csv);
        arena_free(scratch);
        rows_flush(&rows);
    }
    return rows_end(&rows, err);
}

const Export export_heads = {
    .variant = {.name = "heads",
                .summary = "heads.csv, on request: every metric by run, head and snapshot",
                .source = "-"},
    .file = "heads.csv",
    .on_request = 1,
    .write = write_heads,
};
