/* The characters that byte-level tokenizers write bytes as: a printable byte of Latin-1 is itself, the others are
 * U+0100 and following, in order. */
#ifndef REFFRAME_HUB_TOKENIZE_BYTES_H
#define REFFRAME_HUB_TOKENIZE_BYTES_H

#include <stdint.h>

#include "base/text.h"

/* The character that stands for a byte. */
uint32_t byte_stand_in(int byte);

/* Adds a character for each byte. */
void bytes_add_stand_ins(Text *out, const char *bytes, size_t n);

/* Adds the bytes that a word of such characters stands for; another character is added as it is. */
void bytes_add_original(Text *out, const char *word);

#endif
