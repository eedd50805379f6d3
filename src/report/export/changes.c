/* changes.csv: how often moving one switch of the sweep moves the model's final label, and how often the seed alone
 * does: for each axis a row, one for each two of its values and one for each of its set-ups, last the seed (changes.h).
 * Columns stand in ../README.md.
 */
#include "report/export/export.h"

#include "report/changes.h"

enum { AXIS, FROM, TO, SETUP, N_TEXTS };
enum { PAIRS, SEEDS, COVERAGE, CHANGED, LOW, HIGH, FLOOR, FLOOR_DEALT, P, UNLABELLED, N_NUMBERS };

/* Over all pairs by position and by token, then over those in which both runs have a frame. */
enum { N_READINGS = 4 };

static const struct {
    const char *name, *end, *unit;
} numbers[N_NUMBERS] = {
    [PAIRS] = {"pairs", "", "pairs"},
    [SEEDS] = {"seeds", "", "seeds"},
    [COVERAGE] = {"coverage", "", "probability"},
    [CHANGED] = {"changed", "", "share of pairs"},
    [LOW] = {"changed", "_low", "share of pairs"},
    [HIGH] = {"changed", "_high", "share of pairs"},
    [FLOOR] = {"floor", "", "share of pairs"},
    [FLOOR_DEALT] = {"floor_dealt", "", "share of pairs"},
    [P] = {"p", "", "probability"},
    [UNLABELLED] = {"unlabelled", "", "runs"},
};

static void add_columns(Table *table)
{
    static const char *const texts[N_TEXTS] = {"axis", "from", "to", "setup"};
    for (int c = 0; c < N_TEXTS; c++)
        table_add_text_column(table, texts[c]);
    for (int k = 0; k < N_READINGS; k++)
        for (int c = 0; c < N_NUMBERS; c++)
            table_add_column(table,
                             arena_format(table->arena, "%s%s%s%s", k / 2 ? "framed_" : "", numbers[c].name,
                                          k % 2 ? "_by_token" : "", numbers[c].end),
                             numbers[c].unit);
}

static int write_changes(Report *report, const char *path, Error *err)
{
    Arena *arena = arena_new();
    Table *table = table_new(arena);
    Changes changes;
    Switch *list;
    changes_new(arena, report, &changes);
    add_columns(table);
    const int n = changes_list(arena, &changes, &list);
    for (int i = 0; i < n; i++) {
        const ReportAxis *axis = list[i].axis == CHANGES_OF_SEED ? NULL : &report->axes[list[i].axis];
        const int row = table_add_row(table);
        table_set_text(table, row, AXIS, axis ? axis->name : "(seed)");
        table_set_text(table, row, FROM, list[i].from == CHANGES_ALL ? "" : axis->values[list[i].from]);
        table_set_text(table, row, TO, list[i].to == CHANGES_ALL ? "" : axis->values[list[i].to]);
        table_set_text(table, row, SETUP, changes_setup(arena, &changes, &list[i]));
        for (int k = 0; k < N_READINGS; k++) {
            Arena *scratch = arena_new();
            Changed changed;
            changes_of(scratch, &changes, NULL, &list[i], k % 2, k / 2, &changed);
            const double values[N_NUMBERS] = {
                [PAIRS] = changed.n_pairs,
                [SEEDS] = changed.interval.n,
                [COVERAGE] = changed.interval.coverage,
                [CHANGED] = changed.interval.median,
                [LOW] = changed.interval.low,
                [HIGH] = changed.interval.high,
                [FLOOR] = changed.floor,
                [FLOOR_DEALT] = changed.floor_dealt,
                [P] = changed.test.p,
                [UNLABELLED] = changed.n_unlabelled,
            };
            for (int c = 0; c < N_NUMBERS; c++)
                table_set(table, row, N_TEXTS + k * N_NUMBERS + c, values[c]);
            arena_free(scratch);
        }
    }
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

const Export export_changes = {
    .variant = {.name = "changes",
                .summary = "changes.csv: how often each switch of the sweep moves the frame's label",
                .source = "-"},
    .file = "changes.csv",
    .write = write_changes,
};
