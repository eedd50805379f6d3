/* See page.h. */
#include "base/page.h"

#include <assert.h>
#include <string.h>

#include "base/asset.h"

void page_add_html(Text *html, const char *own, size_t n)
{
    text_add_bytes(html, own, n);
}

/* In JSON "<" stands in strings only, where \u003c is the same. */
void page_add_json(Text *html, const char *json, size_t n)
{
    size_t start = 0;
    for (size_t i = 0; i <= n; i++)
        if (i == n || json[i] == '<') {
            text_add_bytes(html, json + start, i - start);
            if (i < n)
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
static int add_word(Text *html, const char *word, const PageWord *words, int n_words)
{
    const Asset *asset = asset_find(word);
    for (int w = 0; w < n_words; w++)
        if (strcmp(word, words[w].word) == 0) {
            words[w].add(html, words[w].text, words[w].n);
            return 1;
        }
    if (asset)
        add_asset(html, asset);
    return asset != NULL;
}

void page_fill(const char *template_name, const PageWord *words, int n_words, Text *ret_html)
{
    const Asset *template = asset_find(template_name);
    assert(template);
    const char *at = (const char *)template->bytes, *end = at + template->n;
    while (at < end) {
        char word[64] = "";
        const char *close = *at == '@' ? memchr(at + 1, '@', (size_t)(end - at - 1)) : NULL;
        if (close && close - at - 1 < (int)sizeof word)
            memcpy(word, at + 1, (size_t)(close - at - 1)); /* the rest of word is zero */
        if (word[0] != '\0' && add_word(ret_html, word, words, n_words))
            at = close + 1;
        else
            text_add_bytes(ret_html, at++, 1);
    }
}
