#include "hub/tokenize/normalize_steps.h"

#include "hub/tokenize/charsmap.h"
#include "hub/tokenize/normalize.h"
#include "hub/tokenize/unicode.h"

/* The next character, and how many bytes it has: of UTF-8 that was checked always some. */
static size_t next(const char *text, size_t n, size_t at, uint32_t *ret_code)
{
    *ret_code = 0;
    const int length = text_utf8_decode(text + at, n - at, ret_code);
    return length > 0 ? (size_t)length : 1;
}

/* libutf8proc takes n^2 for n marks in a row. */
static int has_too_many_marks(const char *text, size_t n)
{
    uint32_t code;
    int n_marks = 0;
    for (size_t at = 0; at < n && n_marks <= NORMALIZE_MARKS;) {
        at += next(text, n, at, &code);
        n_marks = code >= 128 && (unicode_category(code) & UNICODE_MARK) ? n_marks + 1 : 0;
    }
    return n_marks > NORMALIZE_MARKS;
}

int normalize_normal_form(const void *state, const char *text, size_t n, Text *out)
{
    if (has_too_many_marks(text, n))
        return NORMALIZE_TOO_MANY_MARKS;
    unicode_add_form(out, *(const UnicodeForm *)state, text, n);
    return 0;
}

int normalize_lowercase(const void *state, const char *text, size_t n, Text *out)
{
    uint32_t code;
    (void)state;
    for (size_t at = 0; at < n;) {
        at += next(text, n, at, &code);
        unicode_add_lower(out, code);
    }
    return 0;
}

int normalize_without(const void *state, const char *text, size_t n, Text *out)
{
    const int categories = *(const int *)state;
    uint32_t code;
    for (size_t at = 0, length; at < n; at += length) {
        length = next(text, n, at, &code);
        if (code < 128 || !(unicode_category(code) & categories))
            text_add_bytes(out, text + at, length);
    }
    return 0;
}

int normalize_strip(const void *state, const char *text, size_t n, Text *out)
{
    const Strip *strip = state;
    size_t start = 0, end = 0;
    uint32_t code;
    for (size_t at = 0; at < n;) {
        const size_t length = next(text, n, at, &code);
        if (unicode_is_space(code) && start == at && strip->left)
            start += length;
        at += length;
        if (!unicode_is_space(code) || !strip->right)
            end = at;
    }
    if (end > start)
        text_add_bytes(out, text + start, end - start);
    return 0;
}

int normalize_replace(const void *state, const char *text, size_t n, Text *out)
{
    const Replace *replace = state;
    size_t at = 0, start = 0, end = 0;
    uint64_t steps = 0;
    int found;
    while ((found = match_find(&replace->match, text, n, at, &steps, &start, &end)) == 1) {
        text_add_bytes(out, text + at, start - at);
        text_add(out, replace->content);
        at = end;
    }
    text_add_bytes(out, text + at, n - at);
    return found;
}

int normalize_prepend(const void *state, const char *text, size_t n, Text *out)
{
    if (n > 0)
        text_add(out, state);
    text_add_bytes(out, text, n);
    return 0;
}

int normalize_by_charsmap(const void *state, const char *text, size_t n, Text *out)
{
    charsmap_apply(state, text, n, out);
    return 0;
}

int normalize_clean(const void *state, const char *text, size_t n, Text *out)
{
    uint32_t code;
    (void)state;
    for (size_t at = 0, length; at < n; at += length) {
        length = next(text, n, at, &code);
        const int is_white = code == '\t' || code == '\n' || code == '\r';
        if (code == 0 || code == 0xfffd || (!is_white && (unicode_category(code) & UNICODE_CONTROL)))
            continue;
        if (unicode_is_space(code))
            text_add(out, " ");
        else
            text_add_bytes(out, text + at, length);
    }
    return 0;
}

/* What the library calls Chinese: one range of it starts at U+2B920, where the block does at U+2B820. */
static int is_chinese(uint32_t code)
{
    static const uint32_t ranges[][2] = {{0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df},
                                         {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf},
                                         {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++)
        if (code >= ranges[r][0] && code <= ranges[r][1])
            return 1;
    return 0;
}

int normalize_chinese_apart(const void *state, const char *text, size_t n, Text *out)
{
    uint32_t code;
    (void)state;
    for (size_t at = 0, length; at < n; at += length) {
        length = next(text, n, at, &code);
        if (is_chinese(code))
            text_add(out, " ");
        text_add_bytes(out, text + at, length);
        if (is_chinese(code))
            text_add(out, " ");
    }
    return 0;
}
