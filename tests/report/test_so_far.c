/* Without this, a page that is served while runs train could judge by runs that have not finished, show nothing of
 * them, or be another page than the one that lies in the folder. */
#include "scene.h"

#include "base/file.h"
#include "report/figures.h"
#include "report/family.h"

/* Arm a has one finished run; of arm b none has, and one never started. */
static RunStatus half_way(int arm, int seed)
{
    if (arm == 0)
        return seed == 1 ? RUN_FINISHED : RUN_RUNNING;
    return seed == 1 ? RUN_ABSENT : seed == 2 ? RUN_FAILED : RUN_RUNNING;
}

static const Scene scene = {
    .n_arms = 2,
    .n_seeds = 3,
    .sink = scene_flat,
    .status = half_way,
    .claims =
        "[{\"text\":\"t\",\"that\":\"median(sink_mass:strongest) < 0.5\",\"source\":\"\",\"file\":\"x\",\"line\":1},"
        "{\"text\":\"t\",\"that\":\"seen(centralized)\",\"source\":\"\",\"file\":\"x\",\"line\":2},"
        "{\"text\":\"t\",\"that\":\"changes(kind) < 1\",\"source\":\"\",\"file\":\"x\",\"line\":3}]",
};

/* Snapshots of arms a and b, whose runs are in the order of their seeds. */
static void assert_snapshots(const Report *report, const int expected[6])
{
    for (int r = 0; r < 6; r++)
        assert_int_equal(report->runs[r].n_snapshots, expected[r]);
}

static void test_arms_without_a_finished_run_show_the_others(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *report;
    Error err;
    char *folder = scene_write(&scene);
    assert_ok(report_collect(arena, folder, &report, &err), &err);
    assert_snapshots(report, (int[]){SCENE_SNAPSHOTS, 0, 0, 0, 0, 0});
    assert_ok(report_collect_so_far(arena, folder, &report, &err), &err);
    assert_snapshots(report, (int[]){SCENE_SNAPSHOTS, 0, 0, 0, 0, 3});
    assert_true(run_has_finished(&report->runs[0]));
    assert_false(run_has_finished(&report->runs[5]));
    scratch_remove(folder);
    arena_free(arena);
}

/* "Never" is said of runs that have ended. */
static void test_figures_count_finished_runs_alone(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *report;
    Error err;
    char *folder = scene_write(&scene);
    void (*const drawings[])(const Report *, Text *) = {figure_early, figure_labels};
    for (int f = 0; f < 2; f++) {
        Text texts[2] = {{0}};
        assert_ok(report_collect(arena, folder, &report, &err), &err);
        drawings[f](report, &texts[0]);
        assert_ok(report_collect_so_far(arena, folder, &report, &err), &err);
        drawings[f](report, &texts[1]);
        assert_string_equal(text_string(&texts[0]), text_string(&texts[1]));
        text_free(&texts[0]);
        text_free(&texts[1]);
    }
    scratch_remove(folder);
    arena_free(arena);
}

static void test_verdicts_count_finished_runs_alone(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *reports[2];
    Text texts[2] = {{0}};
    Error err;
    char *folder = scene_write(&scene);
    assert_ok(report_collect(arena, folder, &reports[0], &err), &err);
    assert_ok(report_collect_so_far(arena, folder, &reports[1], &err), &err);
    for (int k = 0; k < 2; k++) {
        JsonWriter json;
        json_start(&json, &texts[k], 0);
        verdicts_json(reports[k], verdicts_of(arena, reports[k]), &json);
    }
    assert_string_equal(text_string(&texts[0]), text_string(&texts[1]));
    for (int k = 0; k < 2; k++)
        text_free(&texts[k]);
    scratch_remove(folder);
    arena_free(arena);
}

/* What was torn, or is being replaced, is left out; the rest is shown. */
static void test_files_that_change_cost_their_run_alone(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *report;
    Error err;
    char *folder = scene_write(&scene);
    assert_ok(report_collect(arena, folder, &report, &err), &err);
    const char *run = file_join(arena, folder, report->runs[5].folder);
    assert_ok(file_write(run_snapshot_path(arena, run, scene_steps[1]), "PK", 2, &err), &err);
    assert_ok(report_collect_so_far(arena, folder, &report, &err), &err);
    assert_snapshots(report, (int[]){SCENE_SNAPSHOTS, 0, 0, 0, 0, 0});
    scratch_remove(folder);
    arena_free(arena);
}

/* Where `text` has `words`, the rest begins behind them. */
static const char *past(const char *text, const char *words)
{
    const char *at = strstr(text, words);
    assert_non_null(at);
    return at + strlen(words);
}

static void test_the_served_page_is_the_file(void **state)
{
    (void)state;
    Scene all = scene;
    all.status = NULL;
    Arena *arena = arena_new();
    Text page = {0};
    Report *report;
    Error err;
    char *bytes, *folder = scene_write(&all);
    size_t n;
    assert_ok(report_collect(arena, folder, &report, &err), &err);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    assert_ok(file_read(arena, file_join(arena, folder, "report.html"), &bytes, &n, &err), &err);
    assert_null(strstr(bytes, "connect-src"));

    assert_ok(report_collect_so_far(arena, folder, &report, &err), &err);
    assert_ok(report_page(report, "<p>LIVE</p>", &page, &err), &err);
    const char *rest = past(text_string(&page), "; connect-src 'self'"), *end = past(rest, "<p>LIVE</p>");
    const size_t head = (size_t)(rest - page.data) - strlen("; connect-src 'self'");
    const size_t middle = (size_t)(end - rest) - strlen("<p>LIVE</p>");
    assert_int_equal(head + middle + strlen(end), n);
    assert_memory_equal(page.data, bytes, head);
    assert_memory_equal(rest, bytes + head, middle);
    assert_string_equal(end, bytes + head + middle);
    text_free(&page);
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arms_without_a_finished_run_show_the_others),
        cmocka_unit_test(test_figures_count_finished_runs_alone),
        cmocka_unit_test(test_verdicts_count_finished_runs_alone),
        cmocka_unit_test(test_files_that_change_cost_their_run_alone),
        cmocka_unit_test(test_the_served_page_is_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
