/* tokenizer.json of Hugging Face's library tokenizers, read: a text becomes the ids that the library makes of it.
 *
 *   added tokens -> normalizer -> pre_tokenizer -> model -> (post_processor)
 *
 * Every field that changes ids is obeyed or refused by its name (README.md). Truncation and padding are passed over:
 * they make batches, and sequences here have a length of their own. So is the decoder.
 */
#ifndef REFFRAME_HUB_TOKENIZE_TOKENIZE_H
#define REFFRAME_HUB_TOKENIZE_TOKENIZE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

typedef struct TextTokenizer TextTokenizer;

typedef struct {
    const int32_t *ids;
    size_t n;
} TokenIds;

/* Memory from arena. */
int text_tokenizer_read(Arena *arena, const char *path, TextTokenizer **ret_tokenizer, Error *err);

/* The ids of n bytes of UTF-8, without those of the post-processor. STATUS_INPUT where they are no UTF-8, or hold what
 * the tokenizer has no token for. Memory from arena. */
int text_tokenizer_ids(const TextTokenizer *tokenizer, Arena *arena, const char *text, size_t n, TokenIds *ret_ids,
                       Error *err);

/* What the post-processor puts in front of a text, and behind it. */
TokenIds text_tokenizer_front(const TextTokenizer *tokenizer);
TokenIds text_tokenizer_back(const TextTokenizer *tokenizer);

/* A token's id by its word, -1: there is none; and its word, NULL: there is none, as the file has it. */
int32_t text_tokenizer_find(const TextTokenizer *tokenizer, const char *word);
const char *text_tokenizer_word(const TextTokenizer *tokenizer, int32_t id);

#endif
