/* Tables in arena memory, and their CSV (RFC 4180). Growth doubles the capacity; outgrown cells stay with the arena. */
#include "base/table.h"

#include <assert.h>
#include <math.h>
#include <string.h>

Table *table_new(Arena *arena)
{
    Table *table = ARENA_ARRAY(arena, Table, 1);
    table->arena = arena;
    return table;
}

static void *grown(Arena *arena, const void *old, size_t n, size_t capacity, size_t size)
{
    void *cells = arena_alloc(arena, capacity * size);
    if (n)
        memcpy(cells, old, n * size);
    return cells;
}

static int add_column(Table *table, const char *name, const char *unit, int is_text)
{
    const int n = table->n_columns;
    assert(table_find(table, name) < 0);
    if (n % 16 == 0)
        table->columns = grown(table->arena, table->columns, (size_t)n, (size_t)n + 16, sizeof(Column));
    Column *column = &table->columns[n];
    column->name = arena_strdup(table->arena, name);
    column->unit = arena_strdup(table->arena, unit);
    if (is_text)
        column->strings = ARENA_ARRAY(table->arena, const char *, table->capacity);
    else
        column->numbers = ARENA_ARRAY(table->arena, double, table->capacity);
    for (int i = 0; i < table->n_rows; i++) {
        if (is_text)
            column->strings[i] = "";
        else
            column->numbers[i] = NAN;
    }
    return table->n_columns++;
}

int table_add_column(Table *table, const char *name, const char *unit)
{
    return add_column(table, name, unit, 0);
}

int table_add_text_column(Table *table, const char *name)
{
    return add_column(table, name, "", 1);
}

int table_add_row(Table *table)
{
    const int row = table->n_rows;
    if (row == table->capacity) {
        table->capacity = row ? 2 * row : 16;
        for (Column *c = table->columns; c < table->columns + table->n_columns; c++) {
            if (c->strings)
                c->strings = grown(table->arena, c->strings, (size_t)row, (size_t)table->capacity, sizeof(char *));
            else
                c->numbers = grown(table->arena, c->numbers, (size_t)row, (size_t)table->capacity, sizeof(double));
        }
    }
    for (Column *c = table->columns; c < table->columns + table->n_columns; c++) {
        if (c->strings)
            c->strings[row] = "";
        else
            c->numbers[row] = NAN;
    }
    return table->n_rows++;
}

static Column *column_at(const Table *table, int row, int column)
{
    assert(row >= 0 && row < table->n_rows && column >= 0 && column < table->n_columns);
    return &table->columns[column];
}

void table_set(Table *table, int row, int column, double value)
{
    Column *c = column_at(table, row, column);
    assert(c->numbers);
    c->numbers[row] = value;
}

void table_set_text(Table *table, int row, int column, const char *value)
{
    Column *c = column_at(table, row, column);
    assert(c->strings);
    /* Names of runs and arms repeat from row to row: one copy serves. */
    if (row > 0 && strcmp(c->strings[row - 1], value) == 0)
        c->strings[row] = c->strings[row - 1];
    else
        c->strings[row] = arena_strdup(table->arena, value);
}

int table_find(const Table *table, const char *name)
{
    for (int i = 0; i < table->n_columns; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- CSV ---- */

void table_to_csv(const Table *table, void (*add_text)(Text *text, const char *string), Text *ret_text)
{
    for (int j = 0; j < table->n_columns; j++) {
        if (j)
            text_add(ret_text, ",");
        add_text(ret_text, table->columns[j].name);
    }
    text_add(ret_text, "\n");
    for (int i = 0; i < table->n_rows; i++) {
        for (int j = 0; j < table->n_columns; j++) {
            const Column *c = &table->columns[j];
            if (j)
                text_add(ret_text, ",");
            if (c->strings)
                add_text(ret_text, c->strings[i]);
            else if (!isnan(c->numbers[i]))
                text_add_number(ret_text, c->numbers[i]);
        }
        text_add(ret_text, "\n");
    }
}
