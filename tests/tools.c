/* What the program itself has no use for. */
#include "tools.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

int remove_tree(const char *path)
{
    /* Contents before their folder; links are removed, never followed. */
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT ? STATUS_OK : STATUS_FAILED;
}

double table_get(const Table *table, int row, int column)
{
    const Column *c = &table->columns[column];
    assert(c->numbers && row < table->n_rows);
    return c->numbers[row];
}

const char *table_get_text(const Table *table, int row, int column)
{
    const Column *c = &table->columns[column];
    assert(c->strings && row < table->n_rows);
    return c->strings[row];
}

typedef struct {
    const char *path, *at;
    int line;
} CsvReader;

/* Reads one cell into `cell` and stops behind its comma or line end: 1 if the record goes on, 0 at its end, or an
 * error. */
static int csv_cell(CsvReader *csv, Text *cell, Error *err)
{
    text_clear(cell);
    text_add(cell, "");
    if (*csv->at == '"') {
        const int first_line = csv->line;
        for (csv->at++;; csv->at++) {
            if (*csv->at == '\0')
                return error_set(err, STATUS_INPUT, "%s:%d: a quoted cell has no end", csv->path, first_line);
            if (*csv->at == '"' && *++csv->at != '"')
                break;
            csv->line += *csv->at == '\n';
            text_add_bytes(cell, csv->at, 1);
        }
    } else {
        const size_t n = strcspn(csv->at, ",\r\n\"");
        text_add_bytes(cell, csv->at, n);
        csv->at += n;
    }
    if (*csv->at == ',') {
        csv->at++;
        return 1;
    }
    if (csv->at[0] == '\r' && csv->at[1] == '\n')
        csv->at++;
    if (*csv->at == '\n')
        csv->at++;
    else if (*csv->at != '\0')
        return error_set(err, STATUS_INPUT, "%s:%d: stray \"%c\" in a cell", csv->path, csv->line,
                         *csv->at == '\r' ? ' ' : *csv->at);
    return 0;
}

/* Turns a column of strings into numbers if every cell is one or empty. */
static void make_numeric(Table *table, int j)
{
    Column *c = &table->columns[j];
    double *numbers = ARENA_ARRAY(table->arena, double, table->capacity);
    for (int i = 0; i < table->n_rows; i++) {
        numbers[i] = NAN;
        if (c->strings[i][0] && text_parse_double(c->strings[i], &numbers[i]) != 0)
            return;
    }
    c->numbers = numbers;
    c->strings = NULL;
}

int table_from_csv(Arena *arena, const char *path, const char *csv, Table **ret_table, Error *err)
{
    CsvReader reader = {path, csv, 1};
    Table *table = table_new(arena);
    Text cell = {0};
    int more = 1;
    while (more > 0) {
        more = csv_cell(&reader, &cell, err);
        if (more >= 0 && table_find(table, text_string(&cell)) >= 0)
            more = error_set(err, STATUS_INPUT, "%s:1: column \"%.100s\" appears twice", path, text_string(&cell));
        if (more >= 0)
            table_add_text_column(table, text_string(&cell));
    }
    while (more >= 0 && *reader.at) {
        reader.line++;
        const int line = reader.line, row = table_add_row(table);
        int n = 0;
        do {
            more = csv_cell(&reader, &cell, err);
            if (more >= 0 && n < table->n_columns)
                table_set_text(table, row, n, text_string(&cell));
            n++;
        } while (more > 0);
        if (more == 0 && n != table->n_columns)
            more = error_set(err, STATUS_INPUT, "%s:%d: %d cells where the header has %d", path, line, n,
                             table->n_columns);
    }
    text_free(&cell);
    if (more < 0)
        return more;
    for (int j = 0; j < table->n_columns; j++)
        make_numeric(table, j);
    *ret_table = table;
    return STATUS_OK;
}
