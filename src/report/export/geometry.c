/* geometry.csv: every number at model and layer level, long: one row per run, metric, layer and snapshot that measured
 * it.
 *
 * `layer` is empty for the model. A head metric's layer is the mean over its heads, its sd the mean of their standard
 * deviations over sequences, its n the least of theirs. It grows with runs x snapshots x metrics x layers (0.6 GB for
 * 144 runs), while curves.csv has what most readers look for: so it is written on request.
 */
#include "report/export/export.h"

#include <math.h>

#include "report/export/rows.h"
#include "report/trace.h"

static double mean_of(const double *cells, int n_cells)
{
    double sum = 0;
    int n = 0;
    for (int c = 0; c < n_cells; c++)
        if (!isnan(cells[c])) {
            sum += cells[c];
            n++;
        }
    return n > 0 ? sum / n : (double)NAN;
}

static double least_of(const int32_t *cells, int n_cells)
{
    int32_t least = cells[0];
    for (int c = 1; c < n_cells; c++)
        least = cells[c] < least ? cells[c] : least;
    return least < 0 ? (double)NAN : least; /* not stored */
}

static void add_loss(const ReportRun *run, const char *const *fronts, int group, Text *csv)
{
    for (int s = 0; s < run->n_snapshots; s++) {
        text_add(csv, fronts[s]);
        rows_add_index(csv, -1);
        rows_add_words(csv, run->loss_names[group]);
        rows_add_number(csv, run->losses[(size_t)s * run->n_losses + group]);
        text_add(csv, ",,,,");
        rows_add_number(csv, run->losses[group]);
        text_add(csv, "\n");
    }
}

static void add_metric(Arena *scratch, const Report *report, const ReportRun *run, const char *const *fronts, int m,
                       int layer, Text *csv)
{
    const ReportMetric *metric = &report->metrics[m];
    const RunMetric *own = &run->metrics[m];
    const int rows = metric_rows(metric, run), width = metric_width(metric, run);
    const int first = layer < 0 ? 0 : layer * width, n_cells = layer < 0 ? rows * width : width;
    Trace trace;
    if (trace_of(scratch, report, run, m, layer < 0 ? TRACE_MODEL : TRACE_LAYER, layer, -1, &trace) != 0)
        return;
    for (int i = 0; i < trace.n; i++) {
        const size_t cell = (size_t)i * rows * width + first;
        text_add(csv, fronts[trace.at[i]]);
        rows_add_index(csv, layer);
        rows_add_words(csv, metric->name);
        rows_add_number(csv, trace.values[i]);
        rows_add_number(csv, mean_of(own->sd + cell, n_cells));
        rows_add_number(csv, least_of(own->counts + cell, n_cells));
        rows_add_number(csv, trace.uniform);
        rows_add_number(csv, trace.position);
        rows_add_number(csv, trace.start);
        text_add(csv, "\n");
    }
}

static int write_geometry(Report *report, const char *path, Error *err)
{
    static const ExportColumn columns[] = {
        ROWS_FRONT,
        {"layer", "", 0},
        {"metric", "", 1},
        {"value", "that of the metric", 0},
        {"sd", "that of the metric", 0},
        {"n", "sequences", 0},
        {"uniform", "that of the metric", 0},
        {"position", "that of the metric", 0},
        {"start", "that of the metric", 0},
    };
    Rows rows;
    rows_begin(&rows, report, path, columns, sizeof columns / sizeof *columns);
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->n_snapshots == 0)
            continue;
        Arena *scratch = arena_new();
        const char **fronts = rows_fronts(scratch, report, run);
        for (int g = 0; g < run->n_losses; g++)
            add_loss(run, fronts, g, &rows.csv);
        for (int m = 0; m < report->n_metrics; m++)
            for (int layer = -1; layer < run->n_layers; layer++)
                add_metric(scratch, report, run, fronts, m, layer, &rows.csv);
        arena_free(scratch);
        rows_flush(&rows);
    }
    return rows_end(&rows, err);
}

const Export export_geometry = {
    .variant = {.name = "geometry",
                .summary = "geometry.csv, on request: every metric by run, layer and snapshot",
                .source = "-"},
    .file = "geometry.csv",
    .on_request = 1,
    .write = write_geometry,
};
