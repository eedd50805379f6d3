/* The tokens of a text from one run for the next: read from the cache instead of learnt and encoded again. Only of
 * tokenizers that can be packed (tokenizer.h), as those are that cost more than reading does.
 */
#ifndef REFFRAME_DATA_TOKEN_CACHE_H
#define REFFRAME_DATA_TOKEN_CACHE_H

#include "data/corpus.h"

/* The text that is cut into tokens, as corpus_open has read it. */
typedef struct {
    const char *sha256; /* of its bytes */
    size_t n_bytes, n_train_bytes;
    const size_t *file_starts; /* (n_files,) */
    int n_files;
    size_t n_starts; /* most documents that it may have */
} TokenText;

/* 64 hex digits of all that the tokens come from: text, where its files begin, the cut, the tokenizer, its settings,
 * the version of tokens and file. */
void token_cache_key(const Settings *settings, const TokenText *text, char ret_key[65]);

/* Vocabulary, ids, documents and the numbers of them, as corpus_open would have made them; takes as much of the arena.
 * STATUS_INPUT where they are not there. */
int token_cache_read(Arena *arena, const Settings *settings, const TokenText *text, Corpus *corpus);

/* Keeps them, if that can be. */
void token_cache_write(const Settings *settings, const TokenText *text, const Corpus *corpus);

#endif
