/* What the program itself has no use for: removing a folder, reading a CSV back. */
#ifndef REFFRAME_TESTS_TOOLS_H
#define REFFRAME_TESTS_TOOLS_H

#include "base/table.h"

/* A folder and what is in it; absent is fine. */
int remove_tree(const char *path);

/* Reads what table_to_csv wrote. A column whose every cell is empty or a number becomes numeric. */
int table_from_csv(Arena *arena, const char *path, const char *csv, Table **ret_table, Error *err);

double table_get(const Table *table, int row, int column);
const char *table_get_text(const Table *table, int row, int column);

#endif
