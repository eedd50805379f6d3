#include "hub/tokenize/bytes.h"

#include <string.h>

enum { N_BYTES = 256 };

uint32_t byte_stand_in(int byte)
{
    const uint32_t b = (uint32_t)byte;
    if (b <= 32)
        return N_BYTES + b; /* 33 of them, then */
    if (b >= 127 && b <= 160)
        return N_BYTES + 33 + (b - 127); /* 34 */
    return b == 173 ? N_BYTES + 33 + 34 : b;
}

void bytes_add_stand_ins(Text *out, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_add_utf8(out, byte_stand_in((unsigned char)bytes[i]));
}

void bytes_add_original(Text *out, const char *word)
{
    const size_t n = strlen(word);
    uint32_t code = 0;
    for (size_t at = 0; at < n;) {
        const int length = text_utf8_decode(word + at, n - at, &code);
        int byte = 0;
        while (byte < N_BYTES && !(length > 0 && byte_stand_in(byte) == code))
            byte++;
        if (byte < N_BYTES)
            text_add_bytes(out, &(unsigned char){(unsigned char)byte}, 1);
        else
            text_add_bytes(out, word + at, length > 0 ? (size_t)length : 1);
        at += length > 0 ? (size_t)length : 1;
    }
}
