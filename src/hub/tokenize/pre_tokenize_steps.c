#include "hub/tokenize/pre_tokenize_steps.h"

#include <string.h>

#include "base/text.h"
#include "hub/tokenize/bytes.h"
#include "hub/tokenize/unicode.h"

int pieces_cut(const void *state, const Pieces *in, Pieces *out)
{
    for (size_t p = 0; p < in->n; p++)
        if (in->items[p].id >= 0)
            pieces_add(out, in->items[p]);
        else if (cut_piece(state, &in->items[p], out) != 0)
            return -1;
    return 0;
}

int cut_find_words(const void *state, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
                   size_t *ret_end)
{
    size_t start = n;
    int kind = 0;
    uint32_t code = 0;
    (void)state, (void)steps;
    for (int length; from < n; from += (size_t)length) {
        length = text_utf8_decode(text + from, n - from, &code);
        if (length == 0)
            break;
        const int now = unicode_is_word(code) ? 1 : unicode_is_space(code) ? 0 : 2;
        if (start < n && now != kind)
            break;
        if (start == n && now)
            start = from, kind = now;
    }
    *ret_start = start, *ret_end = from;
    return start < n;
}

/* A piece with something in front, and copied. */
static Piece with_prefix(Arena *arena, const char *prefix, Piece piece)
{
    const size_t n = strlen(prefix);
    char *text = ARENA_ARRAY(arena, char, n + piece.n);
    memcpy(text, prefix, n);
    memcpy(text + n, piece.text, piece.n);
    piece.text = text, piece.n += n;
    return piece;
}

int pieces_prefix_space(const void *state, const Pieces *in, Pieces *out)
{
    (void)state;
    for (size_t p = 0; p < in->n; p++) {
        const Piece piece = in->items[p];
        pieces_add(out, piece.id < 0 && piece.text[0] != ' ' ? with_prefix(out->arena, " ", piece) : piece);
    }
    return 0;
}

int pieces_to_bytes(const void *state, const Pieces *in, Pieces *out)
{
    Text text = {0};
    (void)state;
    for (size_t p = 0; p < in->n; p++) {
        Piece piece = in->items[p];
        if (piece.id < 0) {
            text_clear(&text);
            bytes_add_stand_ins(&text, piece.text, piece.n);
            piece.text = arena_strndup(out->arena, text_string(&text), text.size), piece.n = text.size;
        }
        pieces_add(out, piece);
    }
    text_free(&text);
    return 0;
}

int pieces_to_metaspace(const void *state, const Pieces *in, Pieces *out)
{
    const Metaspace *metaspace = state;
    const size_t n_mark = strlen(metaspace->mark);
    Text text = {0};
    for (size_t p = 0; p < in->n; p++) {
        Piece piece = in->items[p];
        if (piece.id < 0) {
            const int begins = (piece.n >= n_mark && memcmp(piece.text, metaspace->mark, n_mark) == 0);
            const int may =
                metaspace->prepend == PREPEND_ALWAYS || (metaspace->prepend == PREPEND_FIRST && piece.is_first);
            text_clear(&text);
            if (may && !begins && piece.text[0] != ' ')
                text_add(&text, metaspace->mark);
            for (size_t i = 0; i < piece.n; i++)
                if (piece.text[i] == ' ')
                    text_add(&text, metaspace->mark);
                else
                    text_add_bytes(&text, &piece.text[i], 1);
            piece.text = arena_strndup(out->arena, text_string(&text), text.size), piece.n = text.size;
        }
        pieces_add(out, piece);
    }
    text_free(&text);
    return 0;
}
