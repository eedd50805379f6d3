/* What single normalizers do to a text; each is a NormalizeStep's `apply` (normalize.h). */
#ifndef REFFRAME_HUB_TOKENIZE_NORMALIZE_STEPS_H
#define REFFRAME_HUB_TOKENIZE_NORMALIZE_STEPS_H

#include "base/text.h"
#include "hub/tokenize/match.h"

/* White space at the ends goes. */
typedef struct {
    int left, right;
} Strip;

/* Each match becomes the content. */
typedef struct {
    Match match;
    const char *content;
} Replace;

int normalize_normal_form(const void *form, const char *text, size_t n, Text *out); /* a UnicodeForm */
int normalize_lowercase(const void *nothing, const char *text, size_t n, Text *out);
int normalize_without(const void *categories, const char *text, size_t n, Text *out); /* an int: these go */
int normalize_strip(const void *strip, const char *text, size_t n, Text *out);
int normalize_replace(const void *replace, const char *text, size_t n, Text *out);
int normalize_prepend(const void *prefix, const char *text, size_t n, Text *out);  /* a string */
int normalize_by_charsmap(const void *map, const char *text, size_t n, Text *out); /* a Charsmap */

/* BERT's: control characters go, and what is white is a blank; blanks around Chinese characters. */
int normalize_clean(const void *nothing, const char *text, size_t n, Text *out);
int normalize_chinese_apart(const void *nothing, const char *text, size_t n, Text *out);

#endif
