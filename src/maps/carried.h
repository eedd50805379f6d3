/* The maps that a page carries: of every head the mean over all sequences, and the first sequences alone, pooled and
 * quantised (base/cells.h) so that the page stays at some megabytes, whatever was measured.
 *
 * Positions are pooled by the least power of two at which the mean and one sequence fit; then as many sequences follow
 * as fit. A mean row is over the sequences that have its query.
 */
#ifndef REFFRAME_MAPS_CARRIED_H
#define REFFRAME_MAPS_CARRIED_H

#include "base/cells.h"
#include "maps/maps.h"

enum { CARRIED_MOST_HEADS = 16384, CARRIED_MOST_SEQUENCES = 8, CARRIED_MOST_SIDE = 512, CARRIED_BYTES = 4500000 };

typedef struct {
    Cells cells;         /* of the longest sequence: what the mask shows at any length there is */
    unsigned char *mean; /* (L,H,cells.n) */
    int n_sequences;     /* the first ones of the set */
    struct {
        Cells cells;         /* of its own length */
        unsigned char *maps; /* (L,H,cells.n); NULL of a set of one sequence: the mean is its own */
    } sequences[CARRIED_MOST_SEQUENCES];
} Carried;

/* Memory from arena; a set of at most CARRIED_MOST_HEADS heads. */
Carried carried_new(Arena *arena, const MapsSet *set);

#endif
