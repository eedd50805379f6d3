/* What the exports share, and report_write: every export of the registry, in its order. */
#include "report/export/export.h"

#include <string.h>

#include "base/file.h"

/* ---- tables and their columns ---- */

static int is_called(const ExportColumn *columns, int n, const char *name)
{
    int c = 0;
    while (c < n && strcmp(columns[c].name, name) != 0)
        c++;
    return c < n;
}

const ExportColumn *export_with_axes(Arena *arena, const Report *report, const ExportColumn *columns, int n,
                                     int n_front)
{
    ExportColumn *all = ARENA_ARRAY(arena, ExportColumn, n + report->n_axes), *axes = all + n_front;
    memcpy(all, columns, (size_t)n_front * sizeof *all);
    memcpy(axes + report->n_axes, columns + n_front, (size_t)(n - n_front) * sizeof *all);
    for (int x = 0; x < report->n_axes; x++) {
        axes[x] = (ExportColumn){report->axes[x].name, "", 1};
        while (is_called(columns, n, axes[x].name) || is_called(axes, x, axes[x].name))
            axes[x].name = arena_format(arena, "%s (axis)", axes[x].name);
    }
    return all;
}

Table *export_table_new(Arena *arena, const ExportColumn *columns, int n)
{
    Table *table = table_new(arena);
    for (int c = 0; c < n; c++)
        if (columns[c].is_words)
            table_add_text_column(table, columns[c].name);
        else
            table_add_column(table, columns[c].name, columns[c].unit);
    return table;
}

void export_declare(Report *report, const char *path, const ExportColumn *columns, int n)
{
    enum { TABLE, COLUMN, KIND, UNIT };
    static const ExportColumn own[] = {
        [TABLE] = {"table", "", 1}, [COLUMN] = {"column", "", 1}, [KIND] = {"kind", "", 1}, [UNIT] = {"unit", "", 1}};
    if (!report->columns)
        report->columns = export_table_new(report->arena, own, sizeof own / sizeof *own);
    for (int c = 0; c < n; c++) {
        const int row = table_add_row(report->columns);
        table_set_text(report->columns, row, TABLE, file_basename(report->arena, path));
        table_set_text(report->columns, row, COLUMN, columns[c].name);
        table_set_text(report->columns, row, KIND, columns[c].is_words ? "words" : "numbers");
        table_set_text(report->columns, row, UNIT, columns[c].unit);
    }
}

int export_table(Report *report, const Table *table, const char *path, Error *err)
{
    Text csv = {0};
    for (int c = 0; c < table->n_columns; c++) {
        const Column *column = &table->columns[c];
        export_declare(report, path, &(ExportColumn){column->name, column->unit, column->strings != NULL}, 1);
    }
    table_to_csv(table, text_add_cell, &csv);
    const int status = file_write(path, csv.data, csv.size, err);
    text_free(&csv);
    return status;
}

const char *export_loss_unit(const Report *report)
{
    return arena_format(report->arena, "%s per target", report_loss_unit(report));
}

const char *export_metric_unit(const Report *report, int metric)
{
    return metric < 0 ? "" : report->metrics[metric].unit;
}

/* ---- all of them ---- */

/* What the report was made of, with the hashes that it was read by; where there were none, with those of now. */
static int add_read(const Report *report, const char *folder, Sums *sums, Error *err)
{
    int status = STATUS_OK;
    for (int d = 0; d < DOCUMENT_COUNT && status == STATUS_OK; d++) {
        const char *listed = sums_hash(&report->sums, document_names[d]);
        if (listed)
            sums_add(report->arena, sums, document_names[d], listed);
        else
            status = sums_add_file(report->arena, sums, folder, document_names[d], err);
    }
    return status;
}

static int is_among(const char *name, const char *const *names, int n)
{
    int i = 0;
    while (i < n && strcmp(names[i], name) != 0)
        i++;
    return i < n;
}

/* What a report writes: always, or where it was asked for, now or before; ends with NULL. Files are looked for in the
 * folder's list, which tells a file that is not there from one that the system failed to look at. */
static int list_due(const Report *report, const char *folder, const char *const *requested, int n_requested,
                    const Export ***ret_due, Error *err)
{
    char **names;
    int n_names = 0, n = 0, n_exports = 0;
    const int status = file_list(report->arena, folder, &names, &n_names, err);
    if (status != STATUS_OK)
        return status;
    while (export_registry[n_exports])
        n_exports++;
    const Export **due = ARENA_ARRAY(report->arena, const Export *, n_exports + 1);
    for (const Export *const *export = export_registry; *export; export ++)
        if (!(*export)->on_request || is_among((*export)->variant.name, requested, n_requested) ||
            is_among((*export)->file, (const char *const *)names, n_names))
            due[n++] = *export;
    *ret_due = due;
    return STATUS_OK;
}

int report_write(Report *report, const Lock *lock, const char *folder, const char *const *requested, int n_requested,
                 Error *err)
{
    Sums sums = {.n = 0};
    const Export **due = NULL;
    report->columns = NULL;
    int status = list_due(report, folder, requested, n_requested, &due, err);
    if (status == STATUS_OK)
        status = add_read(report, folder, &sums, err);
    if (status == STATUS_OK) /* while tables are replaced, none is listed */
        status = sums_write(folder, &sums, err);
    for (const Export **export = due; status == STATUS_OK && *export; export ++) {
        if ((status = lock_check(lock, err)) != STATUS_OK)
            break;
        status = (*export)->write(report, file_join(report->arena, folder, (*export)->file), err);
        if (status == STATUS_OK)
            status = sums_add_file(report->arena, &sums, folder, (*export)->file, err);
    }
    if (status == STATUS_OK)
        status = lock_check(lock, err);
    return status == STATUS_OK ? sums_write(folder, &sums, err) : status;
}
