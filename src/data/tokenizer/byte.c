/* Bytes as tokens: id = 3 + byte, the same for every text; reads anything.
 *
 * Source: ByT5 (Xue et al., arXiv 2105.13626, section 3.1), which reserves three ids before the bytes as well.
 * Invariant: vocab_size is 259 whatever the text holds.
 */
#include "data/tokenizer/tokenizer.h"

static int byte_prepare(Arena *arena, const Settings *settings, const char *text, size_t n, size_t n_train,
                        Vocabulary *ret_vocabulary, Error *err)
{
    (void)settings, (void)text, (void)n, (void)n_train, (void)err;
    Vocabulary vocabulary = vocabulary_new(arena, TOKEN_CONTENT + 256);
    for (int b = 0; b < 256; b++)
        vocabulary.strings[TOKEN_CONTENT + b] = vocabulary_byte_text(arena, (unsigned char)b);
    *ret_vocabulary = vocabulary;
    return STATUS_OK;
}

static int64_t byte_encode(const Vocabulary *vocabulary, const char *text, size_t n, int32_t *ret_ids,
                           size_t *ret_starts, Error *err)
{
    (void)vocabulary, (void)err;
    for (size_t i = 0; i < n; i++) {
        ret_ids[i] = TOKEN_CONTENT + (unsigned char)text[i];
        if (ret_starts)
            ret_starts[i] = i;
    }
    return (int64_t)n;
}

const Tokenizer tokenizer_byte = {
    .variant = {.name = "byte",
                .summary = "one token per byte, 256 whatever the text",
                .source = "Xue et al., ByT5, arXiv 2105.13626, section 3.1"},
    .prepare = byte_prepare,
    .encode = byte_encode,
};
