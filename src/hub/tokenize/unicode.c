#include "hub/tokenize/unicode.h"

#include <stdlib.h>

#include "base/status.h"

int unicode_is_space(uint32_t code)
{
    return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
           code == 0x3000;
}

int unicode_is_ascii(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] >= 0x80)
            return 0;
    return 1;
}

#ifdef REFFRAME_UTF8PROC

#include <utf8proc.h>

int unicode_is_there(void)
{
    return 1;
}

int unicode_category(uint32_t code)
{
    static const int of[] = {
        [UTF8PROC_CATEGORY_CN] = UNICODE_UNASSIGNED,  [UTF8PROC_CATEGORY_LU] = UNICODE_LU,
        [UTF8PROC_CATEGORY_LL] = UNICODE_LL,          [UTF8PROC_CATEGORY_LT] = UNICODE_LT,
        [UTF8PROC_CATEGORY_LM] = UNICODE_LM,          [UTF8PROC_CATEGORY_LO] = UNICODE_LO,
        [UTF8PROC_CATEGORY_MN] = UNICODE_MN,          [UTF8PROC_CATEGORY_MC] = UNICODE_MC,
        [UTF8PROC_CATEGORY_ME] = UNICODE_ME,          [UTF8PROC_CATEGORY_ND] = UNICODE_ND,
        [UTF8PROC_CATEGORY_NL] = UNICODE_NL,          [UTF8PROC_CATEGORY_NO] = UNICODE_NO,
        [UTF8PROC_CATEGORY_PC] = UNICODE_PC,          [UTF8PROC_CATEGORY_PD] = UNICODE_PUNCTUATION,
        [UTF8PROC_CATEGORY_PS] = UNICODE_PUNCTUATION, [UTF8PROC_CATEGORY_PE] = UNICODE_PUNCTUATION,
        [UTF8PROC_CATEGORY_PI] = UNICODE_PUNCTUATION, [UTF8PROC_CATEGORY_PF] = UNICODE_PUNCTUATION,
        [UTF8PROC_CATEGORY_PO] = UNICODE_PUNCTUATION, [UTF8PROC_CATEGORY_SM] = UNICODE_SYMBOL,
        [UTF8PROC_CATEGORY_SC] = UNICODE_SYMBOL,      [UTF8PROC_CATEGORY_SK] = UNICODE_SYMBOL,
        [UTF8PROC_CATEGORY_SO] = UNICODE_SYMBOL,      [UTF8PROC_CATEGORY_ZS] = UNICODE_SEPARATOR,
        [UTF8PROC_CATEGORY_ZL] = UNICODE_SEPARATOR,   [UTF8PROC_CATEGORY_ZP] = UNICODE_SEPARATOR,
        [UTF8PROC_CATEGORY_CC] = UNICODE_CONTROL,     [UTF8PROC_CATEGORY_CF] = UNICODE_CONTROL,
        [UTF8PROC_CATEGORY_CS] = UNICODE_CONTROL,     [UTF8PROC_CATEGORY_CO] = UNICODE_CONTROL,
    };
    return of[utf8proc_category((utf8proc_int32_t)code)];
}

/* Alphabetic symbols are the letters in circles and squares, which are So. */
static int is_alphabetic_symbol(uint32_t code)
{
    return (code >= 0x24b6 && code <= 0x24e9) || (code >= 0x1f130 && code <= 0x1f149) ||
           (code >= 0x1f150 && code <= 0x1f169) || (code >= 0x1f170 && code <= 0x1f189);
}

int unicode_is_word(uint32_t code)
{
    const int words = UNICODE_LETTER | UNICODE_MARK | UNICODE_ND | UNICODE_NL | UNICODE_PC;
    return (unicode_category(code) & words) || code == 0x200c || code == 0x200d || is_alphabetic_symbol(code);
}

int unicode_is_punctuation(uint32_t code)
{
    const int is_ascii = (code >= '!' && code <= '/') || (code >= ':' && code <= '@') || (code >= '[' && code <= '`') ||
                         (code >= '{' && code <= '~');
    return is_ascii || (unicode_category(code) & (UNICODE_PC | UNICODE_PUNCTUATION));
}

int unicode_is_number(uint32_t code)
{
    return (unicode_category(code) & UNICODE_NUMBER) != 0;
}

void unicode_add_lower(Text *out, uint32_t code)
{
    if (code == 0x130)
        text_add(out, "i\xcc\x87");
    else
        text_add_utf8(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)code));
}

void unicode_add_form(Text *out, UnicodeForm form, const char *text, size_t n)
{
    static const utf8proc_option_t options[] = {
        [UNICODE_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
        [UNICODE_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
        [UNICODE_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
        [UNICODE_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
    };
    if (unicode_is_ascii(text, n)) {
        text_add_bytes(out, text, n);
        return;
    }
    utf8proc_uint8_t *made = NULL;
    const utf8proc_ssize_t size =
        utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &made, options[form]);
    if (size < 0 || !made) /* of UTF-8 that was checked it has no other reason */
        memory_exhausted(n);
    text_add_bytes(out, made, (size_t)size);
    free(made);
}

size_t unicode_grapheme(const char *text, size_t n)
{
    uint32_t before = 0, code = 0;
    utf8proc_int32_t state = 0;
    size_t at = (size_t)text_utf8_decode(text, n, &before);
    while (at < n) {
        const int length = text_utf8_decode(text + at, n - at, &code);
        if (length == 0 || utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)code, &state))
            break;
        at += (size_t)length;
        before = code;
    }
    return at;
}

#else

#include <assert.h>

int unicode_is_there(void)
{
    return 0;
}

int unicode_category(uint32_t code)
{
    (void)code;
    assert(0 && "unicode_is_there()");
    return UNICODE_UNASSIGNED;
}

int unicode_is_word(uint32_t code)
{
    return unicode_category(code) != UNICODE_UNASSIGNED;
}

int unicode_is_punctuation(uint32_t code)
{
    return unicode_category(code) != UNICODE_UNASSIGNED;
}

int unicode_is_number(uint32_t code)
{
    return unicode_category(code) != UNICODE_UNASSIGNED;
}

void unicode_add_lower(Text *out, uint32_t code)
{
    assert(unicode_category(code) != UNICODE_UNASSIGNED);
    text_add_utf8(out, code);
}

void unicode_add_form(Text *out, UnicodeForm form, const char *text, size_t n)
{
    (void)form;
    assert(unicode_is_there());
    text_add_bytes(out, text, n);
}

size_t unicode_grapheme(const char *text, size_t n)
{
    (void)text;
    assert(unicode_is_there());
    return n;
}

#endif
