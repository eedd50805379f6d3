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
/* Adds n bytes as text of HTML or XML, also within double quotes: < > & " become entities. */
void text_add_escaped(Text *text, const char *bytes, size_t n);

/* The candidate with the smallest Damerau-Levenshtein distance to `word`, or NULL if none is near
 * (distance above max(2, length/3)). `candidates` has n entries. */
const char *text_nearest(const char *word, const char *const *candidates, int n);

/* Bytes as a person reads them, "1.5 MiB"; seconds as "2 min 5 s"; into a 32-byte buffer. */
char *text_bytes(double bytes, char buffer[32]);
char *text_seconds(double seconds, char buffer[32]);

#endif
