/* What vocabularies share: the reserved ids' names, symbols, and how a byte is shown. */
#include "data/tokenizer/tokenizer.h"

#include <string.h>

Vocabulary vocabulary_new(Arena *arena, int size)
{
    Vocabulary vocabulary = {.size = size, .strings = ARENA_ARRAY(arena, const char *, size)};
    vocabulary.strings[TOKEN_BOS] = "<bos>";
    vocabulary.strings[TOKEN_EOS] = "<eos>";
    vocabulary.strings[TOKEN_MASK] = "<mask>";
    return vocabulary;
}

Vocabulary vocabulary_of_symbols(Arena *arena, int n_symbols, int n_others)
{
    Vocabulary vocabulary = vocabulary_new(arena, TOKEN_CONTENT + n_symbols + n_others);
    for (int k = 0; k < n_symbols; k++)
        vocabulary.strings[TOKEN_CONTENT + k] = arena_format(arena, "s%d", k);
    return vocabulary;
}

const char *vocabulary_byte_text(Arena *arena, unsigned char byte)
{
    int shows_itself = (byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\t' || byte == '\r';
    return shows_itself ? arena_format(arena, "%c", byte) : arena_format(arena, "<0x%02X>", byte);
}
