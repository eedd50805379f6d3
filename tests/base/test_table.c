/* Without these, numbers could change on their way into a CSV. */
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
    table_to_csv(table, text_add_csv, &csv);
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
    table_to_csv(table, text_add_csv, &csv);
    assert_ok(table_from_csv(arena, "t.csv", text_string(&csv), &back, &err), &err);
    assert_int_equal(back->n_rows, table->n_rows);
    assert_int_equal(back->n_columns, 3);
    for (int i = 0; i < table->n_rows; i++) {
        const double a = table_get(table, i, 1), b = table_get(back, i, 1);
        assert_string_equal(table_get_text(table, i, 0), table_get_text(back, i, 0));
        assert_true(a == b || (isnan(a) && isnan(b)));
        assert_true(isnan(table_get(back, i, 2)));
    }
    table_to_csv(back, text_add_csv, &again);
    assert_string_equal(text_string(&csv), text_string(&again));
    text_free(&csv);
    text_free(&again);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_csv_text),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
