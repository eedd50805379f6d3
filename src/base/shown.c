/* Text of others where it is shown: on terminals, in pages and figures, in tables. Whatever a name, a claim, a token or
 * a path holds, it stays the text that it is: it moves no cursor, opens no element, ends no cell and runs nothing.
 */
#include "base/text.h"

#include <string.h>

#define NO_CODE UINT32_MAX /* bytes that are no UTF-8 */

/* The character at `bytes`: its code and how many bytes it takes, one where they are no UTF-8. */
static int next_character(const char *bytes, size_t n, uint32_t *ret_code)
{
    const int length = text_utf8_decode(bytes, n, ret_code);
    if (length > 0)
        return length;
    *ret_code = NO_CODE;
    return 1;
}

/* Control characters (C0, DEL, C1: Unicode 15, chapter 23.1), which XML 1.0 (section 2.2) does not allow either. */
static int is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xfffe || code == 0xffff || code == NO_CODE;
}

/* What is not seen itself, but changes how the rest is: marks of direction (Unicode 15, chapter 23.2), separators of
 * lines and paragraphs, a byte order mark. */
static int is_unseen(uint32_t code)
{
    return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static void add_code(Text *text, const char *bytes, uint32_t code)
{
    if (code < 0x80 || code == NO_CODE)
        text_addf(text, "\\x%02x", (unsigned)(unsigned char)*bytes);
    else
        text_addf(text, "\\u%04x", (unsigned)code);
}

void text_add_visible(Text *text, const char *bytes, size_t n)
{
    uint32_t code;
    for (size_t i = 0, length; i < n; i += length) {
        length = (size_t)next_character(bytes + i, n - i, &code);
        if (is_control(code) || is_unseen(code))
            add_code(text, bytes + i, code);
        else
            text_add_bytes(text, bytes + i, length);
    }
}

int text_is_visible(const char *string)
{
    uint32_t code;
    for (size_t i = 0, n = strlen(string); i < n;) {
        i += (size_t)next_character(string + i, n - i, &code);
        if (is_control(code) || is_unseen(code))
            return 0;
    }
    return 1;
}

void text_add_escaped(Text *text, const char *bytes, size_t n)
{
    uint32_t code;
    for (size_t i = 0, length; i < n; i += length) {
        length = (size_t)next_character(bytes + i, n - i, &code);
        const char *entity = code == '<'   ? "&lt;"
                             : code == '>' ? "&gt;"
                             : code == '&' ? "&amp;"
                             : code == '"' ? "&quot;"
                                           : NULL;
        if (entity)
            text_add(text, entity);
        else if (is_control(code) && code != '\t' && code != '\n' && code != '\r')
            add_code(text, bytes + i, code);
        else
            text_add_bytes(text, bytes + i, length);
    }
}

/* ---- tables ---- */

/* Characters with which a cell is taken for a formula (OWASP, "CSV Injection"); the last four are full-width. */
static int starts_formula(const char *string)
{
    static const char *const starts[] = {
        "=", "+", "-", "@", "\t", "\r", "\n", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(string, starts[i], strlen(starts[i])) == 0 && string[strlen(starts[i])] != '\0')
            return 1;
    return 0;
}

/* Whether a cell has a place at which a reader that splits at semicolons or tabs would start a formula. */
static int hides_formula(const char *string)
{
    for (const char *at = string; (at = strpbrk(at, ";\t")) != NULL; at++)
        if (starts_formula(at + 1))
            return 1;
    return 0;
}

static void add_cell(Text *text, const char *string, const char *before, int in_quotes)
{
    if (!in_quotes && !strpbrk(string, ",\"\r\n")) {
        text_add(text, before);
        text_add(text, string);
        return;
    }
    text_addf(text, "\"%s", before);
    for (const char *quote; (quote = strchr(string, '"')) != NULL; string = quote + 1) {
        text_add_bytes(text, string, (size_t)(quote - string));
        text_add(text, "\"\"");
    }
    text_add(text, string);
    text_add(text, "\"");
}

void text_add_csv(Text *text, const char *string)
{
    add_cell(text, string, "", 0);
}

void text_add_cell(Text *text, const char *string)
{
    double number;
    const int is_formula = starts_formula(string) && text_parse_double(string, &number) != 0;
    add_cell(text, string, is_formula ? "'" : "", hides_formula(string));
}
