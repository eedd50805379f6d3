/* differences.csv: what moving one axis of the sweep does, within seeds: for each two arms that differ on one axis
 * alone, the onset of the headline metric's first head, the final value of its strongest and the final loss, of the one
 * arm less those of the other: the median over seeds with its interval (statistics.h), p of the sign test, and of
 * onsets Z and p of the log-rank test within seeds (survival.h). Columns stand in ../README.md.
 *
 * Of two onsets (after, by] the difference is itself an interval: it stands in low and high by its outer ends, and in
 * the median from `by` to `by`. Where neither came it is not known at all: 0 in the median, from -inf to inf in the
 * interval, and against either sign in p.
 */
#include "report/export/export.h"

#include <math.h>
#include <string.h>

#include "report/statistics.h"
#include "report/summary.h"
#include "report/survival.h"
#include "report/verdict.h"

/* Of an axis with more values each is compared with the first alone: rows grow with the runs, not with their square. */
enum { ALL_PAIRS_UP_TO = 12 };

/* What one run brings; is_known 0 where there is none. */
typedef struct {
    int is_known;
    double after, by, final, loss;
    Survival survival;
} Own;

static Own own_of(Arena *arena, const Report *report, const ReportRun *run)
{
    RunSummary summary;
    run_summary(arena, report, run, &summary);
    Own own = {.is_known = 1,
               .after = summary.onset.after,
               .by = summary.onset.by,
               .final = summary.final,
               .loss = summary.loss};
    if (summary.has_sink)
        own.survival = survival_of(run, &summary.onset);
    return own;
}

/* (n_arms, n_seeds) of the finished runs. */
static Own *owns_of(Arena *arena, const Report *report)
{
    Own *owns = ARENA_ARRAY(arena, Own, (size_t)report->n_arms * (size_t)report->n_seeds + 1);
    for (int a = 0; a < report->n_arms; a++)
        for (int i = 0; i < report->n_seeds; i++) {
            const ReportRun *run = report_finished_at(report, a, i);
            if (run)
                owns[(size_t)a * report->n_seeds + i] = own_of(arena, report, run);
        }
    return owns;
}

enum { OF_ONSET, OF_FINAL, OF_LOSS, N_MEASURES };

/* One seed's difference: where it lies, and where it counts in the median. */
static void difference_of(const Own *a, const Own *b, int measure, double *ret_low, double *ret_high, double *ret_point)
{
    if (measure != OF_ONSET) {
        *ret_low = *ret_high = *ret_point = measure == OF_FINAL ? a->final - b->final : a->loss - b->loss;
        return;
    }
    *ret_low = a->after - b->by;
    *ret_high = a->by - b->after;
    *ret_point = a->by - b->by;
    if (isinf(a->by) && isinf(b->by)) {
        *ret_low = -HUGE_VAL;
        *ret_high = HUGE_VAL;
        *ret_point = 0;
    }
}

enum { AXIS, ARM_A, ARM_B, OF, N, DIFFERENCE, LOW, HIGH, COVERAGE, P, LOGRANK_Z, LOGRANK_P, N_COLUMNS };

static void add_row(const Report *report, int axis, int arm_a, int arm_b, const Own *a, const Own *b, int measure,
                    Table *table)
{
    static const char *const names[N_MEASURES] = {"onset", "final", "loss"};
    Arena *arena = arena_new();
    double *low = ARENA_ARRAY(arena, double, 3 * report->n_seeds + 1), *high = low + report->n_seeds,
           *points = high + report->n_seeds;
    Survival *pairs = ARENA_ARRAY(arena, Survival, 2 * report->n_seeds + 1), *others = pairs + report->n_seeds;
    int n = 0;
    for (int i = 0; i < report->n_seeds; i++) {
        if (!a[i].is_known || !b[i].is_known)
            continue;
        difference_of(&a[i], &b[i], measure, &low[n], &high[n], &points[n]);
        if (isnan(points[n]))
            continue;
        pairs[n] = a[i].survival;
        others[n++] = b[i].survival;
    }
    Interval lows, highs, middle;
    VerdictTest test;
    interval_of(arena, n, low, &lows);
    interval_of(arena, n, high, &highs);
    interval_of(arena, n, points, &middle);
    verdict_of_values(arena, n, low, high, measure == OF_ONSET, COMPARE_NE, 0, &test);
    if (n > 0) {
        const int row = table_add_row(table);
        table_set_text(table, row, AXIS, report->axes[axis].name);
        table_set_text(table, row, ARM_A, report->arms[arm_a].name);
        table_set_text(table, row, ARM_B, report->arms[arm_b].name);
        table_set_text(table, row, OF, names[measure]);
        table_set(table, row, N, n);
        table_set(table, row, DIFFERENCE, middle.median);
        table_set(table, row, LOW, lows.low);
        table_set(table, row, HIGH, highs.high);
        table_set(table, row, COVERAGE, middle.coverage);
        table_set(table, row, P, test.p_holds);
        if (measure == OF_ONSET) {
            table_set(table, row, LOGRANK_Z, logrank_statistic(arena, n, pairs, n, others));
            table_set(table, row, LOGRANK_P, logrank_p(arena, n, pairs, others));
        }
    }
    arena_free(arena);
}

/* Whether two arms differ on an axis and on no other, a's value being the first of the axis where it has many. */
static int is_compared(const Report *report, int axis, int a, int b)
{
    for (int x = 0; x < report->n_axes; x++)
        if ((strcmp(report->arms[a].values[x], report->arms[b].values[x]) == 0) == (x == axis))
            return 0;
    return report->axes[axis].n_values <= ALL_PAIRS_UP_TO ||
           strcmp(report->arms[a].values[axis], report->axes[axis].values[0]) == 0;
}

static int write_differences(Report *report, const char *path, Error *err)
{
    static const ExportColumn columns[N_COLUMNS] = {
        [AXIS] = {"axis", "", 1},
        [ARM_A] = {"arm_a", "", 1},
        [ARM_B] = {"arm_b", "", 1},
        [OF] = {"of", "", 1},
        [N] = {"n", "seeds", 0},
        [DIFFERENCE] = {"difference", "that of what `of` names", 0},
        [LOW] = {"difference_low", "that of what `of` names", 0},
        [HIGH] = {"difference_high", "that of what `of` names", 0},
        [COVERAGE] = {"coverage", "probability", 0},
        [P] = {"p", "probability", 0},
        [LOGRANK_Z] = {"logrank_z", "", 0},
        [LOGRANK_P] = {"logrank_p", "probability", 0},
    };
    Arena *arena = arena_new();
    Table *table = export_table_new(arena, columns, sizeof columns / sizeof *columns);
    const Own *owns = owns_of(arena, report);
    const size_t n_seeds = (size_t)report->n_seeds;
    for (int x = 0; x < report->n_axes; x++)
        for (int a = 0; a < report->n_arms; a++)
            for (int b = a + 1; b < report->n_arms; b++)
                for (int m = 0; m < N_MEASURES && is_compared(report, x, a, b); m++)
                    add_row(report, x, a, b, owns + (size_t)a * n_seeds, owns + (size_t)b * n_seeds, m, table);
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

const Export export_differences = {
    .variant = {.name = "differences",
                .summary = "differences.csv: what moving one axis does within seeds, with intervals",
                .source = "-"},
    .file = "differences.csv",
    .write = write_differences,
};
