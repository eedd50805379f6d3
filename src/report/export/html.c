/* report.html: everything for a reader, in one self-contained file (base/page.h). */
#include "report/export/export.h"

#include <string.h>

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
        const char *title = report->title[0] ? report->title : report->name;
        const PageWord words[] = {{"title", text_add_escaped, title, strlen(title)},
                                  {"data", page_add_json, data.data, data.size}};
        page_fill("html/report.html", words, 2, &html);
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
