/* Laying a mask's rule out, and what follows from its ranges: who is seen by how many. */
#include "base/visible.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int is_empty(const KeyRange *range)
{
    return range->end <= range->first;
}

/* Ascending, apart, an empty second one where the first ends. */
static void put_in_order(KeyRanges *keys)
{
    KeyRange a = keys->range[0], b = keys->range[1];
    if (is_empty(&a) || (!is_empty(&b) && b.first < a.first)) {
        const KeyRange swapped = a;
        a = b, b = swapped;
    }
    if (!is_empty(&b) && b.first <= a.end) {
        a.end = b.end > a.end ? b.end : a.end;
        b = (KeyRange){0, 0};
    }
    if (is_empty(&b))
        b = (KeyRange){a.end, a.end};
    *keys = (KeyRanges){{a, b}};
}

/* In order, within the sequence, not empty, and stated in the one way that there is. */
static int is_valid(const KeyRanges *keys, int length)
{
    const KeyRange *a = &keys->range[0], *b = &keys->range[1];
    return 0 <= a->first && a->first < a->end && b->end <= length &&
           (is_empty(b) ? b->first == a->end && b->end == a->end : b->first > a->end);
}

static KeyRanges ranges_of(const MaskRule *rule, int i, int length)
{
    KeyRanges keys = {{{0, 0}, {0, 0}}};
    rule->visible(rule->state, i, length, &keys);
    return keys;
}

int visible_check(const MaskRule *rule, int length, Error *err)
{
    for (int i = 0; i < length; i++) {
        const KeyRanges said = ranges_of(rule, i, length);
        KeyRanges keys = said;
        put_in_order(&keys);
        if (!is_valid(&keys, length))
            return error_set(
                err, STATUS_FAILED,
                "mask %s: query %d of %d sees keys [%d, %d) and [%d, %d): none, or some that are not there", rule->name,
                i, length, (int)said.range[0].first, (int)said.range[0].end, (int)said.range[1].first,
                (int)said.range[1].end);
    }
    return STATUS_OK;
}

void visible_lay(const MaskRule *rule, int length, KeyRanges *ret_keys)
{
    for (int i = 0; i < length; i++) {
        ret_keys[i] = ranges_of(rule, i, length);
        put_in_order(&ret_keys[i]);
        assert(is_valid(&ret_keys[i], length));
    }
}

/* What follows from the ranges; `viewers` (1 + DISTANCES, length) are zero. */
static Visible visible_of(int length, const KeyRanges *keys, int *viewers)
{
    int *afar = viewers + length;
    Visible visible = {.length = length, .keys = keys, .n_viewers = viewers, .n_afar = afar, .hides_nothing = 1};
    for (int i = 0; i < length; i++) {
        for (int r = 0; r < KEY_RANGES; r++)
            for (int k = keys[i].range[r].first; k < keys[i].range[r].end; k++) {
                viewers[k] += k != i;
                for (int d = 0; d < DISTANCES && abs(i - k) >= distance_least(length, d); d++)
                    afar[(size_t)d * (size_t)length + (size_t)k]++;
            }
        visible.sees_later |= keys[i].range[1].end > i + 1;
        visible.hides_nothing &= keys_count(&keys[i]) == length;
    }
    return visible;
}

Visible visible_new(Arena *arena, const MaskRule *rule, int length)
{
    KeyRanges *keys = ARENA_ARRAY(arena, KeyRanges, length);
    int *viewers = ARENA_ARRAY(arena, int, (1 + DISTANCES) * length);
    if (!keys)
        return (Visible){.length = length};
    visible_lay(rule, length, keys);
    return visible_of(length, keys, viewers);
}

int visible_from_ranges(Arena *arena, int length, const int32_t *ranges, Visible *ret_visible)
{
    KeyRanges *keys = ARENA_ARRAY(arena, KeyRanges, length);
    memcpy(keys, ranges, (size_t)length * sizeof *keys);
    for (int i = 0; i < length; i++)
        if (!is_valid(&keys[i], length))
            return -1;
    *ret_visible = visible_of(length, keys, ARENA_ARRAY(arena, int, (1 + DISTANCES) * length));
    return 0;
}

int visible_serves(const Visible *visible, int k, int d, double queries, double share)
{
    const int n = visible->n_afar[(size_t)d * (size_t)visible->length + (size_t)k];
    return n >= queries && n >= share * visible->length;
}

int64_t visible_pairs(const Visible *visible)
{
    int64_t pairs = 0;
    for (int i = 0; i < visible->length; i++)
        pairs += keys_count(&visible->keys[i]);
    return pairs;
}
