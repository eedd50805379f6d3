/* onset.csv: when things came to stay: one row per run and metric with a declared threshold, frame type or milestone of
 * the loss, at the level of the model, the strongest head, each layer and each head; in steps, tokens and targets, each
 * as the interval (previous snapshot, this one].
 *
 * `loss` and `early` (share of the loss's fall made) are read at `by`. An empty cell is not available.
 */
#include "report/export/export.h"

#include <math.h>

#include "base/table.h"
#include "report/trace.h"

enum {
    RUN,
    ARM,
    SEED,
    OF,
    LEVEL,
    LAYER,
    HEAD,
    KIND,
    AFTER,
    BY,
    TOKENS_AFTER,
    TOKENS_BY,
    TARGETS_AFTER,
    TARGETS_BY,
    LOSS,
    EARLY,
    HALF_RISE
};

/* `at`: which of the run's snapshots the onset's are, NULL for all of them. */
static int add_onset(Arena *scratch, Table *table, const Report *report, const ReportRun *run, const char *of,
                     const char *level, const Onset *onset, const int *at)
{
    static const char *const kinds[] = {
        [ONSET_NEVER] = "never", [ONSET_AT_START] = "at_start", [ONSET_FOUND] = "found"};
    const int row = table_add_row(table);
    table_set_text(table, row, RUN, run->folder);
    table_set_text(table, row, ARM, report->arms[run->arm].name);
    table_set(table, row, SEED, (double)run->seed);
    table_set_text(table, row, OF, of);
    table_set_text(table, row, LEVEL, level);
    table_set_text(table, row, KIND, kinds[onset->kind]);
    if (onset->kind != ONSET_FOUND)
        return row;
    const int s = at ? at[onset->index] : onset->index, before = at ? at[onset->index - 1] : onset->index - 1;
    table_set(table, row, AFTER, onset->after);
    table_set(table, row, BY, onset->by);
    table_set(table, row, TOKENS_AFTER, run->tokens[before]);
    table_set(table, row, TOKENS_BY, run->tokens[s]);
    table_set(table, row, TARGETS_AFTER, run->targets[before]);
    table_set(table, row, TARGETS_BY, run->targets[s]);
    table_set(table, row, LOSS, run->losses[(size_t)s * run->n_losses]);
    table_set(table, row, EARLY, loss_fall_share(scratch, run, onset->by));
    return row;
}

static void add_metric_onset(Arena *scratch, Table *table, const Report *report, const ReportRun *run, int m,
                             TraceLevel level, int layer, int head)
{
    static const char *const names[] = {
        [TRACE_MODEL] = "model", [TRACE_STRONGEST] = "strongest", [TRACE_LAYER] = "layer", [TRACE_HEAD] = "head"};
    Trace trace;
    Onset onset;
    if (trace_of(scratch, report, run, m, level, layer, head, &trace) != 0)
        return;
    trace_onset(&trace, &report->metrics[m], &onset);
    const int row = add_onset(scratch, table, report, run, report->metrics[m].name, names[level], &onset, trace.at);
    if (trace.layer >= 0)
        table_set(table, row, LAYER, trace.layer);
    if (trace.head >= 0)
        table_set(table, row, HEAD, trace.head);
    table_set(table, row, HALF_RISE, trace_half_rise(&trace, &report->metrics[m]));
}

static void add_run_onsets(Arena *scratch, Table *table, const Report *report, const ReportRun *run)
{
    for (int m = 0; m < report->n_metrics; m++) {
        if (isnan(report->metrics[m].threshold) || report->metrics[m].direction == 0)
            continue;
        add_metric_onset(scratch, table, report, run, m, TRACE_MODEL, -1, -1);
        if (report->metrics[m].level == PER_MODEL)
            continue;
        add_metric_onset(scratch, table, report, run, m, TRACE_STRONGEST, -1, -1);
        for (int l = 0; l < run->n_layers; l++) {
            add_metric_onset(scratch, table, report, run, m, TRACE_LAYER, l, -1);
            for (int h = 0; h < run->n_heads && report->metrics[m].level == PER_HEAD; h++)
                add_metric_onset(scratch, table, report, run, m, TRACE_HEAD, l, h);
        }
    }
    for (int type = 0; type < FRAME_COUNT; type++)
        for (int l = -1; l < run->n_layers; l++)
            for (int h = -1; h < (l < 0 ? 0 : run->n_heads); h++) {
                Onset onset;
                frame_onset(scratch, run, (FrameType)type, 0, l, h, &onset);
                if (l >= 0 && onset.kind == ONSET_NEVER)
                    continue; /* below the model only what came is listed */
                const int row = add_onset(scratch, table, report, run,
                                          arena_format(scratch, "frame:%s", frame_name((FrameType)type)),
                                          l < 0   ? "model"
                                          : h < 0 ? "layer"
                                                  : "head",
                                          &onset, NULL);
                if (l >= 0)
                    table_set(table, row, LAYER, l);
                if (h >= 0)
                    table_set(table, row, HEAD, h);
            }
    for (int g = 1; g < run->n_losses; g++) {
        Onset onset;
        loss_halved(scratch, run, g, &onset);
        add_onset(scratch, table, report, run, arena_format(scratch, "%s halved", run->loss_names[g]), "model", &onset,
                  NULL);
    }
}

static int write_onsets(Report *report, const char *folder, Error *err)
{
    static const struct {
        const char *name, *unit;
        int is_text;
    } columns[] = {
        [RUN] = {"run", "", 1},
        [ARM] = {"arm", "", 1},
        [SEED] = {"seed", "", 0},
        [OF] = {"of", "", 1},
        [LEVEL] = {"level", "", 1},
        [LAYER] = {"layer", "", 0},
        [HEAD] = {"head", "", 0},
        [KIND] = {"kind", "", 1},
        [AFTER] = {"after", "steps", 0},
        [BY] = {"by", "steps", 0},
        [TOKENS_AFTER] = {"tokens_after", "tokens", 0},
        [TOKENS_BY] = {"tokens_by", "tokens", 0},
        [TARGETS_AFTER] = {"targets_after", "targets", 0},
        [TARGETS_BY] = {"targets_by", "targets", 0},
        [LOSS] = {"loss", "nats", 0},
        [EARLY] = {"early", "", 0},
        [HALF_RISE] = {"half_rise", "steps", 0},
    };
    Arena *arena = arena_new();
    Table *table = table_new(arena);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        if (columns[c].is_text)
            table_add_text_column(table, columns[c].name);
        else
            table_add_column(table, columns[c].name, columns[c].unit);
    }
    for (int r = 0; r < report->n_runs; r++)
        if (report->runs[r].n_snapshots > 0)
            add_run_onsets(arena, table, report, &report->runs[r]);
    const int status = export_table(table, folder, "onset.csv", err);
    arena_free(arena);
    return status;
}

const Export export_onset = {"onset", "onset.csv: one row per run and metric, frame type or milestone", write_onsets};
