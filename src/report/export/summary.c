/* summary.csv: one row per arm: runs, onset and final value of the strongest head, labels and loss, with intervals over
 * seeds. "inf" is never; an empty cell is not available. The columns stand in results/README.md.
 */
#include "report/export/export.h"

#include "base/file.h"
#include "base/table.h"
#include "report/summary.h"

static void set_interval(Table *table, int row, int column, const Interval *interval)
{
    table_set(table, row, column, interval->median);
    table_set(table, row, column + 1, interval->low);
    table_set(table, row, column + 2, interval->high);
}

static int add_interval(Table *table, const char *name, const char *unit)
{
    const int first = table_add_column(table, name, unit);
    table_add_column(table, arena_format(table->arena, "%s_low", name), unit);
    table_add_column(table, arena_format(table->arena, "%s_high", name), unit);
    return first;
}

static int write_summary(Report *report, const char *folder, Error *err)
{
    Arena *arena = arena_new();
    Table *table = table_new(arena);
    const int arm = table_add_text_column(table, "arm"), axes = table->n_columns;
    for (int x = 0; x < report->n_axes; x++)
        table_add_text_column(table, report->axes[x].name);
    const int runs = table_add_column(table, "runs", ""), finished = table_add_column(table, "finished", "");
    const int metric = table_add_text_column(table, "metric"), onset = add_interval(table, "onset", "steps");
    const int coverage = table_add_column(table, "coverage", ""), formed = table_add_column(table, "formed", "");
    const int final = add_interval(table, "final", ""), floor = table_add_column(table, "floor", "");
    const int drain = add_interval(table, "value_drain", ""), loss = add_interval(table, "loss", "nats");
    const int oracle = table_add_column(table, "oracle_loss", "nats");
    int frame[2], frame_n[2];
    for (int k = 0; k < 2; k++) {
        frame[k] = table_add_text_column(table, k ? "frame_by_token" : "frame");
        frame_n[k] = table_add_column(table, k ? "frame_by_token_runs" : "frame_runs", "");
    }
    const int frame_onset_at = add_interval(table, "frame_onset", "steps");
    for (int a = 0; a < report->n_arms; a++) {
        ArmSummary summary;
        arm_summary(arena, report, a, &summary);
        const int row = table_add_row(table);
        table_set_text(table, row, arm, report->arms[a].name);
        for (int x = 0; x < report->n_axes; x++)
            table_set_text(table, row, axes + x, report->arms[a].values[x]);
        table_set(table, row, runs, summary.planned);
        table_set(table, row, finished, summary.finished);
        if (summary.finished == 0)
            continue;
        if (report->headline >= 0) {
            table_set_text(table, row, metric,
                           arena_format(arena, "%s:strongest", report->metrics[report->headline].name));
            set_interval(table, row, onset, &summary.onset);
            table_set(table, row, formed, summary.formed);
            set_interval(table, row, final, &summary.final);
            table_set(table, row, floor, summary.floor);
            set_interval(table, row, drain, &summary.drain);
        }
        table_set(table, row, coverage, coverage_of(summary.finished));
        set_interval(table, row, loss, &summary.loss);
        table_set(table, row, oracle, summary.oracle);
        set_interval(table, row, frame_onset_at, &summary.label_onset);
        for (int k = 0; k < 2; k++) {
            table_set_text(table, row, frame[k], frame_name((FrameType)summary.label[k]));
            table_set(table, row, frame_n[k], summary.labels[k][summary.label[k]]);
        }
    }
    const int status = export_table(table, folder, "summary.csv", err);
    arena_free(arena);
    return status;
}

const Export export_summary = {"summary", "summary.csv: one row per arm", write_summary};
