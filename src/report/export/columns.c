/* columns.csv: what stands in each column of each table that this report has written, itself included: `kind`, numbers
 * or words, and the unit of the numbers. No column mixes the two. The tables declare their columns as they write them
 * (export_table, rows_begin), so this cannot say something else; it comes behind them in the registry.
 */
#include "report/export/export.h"

static int write_columns(Report *report, const char *path, Error *err)
{
    static const ExportColumn nothing[1];
    export_declare(report, path, nothing, 0);
    return export_table(report, report->columns, path, err); /* which adds its own rows before they are written */
}

const Export export_columns = {
    .variant = {.name = "columns", .summary = "columns.csv: every column of every table, with its unit", .source = "-"},
    .file = "columns.csv",
    .write = write_columns,
};
