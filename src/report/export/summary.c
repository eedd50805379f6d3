/* summary.csv: one row per arm: runs, onset of the first head, final value of the strongest, labels and loss, with
 * intervals over seeds. "inf" is never; an empty cell is not available. The columns stand in src/report/README.md.
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

typedef struct {
    int arm, axes, runs, finished, metric, onset, coverage, formed, final, floor, drain, loss, oracle, frame[2],
        frame_n[2], frame_onset;
} Columns;

/* The columns, with one for each axis behind the first. */
static Columns add_columns(Table *table, const char *loss_unit, int n_axes, const char *const *axis_names)
{
    Columns c;
    c.arm = table_add_text_column(table, "arm"), c.axes = table->n_columns;
    for (int x = 0; x < n_axes; x++)
        table_add_text_column(table, axis_names[x]);
    c.runs = table_add_column(table, "runs", ""), c.finished = table_add_column(table, "finished", "");
    c.metric = table_add_text_column(table, "metric"), c.onset = add_interval(table, "onset", "steps");
    c.coverage = table_add_column(table, "coverage", ""), c.formed = table_add_column(table, "formed", "");
    c.final = add_interval(table, "final", ""), c.floor = table_add_column(table, "floor", "");
    c.drain = add_interval(table, "value_drain", ""), c.loss = add_interval(table, "loss", loss_unit);
    c.oracle = table_add_column(table, "oracle_loss", loss_unit);
    for (int k = 0; k < 2; k++) {
        c.frame[k] = table_add_text_column(table, k ? "frame_by_token" : "frame");
        c.frame_n[k] = table_add_column(table, k ? "frame_by_token_runs" : "frame_runs", "");
    }
    c.frame_onset = add_interval(table, "frame_onset", "steps");
    return c;
}

/* An axis is called as the user likes, a column's name included: `loss` is then `loss (axis)`. */
static const char **axis_columns(Arena *arena, const Report *report)
{
    const char **names = ARENA_ARRAY(arena, const char *, report->n_axes + 1);
    Table *plain = table_new(arena);
    add_columns(plain, "", 0, NULL);
    for (int x = 0; x < report->n_axes; x++) {
        const char *name = report->axes[x].name;
        names[x] = table_find(plain, name) < 0 ? name : arena_format(arena, "%s (axis)", name);
    }
    return names;
}

static int write_summary(Report *report, const char *path, Error *err)
{
    Arena *arena = arena_new();
    Table *table = table_new(arena);
    const Columns c = add_columns(table, report_loss_unit(report), report->n_axes, axis_columns(arena, report));
    for (int a = 0; a < report->n_arms; a++) {
        ArmSummary summary;
        arm_summary(arena, report, a, &summary);
        const int row = table_add_row(table);
        table_set_text(table, row, c.arm, report->arms[a].name);
        for (int x = 0; x < report->n_axes; x++)
            table_set_text(table, row, c.axes + x, report->arms[a].values[x]);
        table_set(table, row, c.runs, summary.planned);
        table_set(table, row, c.finished, summary.finished);
        if (summary.finished == 0)
            continue;
        if (report->headline >= 0) {
            table_set_text(table, row, c.metric, report->metrics[report->headline].name);
            set_interval(table, row, c.onset, &summary.onset);
            table_set(table, row, c.formed, summary.formed);
            set_interval(table, row, c.final, &summary.final);
            table_set(table, row, c.floor, summary.floor);
            set_interval(table, row, c.drain, &summary.drain);
        }
        table_set(table, row, c.coverage, coverage_of(summary.finished));
        set_interval(table, row, c.loss, &summary.loss);
        table_set(table, row, c.oracle, summary.oracle);
        set_interval(table, row, c.frame_onset, &summary.label_onset);
        for (int k = 0; k < 2; k++) {
            table_set_text(table, row, c.frame[k], frame_name((FrameType)summary.label[k]));
            table_set(table, row, c.frame_n[k], summary.labels[k][summary.label[k]]);
        }
    }
    const int status = export_table(table, path, err);
    arena_free(arena);
    return status;
}

const Export export_summary = {
    .variant = {.name = "summary", .summary = "summary.csv: one row per arm", .source = "-"},
    .file = "summary.csv",
    .write = write_summary,
};
