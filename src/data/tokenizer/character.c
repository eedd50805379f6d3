/* Characters as tokens: one id per Unicode code point that the text holds, in code point order (which is the byte order
 * of their UTF-8 forms).
 *
 * Source: UTF-8 as in RFC 3629, section 3-4 (no overlong forms, no surrogates, nothing above U+10FFFF).
 * Invariants: the alphabet comes from the whole text, the held-out part included, so that both parts can be encoded and
 * a change of data.held_out moves no id. Text that is not UTF-8 is refused, never repaired.
 */
#include "data/tokenizer/tokenizer.h"

#include <assert.h>
#include <string.h>

enum { N_POINTS = 0x110000, N_ASCII = 128 };

typedef struct {
    int n;                  /* characters */
    uint32_t *points;       /* (n,) code points, ascending: points[k] has id TOKEN_CONTENT + k */
    int32_t ascii[N_ASCII]; /* id, or -1 */
} Alphabet;

/* Reads the code point at s (n >= 1 bytes left); returns its length in bytes, 0 if it is not valid UTF-8. */
static size_t decode(const unsigned char *s, size_t n, uint32_t *ret_point)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = s[0] < 0x80 ? 1 : s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if ((s[0] >= 0x80 && s[0] < 0xC0) || s[0] >= 0xF8 || size > n)
        return 0;
    uint32_t point = size == 1 ? s[0] : s[0] & (0x7Fu >> size);
    for (size_t k = 1; k < size; k++) {
        if ((s[k] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (s[k] & 0x3F);
    }
    if (point < smallest[size] || point >= N_POINTS || (point >= 0xD800 && point < 0xE000))
        return 0;
    *ret_point = point;
    return size;
}

static const char *point_text(Arena *arena, uint32_t point)
{
    if (point < 0x80)
        return vocabulary_byte_text(arena, (unsigned char)point);
    char s[5] = {0};
    int size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (int k = size - 1; k > 0; k--, point >>= 6)
        s[k] = (char)(0x80 | (point & 0x3F));
    s[0] = (char)((0xF00u >> size & 0xFF) | point); /* as many leading ones as bytes */
    return arena_strdup(arena, s);
}

static int invalid(size_t at, unsigned char byte, Error *err)
{
    return error_set(
        err, STATUS_INPUT,
        "the text is not UTF-8 at byte %zu (0x%02X); convert it, or set data.tokenizer.kind: byte, which reads "
        "any bytes",
        at, byte);
}

static int character_prepare(Arena *arena, const Settings *settings, const char *text, size_t n, size_t n_train,
                             Vocabulary *ret_vocabulary, Error *err)
{
    (void)settings, (void)n_train;
    Arena *scratch = arena_new();
    unsigned char *seen = ARENA_ARRAY(scratch, unsigned char, N_POINTS);
    int n_seen = 0, status = STATUS_OK;
    uint32_t point;
    for (size_t at = 0, size; at < n; at += size) {
        size = decode((const unsigned char *)text + at, n - at, &point);
        if (size == 0) {
            status = invalid(at, (unsigned char)text[at], err);
            goto done;
        }
        n_seen += !seen[point];
        seen[point] = 1;
    }

    Alphabet *alphabet = ARENA_ARRAY(arena, Alphabet, 1);
    alphabet->points = ARENA_ARRAY(arena, uint32_t, n_seen);
    memset(alphabet->ascii, -1, sizeof alphabet->ascii);
    Vocabulary vocabulary = vocabulary_new(arena, TOKEN_CONTENT + n_seen);
    vocabulary.state = alphabet;
    vocabulary.learning_bytes = N_POINTS;
    for (point = 0; point < N_POINTS; point++) {
        if (!seen[point])
            continue;
        int id = TOKEN_CONTENT + alphabet->n;
        if (point < N_ASCII)
            alphabet->ascii[point] = id;
        vocabulary.strings[id] = point_text(arena, point);
        alphabet->points[alphabet->n++] = point;
    }
    assert(alphabet->n == n_seen);
    *ret_vocabulary = vocabulary;
done:
    arena_free(scratch);
    return status;
}

/* The id of a code point, or -1. */
static int32_t find(const Alphabet *alphabet, uint32_t point)
{
    if (point < N_ASCII)
        return alphabet->ascii[point];
    int low = 0, high = alphabet->n;
    while (low < high) {
        int middle = (low + high) / 2;
        if (alphabet->points[middle] < point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < alphabet->n && alphabet->points[low] == point ? TOKEN_CONTENT + low : -1;
}

static int64_t character_encode(const Vocabulary *vocabulary, const char *text, size_t n, int32_t *ret_ids,
                                size_t *ret_starts, Error *err)
{
    int64_t n_ids = 0;
    for (size_t at = 0, size; at < n; at += size) {
        uint32_t point;
        size = decode((const unsigned char *)text + at, n - at, &point);
        if (size == 0)
            return invalid(at, (unsigned char)text[at], err), -1;
        int32_t id = find(vocabulary->state, point);
        if (id < 0)
            return error_set(err, STATUS_INPUT, "character U+%04X at byte %zu is not in the alphabet", point, at), -1;
        if (ret_starts)
            ret_starts[n_ids] = at;
        ret_ids[n_ids++] = id;
    }
    return n_ids;
}

const Tokenizer tokenizer_character = {
    .variant = {.name = "character",
                .summary = "one token per Unicode character of the text",
                .source = "RFC 3629 (UTF-8)"},
    .needs_utf8 = 1,
    .prepare = character_prepare,
    .encode = character_encode,
};
