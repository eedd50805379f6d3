/* What a mask shows: which keys each query of a sequence sees. Whoever makes a mask states a rule; the rule is laid out
 * for a length once; model, measuring, classifier, snapshots and page read that layout, and none of them knows the
 * mask's name.
 *
 * A query sees at most two ranges of keys (a window and the first keys, say), and never nothing.
 */
#ifndef REFFRAME_BASE_VISIBLE_H
#define REFFRAME_BASE_VISIBLE_H

#include <stdint.h>

#include "base/arena.h"

enum { KEY_RANGES = 2 };
enum { DISTANCES = 4 }; /* that are told apart: one, two, three and four eighths of the sequence */

typedef struct {
    int32_t first, end; /* keys [first, end) */
} KeyRange;

/* Of one query. Laid out, they ascend and lie apart; the second may be empty, and then stands where the first ends. */
typedef struct {
    KeyRange range[KEY_RANGES];
} KeyRanges;

/* Query i of a sequence of `length` sees *ret_keys, which are zero before the call: in any order, touching or
 * overlapping, within [0, length), at least one key in all. */
typedef struct {
    const char *name; /* for people */
    const void *state;
    void (*visible)(const void *state, int i, int length, KeyRanges *ret_keys);
} MaskRule;

typedef struct {
    int length;            /* T */
    const KeyRanges *keys; /* (T) what each query sees */
    const int *n_viewers;  /* (T) how many queries other than k see key k, */
    const int *n_afar;     /* (DISTANCES,T) and how many of these stand at least 1 + d eighths of the sequence away */
    int sees_later;        /* some query sees a key behind it */
    int hides_nothing;     /* every query sees every key */
} Visible;

/* Whether a rule keeps its promise for a length; STATUS_FAILED names the mask, the query and its ranges. */
int visible_check(const MaskRule *rule, int length, Error *err);

/* The ranges of every query, (length,): asserts what a rule promises, and brings each query's into order. */
void visible_lay(const MaskRule *rule, int length, KeyRanges *ret_keys);

/* The whole layout, from an arena; on a counting one it has no memory and holds nothing. */
Visible visible_new(Arena *arena, const MaskRule *rule, int length);

/* The layout of stored ranges (length, KEY_RANGES, 2); -1 if they are none. Memory from arena. */
int visible_from_ranges(Arena *arena, int length, const int32_t *ranges, Visible *ret_visible);

/* How many keys a query sees; whether it sees `key`. */
static inline int keys_count(const KeyRanges *keys)
{
    return keys->range[0].end - keys->range[0].first + keys->range[1].end - keys->range[1].first;
}

static inline int keys_include(const KeyRanges *keys, int key)
{
    return (keys->range[0].first <= key && key < keys->range[0].end) ||
           (keys->range[1].first <= key && key < keys->range[1].end);
}

/* The least distance |i - k| that is 1 + d eighths of a length, or more. */
static inline int distance_least(int length, int d)
{
    return ((1 + d) * length + 7) / 8;
}

/* Whether key k is seen from afar: at a distance d of DISTANCES or more, by at least `queries` queries and by a `share`
 * of the sequence. */
int visible_serves(const Visible *visible, int k, int d, double queries, double share);

/* (query, key) pairs that are seen, over the whole sequence. */
int64_t visible_pairs(const Visible *visible);

#endif
