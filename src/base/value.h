/* Internal to the schema: one value against one row, for schema.c, settings.c and resolve.c. */
#ifndef REFFRAME_BASE_VALUE_H
#define REFFRAME_BASE_VALUE_H

#include "base/settings.h"

#define PLACE_SIZE 600

/* The value of an assignment as `row` understands it, with canonical text, or an error with its place and key. */
int value_take(Arena *arena, const SchemaRow *row, const Assignment *from, Setting *ret_setting, Error *err);

/* A row of 0..0 has no range; a list with a range is one of numbers. */
int schema_has_range(const SchemaRow *row);

/* A row's default. */
Setting value_default(Arena *arena, const char *key, const SchemaRow *row);

/* "experiment.yaml:12", or "--set", which has no lines; returns buffer. */
const char *value_place(const char *file, int line, char buffer[PLACE_SIZE]);

#endif
