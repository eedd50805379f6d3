/* report.html: one self-contained file. A template with @words@, each replaced by what stands for it: the title, the
 * data as JSON, or the embedded file of that name (styles, scripts, the charting library and its licence).
 *
 * Nothing is loaded from anywhere, and the page's own Content-Security-Policy forbids it. Text reaches the page as JSON
 * whose "<" are escaped, so no string of an experiment can end the script element; the script inserts it as text only.
 */
#include "report/export/export.h"

#include <assert.h>
#include <string.h>

#include "base/asset.h"
#include "base/file.h"
#include "report/document.h"

/* In JSON "<" stands in strings only, where \u003c is the same. */
static void add_script_safe(Text *html, const Text *json)
{
    size_t start = 0;
    for (size_t i = 0; i <= json->size; i++)
        if (i == json->size || json->data[i] == '<') {
            text_add_bytes(html, json->data + start, i - start);
            if (i < json->size)
                text_add(html, "\\u003c");
            start = i + 1;
        }
}

/* Adds an asset: licences as text, the library without references to its source maps, which browsers would look for. */
static void add_asset(Text *html, const Asset *asset)
{
    static const char *const maps[] = {"//# sourceMappingURL=", "/*# sourceMappingURL="}; /* at the end of a file */
    const char *bytes = (const char *)asset->bytes, *suffix = strrchr(asset->name, '.');
    size_t n = asset->n;
    for (int k = 0; k < 2; k++) {
        const char *map = memmem(bytes, n, maps[k], strlen(maps[k]));
        n = map ? (size_t)(map - bytes) : n;
    }
    if (suffix && strcmp(suffix, ".copyright") == 0)
        text_add_escaped(html, bytes, n);
    else
        text_add_bytes(html, bytes, n);
}

/* What the words of the template stand for, but for files. */
typedef struct {
    const Report *report;
    const Text *data;
    const char *live; /* of whoever serves it; NULL: a file */
} Page;

/* Adds what a @word@ of the template stands for; returns 0 for a word that is none of ours. */
static int add_word(Text *html, const char *word, const Page *page)
{
    const char *title = page->report->title[0] ? page->report->title : page->report->name;
    const Asset *asset = asset_find(word);
    if (strcmp(word, "title") == 0)
        text_add_escaped(html, title, strlen(title));
    else if (strcmp(word, "data") == 0)
        add_script_safe(html, page->data);
    else if (strcmp(word, "connect") == 0)
        text_add(html, page->live ? "; connect-src 'self'" : "");
    else if (strcmp(word, "live") == 0)
        text_add(html, page->live ? page->live : "");
    else if (asset)
        add_asset(html, asset);
    else
        return 0;
    return 1;
}

static void fill_template(const Page *page, Text *html)
{
    const Asset *template = asset_find("html/report.html");
    assert(template);
    const char *at = (const char *)template->bytes, *end = at + template->n;
    while (at < end) {
        char word[64] = "";
        const char *close = *at == '@' ? memchr(at + 1, '@', (size_t)(end - at - 1)) : NULL;
        if (close && close - at - 1 < (int)sizeof word)
            memcpy(word, at + 1, (size_t)(close - at - 1)); /* the rest of word is zero */
        if (word[0] != '\0' && add_word(html, word, page))
            at = close + 1;
        else
            text_add_bytes(html, at++, 1);
    }
}

int report_page(const Report *report, const char *live, Text *ret_html, Error *err)
{
    Text data = {0};
    JsonWriter json;
    json_start(&json, &data, 0);
    const int status = document_json(report, &json, err);
    if (status == STATUS_OK)
        fill_template(&(Page){report, &data, live}, ret_html);
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
