/* Exports: what `refframe report` writes. One file each, with a const Export at its foot and a word in src/meson.build.
 *
 * An export is a pure function of the report (and, for maps, of the snapshots it was collected from): no date, path or
 * machine, so equal results are equal bytes. Every file is written atomically; its hash stands in SHA256SUMS.
 */
#ifndef REFFRAME_REPORT_EXPORT_H
#define REFFRAME_REPORT_EXPORT_H

#include "base/variant.h"
#include "base/table.h"
#include "report/results.h"

typedef struct {
    Variant variant;
    const char *file;
    int on_request; /* written where it was asked for, then and by every later report for as long as it lies there */
    int (*write)(Report *report, const char *path, Error *err);
} Export;

/* A table's column. One of words has no unit; one of numbers has "" if it counts or numbers something. */
typedef struct {
    const char *name, *unit;
    int is_words;
} ExportColumn;

/* The same n columns with one of words for each axis of the sweep behind the first n_front. An axis is called as the
 * user likes, another column's name included: `loss` is then `loss (axis)`. */
const ExportColumn *export_with_axes(Arena *arena, const Report *report, const ExportColumn *columns, int n,
                                     int n_front);

/* An empty table of these columns. */
Table *export_table_new(Arena *arena, const ExportColumn *columns, int n);

/* Writes a table as CSV, atomically. */
int export_table(Report *report, const Table *table, const char *path, Error *err);

/* Tells columns.csv what stands in the table at `path`; export_table and rows_begin do. */
void export_declare(Report *report, const char *path, const ExportColumn *columns, int n);

/* Units: of losses, "nats per target"; of a metric, "" for none (-1). */
const char *export_loss_unit(const Report *report);
const char *export_metric_unit(const Report *report, int metric);

REGISTRY(Export, export);

#endif
