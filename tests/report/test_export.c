/* Without these, `git diff` after a run would not be a reproduction check, and a report could load things or be broken
 * by the strings of an experiment.
 */
#include "scene.h"

#include "base/json.h"
#include "base/table.h"
#include "report/anchors.h"
#include "report/changes.h"
#include "report/export/export.h"
#include "report/maps.h"

extern const Export export_template;

static const char *const on_request[] = {"geometry", "heads"};

static const Scene hostile = {
    .n_arms = 2,
    .n_seeds = 6,
    .sink = scene_jump,
    .title = "A </title><script>alert('@data@')</script> & @html/report.js@ title",
    .claims =
        "[{\"text\":\"</script><!-- <b>\",\"that\":\"onset(sink_mass_idle:strongest) < 11\",\"source\":\"arXiv "
        "2508.02546\","
        "\"file\":\"/home/me/x.yaml\",\"line\":3},{\"text\":\"t\",\"that\":\"seen(bidirectional)\",\"source\":\"\","
        "\"file\":\"f\",\"line\":4}]",
};

/* Every export of the registry, and the template, writes the same bytes wherever the results lie, and no trace of
 * where. */
static void test_equal_results_are_equal_bytes(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *folders[2], *outs[2], **names;
    int n_names;
    Error err;
    for (int k = 0; k < 2; k++) {
        Report *report = scene_collect(arena, &hostile, &folders[k]);
        outs[k] = scratch_folder();
        assert_ok(report_write(report, NULL, outs[k], on_request, sizeof on_request / sizeof *on_request, &err), &err);
        assert_ok(export_template.write(report, file_join(arena, outs[k], export_template.file), &err), &err);
    }
    assert_ok(file_list(arena, outs[0], &names, &n_names, &err), &err);
    assert_int_equal(n_names, 18);
    for (int i = 0; i < n_names; i++) {
        size_t n[2];
        const char *a = scene_read(arena, outs[0], names[i], &n[0]), *b = scene_read(arena, outs[1], names[i], &n[1]);
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(a, b, n[0]);
        assert_null(memmem(a, n[0], folders[0], strlen(folders[0])));
        assert_null(memmem(a, n[0], "/home/me", 8));
        assert_true(n[0] <= 10000000);
    }
    for (int k = 0; k < 2; k++) {
        scratch_remove(folders[k]);
        scratch_remove(outs[k]);
    }
    arena_free(arena);
}

/* ---- the page ---- */

static const char *between(const char *text, const char *open, const char *close, size_t *ret_n)
{
    const char *start = strstr(text, open), *end = start ? strstr(start + strlen(open), close) : NULL;
    if (!end) {
        fail_msg("no %s...%s", open, close);
        return NULL;
    }
    start += strlen(open);
    *ret_n = (size_t)(end - start);
    return start;
}

static double exact(int arm, int seed, int snapshot)
{
    return arm == 1 || snapshot < 3 ? 0.05 : 0.25 + seed * 0.125;
}

static void test_summary_to_the_digit(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 3, .n_seeds = 4, .sink = exact, .status = scene_one_absent};
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    report->n_arms = 2;
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    /* loss: median of 2 + 2/21, 2 + 2/51, 2 + 2/101 */
    assert_string_equal(
        scene_read(arena, folder, "summary.csv", NULL),
        "arm,kind,runs,finished,metric,onset,onset_low,onset_high,coverage,formed,final,final_low,final_high,floor,"
        "value_drain,value_drain_low,value_drain_high,loss,loss_low,loss_high,oracle_loss,frame,frame_runs,frame_by_"
        "token,"
        "frame_by_token_runs,frame_onset,frame_onset_low,frame_onset_high\n"
        "a,a,4,3,sink_mass_idle,5,5,5,0.75,3,0.5,0.375,0.625,0.04,0.5,0.375,0.625,2.0392156862745097,"
        "2.0392156862745097,2.0392156862745097,1.5,centralized,3,centralized,3,5,5,5\n"
        "b,b,4,4,sink_mass_idle,inf,inf,inf,0.875,0,0.05,0.05,0.05,0.04,0.95,0.95,0.95,2.0392156862745097,"
        "2.0392156862745097,2.0392156862745097,1.5,none,4,none,4,0,0,0\n");
    scratch_remove(folder);
    arena_free(arena);
}

/* By hand: in seeds 1 and 3, a = b != c; in seed 2, a != b = c; in seed 4, b = c, and a is absent, so that no share of
 * all three is known. By token a is distributed, and equals nobody; it has no pair with two frames in which they agree.
 * A seed's runs are held against the same arms' other seeds: only those of b differ. Of the three seeds that have all
 * three, b differs in two of three pairs of seeds, a and c in none; dealt anew, seeds 1 and 3 agree in 5/9 of pairs, 1
 * and 2 and 2 and 3 in 4/9; of 27 deals, 6 are as steady as what was found. */
static void test_changes_to_the_digit(void **state)
{
    (void)state;
    static const char *const rows[5][3] = {
        {"kind", "", ""}, {"kind", "a", "b"}, {"kind", "a", "c"}, {"kind", "b", "c"}, {"(seed)", "", ""}};
    static const struct {
        const char *name;
        double values[5];
    } columns[] = {
        {"pairs", {3, 1, 1, 1, 8}},
        {"seeds", {3, 3, 3, 4, 4}},
        {"coverage", {0.75, 0.75, 0.75, 0.875, 0.875}},
        {"changed", {2.0 / 3, 0, 1, 0.5, 0.25}},
        {"changed_low", {2.0 / 3, 0, 1, 0, 0.25}},
        {"changed_high", {2.0 / 3, 1, 1, 1, 1.0 / 3}},
        {"floor", {2.0 / 9, 1.0 / 3, 0, 1.0 / 3, NAN}},
        {"floor_dealt", {14.0 / 27, 1.0 / 3, 0.5, 5.0 / 12, NAN}},
        {"p", {6.0 / 27, 1, 0.25, 0.5, NAN}},
        {"unlabelled", {0, 0, 0, 0, 0}},
        {"changed_by_token", {1, 1, 1, 0.5, 0.25}},
        {"changed_by_token_low", {2.0 / 3, 1, 1, 0, 0.25}},
        {"changed_by_token_high", {1, 1, 1, 1, 1.0 / 3}},
        {"framed_pairs", {1, 1, 0, 0, 3}},
        {"framed_seeds", {2, 2, 0, 0, 3}},
        {"framed_changed", {0, 0, NAN, NAN, 0}},
        {"framed_floor", {0, 0, NAN, NAN, NAN}},
        {"framed_p", {1, 1, NAN, NAN, NAN}},
        {"framed_changed_by_token", {1, 1, NAN, NAN, 0}},
        {"framed_floor_dealt_by_token", {0.5, 0.5, NAN, NAN, NAN}},
        {"framed_p_by_token", {0.5, 0.5, NAN, NAN, NAN}},
    };
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 3, .n_seeds = 4, .sink = scene_by_seed, .status = scene_one_absent, .has_random_first = 2};
    Table *table;
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    assert_ok(table_from_csv(arena, "changes.csv", scene_read(arena, folder, "changes.csv", NULL), &table, &err), &err);
    assert_int_equal(table->n_rows, 5);
    for (int r = 0; r < 5; r++) {
        static const char *const texts[] = {"axis", "from", "to"};
        for (int c = 0; c < 3; c++)
            assert_string_equal(table_get_text(table, r, table_find(table, texts[c])), rows[r][c]);
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            const double value = table_get(table, r, table_find(table, columns[c].name)),
                         expected = columns[c].values[r];
            if (isnan(expected) ? !isnan(value) : !(fabs(value - expected) < 1e-12))
                fail_msg("%s of row %d: %g", columns[c].name, r, value);
        }
    }
    scratch_remove(folder);
    arena_free(arena);
}

/* Of two axes, each row of a set-up names the values of the other. */
/* Of one pair a seed the page counts the seeds: in seed 2 alone a and b differ, in 1 and 3 they do not, in 4 a is
 * absent. */
static void test_the_page_counts_the_seeds_that_differ(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 3, .n_seeds = 4, .sink = scene_by_seed, .status = scene_one_absent};
    char *folder;
    Text text = {0};
    JsonWriter json;
    Json *changes;
    Error err;
    const Report *report = scene_collect(arena, &scene, &folder);
    json_start(&json, &text, 0);
    changes_json(report, &json);
    assert_ok(json_parse(arena, "changes", text_string(&text), text.size, &changes, &err), &err);
    const Json *changed = json_get(changes->items[1], "changed");
    assert_int_equal(json_get_number(changed, "pairs", 0), 1);
    assert_int_equal(json_get_number(changed, "n", 0), 3);
    assert_int_equal(json_get_number(changed, "n_changed", -1), 1);
    text_free(&text);
    scratch_remove(folder);
    arena_free(arena);
}

static void test_changes_by_set_up(void **state)
{
    (void)state;
    static const char *const setups[] = {"", "", "", "", "other=x", "other=y", "", "kind=a", "kind=b", "kind=c", ""};
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 6, .n_others = 2, .n_seeds = 2, .sink = exact};
    Table *table;
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    assert_ok(table_from_csv(arena, "changes.csv", scene_read(arena, folder, "changes.csv", NULL), &table, &err), &err);
    assert_int_equal(table->n_rows, sizeof setups / sizeof *setups);
    for (int r = 0; r < table->n_rows; r++)
        assert_string_equal(table_get_text(table, r, table_find(table, "setup")), setups[r]);
    scratch_remove(folder);
    arena_free(arena);
}

/* a forms by step 5, its last values 0.375, 0.5, ... of seeds 1, 2, ...; b by 20, at 0.5; c never. */
static double in_turn(int arm, int seed, int snapshot)
{
    return arm == 0 && snapshot >= 3 ? 0.25 + seed * 0.125 : arm == 1 && snapshot >= 5 ? 0.5 : 0.05;
}

/* By hand: five seeds have both a and the other, six have b and c. Onsets (2, 5] and (10, 20] are 5 to 18 apart. */
static void test_differences_to_the_digit(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 3, .n_seeds = 6, .sink = in_turn, .status = scene_one_absent};
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    assert_string_equal(
        scene_read(arena, folder, "differences.csv", NULL),
        "axis,arm_a,arm_b,of,n,difference,difference_low,difference_high,coverage,p,logrank_z,logrank_p\n"
        "kind,a,b,onset,5,-15,-18,-5,0.9375,0.0625,3,0.0625\n"
        "kind,a,b,final,5,0.125,-0.125,0.5,0.9375,1,,\n"
        "kind,a,b,loss,5,0,0,0,0.9375,1,,\n"
        "kind,a,c,onset,5,-inf,-inf,-inf,0.9375,0.0625,3,0.0625\n"
        "kind,a,c,final,5,0.575,0.325,0.95,0.9375,0.0625,,\n"
        "kind,a,c,loss,5,0,0,0,0.9375,1,,\n"
        "kind,b,c,onset,6,-inf,-inf,-inf,0.96875,0.03125,3.3166247903554,0.03125\n"
        "kind,b,c,final,6,0.45,0.45,0.45,0.96875,0.03125,,\n"
        "kind,b,c,loss,6,0,0,0,0.96875,1,,\n");
    assert_string_equal(scene_read(arena, folder, "formed.csv", NULL), "arm,by,at_risk,formed,share\n"
                                                                       "a,5,5,5,1\n"
                                                                       "b,20,6,6,1\n"
                                                                       "c,100,6,0,0\n");
    scratch_remove(folder);
    arena_free(arena);
}

/* A head that comes in (0, 1] and stays weaker than the one that ends strongest: the onset is the first's, the final
 * value the strongest's. */
static void test_onsets_are_the_first_heads(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 2, .n_seeds = 6, .sink = in_turn};
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    for (int r = 0; r < report->n_runs; r++) {
        const RunMetric *own = &report->runs[r].metrics[report->headline];
        for (int i = PART_COUNT; report->runs[r].arm == 1 && i < own->n * PART_COUNT; i++)
            own->values[i * SCENE_LAYERS * SCENE_HEADS] = 0.4; /* of head 0.0, from the second snapshot on */
    }
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    const char *differences = scene_read(arena, folder, "differences.csv", NULL);
    assert_non_null(strstr(differences, "kind,a,b,onset,6,4,1,5,0.96875,0.03125,-"));
    assert_non_null(strstr(differences, "kind,a,b,final,6,0.1875,-0.125,0.5,"));
    assert_non_null(strstr(scene_read(arena, folder, "formed.csv", NULL), "b,1,6,6,1\n"));
    scratch_remove(folder);
    arena_free(arena);
}

/* Nothing formed anywhere: how far apart the onsets are is not known, which is not that they are equal. */
static void test_two_that_never_came_are_not_told(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 2, .n_seeds = 6, .sink = scene_flat};
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    assert_non_null(
        strstr(scene_read(arena, folder, "differences.csv", NULL), "kind,a,b,onset,6,0,-inf,inf,0.96875,1,0,1\n"));
    scratch_remove(folder);
    arena_free(arena);
}

/* Two arms are compared that differ on one axis alone; of a long axis, each with the first. */
static void test_which_arms_are_compared(void **state)
{
    (void)state;
    static const struct {
        int n_arms, n_others, n_pairs;
    } cases[] = {{6, 2, 2 * 3 + 3}, {12, 0, 66}, {14, 0, 13}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Arena *arena = arena_new();
        Scene scene = {.n_arms = cases[c].n_arms, .n_others = cases[c].n_others, .n_seeds = 1, .sink = scene_flat};
        char *folder;
        Error err;
        Report *report = scene_collect(arena, &scene, &folder);
        assert_ok(export_find("differences")->write(report, file_join(arena, folder, "differences.csv"), &err), &err);
        const char *text = scene_read(arena, folder, "differences.csv", NULL);
        assert_int_equal(scene_count(text, ",final,1,"), cases[c].n_pairs);
        assert_int_equal(scene_count(text, "\n"), 1 + 3 * cases[c].n_pairs);
        scratch_remove(folder);
        arena_free(arena);
    }
}

/* What the page shows is what lies beside it. */
static void test_the_page_has_the_figures(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *folder;
    size_t n = 0;
    Json *data;
    Error err;
    Report *report = scene_collect(arena, &hostile, &folder);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    const char *json = between(scene_read(arena, folder, "report.html", NULL), "id=\"data\">", "</script>", &n);
    assert_ok(json_parse(arena, "data", json, n, &data, &err), &err);
    const Json *shown = json_get(data, "figures");
    assert_int_equal(shown->n_items, 2);
    for (int f = 0; f < shown->n_items; f++) {
        const char *file = arena_format(arena, "%s.svg", json_get_string(shown->items[f], "name", ""));
        assert_string_equal(json_get_string(shown->items[f], "svg", ""), scene_read(arena, folder, file, NULL));
    }
    scratch_remove(folder);
    arena_free(arena);
}

static int find_row(const Table *table, const char *const (*cells)[2], int n)
{
    for (int r = 0; r < table->n_rows; r++) {
        int fits = 1;
        for (int c = 0; c < n && fits; c++)
            fits = strcmp(table_get_text(table, r, table_find(table, cells[c][0])), cells[c][1]) == 0;
        if (fits)
            return r;
    }
    return -1;
}

static void test_long_tables_read_back(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = exact};
    Table *onsets, *geometry;
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    assert_ok(report_write(report, NULL, folder, on_request, 1, &err), &err);
    assert_ok(table_from_csv(arena, "onset.csv", scene_read(arena, folder, "onset.csv", NULL), &onsets, &err), &err);
    int r = find_row(onsets, (const char *const[][2]){{"of", "sink_mass_idle"}, {"level", "first"}}, 2);
    const struct {
        const char *column;
        double value;
    } cells[] = {{"layer", 1},       {"head", 0},           {"after", 2},
                 {"by", 5},          {"tokens_after", 20},  {"tokens_by", 50},
                 {"targets_by", 45}, {"loss", 2 + 2.0 / 6}, {"early", (4 - (2 + 2.0 / 6)) / 2.5}};
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        assert_near(table_get(onsets, r, table_find(onsets, cells[c].column)), cells[c].value, 1e-12);
    /* halved at snapshot 1, and never */
    assert_string_equal(table_get_text(onsets, r, table_find(onsets, "held_out_loss:copy halved")), "after");
    assert_string_equal(table_get_text(onsets, r, table_find(onsets, "held_out_loss:drawn halved")), "before");
    for (int k = 0; k < 2; k++) {
        const char *of = k ? "frame_by_token:centralized" : "frame:centralized";
        r = find_row(onsets, (const char *const[][2]){{"of", of}, {"level", "model"}}, 2);
        assert_near(table_get(onsets, r, table_find(onsets, "by")), 5, 0);
        assert_string_equal(table_get_text(onsets, r, table_find(onsets, "held_out_loss:copy halved")), "after");
    }
    r = find_row(onsets, (const char *const[][2]){{"of", "max_inflow"}, {"level", "first"}}, 2);
    const struct {
        const char *column;
        double value;
    } sparse[] = {{"after", 2},          {"by", 10}, {"tokens_after", 20}, {"tokens_by", 100}, {"targets_by", 90},
                  {"loss", 2 + 2.0 / 11}}; /* of the snapshots that measured it */
    for (size_t c = 0; c < sizeof sparse / sizeof *sparse; c++)
        assert_near(table_get(onsets, r, table_find(onsets, sparse[c].column)), sparse[c].value, 1e-12);
    assert_true(find_row(onsets, (const char *const[][2]){{"of", "ablation_cost"}, {"level", "model"}}, 2) >= 0);
    assert_int_equal(find_row(onsets, (const char *const[][2]){{"of", "ablation_cost"}, {"level", "first"}}, 2), -1);
    r = find_row(onsets, (const char *const[][2]){{"of", "frame:bidirectional"}, {"level", "model"}}, 2);
    assert_string_equal(table_get_text(onsets, r, table_find(onsets, "kind")), "never");
    assert_true(isnan(table_get(onsets, r, table_find(onsets, "by"))));
    assert_string_equal(table_get_text(onsets, r, table_find(onsets, "held_out_loss:copy halved")), "");
    r = find_row(onsets, (const char *const[][2]){{"of", "held_out_loss:copy halved"}}, 1);
    assert_near(table_get(onsets, r, table_find(onsets, "by")), 1, 0); /* 4 / (1 + s): halved at snapshot 1 */
    assert_true(
        isnan(table_get(onsets, r, table_find(onsets, "held_out_loss:absent halved")))); /* a column of blanks */
    assert_int_equal(find_row(onsets, (const char *const[][2]){{"of", "held_out_loss:absent halved"}}, 1), -1);

    assert_ok(table_from_csv(arena, "geometry.csv", scene_read(arena, folder, "geometry.csv", NULL), &geometry, &err),
              &err);
    /* 4 losses at model level, 3 head metrics and 1 layer metric at 1 + L levels, S snapshots; then the sparse ones */
    assert_int_equal(geometry->n_rows,
                     (4 + 4 * (1 + SCENE_LAYERS)) * SCENE_SNAPSHOTS + (1 + SCENE_LAYERS + 1) * SCENE_SPARSE);
    r = find_row(geometry, (const char *const[][2]){{"metric", "max_inflow"}}, 1); /* the model's, which come first */
    assert_true(isnan(table_get(geometry, r, table_find(geometry, "layer"))));
    assert_near(table_get(geometry, r, table_find(geometry, "n")), 3, 0); /* the least of the heads' */
    r = find_row(geometry, (const char *const[][2]){{"metric", "ablation_cost"}}, 1);
    assert_near(table_get(geometry, r, table_find(geometry, "n")), 2, 0);
    assert_near(table_get(geometry, r, table_find(geometry, "sd")), 0.5, 0);
    assert_near(table_get(geometry, r, table_find(geometry, "start")), 0.05, 0);
    double last = (double)NAN;
    for (int row = 0; row < geometry->n_rows; row++)
        if (strcmp(table_get_text(geometry, row, table_find(geometry, "metric")), "sink_mass_idle") == 0 &&
            table_get(geometry, row, table_find(geometry, "layer")) == 1)
            last = table_get(geometry, row, table_find(geometry, "value"));
    assert_near(last, (0.375 + 0.04) / 2, 1e-15);
    scratch_remove(folder);
    arena_free(arena);
}

/* Four sequences whose first tokens are a, é, </script>, a: head 1.0 rests on all of them. */
static void test_anchors_by_token(void **state)
{
    (void)state;
    static const struct {
        double token, share, anchors, top_share;
        const char *text;
    } rows[] = {{3, 0.5, 2, 0.5, "a"}, {4, 0.25, 1, 0.25, "\xC3\xA9"}, {5, 0.25, 1, 0.25, "</script>"}};
    static const char *const scopes[][2] = {{"", ""}, {"1", ""}, {"1", "0"}}; /* the other heads have none */
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = exact, .has_random_first = 1};
    Table *table;
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    assert_ok(table_from_csv(arena, "tokens.csv", scene_read(arena, folder, "tokens.csv", NULL), &table, &err), &err);
    assert_int_equal(table->n_rows, 9);
    for (int r = 0; r < 9; r++) {
        assert_near(table_get(table, r, table_find(table, "step")), 100, 0);
        for (int k = 0; k < 2; k++) {
            const double cell = table_get(table, r, table_find(table, k ? "head" : "layer"));
            assert_true(scopes[r / 3][k][0] ? cell == scopes[r / 3][k][0] - '0' : isnan(cell));
        }
        assert_near(table_get(table, r, table_find(table, "token")), rows[r % 3].token, 0);
        assert_string_equal(table_get_text(table, r, table_find(table, "text")), rows[r % 3].text);
        assert_near(table_get(table, r, table_find(table, "share")), rows[r % 3].share, 1e-12);
        assert_near(table_get(table, r, table_find(table, "anchors")), rows[r % 3].anchors, 0);
        assert_near(table_get(table, r, table_find(table, "top_share")), rows[r % 3].top_share, 1e-12);
    }
    scratch_remove(folder);
    arena_free(arena);
}

static void test_what_a_reader_sees_of_an_anchor(void **state)
{
    (void)state;
    static const char *const tokens[][2] = {{"<bos>", "<bos>"}, {",", "\",\""},   {" ", "\" \""},
                                            {"\n", "\"\\n\""},  {"<>", "\"<>\""}, {"\"", "\"\\\"\""},
                                            {"\t", "\"\\x09\""}};
    static const struct {
        int place, is_checked;
        const char *shown;
    } places[] = {{0, 1, "first"}, {-1, 1, "last"}, {-3, 1, "last-2"}, {5, 1, "5"}, {5, 0, "5?"}};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        assert_string_equal(token_shown(arena, tokens[i][0]), tokens[i][1]);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const Frame frame = {.place = places[i].place, .place_checked = places[i].is_checked};
        assert_string_equal(place_shown(arena, &frame), places[i].shown);
    }
    arena_free(arena);
}

static void test_page_carries_its_data_whatever_the_strings(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *folder;
    size_t n;
    Json *data;
    Error err;
    Report *report = scene_collect(arena, &hostile, &folder);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    const char *html = scene_read(arena, folder, "report.html", NULL);
    const char *title = between(html, "<title>", "</title>", &n);
    assert_memory_equal(title, "A &lt;/title&gt;", 15);
    const char *json = between(html, "id=\"data\">", "</script>", &n);
    assert_ok(json_parse(arena, "data", json, n, &data, &err), &err);
    assert_string_equal(json_get_string(data, "title", ""), hostile.title);
    assert_null(memchr(json, '<', n)); /* no "</script" and no "<!--" can stand in it */
    const Json *verdict = json_get(data, "verdicts")->items[0];
    assert_string_equal(json_get_string(verdict, "text", ""), "</script><!-- <b>");
    assert_string_equal(json_get_string(verdict, "verdict", ""), "supported");
    assert_int_equal(json_get(data, "arms")->n_items, 2);

    /* head 1.0 of the median seed rests on <bos>, which is first */
    const Json *anchors = json_get(json_get(data, "arms")->items[0], "anchors"), *heads = json_get(anchors, "heads");
    assert_int_equal(heads->n_items, SCENE_LAYERS * SCENE_HEADS);
    assert_int_equal(heads->items[0]->type, JSON_NULL);
    assert_int_equal(json_get_number(heads->items[2], "place", -9), 0);
    assert_string_equal(json_get(heads->items[2], "tokens")->items[0]->items[1]->string, "<bos>");
    assert_near(json_get(heads->items[2], "tokens")->items[0]->items[2]->number, 1, 0);

    /* a series says at which of the arm's snapshots it was measured, if not at all of them */
    const Json *metrics = json_get(data, "metrics"), *series = json_get(json_get(data, "arms")->items[0], "series");
    for (int m = 0; m < metrics->n_items; m++) {
        const int is_sparse = strcmp(json_get_string(metrics->items[m], "name", ""), "max_inflow") == 0 ||
                              strcmp(json_get_string(metrics->items[m], "level", ""), "model") == 0;
        const Json *at = json_get(series->items[m], "at");
        assert_int_equal(at ? at->n_items : SCENE_SNAPSHOTS, is_sparse ? SCENE_SPARSE : SCENE_SNAPSHOTS);
        assert_int_equal(json_get(json_get(series->items[m], "model"), "band")->items[1]->n_items,
                         is_sparse ? SCENE_SPARSE : SCENE_SNAPSHOTS);
    }

    /* the template's words are all replaced, and replaced text is not looked through again */
    assert_null(strstr(html, "@data@</script>\n<script>"));
    assert_non_null(strstr(json, "@html/report.js@ title"));
    assert_null(strstr(html, ">@"));

    /* nothing is fetched: a policy forbids it, and nothing asks for it */
    assert_non_null(strstr(html, "Content-Security-Policy\" content=\"default-src 'none'"));
    static const char *const loads[] = {"src=\"http", "href=\"http", "url(http",         "@import", "<link",
                                        "<iframe",    "fetch(",      "sourceMappingURL", "import("};
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        if (strstr(html, loads[i]))
            fail_msg("the page holds %s", loads[i]);
    assert_non_null(strstr(html, "MIT")); /* the library's licence travels along */
    scratch_remove(folder);
    arena_free(arena);
}

/* Every metric again and again under other names, the second half as published. */
static void multiply_metrics(Arena *arena, Report *report, int n)
{
    const int own = report->n_metrics;
    ReportMetric *metrics = ARENA_ARRAY(arena, ReportMetric, n);
    for (int m = 0; m < n; m++) {
        metrics[m] = report->metrics[m % own];
        metrics[m].name = m < own ? metrics[m].name : arena_format(arena, "%s@%d", metrics[m].name, m);
        metrics[m].family = m < n / 2 ? "f" : "pub_graph";
    }
    for (int r = 0; r < report->n_runs; r++) {
        RunMetric *values = ARENA_ARRAY(arena, RunMetric, n);
        for (int m = 0; m < n; m++)
            values[m] = report->runs[r].metrics[m % own];
        report->runs[r].metrics = values;
    }
    report->metrics = metrics;
    report->n_metrics = n;
}

/* However much was measured, the page stays small, keeps what claims rest on, and says what it left out. */
static void test_page_stays_small(void **state)
{
    (void)state;
    enum { MANY = 600 };
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 24, .n_seeds = 2, .sink = exact};
    char *folder;
    size_t n;
    Json *data;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    multiply_metrics(arena, report, MANY);
    for (const Export *const *export = export_registry; *export; export ++)
        if (strcmp((*export)->variant.name, "html") == 0)
            assert_ok((*export)->write(report, file_join(arena, folder, (*export)->file), &err), &err);
    const char *html = scene_read(arena, folder, "report.html", &n);
    assert_true(n <= 10000000);
    const char *json = between(html, "id=\"data\">", "</script>", &n);
    assert_ok(json_parse(arena, "data", json, n, &data, &err), &err);
    const Json *carried = json_get(data, "metrics");
    assert_int_equal(json_get_number(data, "measured", 0), MANY);
    assert_in_range(carried->n_items, 100, MANY - 1);
    int n_declared = 0, has_headline = 0;
    for (int m = 0; m < carried->n_items; m++) {
        const int is_own = strcmp(json_get_string(carried->items[m], "family", ""), "f") == 0;
        n_declared += is_own && json_get(carried->items[m], "threshold")->type == JSON_NUMBER;
        has_headline |= strcmp(json_get_string(carried->items[m], "name", ""), "sink_mass_idle") == 0;
    }
    int n_planned = 0;
    for (int m = 0; m < MANY / 2; m++)
        n_planned += !isnan(report->metrics[m].threshold);
    assert_true(has_headline);
    assert_int_equal(n_declared, n_planned); /* those with an onset come before the rest */
    assert_int_equal(json_get(json_get(data, "arms")->items[23], "maps")->type, JSON_OBJECT);
    scratch_remove(folder);
    arena_free(arena);
}

static unsigned char sextet(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(alphabet, c);
    return (unsigned char)(at && c ? at - alphabet : 0);
}

/* Byte `index` of base64 text. */
static int byte_at(const char *base64, size_t index)
{
    const char *group = base64 + index / 3 * 4;
    const unsigned bits = (unsigned)sextet(group[0]) << 18 | (unsigned)sextet(group[1]) << 12 |
                          (unsigned)sextet(group[2]) << 6 | sextet(group[3]);
    return (int)(bits >> (16 - 8 * (index % 3)) & 255);
}

static Json *maps_of(Arena *arena, const Report *report, size_t budget)
{
    Text text = {0};
    JsonWriter json;
    Json *maps;
    Error err;
    json_start(&json, &text, 0);
    assert_ok(maps_json(report, &report->runs[0], budget, &json, &err), &err);
    assert_true(text.size < budget + 2000);
    assert_ok(json_parse(arena, "maps", text_string(&text), text.size, &maps, &err), &err);
    text_free(&text);
    return maps;
}

static void test_maps_keep_their_weights(void **state)
{
    (void)state;
    for (int is_full = 0; is_full < 2; is_full++) {
        Arena *arena = arena_new();
        Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = exact, .is_full = is_full};
        char *folder;
        const Report *report = scene_collect(arena, &scene, &folder);
        const Json *maps = maps_of(arena, report, 1000000);
        const int T = SCENE_LENGTH, cells = is_full ? T * T : T * (T + 1) / 2, last = SCENE_SNAPSHOTS - 1, row = 20;
        assert_int_equal(json_get(maps, "steps")->n_items, SCENE_SNAPSHOTS);
        assert_int_equal(json_get_number(maps, "pool", 0), 1);
        assert_string_equal(json_get(maps, "tokens")->items[5]->string, "</script>");
        /* head 1.0 is the third of four; row 20 gives 0.375 + (1 - 0.375)/n to position 0 */
        const size_t base = (size_t)((last * 4 + 2) * cells + (is_full ? row * T : row * (row + 1) / 2));
        const double expected = 0.375 + 0.625 / (is_full ? T : row + 1);
        for (int k = 0; k < 2; k++) {
            const int q = byte_at(json_get_string(maps, k ? "first" : "mean", ""), base);
            assert_near(q * q / 65025.0, expected, 0.005);
        }
        scratch_remove(folder);
        arena_free(arena);
    }
}

/* Unpacked by its runs, a map is what it was before, pooled or not, and nothing that the mask shows is left out. */
static void test_packed_maps_are_what_the_mask_shows(void **state)
{
    (void)state;
    enum { T = SCENE_LENGTH, HEAD = 2 };
    static const size_t budgets[] = {1000000, 5000};
    for (int mask = 0; mask < 3; mask++)
        for (int is_pooled = 0; is_pooled < 2; is_pooled++) {
            Arena *arena = arena_new();
            Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = exact, .is_full = mask == 1, .window = mask == 2 ? 5 : 0};
            char *folder;
            const Report *report = scene_collect(arena, &scene, &folder);
            const Json *maps = maps_of(arena, report, budgets[is_pooled]), *rows = json_get(maps, "visible");
            const Visible visible = scene_visible(arena, &scene, T);
            const int pool = (int)json_get_number(maps, "pool", 0), side = T / pool;
            double weights[T][T] = {{0}}, shown[T][T] = {{0}};
            int pairs[T][T] = {{0}}, n_cells = 0, n_in_head = 0;
            assert_true((pool > 1) == is_pooled);
            assert_int_equal(rows->n_items, side);
            for (int i = 0; i < T; i++)
                for (int j = 0; j < T; j++)
                    if (keys_include(&visible.keys[i], j)) {
                        const int n = keys_count(&visible.keys[i]);
                        weights[i / pool][j / pool] += ((j == 0 ? 0.375 : 0) + 0.625 / n) / pool;
                        pairs[i / pool][j / pool]++;
                    }
            for (int i = 0; i < side; i++)
                for (int r = 0; r < rows->items[i]->n_items; r++)
                    n_in_head +=
                        (int)(rows->items[i]->items[r]->items[1]->number - rows->items[i]->items[r]->items[0]->number);
            const size_t base = (size_t)((json_get(maps, "steps")->n_items - 1) * 4 + HEAD) * (size_t)n_in_head;
            for (int i = 0; i < side; i++)
                for (int r = 0; r < rows->items[i]->n_items; r++) {
                    Json *const *run = rows->items[i]->items[r]->items;
                    for (int j = (int)run[0]->number; j < (int)run[1]->number; j++, n_cells++) {
                        const int q = byte_at(json_get_string(maps, "mean", ""), base + (size_t)n_cells);
                        assert_true(pairs[i][j] > 0);
                        shown[i][j] = q * q / 65025.0;
                    }
                }
            for (int i = 0; i < side; i++)
                for (int j = 0; j < side; j++)
                    assert_near(shown[i][j], weights[i][j], 0.005);
            if (mask == 2 && !is_pooled) /* two runs a row: the first keys, the window */
                assert_int_equal(rows->items[20]->n_items, 2);
            scratch_remove(folder);
            arena_free(arena);
        }
}

/* With less room: the sequence's own maps go first, then positions are pooled; rows keep their sum, and all
 * steps play. */
static void test_maps_fit_their_budget(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = exact};
    char *folder;
    const Report *report = scene_collect(arena, &scene, &folder);
    const Json *maps = maps_of(arena, report, 25000);
    assert_null(json_get(maps, "first"));
    assert_int_equal(json_get_number(maps, "pool", 0), 1);
    maps = maps_of(arena, report, 8000);
    assert_int_equal(json_get_number(maps, "pool", 0), 2);
    assert_int_equal(json_get_number(maps, "side", 0), SCENE_LENGTH / 2);
    assert_int_equal(json_get(maps, "steps")->n_items, SCENE_SNAPSHOTS);
    const int side = SCENE_LENGTH / 2, cells = side * (side + 1) / 2, row = 10;
    double sum = 0;
    for (int j = 0; j <= row; j++) {
        const int q = byte_at(json_get_string(maps, "mean", ""), (size_t)(2 * cells + row * (row + 1) / 2 + j));
        sum += q * q / 65025.0;
    }
    assert_near(sum, 1, 0.03);
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_results_are_equal_bytes),
        cmocka_unit_test(test_summary_to_the_digit),
        cmocka_unit_test(test_changes_to_the_digit),
        cmocka_unit_test(test_the_page_counts_the_seeds_that_differ),
        cmocka_unit_test(test_changes_by_set_up),
        cmocka_unit_test(test_differences_to_the_digit),
        cmocka_unit_test(test_onsets_are_the_first_heads),
        cmocka_unit_test(test_two_that_never_came_are_not_told),
        cmocka_unit_test(test_which_arms_are_compared),
        cmocka_unit_test(test_the_page_has_the_figures),
        cmocka_unit_test(test_long_tables_read_back),
        cmocka_unit_test(test_anchors_by_token),
        cmocka_unit_test(test_what_a_reader_sees_of_an_anchor),
        cmocka_unit_test(test_page_carries_its_data_whatever_the_strings),
        cmocka_unit_test(test_page_stays_small),
        cmocka_unit_test(test_maps_keep_their_weights),
        cmocka_unit_test(test_packed_maps_are_what_the_mask_shows),
        cmocka_unit_test(test_maps_fit_their_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
