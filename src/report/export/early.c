/* early.svg as a file: see report/figures.h. */
#include "report/export/export.h"

#include "report/figures.h"

static int write_early(Report *report, const char *path, Error *err)
{
    return figure_write(report, FIGURE_EARLY, path, err);
}

const Export export_early = {
    .variant = {.name = "early", .summary = "early.svg: how much had been learnt when the sink came", .source = "-"},
    .file = "early.svg",
    .write = write_early,
};
