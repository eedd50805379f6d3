/* report.html: everything for a reader, in one self-contained file (base/page.h). */
#include "report/export/export.h"

#include <string.h>

#include "base/file.h"
#include "base/page.h"
#include "report/document.h"

int report_page(const Report *report, const char *live, Text *ret_html, Error *err)
{
    Text data = {0};
    JsonWriter json;
    json_start(&json, &data, 0);
    const int status = document_json(report, &json, err);
    if (status == STATUS_OK) {
        const char *title = report->title[0] ? report->title : report->name,
                   *connect = live ? "; connect-src 'self'" : "";
        const PageWord words[] = {{"title", text_add_escaped, title, strlen(title)},
                                  {"data", page_add_json, data.data, data.size},
                                  {"connect", page_add_html, connect, strlen(connect)},
                                  {"live", page_add_html, live ? live : "", live ? strlen(live) : 0}};
        page_fill("html/report.html", words, sizeof words / sizeof *words, ret_html);
    }
    text_free(&data);
    return status;
}

static int html_write(Report *report, const char *path, Error *err)
{
    Text html = {0};
    int status = report_page(report, NULL, &html, err);
    if (status == STATUS_OK)
        status = file_write(path, html.data, html.size, err);
    text_free(&html);
    return status;
}

const Export export_html = {
    .variant = {.name = "html", .summary = "report.html: everything for a reader, in one file", .source = "-"},
    .file = "report.html",
    .write = html_write,
};
