/* The tokens of a tokenizer: words and their ids, both ways. */
#ifndef REFFRAME_HUB_TOKENIZE_WORDS_H
#define REFFRAME_HUB_TOKENIZE_WORDS_H

#include "hub/tokenize/lookup.h"
#include "hub/tokenize/part.h"

enum { WORDS_MOST = 1 << 22 }; /* ids are below it; no published vocabulary has a million */

typedef struct {
    WordTable table;
    const char **names; /* (n_ids) by id; NULL: there is none of that id */
    int32_t n_ids;      /* above the largest id */
    int32_t n_words;
    size_t capacity; /* of names */
} Words;

/* Item i of a "vocab", an object {"word": id, ...} or a list [["word", score], ...] whose places are the ids: its word,
 * and its id, -1 where that is no whole number from 0 to WORDS_MOST - 1. 0: it is no such item. */
int words_item(const Json *vocabulary, int i, const char **ret_word, int32_t *ret_id);

/* "vocab": {"word": id, ...}. No id is given twice. */
int words_read(const Part *part, Words *ret_words);

/* A word of an id; 0: one of them is there already, or the id is WORDS_MOST or more. */
int words_put(Words *words, Arena *arena, const char *word, int32_t id);

/* The id of a word that ends with a NUL; -1: there is none. */
int32_t words_id(const Words *words, const char *word);

#endif
