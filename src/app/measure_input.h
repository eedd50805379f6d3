/* What `refframe measure MODEL_DIR` runs a model on: ids of a file (measure_ids.c), or of a text (measure_text.c). */
#ifndef REFFRAME_APP_MEASURE_INPUT_H
#define REFFRAME_APP_MEASURE_INPUT_H

#include "app/app.h"
#include "hub/hub.h"
#include "maps/maps.h"

enum { INPUT_SHORTEST = 2, INPUT_MOST = 1000000, INPUT_MOST_FACTS = 6 }; /* positions of a sequence, sequences */

/* Sequences of ids, one behind the other. */
typedef struct {
    int n, longest;
    const int *lengths;               /* (n) */
    const int32_t *tokens;            /* (sum of lengths) */
    const int32_t *targets;           /* likewise: the next token, -1 where it is none of the text */
    MapsFact facts[INPUT_MOST_FACTS]; /* what was read */
    int n_facts;
    const char *remarks[MAPS_MOST_REMARKS]; /* what a reader of the results must know of it */
    int n_remarks;
} ModelInput;

/* How many positions a sequence may have, in words. From arena. */
const char *measure_most_positions(Arena *arena, const HubFile *file);

/* The input that was asked for, by --ids or --text, as --limit cuts it; ids are the model's, and lengths from
 * INPUT_SHORTEST to its context. Memory from arena. */
int measure_read_input(Arena *arena, const Arguments *arguments, const HubFile *file, ModelInput *ret_input,
                       Error *err);

/* The two, of as many sequences as `limit` at most. */
int measure_read_ids(Arena *arena, const char *path, int limit, const HubFile *file, ModelInput *ret_input, Error *err);
int measure_read_text(Arena *arena, const Arguments *arguments, int limit, const HubFile *file, ModelInput *ret_input,
                      Error *err);

/* Whether one of both was given, and no option without the other that it is for. */
int measure_check_input(const Arguments *arguments, Error *err);

#endif
