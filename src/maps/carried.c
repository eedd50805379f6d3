/* See carried.h. */
#include "maps/carried.h"

#include <assert.h>
#include <string.h>

/* What one map is summed in. */
typedef struct {
    double *sums, *n_queries; /* (side,side), (side,) */
} Bench;

static size_t count_heads(const MapsSet *set)
{
    return (size_t)set->n_layers * (size_t)set->n_heads;
}

/* ---- what fits ---- */

static Cells cells_of_length(Arena *arena, const MapsSet *set, int length, int pool)
{
    Cells cells = cells_new(arena, length, pool);
    cells_show(&cells, maps_visible(set, set->mask, length), length);
    return cells;
}

static Cells cells_of_set(Arena *arena, const MapsSet *set, int pool)
{
    Cells cells = cells_new(arena, set->longest, pool);
    for (int length = set->shortest; length <= set->longest; length++)
        if (maps_visible(set, set->mask, length)->length > 0)
            cells_show(&cells, maps_visible(set, set->mask, length), length);
    return cells;
}

static void fit(Arena *arena, const MapsSet *set, Carried *carried)
{
    const size_t least = set->n > 1 ? 2 : 1;
    int pool = 1;
    while ((set->longest + pool - 1) / pool > CARRIED_MOST_SIDE)
        pool *= 2;
    carried->cells = cells_of_set(arena, set, pool);
    while (carried->cells.side > 1 && least * count_heads(set) * carried->cells.n > CARRIED_BYTES)
        carried->cells = cells_of_set(arena, set, pool *= 2);
    const size_t room = CARRIED_BYTES / (count_heads(set) * carried->cells.n) - 1;
    const int most = set->n < CARRIED_MOST_SEQUENCES ? set->n : CARRIED_MOST_SEQUENCES;
    carried->n_sequences = set->n == 1 ? 1 : room < (size_t)most ? (int)room : most;
}

/* ---- packing ---- */

/* The mean of one head's maps over sequences first to end, packed. */
static void pack_head(const MapsSet *set, int first, int end, size_t head, const Cells *cells, const Bench *bench,
                      unsigned char *ret_bytes)
{
    const size_t side = (size_t)cells->side;
    memset(bench->sums, 0, side * side * sizeof *bench->sums);
    memset(bench->n_queries, 0, side * sizeof *bench->n_queries);
    for (int s = first; s < end; s++) {
        const size_t T = (size_t)set->sequences[s].length;
        cells_add(cells, set->sequences[s].length, set->sequences[s].maps + head * T * T, bench->sums,
                  bench->n_queries);
    }
    cells_pack(cells, bench->sums, bench->n_queries, ret_bytes);
}

static unsigned char *pack(Arena *arena, const MapsSet *set, int first, int end, const Cells *cells, const Bench *bench)
{
    unsigned char *bytes = ARENA_ARRAY(arena, unsigned char, count_heads(set) * cells->n);
    for (size_t head = 0; head < count_heads(set); head++)
        pack_head(set, first, end, head, cells, bench, bytes + head * cells->n);
    return bytes;
}

Carried carried_new(Arena *arena, const MapsSet *set)
{
    Carried carried = {0};
    assert(count_heads(set) <= CARRIED_MOST_HEADS);
    fit(arena, set, &carried);
    const size_t side = (size_t)carried.cells.side;
    const Bench bench = {ARENA_ARRAY(arena, double, side *side), ARENA_ARRAY(arena, double, side)};
    carried.mean = pack(arena, set, 0, set->n, &carried.cells, &bench);
    for (int s = 0; s < carried.n_sequences; s++) {
        carried.sequences[s].cells = cells_of_length(arena, set, set->sequences[s].length, carried.cells.pool);
        if (set->n > 1)
            carried.sequences[s].maps = pack(arena, set, s, s + 1, &carried.sequences[s].cells, &bench);
    }
    return carried;
}
