/* verdicts.json: one entry per expectation of the plan, with every test it rests on. */
#include "report/export/export.h"

#include "base/file.h"
#include "report/family.h"

static int write_verdicts(Report *report, const char *path, Error *err)
{
    Text text = {0};
    JsonWriter json;
    json_start(&json, &text, 2);
    verdicts_json(report, verdicts_of(report->arena, report), &json);
    text_add(&text, "\n");
    const int status = file_write(path, text.data, text.size, err);
    text_free(&text);
    return status;
}

const Export export_verdicts = {
    .variant = {.name = "verdicts",
                .summary = "verdicts.json: what the seeds allow to say about each expectation",
                .source = "-"},
    .file = "verdicts.json",
    .write = write_verdicts,
};
