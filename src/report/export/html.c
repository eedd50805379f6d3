/* report.html: everything for a reader, in one self-contained file (base/page.h). */
#include "report/export/export.h"

#include "base/file.h"
#include "base/page.h"
#include "report/document.h"

static int html_write(Report *report, const char *path, Error *err)
{
    Text data = {0}, html = {0};
    JsonWriter json;
    json_start(&json, &data, 0);
    int status = document_json(report, &json, err);
    if (status == STATUS_OK) {
        page_fill("html/report.html", report->title[0] ? report->title : report->name, &data, &html);
        status = file_write(path, html.data, html.size, err);
    }
    text_free(&data);
    text_free(&html);
    return status;
}

const Export export_html = {
    .variant = {.name = "html", .summary = "report.html: everything for a reader, in one file", .source = "-"},
    .file = "report.html",
    .write = html_write,
};
