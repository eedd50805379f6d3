/* Without these, a table for people who compute further could mix words with numbers, hide a run that never formed a
 * sink, say another value than the report, or stay behind when the others are written again.
 */
#include "scene.h"

#include "base/table.h"
#include "report/export/export.h"
#include "store/sums.h"

/* a forms in (2, 5]; b has it at the start; c never; d has not started. */
static double in_three_ways(int arm, int seed, int snapshot)
{
    (void)seed;
    return arm == 1 ? 0.8 : arm == 0 && snapshot >= 3 ? 0.5 : 0.05;
}

static RunStatus d_is_absent(int arm, int seed)
{
    (void)seed;
    return arm == 3 ? RUN_ABSENT : RUN_FINISHED;
}

static const Scene scene = {.n_arms = 4, .n_seeds = 1, .sink = in_three_ways, .status = d_is_absent};

/* A report of that scene, written with all that is written on request. */
typedef struct {
    Arena *arena;
    char *folder;
    Report *report;
} Written;

static const char *const on_request[] = {"geometry", "heads"};

static void write_report(const Written *written, int n_requested)
{
    Error err;
    assert_ok(report_write(written->report, written->folder, on_request, n_requested, &err), &err);
}

static int set_up(void **state)
{
    Written *written = malloc(sizeof *written);
    written->arena = arena_new();
    written->report = scene_collect(written->arena, &scene, &written->folder);
    *state = written;
    return 0;
}

static int tear_down(void **state)
{
    Written *written = *state;
    scratch_remove(written->folder);
    arena_free(written->arena);
    free(written);
    return 0;
}

static char *read_text(const Written *written, const char *name)
{
    char *bytes = NULL;
    size_t n = 0;
    Error err;
    assert_ok(file_read(written->arena, file_join(written->arena, written->folder, name), &bytes, &n, &err), &err);
    return bytes;
}

static Table *read_table(const Written *written, const char *name)
{
    Table *table;
    Error err;
    assert_ok(table_from_csv(written->arena, name, read_text(written, name), &table, &err), &err);
    return table;
}

static double number(const Table *table, int row, const char *column)
{
    return table_get(table, row, table_find(table, column));
}

static const char *words(const Table *table, int row, const char *column)
{
    return table_get_text(table, row, table_find(table, column));
}

/* Every value of every head as it was measured. */
static void test_heads_are_what_was_measured(void **state)
{
    enum { S = SCENE_SNAPSHOTS, L = SCENE_LAYERS, H = SCENE_HEADS };
    const Written *written = *state;
    write_report(written, 2);
    const Table *heads = read_table(written, "heads.csv");
    int n_found = 0;
    assert_int_equal(heads->n_rows, 3 * L * H * (3 * S + SCENE_SPARSE));
    for (int r = 0; r < heads->n_rows; r++) {
        const int is_sink = number(heads, r, "layer") == 1 && number(heads, r, "head") == 0;
        if (strcmp(words(heads, r, "arm"), "b") != 0)
            continue;
        if (strcmp(words(heads, r, "metric"), "sink_mass_idle") == 0) {
            assert_near(number(heads, r, "value"), is_sink ? 0.8 : 0.04, 0);
            assert_true(isnan(number(heads, r, "n"))); /* not stored */
            assert_near(number(heads, r, "sd"), 0, 0);
            n_found++;
        } else if (strcmp(words(heads, r, "metric"), "max_inflow") == 0) {
            assert_near(number(heads, r, "n"), number(heads, r, "layer") + number(heads, r, "head") > 0 ? 3 : 4, 0);
        }
    }
    assert_int_equal(n_found, L * H * S);
}

static int has_suffix(const char *name, const char *suffix)
{
    return strlen(name) > strlen(suffix) && strcmp(name + strlen(name) - strlen(suffix), suffix) == 0;
}

/* Every column of every table, in their order; those of numbers hold nothing else, and words have no unit. */
static void hold_columns(const Written *written, int n_tables)
{
    char **names;
    int n_names, n_found = 0, n_columns = 0;
    Error err;
    const Table *columns = read_table(written, "columns.csv");
    assert_ok(file_list(written->arena, written->folder, &names, &n_names, &err), &err);
    for (int i = 0; i < n_names; i++) {
        if (!has_suffix(names[i], ".csv"))
            continue;
        const Table *table = read_table(written, names[i]);
        int first = 0;
        while (first < columns->n_rows && strcmp(words(columns, first, "table"), names[i]) != 0)
            first++;
        assert_in_range(first + table->n_columns, 1, columns->n_rows);
        for (int c = 0; c < table->n_columns; c++) {
            const char *kind = words(columns, first + c, "kind");
            assert_string_equal(words(columns, first + c, "table"), names[i]);
            assert_string_equal(words(columns, first + c, "column"), table->columns[c].name);
            if (strcmp(kind, "numbers") == 0) {
                if (!table->columns[c].numbers)
                    fail_msg("%s: %s has words", names[i], table->columns[c].name);
            } else {
                assert_string_equal(kind, "words");
                assert_string_equal(words(columns, first + c, "unit"), "");
            }
        }
        n_found++, n_columns += table->n_columns;
    }
    assert_int_equal(n_found, n_tables);
    assert_int_equal(columns->n_rows, n_columns); /* and of none that is not there */
}

static void test_columns_tell_of_every_table(void **state)
{
    const Written *written = *state;
    write_report(written, 0);
    hold_columns(written, 8);
    write_report(written, 2);
    hold_columns(written, 10);
}

/* Units stand where the values come from: a metric's, the losses'. */
static void test_units_are_those_of_what_was_measured(void **state)
{
    static const struct {
        const char *table, *column, *unit;
    } cases[] = {
        {"summary.csv", "final_low", "share of attention"},
        {"onset.csv", "loss", "mean squared error per target"},
        {"onset.csv", "tokens_by", "tokens"},
        {"changes.csv", "changed_low", "share of pairs"},
        {"formed.csv", "share", "share of runs"},
        {"frames.csv", "step", "steps"},
        {"geometry.csv", "start", "that of the metric"},
    };
    const Written *written = *state;
    written->report->metrics[written->report->headline].unit = "share of attention";
    for (int r = 0; r < written->report->n_runs; r++)
        written->report->runs[r].loss_is_squared_error = 1;
    write_report(written, 2);
    const Table *columns = read_table(written, "columns.csv");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int row = 0;
        while (row < columns->n_rows && (strcmp(words(columns, row, "table"), cases[c].table) != 0 ||
                                         strcmp(words(columns, row, "column"), cases[c].column) != 0))
            row++;
        assert_in_range(row, 0, columns->n_rows - 1);
        assert_string_equal(words(columns, row, "unit"), cases[c].unit);
    }
}

static int lies_there(const Written *written, const char *name)
{
    return file_exists(file_join(written->arena, written->folder, name));
}

/* What is asked for is there, with its hash; what was asked for before is written again; nothing else is. */
static void test_large_tables_are_written_on_request(void **state)
{
    const Written *written = *state;
    Sums sums;
    Error err;
    write_report(written, 0);
    assert_false(lies_there(written, "geometry.csv") || lies_there(written, "heads.csv"));
    write_report(written, 1);
    const char *geometry = read_text(written, "geometry.csv");
    assert_false(lies_there(written, "heads.csv"));
    assert_ok(file_write(file_join(written->arena, written->folder, "geometry.csv"), "old", 3, &err), &err);
    write_report(written, 0);
    assert_string_equal(read_text(written, "geometry.csv"), geometry);
    assert_ok(sums_read(written->arena, written->folder, &sums, &err), &err);
    assert_non_null(sums_hash(&sums, "geometry.csv"));
    assert_null(sums_hash(&sums, "heads.csv"));
    assert_ok(file_remove(file_join(written->arena, written->folder, "geometry.csv"), &err), &err);
    write_report(written, 0);
    assert_false(lies_there(written, "geometry.csv"));
    assert_ok(sums_read(written->arena, written->folder, &sums, &err), &err);
    assert_null(sums_hash(&sums, "geometry.csv"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_heads_are_what_was_measured),
        TEST(test_columns_tell_of_every_table),
        TEST(test_units_are_those_of_what_was_measured),
        TEST(test_large_tables_are_written_on_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
