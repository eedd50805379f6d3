/* The added tokens of tokenizer.json: words that are found in a text before anything else is done to it, or, of those
 * that say `normalized`, once it is normalised. */
#ifndef REFFRAME_HUB_TOKENIZE_ADDED_H
#define REFFRAME_HUB_TOKENIZE_ADDED_H

#include "hub/tokenize/model.h"
#include "hub/tokenize/normalize.h"
#include "hub/tokenize/pieces.h"

typedef struct {
    const char *content;
    int32_t id;
    int single_word, lstrip, rstrip;
} AddedToken;

typedef struct {
    AddedToken *tokens;
    int n_tokens;
    Trie as_written, normalized; /* numbers are places in `tokens` */
} AddedTokens;

/* "added_tokens": [{"id": 0, "content": "<s>", ...}]. New ones become words of the model's, under the ids that the
 * library would give them; a file that says others is refused. */
int added_read(Arena *arena, const char *path, const Json *json, const Normalizer *normalizer, Words *words,
               AddedTokens *ret_added, Error *err);

/* Cuts a piece at the tokens of one of the tries. */
void added_cut(const AddedTokens *added, const Trie *trie, const Piece *piece, Pieces *pieces);

#endif
