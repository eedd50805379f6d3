/* The language of claims. Without this file a misspelt claim could parse as another one, or a claim that nothing can
 * judge (a label against a number, an onset against a share) could reach the verdicts. */
#include "base/claim.h"

#include <math.h>

#include "testing.h"

static Claim parse(Arena *arena, const char *that)
{
    Claim claim = {0};
    Error err;
    assert_ok(claim_parse(arena, "e.yaml", 3, that, &claim, &err), &err);
    return claim;
}

static void test_reads_every_term(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Claim c = parse(arena, "onset(sink_mass_idle:strongest, model.position.kind=rope, ends=both) < 200 and "
                           "early(frame:centralized) <= early(frame:distributed,a=b)and frame(x=1e-3)!=none "
                           "and frame_by_token() = frame ( a = \"b, (c)\" ) and seen(bidirectional, ends=bare) "
                           "and 0.5 > median(sink_rate@0.3) and onset(x) >= inf "
                           "and early(loss:copy, a=b) < 1 and changes(task, ends=bare) > changes(ends) "
                           "and changes_framed(task, a=b) < changes(x) and median(loss:copy, a=b) < median(loss:x)");
    assert_int_equal(c.n_comparisons, 11);
    const Comparison *k = c.comparisons;
    assert_int_equal(k[0].left.kind, TERM_ONSET);
    assert_string_equal(k[0].left.metric, "sink_mass_idle");
    assert_true(k[0].left.is_strongest);
    assert_int_equal(k[0].left.n_selects, 2);
    assert_string_equal(k[0].left.selects[0].axis, "model.position.kind");
    assert_string_equal(k[0].left.selects[1].value, "both");
    assert_int_equal(k[0].comparator, COMPARE_LT);
    assert_true(k[0].right.number == 200);
    assert_int_equal(k[1].comparator, COMPARE_LE);
    assert_null(k[1].left.metric);
    assert_string_equal(k[1].left.label, "centralized");
    assert_string_equal(k[1].right.selects[0].value, "b");
    assert_int_equal(k[2].comparator, COMPARE_NE);
    assert_int_equal(k[2].right.kind, TERM_LABEL);
    assert_string_equal(k[2].left.selects[0].value, "1e-3");
    assert_int_equal(k[3].left.kind, TERM_FRAME_BY_TOKEN);
    assert_int_equal(k[3].left.n_selects, 0);
    assert_string_equal(k[3].right.selects[0].value, "b, (c)");
    assert_int_equal(k[4].comparator, COMPARE_HOLDS);
    assert_string_equal(k[4].left.label, "bidirectional");
    assert_int_equal(k[5].left.kind, TERM_NUMBER);
    assert_int_equal(k[5].comparator, COMPARE_GT);
    assert_string_equal(k[5].right.metric, "sink_rate@0.3");
    assert_true(isinf(k[6].right.number));
    assert_null(k[7].left.metric);
    assert_string_equal(k[7].left.group, "copy");
    assert_string_equal(k[7].left.selects[0].value, "b");
    assert_string_equal(k[8].left.axis, "task");
    assert_string_equal(k[8].left.selects[0].value, "bare");
    assert_int_equal(k[8].right.n_selects, 0);
    assert_int_equal(k[9].left.kind, TERM_CHANGES_FRAMED);
    assert_string_equal(k[9].left.axis, "task");
    assert_int_equal(k[10].left.kind, TERM_MEDIAN);
    assert_null(k[10].left.metric);
    assert_string_equal(k[10].left.group, "copy");
    assert_string_equal(k[10].left.selects[0].value, "b");
    assert_string_equal(k[10].right.group, "x");
    assert_true(term_is_changes(&k[9].left) && term_is_changes(&k[9].right) && !term_is_changes(&k[7].left));
    arena_free(arena);
}

/* A paper's number and how far off it may be: two comparisons with one left side, whatever stands around them. */
static void test_reads_about_a_number_as_two_bounds(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Claim c = parse(arena, "onset(x) < 3 and median(m:strongest, a=b) ~ 0.5 +- 0.125 and median(y)~-2 +-1e-1");
    assert_int_equal(c.n_comparisons, 5);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(c.comparisons[i].comparator, i % 2 ? COMPARE_GE : COMPARE_LE);
        assert_int_equal(c.comparisons[i].left.kind, TERM_MEDIAN);
        assert_string_equal(c.comparisons[i].left.metric, i < 3 ? "m" : "y");
        assert_int_equal(c.comparisons[i].left.n_selects, i < 3);
        assert_int_equal(c.comparisons[i].right.kind, TERM_NUMBER);
    }
    assert_true(c.comparisons[1].right.number == 0.375 && c.comparisons[2].right.number == 0.625);
    assert_true(c.comparisons[3].right.number == -2.1 && c.comparisons[4].right.number == -1.9);
    arena_free(arena);
}

static void test_refuses_with_column(void **state)
{
    (void)state;
    static const struct {
        const char *that, *message;
    } cases[] = {
        {"", "column 1: expected a number, a label or one of onset, median, early, frame, frame_by_token, seen, "
             "changes, changes_framed, found the end"},
        {"onst(x) < 3", "column 1: unknown function \"onst\"; did you mean \"onset\"?"},
        {"onset() < 3", "column 7: expected a metric, frame:TYPE or loss:GROUP, found \")\""},
        {"onset(x < 3", "column 9: expected \",\" or \")\", found \"<\""},
        {"onset(x, a) < 3", "column 11: expected \"=\" and a value, found \")\""},
        {"onset(x, a=) < 3", "column 12: expected a value, found \")\""},
        {"onset(x, a=1, a=2) < 3", "column 15: a is given twice"},
        {"onset(x:weakest) < 3", "column 9: after \"x:\" only strongest may stand, found \"weakest\""},
        {"median(frame:none) < 3", "column 8: median(...) takes a metric or loss:GROUP, not a frame type"},
        {"median() < 3", "column 8: expected a metric or loss:GROUP, found \")\""},
        {"onset(loss:) < 3", "column 12: expected a loss group, found \")\""},
        {"changes() < 1", "column 9: expected an axis, found \")\""},
        {"changes_framed(a)", "column 1: changes_framed(...) needs a comparison: < <= > >= = != ~"},
        {"changes(a) < onset(b)", "column 1: changes(...) and onset(...) have different units"},
        {"onset(x) < 3 or seen(none)", "column 14: expected \"and\" or the end, found \"or\""},
        {"onset(x) < 3 < 4", "column 14: expected \"and\" or the end, found \"<\""},
        {"onset(x) < 3 and", "column 17: expected a number, a label or one of onset, median, early, frame, "
                             "frame_by_token, seen, changes, changes_framed, found the end"},
        {"onset(x, a=\"b) < 3", "column 12: a quote that does not end"},
        {"onset(x) < nan", "column 12: nothing compares with nan"},
        {"onset(x) < 3x", "column 12: \"3x\" is neither a number nor a label"},
        {"frame(a=b)", "column 1: frame(...) needs a comparison: < <= > >= = != ~"},
        {"200", "column 1: number alone says nothing and needs a comparison: < <= > >= = != ~"},
        {"seen(none) = 1", "column 1: seen(...) is true or false by itself and takes no comparison"},
        {"frame(a=b) < centralized", "column 1: frames compare with = and != only"},
        {"frame(a=b) = 3", "column 1: a frame compares with a label or another frame only"},
        {"onset(x) = early", "column 1: the label \"early\" compares with frame(...) and frame_by_token(...) only"},
        {"median(x) ~ y +- 1", "column 13: behind \"~\" stands a number"},
        {"median(x) ~ inf +- 1", "column 13: behind \"~\" stands a number"},
        {"median(x) ~ 3", "column 14: expected \"+-\" and how far off the number may be, found the end"},
        {"median(x) ~ 3 +- 0", "column 18: behind \"+-\" stands a number above 0"},
        {"median(x) ~ 3 +- median(y)", "column 18: behind \"+-\" stands a number above 0"},
        {"frame(a=b) ~ 3 +- 1", "column 1: a frame compares with a label or another frame only"},
        {"seen(none) ~ 3 +- 1", "column 1: seen(...) is true or false by itself and takes no comparison"},
        {"1 < 2", "column 1: two numbers compare without any measurement"},
        {"onset(x) < early(x)", "column 1: onset(...) and early(...) have different units"},
        {"seen(none) and onset(x) < y",
         "column 16: the label \"y\" compares with frame(...) and frame_by_token(...) only"},
    };
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Arena *arena = arena_new();
        Claim claim = {.n_comparisons = -5};
        Error err;
        char line[1100];
        snprintf(line, sizeof line, "e.yaml:3: expect: %s", cases[i].message);
        assert_refused(claim_parse(arena, "e.yaml", 3, cases[i].that, &claim, &err), STATUS_INPUT, line, &err);
        assert_int_equal(claim.n_comparisons, -5); /* untouched */
        arena_free(arena);
    }
}

/* Every prefix of a valid claim either parses or is refused; none reads past its end (run under sanitizers). */
static void test_any_prefix_is_safe(void **state)
{
    (void)state;
    const char *whole = "onset(frame:none, a=\"b c\", d=e) >= 1e-3 and early(loss:x) < 1 and changes(a) < 1 and "
                        "frame(a=b) != frame_by_token(c=d)";
    for (size_t n = 0; n <= strlen(whole); n++) {
        Arena *arena = arena_new();
        Claim claim;
        Error err;
        char *prefix = strndup(whole, n);
        const int status = claim_parse(arena, "e.yaml", 1, prefix, &claim, &err);
        assert_true(status == STATUS_OK || (status == STATUS_INPUT && strchr(err.text, '\n') == NULL));
        free(prefix);
        arena_free(arena);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(term_kind_name(TERM_FRAME_BY_TOKEN), "frame_by_token");
    assert_string_equal(term_kind_name(TERM_LABEL), "label");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_term),
        cmocka_unit_test(test_reads_about_a_number_as_two_bounds),
        cmocka_unit_test(test_refuses_with_column),
        cmocka_unit_test(test_any_prefix_is_safe),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
