/* The regular expressions that tokenizers cut by: the part of Oniguruma's syntax that the published ones are written
 * in.
 *
 *   a|b  (?:a)  (a)  (?i:a)  a?  a*  a+  a{m,n}  a?+ a*+ a++  (?=a)  (?!a)  [a-z]  [^...]  .  \s \S \d \D \r \n \t
 * \p{L} \P{L}
 *
 * Only what is one character wide is repeated (groups take `?` alone), so that a match costs a power of the text's
 * length at worst; a limit of steps holds what is left. Everything else is refused, quoting the pattern, and so is one
 * that can match nothing.
 */
#ifndef REFFRAME_HUB_TOKENIZE_PATTERN_H
#define REFFRAME_HUB_TOKENIZE_PATTERN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef struct Pattern Pattern;

/* STATUS_INPUT: err says what of the text is not known. Memory from arena. */
int pattern_read(Arena *arena, const char *text, Pattern **ret_pattern, Error *err);

/* Whether it asks for more of Unicode than white space and single characters. */
int pattern_needs_unicode(const Pattern *pattern);

/* The first match at or behind `from`: 1 and its bytes [start, end), of which there is at least one; 0: none; -1: the
 * steps ran out. `steps` is counted up over the calls for one text. */
int pattern_find(const Pattern *pattern, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
                 size_t *ret_end);

#endif
