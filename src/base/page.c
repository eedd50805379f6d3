/* See page.h. */
#include "base/page.h"

#include <assert.h>
#include <string.h>

#include "base/asset.h"

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

/* Adds an asset: licences as text, libraries without references to their source maps, which browsers would look for. */
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

/* Adds what a @word@ of the template stands for; returns 0 for a word that is none of ours. */
static int add_word(Text *html, const char *word, const char *title, const Text *data)
{
    const Asset *asset = asset_find(word);
    if (strcmp(word, "title") == 0)
        text_add_escaped(html, title, strlen(title));
    else if (strcmp(word, "data") == 0)
        add_script_safe(html, data);
    else if (asset)
        add_asset(html, asset);
    else
        return 0;
    return 1;
}

void page_fill(const char *template_name, const char *title, const Text *data, Text *ret_html)
{
    const Asset *template = asset_find(template_name);
    assert(template);
    const char *at = (const char *)template->bytes, *end = at + template->n;
    while (at < end) {
        char word[64] = "";
        const char *close = *at == '@' ? memchr(at + 1, '@', (size_t)(end - at - 1)) : NULL;
        if (close && close - at - 1 < (int)sizeof word)
            memcpy(word, at + 1, (size_t)(close - at - 1)); /* the rest of word is zero */
        if (word[0] != '\0' && add_word(ret_html, word, title, data))
            at = close + 1;
        else
            text_add_bytes(ret_html, at++, 1);
    }
}
