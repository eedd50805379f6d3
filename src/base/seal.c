/* See seal.h. Invariant: no change of one byte, wherever it falls, makes a sealed text look whole, or unsealed. */
#include "base/seal.h"

#include <string.h>

#include "base/sha256.h"

enum { DIGITS = 64 };

const Seal seal_of_settings = {"# SHA-256 of all before it: ", "\n"};

void seal_add(const Seal *seal, Text *text)
{
    char hex[DIGITS + 1];
    text_add(text, seal->before);
    sha256_hex(text->data, text->size, hex);
    text_addf(text, "%s%s", hex, seal->after);
}

static int count_others(const char *bytes, const char *expected)
{
    int n = 0;
    for (size_t i = 0; expected[i]; i++)
        n += bytes[i] != expected[i];
    return n;
}

SealState seal_state(const Seal *seal, const char *bytes, size_t n)
{
    const size_t before = strlen(seal->before), after = strlen(seal->after);
    char hex[DIGITS + 1];
    if (n < before + DIGITS + after)
        return SEAL_NONE;
    const char *digits = bytes + n - after - DIGITS;
    const int n_others = count_others(digits - before, seal->before) + count_others(digits + DIGITS, seal->after);
    if (n_others > 1)
        return SEAL_NONE;
    sha256_hex(bytes, (size_t)(digits - bytes), hex);
    return n_others == 0 && memcmp(hex, digits, DIGITS) == 0 ? SEAL_WHOLE : SEAL_BROKEN;
}

int seal_check(const Seal *seal, const char *path, const char *bytes, size_t n, const char *remedy, Error *err)
{
    if (seal_state(seal, bytes, n) != SEAL_BROKEN)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%s: is not what was written (the SHA-256 at its end is of another text)%s",
                     path, remedy);
}
