/* The model of tokenizer.json: a piece of text to ids. One kind a file: bpe.c, unigram.c, word_piece.c. */
#ifndef REFFRAME_HUB_TOKENIZE_MODEL_H
#define REFFRAME_HUB_TOKENIZE_MODEL_H

#include "hub/tokenize/words.h"

/* Ids as they are made, and memory for what makes them. */
typedef struct {
    Arena *arena;
    int32_t *ids;
    size_t n, capacity;
    void *scratch;
    size_t n_scratch;
} Encoding;

void encoding_add(Encoding *encoding, int32_t id);
/* At least so many bytes, of no known content; good until the next call. */
void *encoding_scratch(Encoding *encoding, size_t bytes);

typedef struct TokenModel TokenModel;
struct TokenModel {
    Words words;
    const void *state;
    /* A piece of at least one byte. STATUS_INPUT: it has what is no token, and there is none for the unknown. */
    int (*encode)(const TokenModel *model, const char *text, size_t n, Encoding *encoding, Error *err);
};

int token_model_read(Arena *arena, const char *path, const Json *json, TokenModel *ret_model, Error *err);

/* The kinds; token_model_read chooses. */
int bpe_read(const Part *part, TokenModel *ret_model);
int unigram_read(const Part *part, TokenModel *ret_model);
int word_piece_read(const Part *part, TokenModel *ret_model);
int word_level_read(const Part *part, TokenModel *ret_model);

/* STATUS_INPUT: a text has what no token is for. */
int token_is_missing(const char *text, size_t n, Error *err);

/* The id of <0x0A> and its like, by `byte`; -1: there is none. */
int32_t token_of_byte(const Words *words, unsigned char byte);

#endif
