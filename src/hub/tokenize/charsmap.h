/* SentencePiece's compiled map of characters ("Precompiled"): a double-array trie (Aoe 1989) in front of the strings
 * that it leads to, in base64. */
#ifndef REFFRAME_HUB_TOKENIZE_CHARSMAP_H
#define REFFRAME_HUB_TOKENIZE_CHARSMAP_H

#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

typedef struct Charsmap Charsmap;

/* NULL: it is no such map. Memory from arena. */
Charsmap *charsmap_read(Arena *arena, const char *base64);

/* Adds what a text becomes. As the library has it, a grapheme below 6 bytes becomes what its shortest known beginning
 * does, whatever follows that; of a longer or unknown one, each character on its own. */
void charsmap_apply(const Charsmap *map, const char *text, size_t n, Text *out);

#endif
