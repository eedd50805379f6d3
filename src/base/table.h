/* Tables: named columns with units, the one shape in which numbers travel between modules.
 *
 * Cells are doubles or interned strings, missing numbers are NaN. A metric table at head level has one row per
 * (part, layer, head), part in {all, even, odd}; at layer level one per (part, layer); a series has one row per step.
 */
#ifndef REFFRAME_BASE_TABLE_H
#define REFFRAME_BASE_TABLE_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

typedef struct {
    const char *name;
    const char *unit;     /* "", "nats", "steps", ... */
    double *numbers;      /* (capacity,) or NULL for a text column */
    const char **strings; /* (capacity,) or NULL for a number column */
} Column;

typedef struct {
    Arena *arena; /* growing; owns names and cells */
    Column *columns;
    int n_columns, n_rows, capacity;
} Table;

/* An empty table whose memory lives in `arena` (growing). */
Table *table_new(Arena *arena);

/* Adds a column and returns its index; existing rows get NaN or "". */
int table_add_column(Table *table, const char *name, const char *unit);
int table_add_text_column(Table *table, const char *name);

/* Appends a row of NaN / "" and returns its index. */
int table_add_row(Table *table);

void table_set(Table *table, int row, int column, double value);
void table_set_text(Table *table, int row, int column, const char *value); /* copies */

/* Index of a column, or -1. */
int table_find(const Table *table, const char *name);

/* CSV: one header row of names, texts by `add_text` (text_add_csv, text_add_cell), shortest round-trip digits, an empty
 * cell for NaN, "\n". */
void table_to_csv(const Table *table, void (*add_text)(Text *text, const char *string), Text *ret_text);

#endif
