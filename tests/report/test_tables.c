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
    assert_ok(report_write(written->report, NULL, written->folder, on_request, n_requested, &err), &err);
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

/* By hand from scene.h: head 1.0 is the strongest, 0.04 the floor, the value drain 1 less the sink, the loss ends as
 * the median of 2 + 2/21, 2 + 2/51, 2 + 2/101. */
static void test_runs_to_the_digit(void **state)
{
    const Written *written = *state;
    write_report(written, 0);
    assert_string_equal(
        read_text(written, "runs.csv"),
        "run,arm,kind,seed,id,status,step,tokens,targets,parameters,frame,frame_by_token,headline,onset,onset_after,"
        "onset_by,onset_tokens_by,layer,head,final,floor,value_drain,loss,oracle_loss,reason\n"
        "a-s1-000000000001,a,a,1,000000000001,finished,100,1000,900,12345,centralized,centralized,sink_mass_idle,found,"
        "2,5,50,1,0,0.5,0.04,0.5,2.0392156862745097,1.5,\n"
        "b-s1-000000000011,b,b,1,000000000011,finished,100,1000,900,12345,centralized,centralized,sink_mass_idle,"
        "at_start,,0,0,1,0,0.8,0.04,0.19999999999999996,2.0392156862745097,1.5,\n"
        "c-s1-000000000021,c,c,1,000000000021,finished,100,1000,900,12345,none,none,sink_mass_idle,never,,,,1,0,0.05,"
        "0.04,0.95,2.0392156862745097,1.5,\n"
        "d-s1-000000000031,d,d,1,000000000031,absent,,,,,,,,,,,,,,,,,,,has not started\n");
}

/* The onset of a run is its first head's: one of head 0.0 at snapshot 1, of a run whose strongest is 1.0. */
static void test_the_onset_is_the_first_heads(void **state)
{
    const Written *written = *state;
    const RunMetric *own = &written->report->runs[2].metrics[written->report->headline];
    for (int i = PART_COUNT; i < own->n * PART_COUNT; i++)
        own->values[i * SCENE_LAYERS * SCENE_HEADS] = i < 5 * PART_COUNT ? 0.4 : 0.04;
    write_report(written, 0);
    const Table *runs = read_table(written, "runs.csv");
    assert_string_equal(words(runs, 2, "onset"), "found");
    assert_near(number(runs, 2, "onset_by"), 1, 0);
    assert_near(number(runs, 2, "onset_tokens_by"), 10, 0);
    assert_near(number(runs, 2, "layer"), 1, 0);
    assert_near(number(runs, 2, "final"), 0.05, 0);
}

/* Without a sink metric there are losses and labels still, and nothing of a sink. */
static void test_without_a_headline(void **state)
{
    const Written *written = *state;
    written->report->headline = -1;
    write_report(written, 2);
    const Table *runs = read_table(written, "runs.csv"), *curves = read_table(written, "curves.csv");
    for (int r = 0; r < 4; r++)
        assert_true(isnan(number(runs, r, "headline")) && isnan(number(runs, r, "onset")));
    assert_near(number(runs, 1, "loss"), 2.0392156862745097, 0);
    for (int r = 0; r < curves->n_rows; r++)
        assert_string_not_equal(words(curves, r, "metric"), "sink_mass_idle");
}

/* The rows of one curve of arm a, in their order; how many there are. */
static int curve_of(const Table *curves, const char *arm, const char *metric, const char *level, int layer,
                    int rows[64])
{
    int n = 0;
    for (int r = 0; r < curves->n_rows && n < 64; r++) {
        const double at = number(curves, r, "layer");
        if (strcmp(words(curves, r, "arm"), arm) == 0 && strcmp(words(curves, r, "metric"), metric) == 0 &&
            strcmp(words(curves, r, "level"), level) == 0 && (layer < 0 || at == layer))
            rows[n++] = r;
    }
    return n;
}

static void test_curves_are_what_was_measured(void **state)
{
    enum { S = SCENE_SNAPSHOTS, L = SCENE_LAYERS };
    const Written *written = *state;
    int rows[64];
    write_report(written, 0);
    const Table *curves = read_table(written, "curves.csv");
    /* three runs: two metrics in all snapshots and one in some, each of the strongest head, the model and the layers;
     * four losses; two labels of the model and the layers */
    assert_int_equal(curves->n_rows, 3 * ((2 * S + SCENE_SPARSE) * (2 + L) + 4 * S + 2 * S * (1 + L)));
    assert_int_equal(curve_of(curves, "a", "sink_mass_idle", "strongest", -1, rows), S);
    for (int s = 0; s < S; s++) {
        assert_near(number(curves, rows[s], "value"), s >= 3 ? 0.5 : 0.05, 0);
        assert_near(number(curves, rows[s], "step"), (double)scene_steps[s], 0);
        assert_near(number(curves, rows[s], "tokens"), 10 * (double)scene_steps[s], 0);
        assert_near(number(curves, rows[s], "targets"), 9 * (double)scene_steps[s], 0);
        assert_near(number(curves, rows[s], "layer"), 1, 0);
        assert_near(number(curves, rows[s], "head"), 0, 0);
        assert_string_equal(words(curves, rows[s], "label"), "");
    }
    assert_int_equal(curve_of(curves, "a", "sink_mass_idle", "model", -1, rows), S);
    assert_near(number(curves, rows[S - 1], "value"), (0.5 + 3 * 0.04) / 4, 1e-15);
    assert_true(isnan(number(curves, rows[0], "layer")) && isnan(number(curves, rows[0], "head")));
    assert_int_equal(curve_of(curves, "b", "value_drain", "layer", 1, rows), S);
    assert_near(number(curves, rows[0], "layer"), 1, 0);
    assert_true(isnan(number(curves, rows[0], "head")));
    assert_int_equal(curve_of(curves, "a", "max_inflow", "strongest", -1, rows), SCENE_SPARSE);
    assert_near(number(curves, rows[1], "step"), 2, 0);
    assert_int_equal(curve_of(curves, "a", "held_out_loss:copy", "model", -1, rows), S);
    assert_near(number(curves, rows[3], "value"), 1, 0);
    assert_int_equal(curve_of(curves, "a", "held_out_loss:absent", "model", -1, rows), S);
    assert_true(isnan(number(curves, rows[0], "value"))); /* no such target: not available */
    assert_int_equal(curve_of(curves, "a", "frame", "model", -1, rows), S);
    assert_string_equal(words(curves, rows[0], "label"), "none");
    assert_string_equal(words(curves, rows[3], "label"), "centralized");
    assert_true(isnan(number(curves, rows[3], "value")));
    assert_int_equal(curve_of(curves, "a", "frame_by_token", "layer", 0, rows), S);
    assert_string_equal(words(curves, rows[S - 1], "label"), "none");
    assert_int_equal(curve_of(curves, "d", "frame", "model", -1, rows), 0);
}

/* What the strongest head shows is read on odd sequences, what the model shows on all. */
static void test_curves_of_the_chosen_head_are_read_on_odd_sequences(void **state)
{
    const Written *written = *state;
    const RunMetric *own = &written->report->runs[0].metrics[written->report->headline];
    int rows[64];
    for (int i = 0; i < own->n; i++)
        own->values[(i * PART_COUNT + PART_ODD) * SCENE_LAYERS * SCENE_HEADS + own->strongest] = 0.25;
    write_report(written, 0);
    const Table *curves = read_table(written, "curves.csv");
    curve_of(curves, "a", "sink_mass_idle", "strongest", -1, rows);
    assert_near(number(curves, rows[5], "value"), 0.25, 0);
    curve_of(curves, "a", "sink_mass_idle", "model", -1, rows);
    assert_near(number(curves, rows[5], "value"), (0.5 + 3 * 0.04) / 4, 1e-15);
}

/* What a head is by position and what it is by token are two things. */
static void test_labels_by_token_are_their_own(void **state)
{
    const Written *written = *state;
    SnapshotFrames *frames = written->report->runs[0].frames;
    int rows[64];
    for (int s = 3; s < SCENE_SNAPSHOTS; s++)
        frames[s].model.by_token = frames[s].layers[1].by_token = FRAME_DISTRIBUTED;
    write_report(written, 0);
    const Table *runs = read_table(written, "runs.csv"), *curves = read_table(written, "curves.csv");
    assert_string_equal(words(runs, 0, "frame"), "centralized");
    assert_string_equal(words(runs, 0, "frame_by_token"), "distributed");
    static const struct {
        const char *metric, *level, *label;
        int layer;
    } cases[] = {{"frame", "model", "centralized", -1},
                 {"frame_by_token", "model", "distributed", -1},
                 {"frame", "layer", "centralized", 1},
                 {"frame_by_token", "layer", "distributed", 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        curve_of(curves, "a", cases[c].metric, cases[c].level, cases[c].layer, rows);
        assert_string_equal(words(curves, rows[5], "label"), cases[c].label);
    }
}

/* A headline that is max_inflow is one curve, not two. */
static void test_no_curve_stands_there_twice(void **state)
{
    const Written *written = *state;
    int rows[64];
    written->report->headline = report_find_metric(written->report, "max_inflow");
    write_report(written, 0);
    assert_int_equal(curve_of(read_table(written, "curves.csv"), "a", "max_inflow", "strongest", -1, rows),
                     SCENE_SPARSE);
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
    hold_columns(written, 10);
    write_report(written, 2);
    hold_columns(written, 12);
}

/* Units stand where the values come from: a metric's, the losses'. */
static void test_units_are_those_of_what_was_measured(void **state)
{
    static const struct {
        const char *table, *column, *unit;
    } cases[] = {
        {"summary.csv", "final_low", "share of attention"},
        {"runs.csv", "floor", "share of attention"},
        {"runs.csv", "onset_by", "steps"},
        {"runs.csv", "loss", "mean squared error per target"},
        {"onset.csv", "loss", "mean squared error per target"},
        {"onset.csv", "tokens_by", "tokens"},
        {"changes.csv", "changed_low", "share of pairs"},
        {"formed.csv", "share", "share of runs"},
        {"frames.csv", "step", "steps"},
        {"curves.csv", "value", "that of the metric"},
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

/* An axis may be called like any column, and like the name that another axis gets for that. */
static void test_axes_called_like_columns(void **state)
{
    static const struct {
        const char *axis, *table, *column;
    } cases[] = {
        {"loss", "runs.csv", "loss (axis)"},  {"loss", "summary.csv", "loss (axis)"},
        {"loss", "curves.csv", "loss"},       {"value", "curves.csv", "value (axis)"},
        {"value", "runs.csv", "value"},       {"arm", "curves.csv", "arm (axis)"},
        {"run", "runs.csv", "run (axis)"},    {"run", "curves.csv", "run"},
        {"a,\"b\"", "curves.csv", "a,\"b\""},
    };
    const Written *written = *state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        written->report->axes[0].name = cases[c].axis;
        write_report(written, 0);
        const Table *table = read_table(written, cases[c].table); /* which refuses a name that comes twice */
        assert_string_equal(words(table, 1, cases[c].column), strcmp(cases[c].table, "curves.csv") == 0 ? "a" : "b");
        hold_columns(written, 10);
    }
    ReportAxis axes[] = {{"loss (axis)", NULL, 0}, {"loss", NULL, 0}};
    const ExportColumn columns[] = {{"arm", "", 1}, {"loss", "", 0}};
    written->report->axes = axes;
    written->report->n_axes = 2;
    const ExportColumn *all = export_with_axes(written->arena, written->report, columns, 2, 1);
    static const char *const names[] = {"arm", "loss (axis)", "loss (axis) (axis)", "loss"};
    for (int c = 0; c < 4; c++)
        assert_string_equal(all[c].name, names[c]);
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
        TEST(test_runs_to_the_digit),
        TEST(test_the_onset_is_the_first_heads),
        TEST(test_without_a_headline),
        TEST(test_curves_are_what_was_measured),
        TEST(test_curves_of_the_chosen_head_are_read_on_odd_sequences),
        TEST(test_labels_by_token_are_their_own),
        TEST(test_no_curve_stands_there_twice),
        TEST(test_heads_are_what_was_measured),
        TEST(test_columns_tell_of_every_table),
        TEST(test_units_are_those_of_what_was_measured),
        TEST(test_axes_called_like_columns),
        TEST(test_large_tables_are_written_on_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
