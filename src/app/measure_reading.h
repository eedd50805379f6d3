/* Reading a model of others and measuring it (measure_model.c, measure_revisions.c): what is asked for, what is known
 * before weights are read, and what came of it.
 */
#ifndef REFFRAME_APP_MEASURE_READING_H
#define REFFRAME_APP_MEASURE_READING_H

#include "app/measure_input.h"
#include "app/measure_maps.h"
#include "train/given.h"

typedef struct {
    const Arguments *arguments;
    const char *path, *name; /* name: in front of the progress that is told, as a terminal can show it; NULL: none */
    int format, threads;
    int with_position; /* whether position alone is measured, too (train/given.h) */
    HubFile file;
    ModelInput input;
    TrainSettings settings;
    const Model *shape; /* without values */
    MapsHeld held;      /* without maps, but for a page */
    GivenSet given;
} Reading;

/* Everything that can be known before weights are read, of the model that is the first word; what does not fit is
 * refused. `reading->arguments` is set by the caller, perhaps `name` and `with_position`, and zeros behind these.
 * Memory from arena. */
int reading_prepare(Arena *arena, Reading *reading, Error *err);

/* Reads the weights, measures, and gives the weights back. ret_memory is to be freed. */
int reading_measure(const Reading *reading, Arena **ret_memory, Measured *ret_measured, Error *err);

/* What was measured, pooled and labelled; memory from arena, but for the set, which is to be freed. */
int reading_conclude(Arena *arena, const Reading *reading, const Measured *measured, MapsSet *ret_set,
                     MapsResult *ret_result, Error *err);

#endif
