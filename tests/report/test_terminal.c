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

static void add_words(Text *text, const char *string);

/* At each width, however it is wrapped; and no line is wider. */
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
        Text words = {0};
        report_terminal(report, width, 0, &text);
        add_words(&words, text_string(&text));
        for (size_t i = 0; i < sizeof must / sizeof *must; i++)
            if (!strstr(text_string(&words), must[i]))
                fail_msg("width %d: no \"%s\" in\n%s", width, must[i], text_string(&text));
        assert_null(strchr(text_string(&text), '\033'));
        for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
            if (style_width(line) > width)
                fail_msg("width %d: %s", width, line);
        text_free(&text);
        text_free(&words);
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

/* Text of others moves no cursor, sets no title and prints no line of its own. */
static void test_text_of_others_is_made_visible(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    static const Scene hostile = {
        .n_arms = 1,
        .n_seeds = 1,
        .sink = scene_jump,
        .title = "T\\u001b]0;title\\u0007\\u202e",
        .claims = "[{\"text\":\"one\\r\\nrefframe: all fine \\u009b2J\",\"that\":\"seen(bidirectional)\",\"line\":1}]",
    };
    char *folder;
    Report *report = scene_collect(arena, &hostile, &folder);
    Text text = {0};
    report->runs[0].n_snapshots = 0;
    report->runs[0].reason = "\033[2J";
    report_terminal(report, 100, 0, &text);
    for (const char *c = text_string(&text); *c; c++)
        assert_true((unsigned char)*c >= ' ' || *c == '\n');
    assert_non_null(strstr(text_string(&text), "  T\\x1b]0;title\\x07\\u202e\n"));
    assert_non_null(strstr(text_string(&text), "    one refframe: all fine \\u009b2J\n"));
    assert_non_null(strstr(text_string(&text), ": \\x1b[2J\n"));
    text_free(&text);
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
                           "  What moves the label      pairs that differ   seeds alone   if dealt   p\n"
                           "  kind                      1.00 [1.00, 1.00]   0.00          0.50       0.062\n"
                           "    where both have a frame no pair             –             –          –\n"));
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

/* Words of a text, one space between them, each as it is shown. */
static void add_words(Text *text, const char *string)
{
    static const char space[] = " \n";
    for (string += strspn(string, space); *string; string += strspn(string, space)) {
        const size_t n = strcspn(string, space);
        text_add(text, text->size > 0 ? " " : "");
        text_add_visible(text, string, n);
        string += n;
    }
}

/* Rows of words of all kinds, deep and shallow, with gaps and without, and lines without any word. */
static void test_rows_keep_words_and_width(void **state)
{
    (void)state;
    static const char *const words[] = {
        "a",       "of",           "three", "\xC3\xA9l\xC3\xA8ve", "\xE2\x96\x88\xE2\x96\x88",
        "\x1b[2J", "\xff",         "(80)",  "some/where/far/away", "\xE2\x80\xAE",
        "key=1;",  "model.n_heads"};
    uint64_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        Text rows = {0}, wrapped = {0}, expected = {0}, found = {0};
        for (int w = 0, n = round % 40; w < n; w++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            const int gap = (seed >> 40) % 8 == 0 ? (int)(seed >> 50) % 40 : 1;
            text_addf(&rows, "%*s%s%s", gap, "", words[(seed >> 33) % N_TESTS(words)], (seed >> 60) == 0 ? "\n" : "");
        }
        const int width = 1 + round % 97, hang = round % 5;
        style_rows(&wrapped, text_string(&rows), hang, width);
        add_words(&expected, text_string(&rows));
        add_words(&found, text_string(&wrapped));
        assert_string_equal(text_string(&found), text_string(&expected));
        char *copy = strdup(text_string(&wrapped));
        for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"))
            if (style_width(line) > width && strchr(line + strspn(line, " "), ' '))
                fail_msg("width %d: \"%s\" of\n%s", width, line, text_string(&rows));
        free(copy);
        text_free(&rows);
        text_free(&wrapped);
        text_free(&expected);
        text_free(&found);
    }
}

/* Where a row goes on. */
static void test_rows_go_on_where_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *rows;
        int hang, width;
        const char *wrapped;
    } tests[] = {
        {"  --jobs N    runs at a time, as many as there are\n", 2, 38,
         "  --jobs N    runs at a time, as many\n              as there are\n"},
        {"  --accept-other-machine   go on with\n", 2, 40, "  --accept-other-machine\n    go on with\n"},
        {"                         weakness: one draw per sequence is noisy\n", 2, 40,
         "    weakness: one draw per sequence is\n      noisy\n"},
        {"one two three four five six\n\n seven", 0, 14, "one two three\nfour five six\n\n seven"},
        {"one two three four", 4, 12, "one two\n    three\n    four"},
        {"  a    b   c   d\n", 2, 400, "  a    b   c   d\n"},
        {"", 2, 40, ""},
    };
    for (size_t t = 0; t < N_TESTS(tests); t++) {
        Text text = {0};
        style_rows(&text, tests[t].rows, tests[t].hang, tests[t].width);
        assert_string_equal(text_string(&text), tests[t].wrapped);
        text_free(&text);
    }
}

static void test_show(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text text = {0};
    Error err;
    char *folder = scene_write(&scene), run[4200];
    snprintf(run, sizeof run, "%s/a-s1-000000000001", folder);
    assert_ok(report_show(arena, run, -1, 100, 0, &text, &err), &err);
    static const char *const must[] = {"step 100", "1.0",   "0.800", "0.20",      "centralized",
                                       "none",     "model", "first", "<bos> 1.00"};
    for (size_t i = 0; i < sizeof must / sizeof *must; i++)
        assert_non_null(strstr(text_string(&text), must[i]));
    for (int width = 40; width <= 140; width += 20) {
        text_clear(&text);
        assert_ok(report_show(arena, run, -1, width, 0, &text, &err), &err);
        for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
            if (style_width(line) > width)
                fail_msg("width %d: %s", width, line);
    }
    text_clear(&text);
    assert_ok(report_show(arena, run, 0, 100, 0, &text, &err), &err);
    assert_null(strstr(text_string(&text), "centralized"));
    assert_non_null(strstr(text_string(&text), "no head has an anchor"));
    assert_non_null(strstr(text_string(&text), "max inflow"));
    text_clear(&text);
    assert_ok(report_show(arena, run, 1, 100, 0, &text, &err),
              &err); /* what this snapshot did not measure is left out */
    assert_null(strstr(text_string(&text), "max inflow"));
    assert_non_null(strstr(text_string(&text), "sink idle"));
    text_clear(&text);
    assert_int_equal(report_show(arena, run, 7, 100, 0, &text, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "no snapshot at step 7; the nearest is 5"));
    assert_int_equal(report_show(arena, run, 1000, 100, 0, &text, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "the nearest is 100"));
    assert_int_equal(text.size, 0);
    text_free(&text);
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_says_what_it_must),        cmocka_unit_test(test_colour_changes_no_text),
        cmocka_unit_test(test_what_moves_the_label),           cmocka_unit_test(test_wrapping_keeps_words_and_width),
        cmocka_unit_test(test_text_of_others_is_made_visible), cmocka_unit_test(test_show),
        cmocka_unit_test(test_rows_keep_words_and_width),      cmocka_unit_test(test_rows_go_on_where_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
