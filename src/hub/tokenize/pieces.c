#include "hub/tokenize/pieces.h"

#include "base/text.h"

void pieces_add(Pieces *pieces, Piece piece)
{
    pieces->items = arena_widen(pieces->arena, pieces->items, sizeof *pieces->items, pieces->n + 1, &pieces->capacity);
    pieces->items[pieces->n++] = piece;
}

int cut_find_characters(const void *state, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
                        size_t *ret_end)
{
    const CharacterRule *rule = state;
    uint32_t code = 0;
    (void)steps;
    for (int length; from < n; from += (size_t)length) {
        length = text_utf8_decode(text + from, n - from, &code);
        if (length == 0)
            return 0;
        if (rule->has(code)) {
            *ret_start = from, *ret_end = from + (size_t)length;
            return 1;
        }
    }
    return 0;
}

/* Spans of a piece that are being made from left to right: the last one is still open, for the next may join it. */
typedef struct {
    const Piece *piece;
    Pieces *pieces;
    size_t start, end; /* of the open one; start == end: there is none */
    int is_match;      /* the open one ends with a match */
} Making;

static void put(Making *making)
{
    if (making->end > making->start)
        pieces_add(making->pieces, (Piece){making->piece->text + making->start, making->end - making->start, -1,
                                           making->piece->is_first && making->start == 0});
    making->start = making->end;
}

/* A match joins the piece before it where that ends with none, and a piece joins the match before it where that has not
 * joined another: only the match that stands next to what it joins does. */
static int joins(const Making *making, CutBehaviour behaviour, int is_match)
{
    if (making->end == making->start)
        return 0;
    switch (behaviour) {
    case CUT_WITH_PREVIOUS:
        return is_match && !making->is_match;
    case CUT_WITH_NEXT:
        return !is_match && making->is_match;
    case CUT_CONTIGUOUS:
        return is_match == making->is_match;
    default:
        return 0;
    }
}

static void take(Making *making, CutBehaviour behaviour, size_t start, size_t end, int is_match)
{
    if (start == end)
        return;
    if (!joins(making, behaviour, is_match)) {
        put(making);
        making->start = start;
    }
    making->end = end, making->is_match = is_match;
    if (behaviour == CUT_REMOVED && is_match)
        making->start = end;
}

int cut_piece(const Cut *cut, const Piece *piece, Pieces *pieces)
{
    Making making = {.piece = piece, .pieces = pieces};
    size_t at = 0, start = 0, end = 0;
    uint64_t steps = 0;
    int found;
    while ((found = cut->find(cut->state, piece->text, piece->n, at, &steps, &start, &end)) == 1) {
        take(&making, cut->behaviour, at, start, cut->is_inverted);
        take(&making, cut->behaviour, start, end, !cut->is_inverted);
        at = end;
    }
    if (found < 0)
        return -1;
    take(&making, cut->behaviour, at, piece->n, cut->is_inverted);
    put(&making);
    return 0;
}
