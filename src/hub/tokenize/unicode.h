/* What cutting a text asks of Unicode: general categories, white space, words, lower case, normal forms, graphemes.
 *
 * White space and the ASCII half are stated here; the rest is libutf8proc's, whose Unicode version is its own. A build
 * without it has none of the rest: then unicode_is_there() is 0, and nothing else of this header may be asked but
 * unicode_is_space and unicode_is_ascii.
 */
#ifndef REFFRAME_HUB_TOKENIZE_UNICODE_H
#define REFFRAME_HUB_TOKENIZE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

int unicode_is_there(void);

/* Sets of general categories, a bit each. */
enum {
    UNICODE_LU = 1 << 0,
    UNICODE_LL = 1 << 1,
    UNICODE_LT = 1 << 2,
    UNICODE_LM = 1 << 3,
    UNICODE_LO = 1 << 4,
    UNICODE_MN = 1 << 5,
    UNICODE_MC = 1 << 6,
    UNICODE_ME = 1 << 7,
    UNICODE_ND = 1 << 8,
    UNICODE_NL = 1 << 9,
    UNICODE_NO = 1 << 10,
    UNICODE_PC = 1 << 11,
    UNICODE_PUNCTUATION = 1 << 12, /* P without Pc */
    UNICODE_SYMBOL = 1 << 13,
    UNICODE_SEPARATOR = 1 << 14,
    UNICODE_CONTROL = 1 << 15, /* Cc, Cf, Co, Cs */
    UNICODE_UNASSIGNED = 1 << 16,
    UNICODE_LETTER = UNICODE_LU | UNICODE_LL | UNICODE_LT | UNICODE_LM | UNICODE_LO,
    UNICODE_MARK = UNICODE_MN | UNICODE_MC | UNICODE_ME,
    UNICODE_NUMBER = UNICODE_ND | UNICODE_NL | UNICODE_NO,
};

/* The one of the bits above that holds of a character. */
int unicode_category(uint32_t code);

int unicode_is_space(uint32_t code);       /* the property White_Space */
int unicode_is_word(uint32_t code);        /* \w (UTS 18): alphabetic, a mark, a decimal digit, a connector, a joiner */
int unicode_is_punctuation(uint32_t code); /* P, or a printable ASCII character that is no letter or digit */
int unicode_is_number(uint32_t code);

/* A character's lower case, one character but for U+0130, added to `out`. */
void unicode_add_lower(Text *out, uint32_t code);

typedef enum { UNICODE_NFC, UNICODE_NFD, UNICODE_NFKC, UNICODE_NFKD } UnicodeForm;

/* Adds the normal form of valid UTF-8. */
void unicode_add_form(Text *out, UnicodeForm form, const char *text, size_t n);

/* The bytes of the first extended grapheme cluster (UAX 29) of n >= 1 bytes of UTF-8. */
size_t unicode_grapheme(const char *text, size_t n);

int unicode_is_ascii(const char *text, size_t n);

#endif
