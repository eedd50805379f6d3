/* Without these, the table that most people see could be cut off, misaligned or silent about missing runs. */
#include "scene.h"

#include "report/report.h"
#include "report/style.h"

static double some(int arm, int seed, int snapshot)
{
    return arm == 0 ? scene_jump(arm, seed, snapshot) : 0.05;
}

static RunStatus one_failed(int arm, int seed)
{
    return arm == 1 && seed == 3 ? RUN_FAILED : RUN_FINISHED;
}

static const Scene scene = {
    .n_arms = 2,
    .n_seeds = 6,
    .sink = some,
    .status = one_failed,
    .title = "Title",
    .claims = "[{\"text\":\"a forms early\",\"that\":\"onset(sink_mass_idle:strongest, kind=a) < "
              "11\",\"source\":\"\",\"file\":\"f\","
              "\"line\":1},{\"text\":\"b never does\",\"that\":\"onset(sink_mass_idle:strongest, kind=b) > "
              "50\",\"source\":\"\","
              "\"file\":\"f\",\"line\":2}]",
};

static void test_table_says_what_it_must(void **state)
{
    (void)state;
    static const char *const must[] = {"Title",
                                       "6 of 6",
                                       "5 [2, 10]",
                                       "0.80 [0.80]",
                                       "0.040",
                                       "0.20 [0.20]",
                                       "centralized 6/6 from 5",
                                       "5 of 6",
                                       "0 of 5",
                                       ">100 [>100]",
                                       "b: >100 [>100]",
                                       "none 5/5",
                                       "supported",
                                       "undecided, needs n >= 6",
                                       "a forms early",
                                       "96.9 %",
                                       "corrected for 2 claims:",
                                       "needs n >= 7",
                                       "0.031",
                                       "non-finite loss at step 7",
                                       "b-s3-000000000013",
                                       "sink_mass_idle"};
    Arena *arena = arena_new();
    char *folder;
    Report *report = scene_collect(arena, &scene, &folder);
    for (int width = 40; width <= 200; width += 40) {
        Text text = {0};
        report_terminal(report, width, 0, &text);
        for (size_t i = 0; i < sizeof must / sizeof *must; i++)
            if (!strstr(text_string(&text), must[i]))
                fail_msg("width %d: no \"%s\" in\n%s", width, must[i], text_string(&text));
        assert_null(strchr(text_string(&text), '\033'));
        text_free(&text);
    }
    scratch_remove(folder);
    arena_free(arena);
}

/* Colours decorate: without their sequences the text is the same. */
static void test_colour_changes_no_text(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *folder;
    Report *report = scene_collect(arena, &scene, &folder);
    Text plain = {0}, coloured = {0}, stripped = {0};
    report_terminal(report, 140, 0, &plain);
    report_terminal(report, 140, 1, &coloured);
    assert_non_null(strchr(text_string(&coloured), '\033'));
    for (const char *c = text_string(&coloured); *c; c++) {
        if (*c == '\033')
            c = strchr(c, 'm');
        else
            text_add_bytes(&stripped, c, 1);
    }
    assert_string_equal(text_string(&stripped), text_string(&plain));
    text_free(&plain);
    text_free(&coloured);
    text_free(&stripped);
    scratch_remove(folder);
    arena_free(arena);
}

/* Seeds 1 to 6 of a are centralized, b never is, and its third seed failed: five seeds, each with a pair that differs.
 */
static void test_what_moves_the_label(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *folder;
    Text text = {0};
    Report *report = scene_collect(arena, &scene, &folder);
    report_terminal(report, 200, 0, &text);
    assert_non_null(strstr(text_string(&text),
                           "\n"
                           "  What moves the label      pairs that differ     seeds alone   if dealt    p\n"
                           "  kind                      1.00 [1.00, 1.00]     0.00          0.50        0.062\n"
                           "    where both have a frame no pair               –             –           –\n"));
    text_clear(&text);
    report->n_seeds = 0; /* nothing to tell */
    report_terminal(report, 200, 0, &text);
    assert_null(strstr(text_string(&text), "What moves"));
    text_free(&text);
    scratch_remove(folder);
    arena_free(arena);
}

static void test_wrapping_keeps_words_and_width(void **state)
{
    (void)state;
    Text text = {0};
    const char *words =
        "one two three four five six seven eight nine ten \xC3\xA9l\xC3\xA8ve averyverylongwordthatcannotbebroken end";
    style_wrapped(&text, words, 2, 24, STYLE_PLAIN, 0);
    char *copy = strdup(text_string(&text)), joined[200] = "";
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        assert_memory_equal(line, "  ", 2);
        assert_true(style_width(line) <= 24 || !strchr(line + 2, ' '));
        strcat(strcat(joined, joined[0] ? " " : ""), line + 2);
    }
    assert_string_equal(joined, words);
    free(copy);
    text_free(&text);
}

static void test_show(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text text = {0};
    Error err;
    char *folder = scene_write(&scene), run[4200];
    snprintf(run, sizeof run, "%s/a-s1-000000000001", folder);
    assert_ok(report_show(arena, run, -1, 0, &text, &err), &err);
    static const char *const must[] = {"step 100", "1.0",   "0.800", "0.20",      "centralized",
                                       "none",     "model", "first", "<bos> 1.00"};
    for (size_t i = 0; i < sizeof must / sizeof *must; i++)
        assert_non_null(strstr(text_string(&text), must[i]));
    text_clear(&text);
    assert_ok(report_show(arena, run, 0, 0, &text, &err), &err);
    assert_null(strstr(text_string(&text), "centralized"));
    assert_non_null(strstr(text_string(&text), "no head has an anchor"));
    assert_non_null(strstr(text_string(&text), "max inflow"));
    text_clear(&text);
    assert_ok(report_show(arena, run, 1, 0, &text, &err), &err); /* what this snapshot did not measure is left out */
    assert_null(strstr(text_string(&text), "max inflow"));
    assert_non_null(strstr(text_string(&text), "sink idle"));
    text_clear(&text);
    assert_int_equal(report_show(arena, run, 7, 0, &text, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "no snapshot at step 7; the nearest is 5"));
    assert_int_equal(report_show(arena, run, 1000, 0, &text, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "the nearest is 100"));
    assert_int_equal(text.size, 0);
    text_free(&text);
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_says_what_it_must),
        cmocka_unit_test(test_colour_changes_no_text),
        cmocka_unit_test(test_what_moves_the_label),
        cmocka_unit_test(test_wrapping_keeps_words_and_width),
        cmocka_unit_test(test_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
