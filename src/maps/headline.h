/* What is said first of a set of maps, in a terminal (app/maps_table.c) and on the page (page.c): the metrics that each
 * head is shown with, which head has the strongest sink, and the answer in words.
 */
#ifndef REFFRAME_MAPS_HEADLINE_H
#define REFFRAME_MAPS_HEADLINE_H

#include "maps/measure.h"

/* Shown per head when they are available, in this order. */
typedef struct {
    const char *name, *heading;
    int decimals;
} MapsColumn;

enum { MAPS_COLUMNS = 8 };
extern const MapsColumn maps_columns[MAPS_COLUMNS];

/* "float32", or "several types". */
const char *maps_type_name(const MapsSet *set);

/* The head, layer by layer, with the largest sink_mass; -1 where no head has one. */
int maps_strongest(const MapsResult *result);

/* Where most of the excess lies: "position 0", "the last position", "the position 2 before the last". */
const char *maps_modal_place(Arena *arena, const Frame *frame);

/* One sentence each; NULL where there is nothing to say. */
typedef struct {
    const char *frame; /* the model's, by position; never NULL */
    const char *token; /* the same by token */
    const char *sink;  /* the strongest one's head, its number and its floor */
} MapsAnswer;

MapsAnswer maps_answer(Arena *arena, const MapsResult *result);

/* A token as a reader sees it, from arena: its word where the set has one, with signs for spaces, what moves text
 * made visible and what is long cut; else its id. */
const char *maps_token(Arena *arena, const MapsSet *set, int32_t id);

#endif
