/* curves.csv: the curves that are looked for most, long: one row per run, snapshot and curve.
 *
 *   sink       the headline metric, max_inflow and value_drain: of the strongest head (chosen on even sequences, read
 * on odd ones), the mean over the model, and over each layer; the snapshots that measured them loss       held_out_loss
 * and its groups, of the model labels     frame and frame_by_token, of the model and each layer: a word in `label`;
 * `value` is empty, and `label` is in all other rows
 *
 * With an arm and a seed a run is known, so its folder's name does not stand in every row; runs.csv has it.
 */
#include "report/export/export.h"

#include <math.h>

#include "report/export/rows.h"
#include "report/trace.h"

/* Of the run whose rows are written. */
typedef struct {
    const Report *report;
    const ReportRun *run;
    const char **fronts; /* (n_snapshots,) cells from the arm to the targets */
    Arena *scratch;
    Text *csv;
} Writer;

static void add_row(const Writer *writer, int snapshot, const char *metric, const char *level, int layer, int head,
                    double value, const char *label)
{
    Text *csv = writer->csv;
    text_add(csv, writer->fronts[snapshot]);
    rows_add_words(csv, metric);
    rows_add_words(csv, level);
    rows_add_index(csv, layer);
    rows_add_index(csv, head);
    rows_add_number(csv, value);
    rows_add_words(csv, label);
    text_add(csv, "\n");
}

static void add_metric(const Writer *writer, int m, TraceLevel level, int layer)
{
    static const char *const levels[] = {
        [TRACE_MODEL] = "model", [TRACE_STRONGEST] = "strongest", [TRACE_LAYER] = "layer"};
    Trace trace;
    if (trace_of(writer->scratch, writer->report, writer->run, m, level, layer, -1, &trace) != 0)
        return;
    for (int i = 0; i < trace.n; i++)
        add_row(writer, trace.at[i], writer->report->metrics[m].name, levels[level],
                level == TRACE_LAYER ? layer : trace.layer, trace.head, trace.values[i], "");
}

static void add_metrics(const Writer *writer)
{
    const Report *report = writer->report;
    const int curves[] = {report->headline, report_find_metric(report, "max_inflow"),
                          report_find_metric(report, "value_drain")};
    for (size_t c = 0; c < sizeof curves / sizeof *curves; c++) {
        if (curves[c] < 0 || (c > 0 && curves[c] == report->headline))
            continue;
        add_metric(writer, curves[c], TRACE_STRONGEST, -1);
        add_metric(writer, curves[c], TRACE_MODEL, -1);
        for (int l = 0; l < writer->run->n_layers; l++)
            add_metric(writer, curves[c], TRACE_LAYER, l);
    }
}

static void add_losses(const Writer *writer)
{
    const ReportRun *run = writer->run;
    for (int g = 0; g < run->n_losses; g++)
        for (int s = 0; s < run->n_snapshots; s++)
            add_row(writer, s, run->loss_names[g], "model", -1, -1, run->losses[(size_t)s * run->n_losses + g], "");
}

static void add_labels(const Writer *writer)
{
    const ReportRun *run = writer->run;
    for (int by_token = 0; by_token < 2; by_token++)
        for (int l = -1; l < run->n_layers; l++)
            for (int s = 0; s < run->n_snapshots; s++) {
                const Frame *frame = l < 0 ? &run->frames[s].model : &run->frames[s].layers[l];
                add_row(writer, s, by_token ? "frame_by_token" : "frame", l < 0 ? "model" : "layer", l, -1, (double)NAN,
                        frame_name(by_token ? frame->by_token : frame->by_position));
            }
}

static const char **fronts_of(Arena *arena, const Report *report, const ReportRun *run)
{
    const char **fronts = ARENA_ARRAY(arena, const char *, run->n_snapshots);
    Text text = {0};
    for (int s = 0; s < run->n_snapshots; s++) {
        text_clear(&text);
        text_add_cell(&text, report->arms[run->arm].name);
        for (int x = 0; x < report->n_axes; x++)
            rows_add_words(&text, report->arms[run->arm].values[x]);
        text_addf(&text, ",%llu", (unsigned long long)run->seed);
        rows_add_number(&text, run->steps[s]);
        rows_add_number(&text, run->tokens[s]);
        rows_add_number(&text, run->targets[s]);
        fronts[s] = arena_strdup(arena, text_string(&text));
    }
    text_free(&text);
    return fronts;
}

static int write_curves(Report *report, const char *path, Error *err)
{
    static const ExportColumn columns[] = {
        {"arm", "", 1},
        {"seed", "", 0},
        {"step", "steps", 0},
        {"tokens", "tokens", 0},
        {"targets", "targets", 0},
        {"metric", "", 1},
        {"level", "", 1},
        {"layer", "", 0},
        {"head", "", 0},
        {"value", "that of the metric", 0},
        {"label", "", 1},
    };
    const int n = sizeof columns / sizeof *columns;
    Arena *arena = arena_new();
    Rows rows;
    rows_begin(&rows, report, path, export_with_axes(arena, report, columns, n, 1), n + report->n_axes);
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->n_snapshots == 0)
            continue;
        Arena *scratch = arena_new();
        const Writer writer = {report, run, fronts_of(scratch, report, run), scratch, &rows.csv};
        add_metrics(&writer);
        add_losses(&writer);
        add_labels(&writer);
        arena_free(scratch);
        rows_flush(&rows);
    }
    arena_free(arena);
    return rows_end(&rows, err);
}

const Export export_curves = {
    .variant = {.name = "curves",
                .summary = "curves.csv: sink, losses and labels by run and snapshot: model, strongest head, layers",
                .source = "-"},
    .file = "curves.csv",
    .write = write_curves,
};
