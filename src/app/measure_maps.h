/* `refframe measure` on anybody's attention maps (src/maps): what is asked for, and the table for a terminal. */
#ifndef REFFRAME_APP_MEASURE_MAPS_H
#define REFFRAME_APP_MEASURE_MAPS_H

#include "app/app.h"
#include "maps/measure.h"

/* Measures and prints; the verb's arguments. */
int measure_maps(const Arguments *arguments, Error *err);

/* The same of a folder of Hugging Face's, whose model is run on ids (measure_model.c). */
int measure_model(const Arguments *arguments, Error *err);

/* A folder of such folders, one for each revision of a training (measure_revisions.c): one series. */
int measure_revisions(const Arguments *arguments, Error *err);

/* --format, as a number for measure_add. */
int measure_read_format(const Arguments *arguments, int *ret_format, Error *err);
void measure_add(int format, const MapsResult *result, Text *text);

/* --html FILE (measure_page.c): whether so many heads may be written there, before anything is measured; then the page,
 * if it is asked for, and a line about it behind a table. */
int measure_check_page(const Arguments *arguments, int n_layers, int n_heads, Error *err);
int measure_write_page(const Arguments *arguments, const MapsResult *result, Text *text, Error *err);

/* Per head the main metrics and both labels, then what is measured per layer. Prose and layers are as wide as `width`
 * allows, what has a row for itself as `row_width` does (terminal_row_width). */
void maps_to_table(const MapsResult *result, int width, int row_width, int use_colour, Text *ret_text);

#endif
