/* What the exports share, and report_write: every export of the registry, in its order. */
#include "report/export/export.h"

#include "base/file.h"

int export_table(const Table *table, const char *path, Error *err)
{
    Text csv = {0};
    table_to_csv(table, text_add_cell, &csv);
    const int status = file_write(path, csv.data, csv.size, err);
    text_free(&csv);
    return status;
}

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

int report_write(Report *report, const char *folder, Error *err)
{
    Sums sums = {.n = 0};
    int status = add_read(report, folder, &sums, err);
    if (status == STATUS_OK) /* while tables are replaced, none is listed */
        status = sums_write(folder, &sums, err);
    for (const Export *const *export = export_registry; *export && status == STATUS_OK; export ++) {
        status = (*export)->write(report, file_join(report->arena, folder, (*export)->file), err);
        if (status == STATUS_OK)
            status = sums_add_file(report->arena, &sums, folder, (*export)->file, err);
    }
    return status == STATUS_OK ? sums_write(folder, &sums, err) : status;
}
