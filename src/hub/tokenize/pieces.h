/* A text on its way to ids: pieces in order, each an added token already, or text that is still to be cut. */
#ifndef REFFRAME_HUB_TOKENIZE_PIECES_H
#define REFFRAME_HUB_TOKENIZE_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef struct {
    const char *text; /* UTF-8, not ended by a NUL; never empty where id < 0 */
    size_t n;
    int32_t id;   /* of an added token, which nothing cuts any more; -1 */
    int is_first; /* it begins where the text did, before anything was normalised */
} Piece;

typedef struct {
    Arena *arena; /* holds the list and what its pieces point to */
    Piece *items;
    size_t n, capacity;
} Pieces;

void pieces_add(Pieces *pieces, Piece piece);

/* ---- cutting ---- */

/* What becomes of a match: a piece of its own, nothing, the end of the piece before it, the beginning of the one behind
 * it, or one piece with the matches next to it. */
typedef enum { CUT_ISOLATED, CUT_REMOVED, CUT_WITH_PREVIOUS, CUT_WITH_NEXT, CUT_CONTIGUOUS } CutBehaviour;

/* The next match at or behind `from`: 1 and its bytes (at least one), 0: none, -1: it took too long. */
typedef struct {
    int (*find)(const void *state, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
                size_t *ret_end);
    const void *state;
    CutBehaviour behaviour;
    int is_inverted; /* what lies between the matches is what is found */
} Cut;

/* Finds single characters, each a match of its own; state: a CharacterRule. */
typedef struct {
    int (*has)(uint32_t code);
} CharacterRule;
int cut_find_characters(const void *state, const char *text, size_t n, size_t from, uint64_t *steps, size_t *ret_start,
                        size_t *ret_end);

/* Cuts one piece of text into `pieces`. -1: a match took too long. */
int cut_piece(const Cut *cut, const Piece *piece, Pieces *pieces);

#endif
