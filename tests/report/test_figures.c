/* The two figures. Without these, a run could be missing from a picture, stand there under another's name, or be hidden
 * by one.
 */
#include "scene.h"

#include "report/export/export.h"
#include "report/figures.h"

/* A square for every finished run, in the colour of its final label; a dot for every one, those without a sink at
 * never. */
static void test_figures_show_every_run(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 3, .n_seeds = 4, .sink = scene_by_seed, .status = scene_one_absent};
    char *folder;
    Error err;
    Report *report = scene_collect(arena, &scene, &folder);
    assert_ok(report_write(report, NULL, folder, NULL, 0, &err), &err);
    const char *labels = scene_read(arena, folder, "labels.svg", NULL),
               *early = scene_read(arena, folder, "early.svg", NULL);
    assert_int_equal(scene_count(labels, "class=\"type1\">"), 3 + 2 + 1); /* a's, b's odd seeds; the legend's */
    assert_int_equal(scene_count(labels, "class=\"type0\">"), 2 + 4 + 1);
    assert_int_equal(scene_count(labels, "<title>b, seed 2: none</title>"), 1);
    assert_int_equal(scene_count(labels, "<title>a, seed 4"), 0);
    assert_int_equal(scene_count(early, "class=\"dot\""), 3 + 4);
    assert_int_equal(scene_count(early, "cx=\"816.0\""), 2); /* b's even seeds: never */
    assert_int_equal(scene_count(early, "never in 2 of 4"), 1);
    assert_int_equal(scene_count(early, ">Never, in any seed of 1 of 3 arms: c<"), 1); /* and no row */
    assert_int_equal(scene_count(early, ">c<"), 0);
    scratch_remove(folder);
    arena_free(arena);
}

/* The numbers behind each `what` of a text, in their order; returns how many. */
static int numbers_behind(const char *text, const char *what, int most, double *ret_numbers)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); n++) {
        at += strlen(what);
        assert_true(n < most);
        ret_numbers[n] = strtod(at, NULL);
    }
    return n;
}

/* What is drawn stands right of the longest name, however long, all of it as far as the rest; names stay where they
 * are. */
static void test_no_name_reaches_into_the_picture(void **state)
{
    (void)state;
    enum { MOST = 100 };
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 2, .n_seeds = 4, .sink = scene_by_seed};
    char *folder, value[61];
    Report *report = scene_collect(arena, &scene, &folder);
    static const char *const places[] = {"viewBox=\"0 0 ", "<text x=\"", "<rect x=\"", "cx=\"", "x1=\"", "x2=\""};
    enum { PLACES = sizeof places / sizeof *places };
    double x[2][PLACES][MOST];
    int n[2][PLACES];
    memset(value, 'x', 60), value[60] = '\0';
    for (int is_long = 0; is_long < 2; is_long++) {
        Text svg = {0};
        if (is_long)
            report->arms[0].values[0] = value;
        figure_early(report, &svg);
        for (int p = 0; p < PLACES; p++)
            n[is_long][p] = numbers_behind(text_string(&svg), places[p], MOST, x[is_long][p]);
        text_free(&svg);
    }
    const double shift = x[1][0][0] - x[0][0][0];
    assert_true(262 + shift > 12 + 60 * 6.5);
    for (int p = 0; p < PLACES; p++) {
        assert_true(n[0][p] > 0 && n[1][p] == n[0][p]);
        for (int i = 0; i < n[0][p]; i++)
            assert_near(x[1][p][i], x[0][p][i] <= 12 ? x[0][p][i] : x[0][p][i] + shift, 0.11);
    }
    scratch_remove(folder);
    arena_free(arena);
}

/* A value that two axes have, or that is true or false, says whose it is. */
static void test_figures_say_whose_a_value_is(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    ReportAxis axes[] = {{.name = "model.position.kind", .values = (const char *[]){"rope", "none"}, .n_values = 2},
                         {.name = "data.bos", .values = (const char *[]){"always", "never"}, .n_values = 2},
                         {.name = "eos", .values = (const char *[]){"never"}, .n_values = 1},
                         {.name = "model.mask.kind", .values = (const char *[]){"none"}, .n_values = 1},
                         {.name = "model.bias", .values = (const char *[]){"true"}, .n_values = 1}};
    const Report report = {.axes = axes, .n_axes = 5};
    const char *const told[][2] = {
        {"rope", "rope"}, {"always", "always"}, {"never", "eos never"}, {"none", "mask none"}, {"true", "bias true"}};
    for (int x = 0; x < 5; x++)
        assert_string_equal(report_value_name(arena, &report, x, told[x][0]), told[x][1]);
    assert_string_equal(report_value_name(arena, &report, 0, "none"), "position none");
    arena_free(arena);
}

/* Many arms without a sink are named, in lines of a readable length. */
static void test_arms_without_a_sink_are_named(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 24, .n_others = 4, .n_seeds = 1, .sink = scene_flat};
    char *folder;
    Text svg = {0};
    const Report *report = scene_collect(arena, &scene, &folder);
    figure_early(report, &svg);
    const char *text = text_string(&svg);
    assert_int_equal(scene_count(text, "class=\"dot\""), 0);
    assert_int_equal(scene_count(text, "0.25"), 0); /* no scale without rows */
    assert_int_equal(scene_count(text, " \xC2\xB7 "), report->n_arms);
    assert_true(scene_count(text, "<text") >= 1 + 2);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, "<text", 5) == 0)
            assert_true(strcspn(line, "\n") < 220);
    text_free(&svg);
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_show_every_run),
        cmocka_unit_test(test_no_name_reaches_into_the_picture),
        cmocka_unit_test(test_figures_say_whose_a_value_is),
        cmocka_unit_test(test_arms_without_a_sink_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
