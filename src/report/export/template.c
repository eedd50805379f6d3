/* A template for a new export. To add one:
 *
 *   1. copy this file to NAME.c, where NAME is a new word;
 *   2. write the body: read the report (results.h, summary.h, trace.h, verdict.h), write the file at `path` atomically
 *      (file_write, export_table), with no date, path or machine in it;
 *   3. add the word to 'report/export' in src/meson.build, and the file to results/README.md.
 *
 * tests/report then checks that it writes the same bytes twice. This one lists the arms.
 */
#include "report/export/export.h"

static int template_write(Report *report, const char *path, Error *err)
{
    Arena *arena = arena_new();
    Table *table = table_new(arena);
    const int name = table_add_text_column(table, "arm");
    for (int a = 0; a < report->n_arms; a++)
        table_set_text(table, table_add_row(table), name, report->arms[a].name);
    const int status = export_table(table, path, err);
    arena_free(arena);
    return status;
}

extern const Export export_template;
const Export export_template = {
    .variant = {.name = "template", .summary = "arms.csv: the names of the arms", .source = "-"},
    .file = "arms.csv",
    .write = template_write,
};
