/* runs.csv: one row per planned run: what it was, its labels by which verdicts judge, when its first head formed a
 * sink, how its strongest ended, its loss; and why it has no results, where it has none. Columns stand in ../README.md.
 *
 * An onset that never came is the word in `onset` and empty cells behind it; one at start is by step 0, after none.
 */
#include "report/export/export.h"

#include <math.h>

#include "report/summary.h"

enum {
    RUN,
    ARM,
    SEED,
    ID,
    STATUS,
    STEP,
    TOKENS,
    TARGETS,
    PARAMETERS,
    FRAME,
    BY_TOKEN,
    HEADLINE,
    ONSET,
    AFTER,
    BY,
    TOKENS_BY,
    LAYER,
    HEAD,
    FINAL,
    FLOOR,
    DRAIN,
    LOSS,
    ORACLE,
    REASON,
    N_COLUMNS
};

/* Columns behind the arm's stand behind the n of axes. */
static void set_sink(Table *table, int row, int n, const Report *report, const RunSummary *summary)
{
    table_set_text(table, row, n + HEADLINE, report->metrics[report->headline].name);
    table_set_text(table, row, n + ONSET, onset_kind_name(summary->onset.kind));
    if (summary->onset.kind == ONSET_FOUND)
        table_set(table, row, n + AFTER, summary->onset.after);
    if (summary->onset.kind != ONSET_NEVER)
        table_set(table, row, n + BY, summary->onset.by);
    table_set(table, row, n + TOKENS_BY, summary->onset_tokens);
    if (summary->layer >= 0)
        table_set(table, row, n + LAYER, summary->layer);
    if (summary->head >= 0)
        table_set(table, row, n + HEAD, summary->head);
    table_set(table, row, n + FINAL, summary->final);
    table_set(table, row, n + FLOOR, summary->floor);
    table_set(table, row, n + DRAIN, summary->drain);
}

static void add_run(Table *table, const Report *report, const ReportRun *run)
{
    const int row = table_add_row(table), n = report->n_axes, last = run->n_snapshots - 1;
    table_set_text(table, row, RUN, run->folder);
    table_set_text(table, row, ARM, report->arms[run->arm].name);
    for (int x = 0; x < n; x++)
        table_set_text(table, row, ARM + 1 + x, report->arms[run->arm].values[x]);
    table_set(table, row, n + SEED, (double)run->seed);
    table_set_text(table, row, n + ID, run->id);
    table_set_text(table, row, n + STATUS, run_status_name(run->status));
    table_set(table, row, n + PARAMETERS, run->n_parameters);
    table_set(table, row, n + ORACLE, run->oracle_loss);
    table_set_text(table, row, n + REASON, run->reason);
    if (last < 0)
        return;
    Arena *scratch = arena_new();
    RunSummary summary;
    run_summary(scratch, report, run, &summary);
    table_set(table, row, n + STEP, run->steps[last]);
    table_set(table, row, n + TOKENS, run->tokens[last]);
    table_set(table, row, n + TARGETS, run->targets[last]);
    for (int k = 0; k < 2; k++)
        table_set_text(table, row, n + (k ? BY_TOKEN : FRAME), frame_name((FrameType)frame_final(run, k)));
    if (summary.has_sink)
        set_sink(table, row, n, report, &summary);
    table_set(table, row, n + LOSS, summary.loss);
    arena_free(scratch);
}

static int write_runs(Report *report, const char *path, Error *err)
{
    const char *loss = export_loss_unit(report), *sink = export_metric_unit(report, report->headline),
               *drain = export_metric_unit(report, report_find_metric(report, "value_drain"));
    const ExportColumn columns[N_COLUMNS] = {
        [RUN] = {"run", "", 1},
        [ARM] = {"arm", "", 1},
        [SEED] = {"seed", "", 0},
        [ID] = {"id", "", 1},
        [STATUS] = {"status", "", 1},
        [STEP] = {"step", "steps", 0},
        [TOKENS] = {"tokens", "tokens", 0},
        [TARGETS] = {"targets", "targets", 0},
        [PARAMETERS] = {"parameters", "parameters", 0},
        [FRAME] = {"frame", "", 1},
        [BY_TOKEN] = {"frame_by_token", "", 1},
        [HEADLINE] = {"headline", "", 1},
        [ONSET] = {"onset", "", 1},
        [AFTER] = {"onset_after", "steps", 0},
        [BY] = {"onset_by", "steps", 0},
        [TOKENS_BY] = {"onset_tokens_by", "tokens", 0},
        [LAYER] = {"layer", "", 0},
        [HEAD] = {"head", "", 0},
        [FINAL] = {"final", sink, 0},
        [FLOOR] = {"floor", sink, 0},
        [DRAIN] = {"value_drain", drain, 0},
        [LOSS] = {"loss", loss, 0},
        [ORACLE] = {"oracle_loss", loss, 0},
        [REASON] = {"reason", "", 1},
    };
    Arena *arena = arena_new();
    Table *table = export_table_new(arena, export_with_axes(arena, report, columns, N_COLUMNS, ARM + 1),
                                    N_COLUMNS + report->n_axes);
    for (int r = 0; r < report->n_runs; r++)
        add_run(table, report, &report->runs[r]);
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

const Export export_runs = {
    .variant = {.name = "runs", .summary = "runs.csv: one row per planned run", .source = "-"},
    .file = "runs.csv",
    .write = write_runs,
};
