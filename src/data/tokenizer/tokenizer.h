/* Tokenizers: how a text becomes ids. A variant is one file with a const Tokenizer at its foot. */
#ifndef REFFRAME_DATA_TOKENIZER_H
#define REFFRAME_DATA_TOKENIZER_H

#include <stdint.h>

#include "base/variant.h"
#include "data/sequence.h"

/* What a tokenizer learnt from a text; ids are TOKEN_CONTENT.. in byte order of the tokens, those that were learnt one
 * after another behind them. */
typedef struct {
    int size;              /* with the three reserved ids */
    const char **strings;  /* (size,) how a token is shown: UTF-8, "<bos>", "\n" as it is */
    void *state;           /* the variant's own */
    size_t learning_bytes; /* of memory that learning took beside what it made */
} Vocabulary;

typedef struct {
    Variant variant;
    int needs_utf8; /* its text is UTF-8; others read any bytes */
    /* Reads its settings and learns from the whole text (n bytes) and its training part (its first n_train bytes). What
     * it makes is its state. */
    int (*prepare)(Arena *arena, const Settings *settings, const char *text, size_t n, size_t n_train,
                   Vocabulary *ret_vocabulary, Error *err);
    /* Encodes text (n bytes) into out (room for n); returns the number of ids, or -1 with err. ret_starts, if not NULL
     * (room for n): byte offset at which each token starts. */
    int64_t (*encode)(const Vocabulary *vocabulary, const char *text, size_t n, int32_t *ret_ids, size_t *ret_starts,
                      Error *err);
    /* Adds what the run's folder keeps of it, a CSV from which ids can be read as bytes again (results/README.md); NULL
     * where the ids' strings say it all. Equal vocabularies give equal bytes. */
    void (*save)(const Vocabulary *vocabulary, Text *ret_text);
    /* What was learnt, as bytes, and the vocabulary that prepare made of it, with as much of the arena: so that another
     * run may have tokens from the cache. unpack refuses, with STATUS_INPUT, bytes that no pack has made. Both NULL
     * where cutting a text costs no more than reading its tokens does. */
    void (*pack)(const Vocabulary *vocabulary, Text *ret_bytes);
    int (*unpack)(Arena *arena, const Settings *settings, const char *bytes, size_t n, Vocabulary *ret_vocabulary);
} Tokenizer;

/* A vocabulary of `size` ids, the first three named; the caller fills strings[TOKEN_CONTENT..] and state. */
Vocabulary vocabulary_new(Arena *arena, int size);

/* For sources that need no text: n_symbols content ids shown as "s0", "s1", ..., and n_others behind them that the
 * caller names. */
Vocabulary vocabulary_of_symbols(Arena *arena, int n_symbols, int n_others);

/* How a byte is shown on its own: printable ASCII, tab and line ends as they are, anything else as "<0xE9>". */
const char *vocabulary_byte_text(Arena *arena, unsigned char byte);

REGISTRY(Tokenizer, tokenizer);

#endif
