/* What a folder's tokenizer calls its ids, for readers of maps. Nothing is cut into tokens here. */
#ifndef REFFRAME_HUB_WORDS_H
#define REFFRAME_HUB_WORDS_H

#include "base/arena.h"
#include "base/status.h"

/* Reads the vocabulary and the added tokens of tokenizer.json: words (n,) by id, NULL where an id has none, as bytes of
 * the text that they stand for, UTF-8 or a part of a character. NULL where there is no such file, or its model has no
 * vocabulary that is known here; STATUS_INPUT where the file is no JSON. Memory from arena. */
int hub_words(Arena *arena, const char *folder, int n, const char *const **ret_words, Error *err);

#endif
