/* geometry.csv: every number at model and layer level, long: one row per run, metric, layer and snapshot that measured
 * it.
 *
 * `layer` is "all" for the model. A head metric's layer is the mean over its heads, its sd the mean of their standard
 * deviations over sequences, its n the least of theirs. It has a row for every number, so it is written as text
 * directly and not through a Table.
 */
#include "report/export/export.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "report/trace.h"

static void add_cell(Text *csv, double value)
{
    text_add(csv, ",");
    if (!isnan(value))
        text_add_number(csv, value);
}

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

static void add_loss(const ReportRun *run, const char *const *prefixes, int group, Text *csv)
{
    for (int s = 0; s < run->n_snapshots; s++) {
        text_add(csv, prefixes[s]);
        text_add(csv, ",all,");
        text_add_cell(csv, run->loss_names[group]);
        add_cell(csv, run->losses[(size_t)s * run->n_losses + group]);
        text_add(csv, ",,,,");
        add_cell(csv, run->losses[group]);
        text_add(csv, "\n");
    }
}

static void add_metric(Arena *scratch, const Report *report, const ReportRun *run, const char *const *prefixes, int m,
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
        text_add(csv, prefixes[trace.at[i]]);
        if (layer < 0)
            text_add(csv, ",all,");
        else
            text_addf(csv, ",%d,", layer);
        text_add_cell(csv, metric->name);
        add_cell(csv, trace.values[i]);
        add_cell(csv, mean_of(own->sd + cell, n_cells));
        add_cell(csv, least_of(own->counts + cell, n_cells));
        add_cell(csv, trace.uniform);
        add_cell(csv, trace.position);
        add_cell(csv, trace.start);
        text_add(csv, "\n");
    }
}

/* The cells that every row of a snapshot starts with: run,arm,seed,step,tokens. */
static const char **row_prefixes(Arena *scratch, const Report *report, const ReportRun *run)
{
    const char **prefixes = ARENA_ARRAY(scratch, const char *, run->n_snapshots + 1);
    Text text = {0};
    for (int s = 0; s < run->n_snapshots; s++) {
        text_clear(&text);
        text_add_cell(&text, run->folder);
        text_add(&text, ",");
        text_add_cell(&text, report->arms[run->arm].name);
        text_addf(&text, ",%llu", (unsigned long long)run->seed);
        add_cell(&text, run->steps[s]);
        add_cell(&text, run->tokens[s]);
        prefixes[s] = arena_strdup(scratch, text_string(&text));
    }
    text_free(&text);
    return prefixes;
}

static int write_geometry(Report *report, const char *path, Error *err)
{
    Text csv = {0};
    FileWriter file;
    file_begin(&file, path);
    text_add(&csv, "run,arm,seed,step,tokens,layer,metric,value,sd,n,uniform,position,start\n");
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->n_snapshots == 0)
            continue;
        Arena *scratch = arena_new();
        const char **prefixes = row_prefixes(scratch, report, run);
        for (int g = 0; g < run->n_losses; g++)
            add_loss(run, prefixes, g, &csv);
        for (int m = 0; m < report->n_metrics; m++)
            for (int layer = -1; layer < run->n_layers; layer++)
                add_metric(scratch, report, run, prefixes, m, layer, &csv);
        arena_free(scratch);
        file_add(&file, csv.data, csv.size);
        text_clear(&csv);
    }
    file_add(&file, text_string(&csv), csv.size); /* the heading, where no run has results */
    text_free(&csv);
    return file_end(&file, err);
}

const Export export_geometry = {
    .variant = {.name = "geometry", .summary = "geometry.csv: every metric by run, layer and snapshot", .source = "-"},
    .file = "geometry.csv",
    .write = write_geometry,
};
