/* What the files of byte-pair encoding share; bpe.c has the paper and the order of things. */
#ifndef REFFRAME_DATA_BPE_H
#define REFFRAME_DATA_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "data/sequence.h"

enum {
    BPE_MERGED = TOKEN_CONTENT + 256, /* id of the first merge's token; bytes stand before it */
    BPE_PIECE_MAX = 256,              /* bytes of the longest piece, and so of the longest token */
};

/* ids `left` and `right` side by side become BPE_MERGED + k, where k is the merge's place in the list. */
typedef struct {
    int32_t left, right;
    int64_t count; /* places in the training part where the pair stood when it was merged */
} Merge;

/* Pairs of ids -> numbers >= 0: open addressing, grown when half full. Memory from `arena`. */
typedef struct {
    Arena *arena;
    uint64_t *keys; /* (capacity,) 0 is free: no pair of content ids is */
    int32_t *values;
    size_t capacity, n;
} PairMap;

PairMap pair_map_new(Arena *arena, size_t n_expected);
int32_t pair_map_find(const PairMap *map, int32_t left, int32_t right);      /* -1 if it is not there */
void pair_map_add(PairMap *map, int32_t left, int32_t right, int32_t value); /* of a pair that is not there */

/* Length of the piece at the start of text (n >= 1 bytes). Pieces are what merges never cross:
 *
 *   a line end alone; else a run of letters, of digits, of other marks, each with one space before it if there is one;
 *   else a run of blanks without the space that goes to what follows
 *
 * where any byte above 0x7F is a letter, so that no UTF-8 character is parted. A longer piece than BPE_PIECE_MAX is cut
 * there, before a character's first byte. */
size_t bpe_piece(const char *text, size_t n);

/* Learns at most n_wanted merges from text (n bytes) into ret_merges; returns their number, less than asked when no
 * pair is left that stands twice. ret_taken: bytes of memory that it took meanwhile. */
int bpe_learn(const char *text, size_t n, int n_wanted, Merge *ret_merges, size_t *ret_taken);

#endif
