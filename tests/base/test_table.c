/* Without these, numbers could change on their way through a CSV, or a torn file be read as data. */
#include "base/table.h"

#include <math.h>

#include "base/pcg.h"
#include "testing.h"

static Table *example(Arena *arena)
{
    Table *table = table_new(arena);
    const int run = table_add_text_column(table, "run"), loss = table_add_column(table, "loss", "nats");
    const int row = table_add_row(table);
    table_set_text(table, row, run, "rope-s1");
    table_set(table, row, loss, 0.1);
    return table;
}

static void test_cells(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Table *table = example(arena);
    const int step = table_add_column(table, "step", "steps"); /* after rows exist */
    const int note = table_add_text_column(table, "note");
    assert_true(isnan(table_get(table, 0, step)));
    assert_string_equal(table_get_text(table, 0, note), "");
    for (int i = 1; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "rope-s%d", i / 10);
        assert_int_equal(table_add_row(table), i);
        assert_true(isnan(table_get(table, i, 1)));
        table_set_text(table, i, 0, name);
        table_set(table, i, step, i);
    }
    for (int i = 1; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "rope-s%d", i / 10);
        assert_string_equal(table_get_text(table, i, 0), name);
        assert_true(table_get(table, i, step) == i);
    }
    assert_int_equal(table_find(table, "loss"), 1);
    assert_string_equal(table->columns[1].unit, "nats");
    assert_int_equal(table_find(table, "lost"), -1);
    for (int i = 0; i < 40; i++) { /* more columns than the first block of them */
        char name[32];
        snprintf(name, sizeof name, "extra%d", i);
        assert_int_equal(table_add_column(table, name, ""), 4 + i);
    }
    assert_true(table_get(table, 500, step) == 500);
    arena_free(arena);
}

static void test_csv_text(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Table *table = example(arena);
    const int note = table_add_text_column(table, "a \"note\", long");
    table_set_text(table, 0, note, "two\nlines");
    table_add_row(table);
    table_set(table, 1, 1, INFINITY);
    Text csv = {0};
    table_to_csv(table, &csv);
    assert_string_equal(text_string(&csv), "run,loss,\"a \"\"note\"\", long\"\nrope-s1,0.1,\"two\nlines\"\n,inf,\n");
    text_free(&csv);
    arena_free(arena);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const words[] = {"plain", "", "with,comma", "\"quoted\"", "line\nbreak", "\r\n", "1e5x", "é"};
    Arena *arena = arena_new();
    Table *table = table_new(arena), *back;
    Pcg pcg = pcg_new(11, 1);
    table_add_text_column(table, "word");
    table_add_column(table, "number", "");
    table_add_column(table, "always missing", "");
    for (int i = 0; i < 500; i++) {
        const int row = table_add_row(table);
        table_set_text(table, row, 0, words[pcg_below(&pcg, 8)]);
        if (pcg_below(&pcg, 5))
            table_set(table, row, 1, pcg_normal(&pcg) * pow(10, (double)pcg_below(&pcg, 40) - 20));
    }
    Text csv = {0}, again = {0};
    Error err;
    table_to_csv(table, &csv);
    assert_ok(table_from_csv(arena, "t.csv", text_string(&csv), &back, &err), &err);
    assert_int_equal(back->n_rows, table->n_rows);
    assert_int_equal(back->n_columns, 3);
    for (int i = 0; i < table->n_rows; i++) {
        const double a = table_get(table, i, 1), b = table_get(back, i, 1);
        assert_string_equal(table_get_text(table, i, 0), table_get_text(back, i, 0));
        assert_true(a == b || (isnan(a) && isnan(b)));
        assert_true(isnan(table_get(back, i, 2)));
    }
    table_to_csv(back, &again);
    assert_string_equal(text_string(&csv), text_string(&again));
    text_free(&csv);
    text_free(&again);
    arena_free(arena);
}

static void test_other_peoples_csv(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Table *table;
    Error err;
    assert_ok(table_from_csv(arena, "t.csv", "a,b\r\n1,x\r\n2,y", &table, &err), &err);
    assert_int_equal(table->n_rows, 2);
    assert_true(table_get(table, 1, 0) == 2);
    assert_string_equal(table_get_text(table, 1, 1), "y");
    assert_ok(table_from_csv(arena, "t.csv", "only\n1\n\n3\n", &table, &err), &err);
    assert_int_equal(table->n_rows, 3);
    assert_true(isnan(table_get(table, 1, 0)));
    assert_ok(table_from_csv(arena, "t.csv", "a,b\n", &table, &err), &err);
    assert_int_equal(table->n_rows, 0);
    arena_free(arena);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *line;
    } cases[] = {
        {"a,b\n1,2\n3\n", "t.csv:3: 1 cells where the header has 2"},
        {"a,b\n1,2,3\n", "t.csv:2: 3 cells where the header has 2"},
        {"a,a\n1,2\n", "t.csv:1: column \"a\" appears twice"},
        {"a,b\n\"x\ny\",2\n1,\"2\n", "t.csv:4: a quoted cell has no end"},
        {"a,b\n\"x\"y,2\n", "t.csv:2: stray \"y\" in a cell"},
        {"a,b\nx\"y,2\n", "t.csv:2: stray \"\"\" in a cell"},
    };
    Arena *arena = arena_new();
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Error err;
        Table *table = NULL;
        assert_refused(table_from_csv(arena, "t.csv", cases[i].csv, &table, &err), STATUS_INPUT, cases[i].line, &err);
        assert_null(table);
    }
    arena_free(arena);
}

/* Any byte changed, any cut: a table or a line that says why (sanitizers watch the reads). */
static void test_damage(void **state)
{
    (void)state;
    static const char csv[] = "run,loss,note\nrope-s1,0.1,\"a \"\"b\"\"\"\nnone-s2,,\"c,\nd\"\n";
    static const char bytes[] = "\",\n\r 0e-\xff";
    Arena *arena = arena_new();
    for (size_t at = 0; at < sizeof csv - 1; at++)
        for (size_t b = 0; b < sizeof bytes; b++) { /* the last one cuts */
            char *copy = malloc(sizeof csv);
            memcpy(copy, csv, sizeof csv);
            copy[at] = bytes[b];
            Table *table = NULL;
            Error err = {{0}};
            const int status = table_from_csv(arena, "t.csv", copy, &table, &err);
            assert_true(status == STATUS_OK ? table != NULL : status == STATUS_INPUT && err.text[0] && !table);
            free(copy);
        }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),      cmocka_unit_test(test_csv_text),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_other_peoples_csv),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
