/* Without these, one odd file could end the report of all runs, hang it, or pass for a result: files of another run, of
 * other shapes, damaged, lost, or a plan that contradicts itself.
 *
 * Whatever stands in one run's folder, the others are reported and that one is named; a plan that is wrong is refused
 * in one line; and what the system could not read is no reason to write tables without it.
 */
#include "scene.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/json.h"
#include "report/document.h"
#include "report/export/export.h"
#include "report/snapshots.h"
#include "store/manifest.h"
#include "store/npz.h"

#define RUN "a-s1-000000000001"

static const Scene scene = {.n_arms = 1, .n_seeds = 2, .sink = scene_jump};

typedef struct {
    Arena *arena;
    char *folder;    /* results/NAME */
    const char *run; /* of seed 1 */
} Results;

static int set_up(void **state)
{
    Results *results = malloc(sizeof *results);
    *results = (Results){arena_new(), scene_write(&scene), NULL};
    results->run = file_join(results->arena, results->folder, RUN);
    *state = results;
    return 0;
}

static int tear_down(void **state)
{
    Results *results = *state;
    scratch_remove(results->folder);
    arena_free(results->arena);
    free(results);
    return 0;
}

/* ---- files of other shapes ---- */

typedef enum { LONGER, EMPTY, ONE_AXIS_MORE, OTHER_TYPE, MISSING, N_CHANGES } Change;

/* `from` at `path`, with one member changed: an axis (of those it has), its type, or all of it. */
static void change_member(const char *from, const char *path, const char *member, Change change, int axis)
{
    Arena *arena = arena_new();
    NpzWriter *writer = npz_new(arena);
    Npz npz;
    Error err;
    assert_ok(npz_read(arena, from, &npz, &err), &err);
    for (int i = 0; i < npz.n; i++) {
        NpyArray array = npz.arrays[i];
        const char *zeros = arena_alloc(arena, 8 + 4 * array.n_items * (size_t)(array.item_bytes + 8));
        if (strcmp(array.name, member) == 0) {
            if (change == MISSING)
                continue;
            array.data = zeros;
            array.shape[axis] = change == LONGER ? 2 * array.shape[axis] : change == EMPTY ? 0 : array.shape[axis];
            if (change == ONE_AXIS_MORE)
                array.shape[array.n_dims++] = 1;
            if (change == OTHER_TYPE || array.type == NPY_STRING)
                array.type = array.type == NPY_INT64 ? NPY_FLOAT64 : NPY_INT64;
        }
        if (array.type == NPY_STRING) {
            const char **strings = ARENA_ARRAY(arena, const char *, array.n_items);
            for (size_t k = 0; k < array.n_items; k++)
                strings[k] = arena_strndup(arena, (const char *)array.data + k * (size_t)array.item_bytes,
                                           (size_t)array.item_bytes);
            npz_add_strings(writer, array.name, (int64_t)array.n_items, strings);
        } else {
            npz_add(writer, array.name, array.type, array.n_dims, array.shape, array.data);
        }
    }
    assert_ok(npz_write(writer, path, &err), &err);
    arena_free(arena);
}

/* The run of seed 1 is named with `reason` in its reason, that of seed 2 is there. */
static void assert_left_out(const Results *results, const char *reason)
{
    Arena *arena = arena_new();
    Report *report;
    Error err;
    assert_ok(report_collect(arena, results->folder, &report, &err), &err);
    if (!report->runs[0].is_unreadable || !strstr(report->runs[0].reason, reason))
        fail_msg("%s: %s", reason, report->runs[0].reason);
    assert_int_equal(report->runs[0].n_snapshots, 0);
    assert_null(strstr(report->runs[0].reason, results->folder));
    assert_int_equal(report->runs[1].n_snapshots, SCENE_SNAPSHOTS);
    assert_int_equal(report_unreadable(report, &err), STATUS_FAILED);
    assert_non_null(strstr(err.text, "1 of 2 runs cannot be read and is not in the tables: " RUN ": "));
    assert_non_null(strstr(err.text, reason));
    arena_free(arena);
}

static void try_every_change(const Results *results, const char *path)
{
    Arena *arena = arena_new();
    Npz npz;
    Error err;
    const char *good = file_join(arena, results->folder, "good.npz");
    assert_int_equal(rename(path, good), 0);
    assert_ok(npz_read(arena, good, &npz, &err), &err);
    for (int i = 0; i < npz.n; i++) {
        const NpyArray *array = &npz.arrays[i];
        for (Change change = LONGER; change < MISSING; change++)
            for (int axis = 0; axis < (change <= EMPTY ? array->n_dims : 1); axis++) {
                change_member(good, path, array->name, change, axis);
                assert_left_out(results, arena_format(arena, "`%s`", array->name));
            }
    }
    assert_int_equal(rename(good, path), 0);
    arena_free(arena);
}

/* Each member that the scene has, in the snapshot of step 10 and in the baselines, in every way in which a shape can be
 * another. */
static void test_every_member_is_of_its_shape(void **state)
{
    const Results *results = *state;
    try_every_change(results, run_snapshot_path(results->arena, results->run, 10));
    try_every_change(results, file_join(results->arena, results->run, RUN_BASELINES));
}

static void test_what_must_be_there(void **state)
{
    const Results *results = *state;
    static const char *const members[] = {"importance", "held_out_loss", "tokens", "map_mean", "map", "visible"};
    const char *path = run_snapshot_path(results->arena, results->run, 10);
    char *bytes;
    size_t n;
    Error err;
    assert_ok(file_read(results->arena, path, &bytes, &n, &err), &err);
    for (size_t m = 0; m < sizeof members / sizeof *members; m++) {
        change_member(path, path, members[m], MISSING, 0);
        assert_left_out(results, arena_format(results->arena, "step-00000010.npz: `%s` is missing", members[m]));
        assert_ok(file_write(path, bytes, n, &err), &err);
    }
    const char *baselines = file_join(results->arena, results->run, RUN_BASELINES);
    change_member(baselines, baselines, "uniform/importance", MISSING, 0);
    assert_left_out(results, "baselines.npz: `uniform/importance` is missing");
}

/* The first snapshot says what a run's sizes are, within what an experiment can have: a milestone for each of 30,000
 * loss groups would take minutes. */
static void test_sizes_are_those_of_an_experiment(void **state)
{
    const Results *results = *state;
    enum { MANY = 30000 };
    const char *path = run_snapshot_path(results->arena, results->run, 0);
    NpzWriter *npz = npz_new(results->arena);
    Error err;
    const void *zeros = arena_alloc(results->arena, 8 * MANY);
    const int64_t shape[] = {SCENE_SEQUENCES, SCENE_LAYERS, SCENE_HEADS, SCENE_LENGTH};
    npz_add(npz, "importance", NPY_FLOAT32, 4, shape, zeros);
    npz_add(npz, "held_out_loss", NPY_FLOAT64, 1, (int64_t[]){MANY}, zeros);
    assert_ok(npz_write(npz, path, &err), &err);
    assert_left_out(results,
                    "`held_out_loss` is float64 (30000,), not float64 (1+G,): 30000 losses, and there are 1 to "
                    "1025");
}

/* A snapshot by the name of another step. */
static void test_a_snapshot_is_of_its_step(void **state)
{
    const Results *results = *state;
    assert_int_equal(rename(run_snapshot_path(results->arena, results->run, 20),
                            run_snapshot_path(results->arena, results->run, 21)),
                     0);
    assert_left_out(results, "snapshots/step-00000021.npz: is of step 20");
}

/* What was read at first can be gone, or another, when maps are read again for the page: an error, and the document
 * is closed. */
static void test_a_second_reading_that_fails(void **state)
{
    const Results *results = *state;
    Report *report;
    Error err;
    assert_ok(report_collect(results->arena, results->folder, &report, &err), &err);
    for (int k = 0; k < 2; k++) {
        const char *path = run_snapshot_path(results->arena, results->run, 10);
        Text text = {0};
        JsonWriter json;
        Json *document;
        if (k == 0)
            change_member(path, path, "map_mean", MISSING, 0);
        else
            assert_int_equal(unlink(path), 0);
        json_start(&json, &text, 0);
        assert_int_equal(document_json(report, &json, &err), STATUS_INPUT);
        assert_non_null(strstr(err.text, "step-00000010.npz"));
        assert_ok(json_parse(results->arena, "document", text_string(&text), text.size, &document, &err), &err);
        text_free(&text);
    }
}

/* ---- files that are not what the run left ---- */

/* The run's manifest with the hashes of its files, as a run writes it when it is finished. */
static void record_files(const Results *results)
{
    Manifest manifest;
    Error err;
    const char *series = file_join(results->arena, results->run, RUN_SERIES);
    assert_ok(file_write(series, "step\n", 5, &err), &err);
    assert_ok(manifest_read(results->arena, results->run, &manifest, &err), &err);
    assert_ok(manifest_hash_files(results->arena, results->run, &manifest, &err), &err);
    assert_ok(manifest_write(results->run, &manifest, &err), &err);
}

static void test_files_are_those_that_the_manifest_lists(void **state)
{
    const Results *results = *state;
    Arena *arena = results->arena;
    const char *path = run_snapshot_path(arena, results->run, 5), *last = run_snapshot_path(arena, results->run, 100);
    char *bytes, *other;
    size_t n, n_other;
    Report *report;
    Text text = {0};
    Error err;
    record_files(results);
    assert_ok(report_collect(arena, results->folder, &report, &err), &err);
    assert_int_equal(report->runs[0].n_snapshots, SCENE_SNAPSHOTS);
    assert_ok(report_unreadable(report, &err), &err);

    assert_ok(file_read(arena, path, &bytes, &n, &err), &err); /* a bit */
    bytes[n / 2] ^= 1;
    assert_ok(file_write(path, bytes, n, &err), &err);
    assert_left_out(results, "step-00000005.npz: member \"");
    bytes[n / 2] ^= 1;
    assert_ok(file_write(path, bytes, n, &err), &err);

    /* the same snapshot, as another measuring might have it; also of what is shown */
    const char *of_other = file_join(arena, results->folder, "a-s2-000000000002");
    assert_ok(file_read(arena, run_snapshot_path(arena, of_other, 5), &other, &n_other, &err), &err);
    assert_ok(file_write(path, other, n_other, &err), &err);
    assert_left_out(results, "step-00000005.npz: is not the file that manifest.json lists (SHA-256 ");
    assert_int_equal(report_show(arena, results->run, 5, 100, 0, &text, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "is not the file that manifest.json lists"));
    assert_ok(file_write(path, bytes, n, &err), &err);

    assert_ok(file_write(run_snapshot_path(arena, results->run, 11), bytes, n, &err), &err);
    assert_left_out(results, "step-00000011.npz: is none of the files that manifest.json lists");
    assert_int_equal(unlink(run_snapshot_path(arena, results->run, 11)), 0);

    assert_int_equal(unlink(last), 0); /* the one before is not the final one */
    assert_left_out(results, "snapshots/step-00000100.npz: is gone, though manifest.json lists it");
    assert_int_equal(unlink(path), 0);
    assert_left_out(results,
                    "snapshots/step-00000005.npz: is gone and others are, too, though manifest.json lists them");
    text_free(&text);
}

/* `measure.enabled: false` leaves none, and that is no loss. */
static void test_a_run_without_snapshots_was_not_measured(void **state)
{
    const Results *results = *state;
    Report *report;
    Manifest manifest;
    Error err;
    assert_ok(remove_tree(file_join(results->arena, results->run, RUN_SNAPSHOTS)), &err);
    assert_ok(manifest_read(results->arena, results->run, &manifest, &err), &err);
    manifest.n_files = 1;
    manifest.files = (const char *[]){RUN_SERIES};
    manifest.files_sha256 = (const char *[]){"0"};
    assert_ok(manifest_write(results->run, &manifest, &err), &err);
    assert_ok(report_collect(results->arena, results->folder, &report, &err), &err);
    assert_string_equal(report->runs[0].reason, "was not measured");
    assert_ok(report_unreadable(report, &err), &err);
}

static void test_a_damaged_manifest_is_a_run_that_cannot_be_read(void **state)
{
    const Results *results = *state;
    Error err;
    assert_ok(file_write(file_join(results->arena, results->run, RUN_MANIFEST), "{\"status\": 1}", 13, &err), &err);
    assert_left_out(results, "manifest.json: status: must be");
}

/* All tables, figures and the page are written of what is there. */
static void test_a_run_that_cannot_be_read_costs_no_other(void **state)
{
    const Results *results = *state;
    static const char *const on_request[] = {"geometry", "heads"};
    Report *report;
    Error err;
    char *out = scratch_folder(), **names;
    int n;
    const char *baselines = file_join(results->arena, results->run, RUN_BASELINES);
    change_member(baselines, baselines, "uniform/importance", LONGER, 0);
    assert_left_out(results, "`uniform/importance`");
    assert_ok(report_collect(results->arena, results->folder, &report, &err), &err);
    assert_ok(report_write(report, NULL, out, on_request, 2, &err), &err);
    assert_ok(file_list(results->arena, out, &names, &n, &err), &err);
    for (const Export *const *export = export_registry; *export; export ++)
        n--;
    assert_int_equal(n, 1); /* the hashes of all */
    scratch_remove(out);
}

/* Without room for one more descriptor, nothing is known of any file: no report, whose tables would lack it. */
static void test_a_system_that_fails_ends_the_report(void **state)
{
    const Results *results = *state;
    struct rlimit limit, none;
    Report *report = NULL, *good;
    ReportRun run = {0};
    Error err;
    assert_ok(report_collect(results->arena, results->folder, &good, &err), &err);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const int status = report_collect(results->arena, results->folder, &report, &err);
    const int of_run = run_collect(good, results->run, NULL, -1, &run, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(of_run, STATUS_FAILED);
    assert_int_equal(run.n_snapshots + run.n_losses, 0);
    assert_int_equal(status, STATUS_FAILED);
    assert_null(report);
    assert_non_null(strstr(err.text, "Too many open files"));
}

/* ---- a plan that contradicts itself ---- */

static void test_a_plan_is_held_to_what_it_says(void **state)
{
    const Results *results = *state;
    static const struct {
        const char *file, *from, *to, *line;
    } cases[] = {
        {"plan.json", "\"values\":{\"kind\":\"a\"}", "\"values\":{\"kind\":\"q\"}",
         "arms[0].values.kind: \"q\" is none of the axis's values"},
        {"plan.json", "\"values\":{\"kind\":\"a\"}", "\"values\":{\"kine\":\"a\"}", "arms[0].values.kind: is missing"},
        {"plan.json", "\"values\":{\"kind\":\"a\"}", "\"values\":{\"kind\":[]}",
         "arms[0].values.kind: is no value: a text, a number, true or false"},
        {"plan.json", "{\"name\":\"kind\",\"values\":[\"a\"]}",
         "{\"name\":\"kind\",\"values\":[\"a\"]},{\"name\":\"kind\",\"values\":[\"a\"]}",
         "axes: \"kind\" stands there twice"},
        {"plan.json", "{\"name\":\"kind\"", "{\"nome\":\"kind\"", "axes[0].name: is missing"},
        {"plan.json", "\"axes\":[", "\"axes\":1,\"x\":[", "axes: is not a list"},
        {"plan.json", "\"arms\":[", "\"arms\":[],\"x\":[", "has no arms"},
        {"plan.json", "\"arm\":0,\"seed\":1", "\"arm\":1,\"seed\":1", "runs[0].arm: there is no such arm"},
        {"plan.json", "\"arm\":0,\"seed\":1", "\"arm\":-1,\"seed\":1",
         "runs[0].arm: is not a whole number in its range"},
        {"plan.json", "\"arm\":0,\"seed\":1", "\"arm\":1e300,\"seed\":1",
         "runs[0].arm: is not a whole number in its range"},
        {"plan.json", "\"arm\":0,\"seed\":1", "\"arm\":0,\"seed\":1e300",
         "runs[0].seed: is not a whole number in its range"},
        {"plan.json", "\"arm\":0,\"seed\":1", "\"seed\":1", "runs[0].arm: is missing"},
        {"plan.json", "\"seeds\":[1,", "\"seeds\":[-1e99,", "seeds[0]: is not a whole number in its range"},
        {"plan.json", "\"folder\":\"" RUN "\"", "\"folder\":\"../x\"",
         "runs[0].folder: is not the name of a folder beside plan.json"},
        {"plan.json", "\"folder\":\"" RUN "\"", "\"folder\":\"a-s2-000000000002\"",
         "runs: \"a-s2-000000000002\" stands there twice"},
        {"plan.json", "\"notes\":[", "\"notes\":[{}", "notes[0]: is no value: a text, a number, true or false"},
        {"plan.json", "\"title\":\"\"", "\"title\":7", "title: is not a text"},
        {"plan.json", "{\"name\":\"scene\"", "[{\"name\":\"scene\"", NULL},
        {"metrics.json", "\"name\":\"sink_mass\"", "\"name\":\"sink_mass_idle\"",
         "metrics: \"sink_mass_idle\" stands there twice"},
        {"metrics.json", "\"level\":\"head\"", "\"level\":\"tail\"", "metrics[0].level: \"tail\" is unknown"},
        {"metrics.json", "\"direction\":\"rises\"", "\"direction\":\"up\"", "metrics[0].direction: \"up\" is unknown"},
        {"metrics.json", "\"threshold\":0.3", "\"threshold\":\"x\"", "metrics[0].threshold: is not a number"},
        {"metrics.json", "\"range\":[0,1]", "\"range\":[0]", "metrics[0].range: is not a list of two numbers"},
        {"metrics.json", "\"name\":\"sink_mass\"", "\"name\":\"targets/x\"",
         "metrics[0].name: has a slash, which stands behind what a metric was measured on"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Report *report = NULL;
        Error err;
        char *text;
        size_t n;
        const char *path = file_join(results->arena, results->folder, cases[c].file);
        assert_ok(file_read(results->arena, path, &text, &n, &err), &err);
        const char *at = strstr(text, cases[c].from);
        assert_non_null(at);
        const char *changed =
            arena_format(results->arena, "%.*s%s%s", (int)(at - text), text, cases[c].to, at + strlen(cases[c].from));
        assert_ok(file_write(path, changed, strlen(changed), &err), &err);
        assert_int_equal(report_collect(results->arena, results->folder, &report, &err), STATUS_INPUT);
        if (cases[c].line)
            assert_string_equal(err.text, arena_format(results->arena, "%s: %s", path, cases[c].line));
        assert_null(report);
        assert_ok(file_write(path, text, n, &err), &err);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_member_is_of_its_shape),
        TEST(test_what_must_be_there),
        TEST(test_sizes_are_those_of_an_experiment),
        TEST(test_a_snapshot_is_of_its_step),
        TEST(test_a_second_reading_that_fails),
        TEST(test_files_are_those_that_the_manifest_lists),
        TEST(test_a_run_without_snapshots_was_not_measured),
        TEST(test_a_damaged_manifest_is_a_run_that_cannot_be_read),
        TEST(test_a_run_that_cannot_be_read_costs_no_other),
        TEST(test_a_system_that_fails_ends_the_report),
        TEST(test_a_plan_is_held_to_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
