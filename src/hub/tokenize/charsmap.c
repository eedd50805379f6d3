#include "hub/tokenize/charsmap.h"

#include <string.h>

#include "hub/tokenize/unicode.h"

struct Charsmap {
    uint32_t *units; /* (n_units) */
    size_t n_units;
    const char *strings; /* (n_strings) UTF-8, each ended by a NUL */
    size_t n_strings;
};

enum { MOST_WHOLE = 6 }; /* bytes of a grapheme that is looked up whole, and one more */

/* RFC 4648; NULL: it is none. */
static unsigned char *from_base64(Arena *arena, const char *text, size_t *ret_n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t length = strlen(text);
    unsigned char *bytes = ARENA_ARRAY(arena, unsigned char, length / 4 * 3 + 3), value_of[256];
    size_t n = 0;
    uint32_t bits = 0;
    memset(value_of, 0xff, sizeof value_of);
    for (unsigned char d = 0; d < 64; d++)
        value_of[(unsigned char)digits[d]] = d;
    if (length == 0 || length % 4 != 0)
        return NULL;
    const size_t padding = (size_t)(text[length - 1] == '=') + (text[length - 2] == '=');
    for (size_t i = 0; i < length; i++) {
        const int is_padding = i >= length - padding;
        const unsigned char value = is_padding ? 0 : value_of[(unsigned char)text[i]];
        if (value == 0xff)
            return NULL;
        bits = bits << 6 | value;
        if (i % 4 == 3)
            for (int b = 16; b >= 0; b -= 8)
                bytes[n++] = (unsigned char)(bits >> b);
    }
    *ret_n = n - padding;
    return bytes;
}

static uint32_t little_endian(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static int is_utf8(const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        const int length = text_utf8_decode(text + at, n - at, NULL);
        if (length == 0)
            return 0;
        at += (size_t)length;
    }
    return 1;
}

Charsmap *charsmap_read(Arena *arena, const char *base64)
{
    size_t n = 0;
    const unsigned char *bytes = from_base64(arena, base64, &n);
    if (!bytes || n < 8)
        return NULL;
    const size_t size = little_endian(bytes);
    if (size % 4 != 0 || size < 4 || size > n - 4)
        return NULL;
    Charsmap *map = ARENA_ARRAY(arena, Charsmap, 1);
    *map = (Charsmap){.n_units = size / 4, .strings = (const char *)bytes + 4 + size, .n_strings = n - 4 - size};
    map->units = ARENA_ARRAY(arena, uint32_t, map->n_units);
    for (size_t u = 0; u < map->n_units; u++)
        map->units[u] = little_endian(bytes + 4 + 4 * u);
    return is_utf8(map->strings, map->n_strings) ? map : NULL;
}

/* A unit: bits 0-7 and 31 label, 8 has a leaf, 9 the offset is in units of 256, 10-30 offset; a leaf: bits 0-30 value.
 */
static size_t offset_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* Where the string of the shortest known beginning starts; -1: none is known. */
static int64_t look_up(const Charsmap *map, const char *text, size_t n)
{
    size_t at = offset_of(map->units[0]);
    for (size_t i = 0; i < n && text[i]; i++) {
        at ^= (unsigned char)text[i];
        if (at >= map->n_units || (map->units[at] & (1u << 31 | 0xff)) != (unsigned char)text[i])
            return -1;
        const uint32_t unit = map->units[at];
        at ^= offset_of(unit);
        if (unit >> 8 & 1)
            return at < map->n_units ? (int64_t)(map->units[at] & 0x7fffffff) : -1;
    }
    return -1;
}

/* Whether the beginning of a text is known, and its string then added. */
static int add_known(const Charsmap *map, const char *text, size_t n, Text *out)
{
    const int64_t start = look_up(map, text, n);
    if (start < 0 || (size_t)start >= map->n_strings || ((unsigned char)map->strings[start] & 0xc0) == 0x80)
        return 0;
    const size_t most = map->n_strings - (size_t)start;
    text_add_bytes(out, map->strings + start, strnlen(map->strings + start, most));
    return 1;
}

void charsmap_apply(const Charsmap *map, const char *text, size_t n, Text *out)
{
    for (size_t at = 0, end; at < n; at = end) {
        end = at + unicode_grapheme(text + at, n - at);
        if (end - at < MOST_WHOLE && add_known(map, text + at, end - at, out))
            continue;
        for (size_t c = at; c < end;) {
            const int length = text_utf8_decode(text + c, end - c, NULL);
            const size_t bytes = length > 0 ? (size_t)length : 1;
            if (!add_known(map, text + c, bytes, out))
                text_add_bytes(out, text + c, bytes);
            c += bytes;
        }
    }
}
