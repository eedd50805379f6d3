/* formed.csv: in what share of an arm's runs the sink has formed by each step: the Kaplan-Meier estimate (survival.h)
 * of the headline metric's first head; a row for each step by which one formed, and one for the last, behind which
 * nothing is known of those in which none has. The median and its interval stand in summary.csv (onset).
 */
#include "report/export/export.h"

#include "report/survival.h"
#include "report/trace.h"

static int write_formed(Report *report, const char *path, Error *err)
{
    enum { ARM, BY, AT_RISK, FORMED, SHARE, N_COLUMNS };
    static const ExportColumn columns[N_COLUMNS] = {
        [ARM] = {"arm", "", 1},
        [BY] = {"by", "steps", 0},
        [AT_RISK] = {"at_risk", "runs", 0},
        [FORMED] = {"formed", "runs", 0},
        [SHARE] = {"share", "share of runs", 0},
    };
    Arena *arena = arena_new();
    Table *table = export_table_new(arena, columns, N_COLUMNS);
    for (int a = 0; a < report->n_arms && report->headline >= 0; a++) {
        Arena *scratch = arena_new();
        Survival *runs = ARENA_ARRAY(scratch, Survival, report->n_runs + 1);
        SurvivalStep *steps;
        int n = 0;
        for (int r = 0; r < report->n_runs; r++) {
            const ReportRun *run = &report->runs[r];
            Trace trace;
            Onset onset;
            if (run->arm != a || trace_of(scratch, report, run, report->headline, TRACE_FIRST, -1, -1, &trace) != 0)
                continue;
            trace_onset(&trace, &report->metrics[report->headline], &onset);
            runs[n++] = survival_of(run, &onset);
        }
        const int n_steps = survival_curve(scratch, n, runs, &steps);
        for (int s = 0; s < n_steps; s++) {
            const int row = table_add_row(table);
            table_set_text(table, row, ARM, report->arms[a].name);
            table_set(table, row, BY, steps[s].time);
            table_set(table, row, AT_RISK, steps[s].at_risk);
            table_set(table, row, FORMED, steps[s].formed);
            table_set(table, row, SHARE, steps[s].share);
        }
        arena_free(scratch);
    }
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

const Export export_formed = {
    .variant = {.name = "formed",
                .summary = "formed.csv: the share of an arm's runs in which the sink has formed, by step",
                .source = "-"},
    .file = "formed.csv",
    .write = write_formed,
};
