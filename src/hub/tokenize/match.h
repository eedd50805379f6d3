/* What a Split or a Replace looks for: a string, or a regular expression. */
#ifndef REFFRAME_HUB_TOKENIZE_MATCH_H
#define REFFRAME_HUB_TOKENIZE_MATCH_H

#include "hub/tokenize/part.h"
#include "hub/tokenize/pattern.h"

typedef struct {
    const char *string; /* NULL: it is the pattern */
    const Pattern *pattern;
} Match;

/* The field "pattern" of a part, {"String": "a"} or {"Regex": "a+"}. */
int match_read(const Part *part, Match *ret_match);

/* As pattern_find. */
int match_find(const void *match, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
               size_t *ret_end);

#endif
