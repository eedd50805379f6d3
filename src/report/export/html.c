/* report.html: one self-contained file. A template with @words@, each replaced once by what stands for it: styles, the
 * page's script, the charting library with its licence, and the data as JSON.
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

/* Adds an asset; a script's reference to its source map is cut off, since browsers would look for it. */
static void add_asset(Text *html, const char *name)
{
    const Asset *asset = asset_find(name);
    assert(asset);
    static const char map[] = "//# sourceMappingURL=";
    const void *cut = memmem(asset->bytes, asset->n, map, sizeof map - 1);
    text_add_bytes(html, asset->bytes, cut ? (size_t)((const unsigned char *)cut - asset->bytes) : asset->n);
}

static void add_escaped(Text *html, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *entity = bytes[i] == '<'   ? "&lt;"
                             : bytes[i] == '>' ? "&gt;"
                             : bytes[i] == '&' ? "&amp;"
                             : bytes[i] == '"' ? "&quot;"
                                               : NULL;
        if (entity)
            text_add(html, entity);
        else
            text_add_bytes(html, bytes + i, 1);
    }
}

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

/* Adds what a @word@ of the template stands for; returns 0 for a word that is none of ours. */
static int add_word(Text *html, const char *word, size_t n, const Report *report, const Text *data)
{
    static const struct {
        const char *word, *asset;
        int is_escaped;
    } assets[] = {
        {"style", "html/report.css", 0},
        {"script", "html/report.js", 0},
        {"library", "html/dygraph.min.js", 0},
        {"library-style", "html/dygraph.min.css", 0},
        {"library-licence", "html/dygraph.copyright", 1},
    };
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++) {
        if (strlen(assets[i].word) != n || memcmp(assets[i].word, word, n) != 0)
            continue;
        const Asset *asset = asset_find(assets[i].asset);
        if (assets[i].is_escaped)
            add_escaped(html, (const char *)asset->bytes, asset->n);
        else
            add_asset(html, assets[i].asset);
        return 1;
    }
    if (n == 5 && memcmp(word, "title", n) == 0) {
        const char *title = report->title[0] ? report->title : report->name;
        add_escaped(html, title, strlen(title));
        return 1;
    }
    if (n == 4 && memcmp(word, "data", n) == 0) {
        add_script_safe(html, data);
        return 1;
    }
    return 0;
}

static int html_write(Report *report, const char *folder, Error *err)
{
    Text data = {0}, html = {0};
    JsonWriter json;
    json_start(&json, &data, 0);
    int status = document_json(report, &json, err);
    const Asset *template = asset_find("html/report.html");
    assert(template);
    for (size_t i = 0; i < template->n && status == 0;) {
        const char *at = (const char *)template->bytes + i, *end = NULL;
        if (*at == '@')
            end = memchr(at + 1, '@', template->n - i - 1);
        if (end && add_word(&html, at + 1, (size_t)(end - at - 1), report, &data)) {
            i += (size_t)(end - at) + 1;
        } else {
            text_add_bytes(&html, at, 1);
            i++;
        }
    }
    if (status == 0)
        status = file_write(file_join(report->arena, folder, "report.html"), html.data, html.size, err);
    text_free(&data);
    text_free(&html);
    return status;
}

const Export export_html = {"html", "report.html: everything for a reader, in one file", html_write};
