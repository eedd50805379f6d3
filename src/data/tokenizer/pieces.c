/* The units of byte-pair encoding: pieces of text, and a table of pairs.
 *
 * Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), section 2.2: a merge across
 * kinds of characters wastes the vocabulary on variants of one word ("dog.", "dog!"), except for the space before it.
 * Their rule needs Unicode tables; this one needs bytes, and keeps line ends apart, since a line end is a place where
 * sinks form.
 */
#include "data/tokenizer/bpe.h"

#include <assert.h>

typedef enum { LINE_END, BLANK, LETTER, DIGIT, MARK } Kind;

static Kind kind_of(char c)
{
    unsigned char byte = (unsigned char)c, small = byte | 0x20;
    if (byte == '\n')
        return LINE_END;
    if (byte == ' ' || (byte >= '\t' && byte <= '\r'))
        return BLANK;
    if (byte >= 0x80 || (small >= 'a' && small <= 'z'))
        return LETTER;
    return byte >= '0' && byte <= '9' ? DIGIT : MARK;
}

size_t bpe_piece(const char *text, size_t n)
{
    size_t start = text[0] == ' ' && n > 1 && kind_of(text[1]) > BLANK, end = start + 1;
    Kind kind = kind_of(text[start]);
    if (kind == LINE_END)
        return 1;
    while (end < n && end <= BPE_PIECE_MAX && kind_of(text[end]) == kind)
        end++;
    if (kind == BLANK && text[end - 1] == ' ' && end < n && kind_of(text[end]) > BLANK)
        end--;
    if (end <= BPE_PIECE_MAX)
        return end;
    end = BPE_PIECE_MAX;
    for (int k = 0; k < 3 && (text[end] & 0xC0) == 0x80; k++) /* a continuation byte is 10xxxxxx */
        end--;
    return end;
}

static uint64_t key_of(int32_t left, int32_t right)
{
    assert(left >= TOKEN_CONTENT && right >= TOKEN_CONTENT);
    return (uint64_t)left << 32 | (uint32_t)right;
}

/* Where the key stands, or the free place where it would; capacity is a power of two. */
static size_t place_of(const PairMap *map, uint64_t key)
{
    uint64_t hash = key * 0x9E3779B97F4A7C15u; /* 2^64 / golden ratio: the high bits are mixed best */
    size_t place = (size_t)(hash >> 32) & (map->capacity - 1);
    while (map->keys[place] && map->keys[place] != key)
        place = (place + 1) & (map->capacity - 1);
    return place;
}

PairMap pair_map_new(Arena *arena, size_t n_expected)
{
    PairMap map = {.arena = arena, .capacity = 64};
    while (map.capacity < 2 * n_expected)
        map.capacity *= 2;
    map.keys = ARENA_ARRAY(arena, uint64_t, map.capacity);
    map.values = ARENA_ARRAY(arena, int32_t, map.capacity);
    return map;
}

int32_t pair_map_find(const PairMap *map, int32_t left, int32_t right)
{
    size_t place = place_of(map, key_of(left, right));
    return map->keys[place] ? map->values[place] : -1;
}

static void put(PairMap *map, uint64_t key, int32_t value)
{
    size_t place = place_of(map, key);
    assert(!map->keys[place]);
    map->keys[place] = key;
    map->values[place] = value;
    map->n++;
}

void pair_map_add(PairMap *map, int32_t left, int32_t right, int32_t value)
{
    if (2 * (map->n + 1) > map->capacity) {
        PairMap larger = pair_map_new(map->arena, map->capacity);
        for (size_t i = 0; i < map->capacity; i++)
            if (map->keys[i])
                put(&larger, map->keys[i], map->values[i]);
        *map = larger;
    }
    put(map, key_of(left, right), value);
}
