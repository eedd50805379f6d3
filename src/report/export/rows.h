/* Tables with a row for every number: written as text, run by run, and not through a Table, so that what stands in
 * memory is one run's rows. Each cell brings the comma in front of it; a row is a front, cells and "\n".
 */
#ifndef REFFRAME_REPORT_EXPORT_ROWS_H
#define REFFRAME_REPORT_EXPORT_ROWS_H

#include "base/file.h"
#include "report/export/export.h"

typedef struct {
    FileWriter file;
    Text csv; /* rows that are not in the file yet */
} Rows;

/* Declares n columns and writes the heading. `path` must live until rows_end. */
void rows_begin(Rows *rows, Report *report, const char *path, const ExportColumn *columns, int n);
/* Empties `csv` into the file: behind each run. */
void rows_flush(Rows *rows);
int rows_end(Rows *rows, Error *err);

void rows_add_number(Text *csv, double value); /* an empty cell for NaN */
void rows_add_words(Text *csv, const char *words);
/* Layer and head, empty where the scope is wider (-1). */
void rows_add_index(Text *csv, int index);

/* The columns that tables of metrics begin with, and those cells of each snapshot of a run, (n_snapshots,). */
#define ROWS_FRONT                                                                                                     \
    {"run", "", 1}, {"arm", "", 1}, {"seed", "", 0}, {"step", "steps", 0},                                             \
    {                                                                                                                  \
        "tokens", "tokens", 0                                                                                          \
    }
const char **rows_fronts(Arena *arena, const Report *report, const ReportRun *run);

#endif
