/* labels.svg as a file: see report/figures.h. */
#include "report/export/export.h"

#include "report/figures.h"

static int write_labels(Report *report, const char *path, Error *err)
{
    return figure_write(report, FIGURE_LABELS, path, err);
}

const Export export_labels = {
    .variant = {.name = "labels", .summary = "labels.svg: the frame that every run ended with", .source = "-"},
    .file = "labels.svg",
    .write = write_labels,
};
