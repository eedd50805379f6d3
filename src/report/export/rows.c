/* See rows.h. */
#include "report/export/rows.h"

#include <math.h>

void rows_begin(Rows *rows, Report *report, const char *path, const ExportColumn *columns, int n)
{
    *rows = (Rows){.csv = {0}};
    file_begin(&rows->file, path);
    export_declare(report, path, columns, n);
    for (int c = 0; c < n; c++) {
        text_add(&rows->csv, c ? "," : "");
        text_add_cell(&rows->csv, columns[c].name);
    }
    text_add(&rows->csv, "\n");
}

void rows_flush(Rows *rows)
{
    file_add(&rows->file, text_string(&rows->csv), rows->csv.size);
    text_clear(&rows->csv);
}

int rows_end(Rows *rows, Error *err)
{
    rows_flush(rows);
    text_free(&rows->csv);
    return file_end(&rows->file, err);
}

void rows_add_number(Text *csv, double value)
{
    text_add(csv, ",");
    if (!isnan(value))
        text_add_number(csv, value);
}

void rows_add_words(Text *csv, const char *words)
{
    text_add(csv, ",");
    text_add_cell(csv, words);
}

void rows_add_index(Text *csv, int index)
{
    if (index < 0)
        text_add(csv, ",");
    else
        text_addf(csv, ",%d", index);
}

const char **rows_fronts(Arena *arena, const Report *report, const ReportRun *run)
{
    const char **fronts = ARENA_ARRAY(arena, const char *, run->n_snapshots + 1);
    Text text = {0};
    for (int s = 0; s < run->n_snapshots; s++) {
        text_clear(&text);
        text_add_cell(&text, run->folder);
        rows_add_words(&text, report->arms[run->arm].name);
        text_addf(&text, ",%llu", (unsigned long long)run->seed);
        rows_add_number(&text, run->steps[s]);
        rows_add_number(&text, run->tokens[s]);
        fronts[s] = arena_strdup(arena, text_string(&text));
    }
    text_free(&text);
    return fronts;
}
