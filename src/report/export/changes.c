/* changes.csv: how often moving one switch of the sweep moves the model's final label, and how often the seed alone
 * does: a row per axis, then one for each two of its values, last the seed (changes.h). Columns stand in ../README.md.
 */
#include "report/export/export.h"

#include "base/table.h"
#include "report/changes.h"

enum { AXIS, FROM, TO, PAIRS, SEEDS, COVERAGE, BY_POSITION, BY_TOKEN = BY_POSITION + 3 };

static int write_changes(Report *report, const char *folder, Error *err)
{
    static const char *const texts[] = {"axis", "from", "to"};
    static const char *const numbers[] = {"pairs",
                                          "seeds",
                                          "coverage",
                                          "changed",
                                          "changed_low",
                                          "changed_high",
                                          "changed_by_token",
                                          "changed_by_token_low",
                                          "changed_by_token_high"};
    Arena *arena = arena_new();
    Table *table = table_new(arena);
    for (size_t c = 0; c < sizeof texts / sizeof *texts; c++)
        table_add_text_column(table, texts[c]);
    for (size_t c = 0; c < sizeof numbers / sizeof *numbers; c++)
        table_add_column(table, numbers[c], c < BY_POSITION - PAIRS ? "" : "share of pairs");
    Switch *list;
    const int n = changes_list(arena, report, &list);
    for (int i = 0; i < n; i++) {
        const ReportAxis *axis = list[i].axis == CHANGES_OF_SEED ? NULL : &report->axes[list[i].axis];
        const int row = table_add_row(table);
        table_set_text(table, row, AXIS, axis ? axis->name : "(seed)");
        table_set_text(table, row, FROM, list[i].from == CHANGES_ALL ? "" : axis->values[list[i].from]);
        table_set_text(table, row, TO, list[i].to == CHANGES_ALL ? "" : axis->values[list[i].to]);
        for (int k = 0; k < 2; k++) {
            const int first = k ? BY_TOKEN : BY_POSITION;
            Interval interval;
            int n_pairs;
            changes_over_seeds(arena, report, NULL, &list[i], k, &n_pairs, &interval);
            table_set(table, row, PAIRS, n_pairs);
            table_set(table, row, SEEDS, interval.n);
            table_set(table, row, COVERAGE, interval.coverage);
            table_set(table, row, first, interval.median);
            table_set(table, row, first + 1, interval.low);
            table_set(table, row, first + 2, interval.high);
        }
    }
    const int status = export_table(table, folder, "changes.csv", err);
    arena_free(arena);
    return status;
}

const Export export_changes = {
    .variant = {.name = "changes",
                .summary = "changes.csv: how often each switch of the sweep moves the frame's label",
                .source = "-"},
    .write = write_changes,
};
