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
    int (*write)(Report *report, const char *path, Error *err);
} Export;

/* Writes a table as CSV, atomically. */
int export_table(const Table *table, const char *path, Error *err);

REGISTRY(Export, export);

#endif
