/* A template for a new export. To add one:
 *
 *   1. copy this file to NAME.c, where NAME is a new word;
 *   2. write the body: read the report (results.h, summary.h, trace.h, verdict.h), write the file at `path` atomically
 *      (file_write; a table with its columns and units: export_table, rows.h), with no date, path or machine in it;
 *   3. add the word to 'report/export' in src/meson.build, and the file to results/README.md.
 *
 * tests/report then checks that it writes the same bytes twice. This one lists the arms.
 */
#include "report/export/export.h"

static int template_write(Report *report, const char *path, Error *err)
{
    Arena *arena = arena_new();
    static const ExportColumn columns[] = {{"arm", "", 1}};
    Table *table = export_table_new(arena, columns, sizeof columns / sizeof *columns);
    for (int a = 0; a < report->n_arms; a++)
        table_set_text(table, table_add_row(table), 0, report->arms[a].name);
    const int status = export_table(report, table, path, err);
    arena_free(arena);
    return status;
}

extern const Export export_template;
const Export export_template = {
    .variant = {.name = "template", .summary = "arms.csv: the names of the arms", .source = "-"},
    .file = "arms.csv",
    .write = template_write,
};
