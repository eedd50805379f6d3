/* geometry.csv: every number at model and layer level, long: one row per run, metric, layer and snapshot.
 *
 * `layer` is "all" for the model. A head metric's layer is the mean over its heads, and its sd the mean of their
 * standard deviations over sequences. It has a row for every number, so it is written as text directly and not through
 * a Table.
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

/* RFC 4180: quotes around what needs them. */
static void add_field(Text *csv, const char *value)
{
    if (strpbrk(value, ",\"\r\n") == NULL) {
        text_add(csv, value);
        return;
    }
    text_add(csv, "\"");
    for (const char *c = value; *c; c++)
        text_add_bytes(csv, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    text_add(csv, "\"");
}

static double mean_over_heads(const double *table, int L, int width, int layer)
{
    double sum = 0;
    int n = 0;
    for (int i = layer < 0 ? 0 : layer * width; i < (layer < 0 ? L : layer + 1) * width; i++)
        if (!isnan(table[i])) {
            sum += table[i];
            n++;
        }
    return n > 0 ? sum / n : (double)NAN;
}

static void add_loss(const ReportRun *run, const char *const *prefixes, int group, Text *csv)
{
    for (int s = 0; s < run->n_snapshots; s++) {
        text_add(csv, prefixes[s]);
        text_addf(csv, ",all,%s", run->loss_names[group]);
        add_cell(csv, run->losses[(size_t)s * run->n_losses + group]);
        text_add(csv, ",,,");
        add_cell(csv, run->losses[group]);
        text_add(csv, "\n");
    }
}

static void add_metric(Arena *scratch, const Report *report, const ReportRun *run, const char *const *prefixes, int m,
                       int layer, Text *csv)
{
    const ReportMetric *metric = &report->metrics[m];
    const int width = metric->is_layer ? 1 : run->n_heads;
    Trace trace;
    if (trace_of(scratch, report, run, m, layer < 0 ? TRACE_MODEL : TRACE_LAYER, layer, -1, &trace) != 0)
        return;
    for (int s = 0; s < run->n_snapshots; s++) {
        text_add(csv, prefixes[s]);
        if (layer < 0)
            text_add(csv, ",all,");
        else
            text_addf(csv, ",%d,", layer);
        add_field(csv, metric->name);
        add_cell(csv, trace.values[s]);
        add_cell(csv,
                 mean_over_heads(run->metrics[m].sd + (size_t)s * run->n_layers * width, run->n_layers, width, layer));
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
        add_field(&text, run->folder);
        text_add(&text, ",");
        add_field(&text, report->arms[run->arm].name);
        text_addf(&text, ",%llu", (unsigned long long)run->seed);
        add_cell(&text, run->steps[s]);
        add_cell(&text, run->tokens[s]);
        prefixes[s] = arena_strdup(scratch, text_string(&text));
    }
    text_free(&text);
    return prefixes;
}

static int write_geometry(Report *report, const char *folder, Error *err)
{
    Text csv = {0};
    text_add(&csv, "run,arm,seed,step,tokens,layer,metric,value,sd,uniform,position,start\n");
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        Arena *scratch = arena_new();
        const char **prefixes = row_prefixes(scratch, report, run);
        for (int g = 0; g < run->n_losses; g++)
            add_loss(run, prefixes, g, &csv);
        for (int m = 0; m < report->n_metrics; m++)
            for (int layer = -1; layer < run->n_layers; layer++)
                add_metric(scratch, report, run, prefixes, m, layer, &csv);
        arena_free(scratch);
    }
    const int status = file_write(file_join(report->arena, folder, "geometry.csv"), csv.data, csv.size, err);
    text_free(&csv);
    return status;
}

const Export export_geometry = {"geometry", "geometry.csv: every metric by run, layer and snapshot", write_geometry};
