/* summary.csv: one row per arm: runs, onset of the first head, final value of the strongest, labels and loss, with
 * intervals over seeds. "inf" is never; an empty cell is not available. The columns stand in src/report/README.md.
 */
#include "report/export/export.h"

#include "report/summary.h"

/* An interval stands in three columns from its first on. */
enum {
    ARM,
    RUNS,
    FINISHED,
    METRIC,
    ONSET,
    COVERAGE = ONSET + 3,
    FORMED,
    FINAL,
    FLOOR = FINAL + 3,
    DRAIN,
    LOSS = DRAIN + 3,
    ORACLE = LOSS + 3,
    FRAME,
    FRAME_RUNS,
    BY_TOKEN,
    BY_TOKEN_RUNS,
    FRAME_ONSET,
    N_COLUMNS = FRAME_ONSET + 3
};

static void set_interval(Table *table, int row, int column, const Interval *interval)
{
    table_set(table, row, column, interval->median);
    table_set(table, row, column + 1, interval->low);
    table_set(table, row, column + 2, interval->high);
}

static void add_row(Table *table, Arena *arena, const Report *report, int arm)
{
    const int row = table_add_row(table), n = report->n_axes; /* columns behind the arm's stand behind those of axes */
    ArmSummary summary;
    arm_summary(arena, report, arm, &summary);
    table_set_text(table, row, ARM, report->arms[arm].name);
    for (int x = 0; x < n; x++)
        table_set_text(table, row, ARM + 1 + x, report->arms[arm].values[x]);
    table_set(table, row, n + RUNS, summary.planned);
    table_set(table, row, n + FINISHED, summary.finished);
    if (summary.finished == 0)
        return;
    if (report->headline >= 0) {
        table_set_text(table, row, n + METRIC, report->metrics[report->headline].name);
        set_interval(table, row, n + ONSET, &summary.onset);
        table_set(table, row, n + FORMED, summary.formed);
        set_interval(table, row, n + FINAL, &summary.final);
        table_set(table, row, n + FLOOR, summary.floor);
        set_interval(table, row, n + DRAIN, &summary.drain);
    }
    table_set(table, row, n + COVERAGE, coverage_of(summary.finished));
    set_interval(table, row, n + LOSS, &summary.loss);
    table_set(table, row, n + ORACLE, summary.oracle);
    set_interval(table, row, n + FRAME_ONSET, &summary.label_onset);
    for (int k = 0; k < 2; k++) {
        table_set_text(table, row, n + (k ? BY_TOKEN : FRAME), frame_name((FrameType)summary.label[k]));
        table_set(table, row, n + (k ? BY_TOKEN_RUNS : FRAME_RUNS), summary.labels[k][summary.label[k]]);
    }
}

static int write_summary(Report *report, const char *path, Error *err)
{
    const char *loss = export_loss_unit(report), *sink = export_metric_unit(report, report->headline),
               *drain = export_metric_unit(report, report_find_metric(report, "value_drain"));
    const ExportColumn columns[N_COLUMNS] = {
        [ARM] = {"arm", "", 1},
        [RUNS] = {"runs", "runs", 0},
        [FINISHED] = {"finished", "runs", 0},
        [METRIC] = {"metric", "", 1},
        [ONSET] = {"onset", "steps", 0},
        {"onset_low", "steps", 0},
        {"onset_high", "steps", 0},
        [COVERAGE] = {"coverage", "probability", 0},
        [FORMED] = {"formed", "runs", 0},
        [FINAL] = {"final", sink, 0},
        {"final_low", sink, 0},
        {"final_high", sink, 0},
        [FLOOR] = {"floor", sink, 0},
        [DRAIN] = {"value_drain", drain, 0},
        {"value_drain_low", drain, 0},
        {"value_drain_high", drain, 0},
        [LOSS] = {"loss", loss, 0},
        {"loss_low", loss, 0},
        {"loss_high", loss, 0},
        [ORACLE] = {"oracle_loss", loss, 0},
        [FRAME] = {"frame", "", 1},
        [FRAME_RUNS] = {"frame_runs", "runs", 0},
        [BY_TOKEN] = {"frame_by_token", "", 1},
        [BY_TOKEN_RUNS] = {"frame_by_token_runs", "runs", 0},
        [FRAME_ONSET] = {"frame_onset", "steps", 0},
        {"frame_onset_low", "steps", 0},
        {"frame_onset_high", "steps", 0},
    };
    Arena *arena = arena_new();
    Table *table =
        export_table_new(arena, export_with_axes(arena, report, columns, N_COLUMNS, RUNS), N_COLUMNS + report->n_axes);
    for (int a = 0; a < report->n_arms; a++)
        add_row(table, arena, report, a);
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

const Export export_summary = {
    .variant = {.name = "summary", .summary = "summary.csv: one row per arm", .source = "-"},
    .file = "summary.csv",
    .write = write_summary,
};
