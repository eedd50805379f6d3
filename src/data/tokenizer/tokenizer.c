/* What every tokenizer shares: the reserved ids' names, and the search by name. */
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

const char *vocabulary_byte_text(Arena *arena, unsigned char byte)
{
    int shows_itself = (byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\t' || byte == '\r';
    return shows_itself ? arena_format(arena, "%c", byte) : arena_format(arena, "<0x%02X>", byte);
}
