/* Text: a growing byte string, locale-free numbers, and the nearest word for error messages. */
#ifndef REFFRAME_BASE_TEXT_H
#define REFFRAME_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *data; /* always NUL-terminated once anything was added; NULL before */
    size_t size;
    size_t capacity;
} Text;

/* Text starts as (Text){0}. Adding never fails (out of memory ends the process, as in arena.h). */
void text_add(Text *text, const char *string);
void text_add_bytes(Text *text, const void *bytes, size_t n);
void text_addf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_addv(Text *text, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Adds the shortest decimal digits that strtod reads back to the same double; `nan`, `inf`, `-inf` for the rest.
 * A whole number below 1e15 in magnitude prints without exponent or point. Never uses the locale. */
void text_add_number(Text *text, double value);

void text_clear(Text *text); /* keeps the memory */
void text_free(Text *text);  /* back to (Text){0} */

/* The contents, "" when empty; valid until the next change. */
const char *text_string(const Text *text);

/* Shortest round-trip digits of a double into a buffer of at least 32 bytes; returns the buffer. */
char *text_number(double value, char buffer[32]);

/* Whole-string parses, locale-free: 0 on success, -1 if the string is not exactly one such number.
 * `1e-3`, `.5`, `inf`, `-inf`, `nan` are doubles; `1_000` and hexadecimal are not numbers. */
int text_parse_double(const char *string, double *ret_value);
int text_parse_int(const char *string, int64_t *ret_value);
/* A whole number as people write it: `100.0` and `1e3`, too, up to 2^53. */
int text_parse_whole(const char *string, int64_t *ret_value);

/* Decodes the UTF-8 character at `bytes` (n bytes left, n >= 1): its length 1-4 and its code, or 0 where the bytes are
 * not UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). ret_code may be NULL. */
int text_utf8_decode(const void *bytes, size_t n, uint32_t *ret_code);
/* Adds the UTF-8 bytes of a code point. */
void text_add_utf8(Text *text, uint32_t code);
/* ---- text of others, where it is shown (shown.c) ---- */

/* Adds n bytes as a terminal can show them: control characters, marks that reorder text and bytes that are no UTF-8 as
 * \x1b or \u202e, the rest as it is. text_is_visible: there is nothing of the kind. */
void text_add_visible(Text *text, const char *bytes, size_t n);
int text_is_visible(const char *string);
/* Adds n bytes as text of HTML or XML, also within double quotes: < > & " become entities; control characters but tab,
 * newline and return, and what is no UTF-8, as above. */
void text_add_escaped(Text *text, const char *bytes, size_t n);
/* Adds a cell of CSV (RFC 4180), in quotes where it must be; text_add_cell, for tables that people open: with a ' in
 * front of what a spreadsheet would take for a formula, which is more than one character, the first of them one of
 * = + - @, and no number; and in quotes where one would start behind a semicolon or a tab. */
void text_add_csv(Text *text, const char *string);
void text_add_cell(Text *text, const char *string);

/* Whether a text is one of n. */
int text_is_among(const char *text, const char *const *texts, size_t n);

/* The candidate with the smallest Damerau-Levenshtein distance to `word`, or NULL if none is near
 * (distance above max(2, length/3)). `candidates` has n entries. */
const char *text_nearest(const char *word, const char *const *candidates, int n);

/* Bytes as a person reads them, "1.5 MiB"; seconds as "2 min 5 s"; into a 32-byte buffer. */
char *text_bytes(double bytes, char buffer[32]);
char *text_seconds(double seconds, char buffer[32]);

#endif
