/* What the exports share, and report_write: every export of the registry, in its order. */
#include "report/export/export.h"

#include "base/file.h"

int export_table(const Table *table, const char *folder, const char *name, Error *err)
{
    Text csv = {0};
    table_to_csv(table, text_add_cell, &csv);
    const int status = file_write(file_join(table->arena, folder, name), csv.data, csv.size, err);
    text_free(&csv);
    return status;
}

int report_write(Report *report, const char *folder, Error *err)
{
    for (const Export *const *export = export_registry; *export; export ++) {
        const int status = (*export)->write(report, folder, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
