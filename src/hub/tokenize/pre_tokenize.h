/* The pre_tokenizer of tokenizer.json: where a text is cut before the model sees it, and what its pieces become. */
#ifndef REFFRAME_HUB_TOKENIZE_PRE_TOKENIZE_H
#define REFFRAME_HUB_TOKENIZE_PRE_TOKENIZE_H

#include "base/json.h"
#include "hub/tokenize/normalize.h"
#include "hub/tokenize/pieces.h"

/* Puts the pieces of `in` into `out`, cut and changed; those that are tokens pass. -1: a match took too long. */
typedef struct {
    int (*apply)(const void *state, const Pieces *in, Pieces *out);
    const void *state;
} PreStep;

typedef struct {
    PreStep *steps;
    int n_steps;
    int is_byte_level; /* bytes stand as characters afterwards */
} PreTokenizer;

/* `json` NULL or null: none. The normalizer is what comes before. */
int pre_tokenize_read(Arena *arena, const char *path, const Json *json, const Normalizer *normalizer,
                      PreTokenizer *ret_pre_tokenizer, Error *err);

/* Whether a step is done to all of them; -1: a match took too long. */
int pre_tokenize(const PreTokenizer *pre_tokenizer, Pieces *pieces);

#endif
