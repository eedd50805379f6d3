/* What stands behind masks: the inside of maps_load (load.c), which looks at every row under each mask that the set may
 * have, and settles on one when all is read.
 *
 * A mask of finite numbers leaves traces: adding -20 to a score leaves 2e-9 of a weight. Up to MAPS_TRACE of a row they
 * are taken as 0, and said. A padded query that is shown no key attends evenly to all of them, later ones too: under a
 * mask that hides those the set is refused, for the padding is to be cut off.
 */
#ifndef REFFRAME_MAPS_BEHIND_H
#define REFFRAME_MAPS_BEHIND_H

#include "maps/maps.h"

/* Where an entry stands; key -1: a whole row. */
typedef struct {
    const MapsFile *file;
    int sequence, layer, head, query, key; /* sequence: within the file */
    real value;
} MapsEntry;

/* Behind one mask. */
typedef struct {
    MapsEntry first;  /* the first entry that is more than a trace; first.file NULL: none */
    int64_t n_traces; /* rows with traces, and */
    double most;      /* the most that these are of a row */
} Behind;

/* "file: sequence ..., query ...: what" */
int maps_refuse(const MapsEntry *at, Error *err, const char *what);

/* Takes a row into each of `behind` (n_masks). */
void behind_look(const MapsSet *set, const real *row, MapsEntry at, Behind *behind);

/* The first mask that hides nothing but traces, which become 0; where there is none, or where one before it fails for
 * left padding alone, the set is refused. */
int behind_settle(MapsSet *set, const Behind *behind, Error *err);

#endif
