/* Expectations against the grid. Without this file a claim about an arm, metric or type that doesn't exist would be
 * found out only by the report, after hours of training. */
#include "program.h"

#define SWEEP "sweep:\n  model.position.kind: [rope, alibi]\n  ends: {both: {data.eos: always}, bare: {}}\nexpect:\n"

static void test_reads_claims(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Plan plan = load(arena, SWEEP "  - text: sinks come early\n    source: somebody\n"
                                        "    that: onset(sink_mass:strongest, model.position.kind=rope) < 200\n"
                                        "  - {text: u, that: seen(distributed), family: P3}\n");
    assert_int_equal(plan.n_claims, 2);
    assert_string_equal(plan.claims[0].text, "sinks come early");
    assert_string_equal(plan.claims[0].source, "somebody");
    assert_int_equal(plan.claims[0].line, 7);
    assert_int_equal(plan.claims[0].n_comparisons, 1);
    assert_string_equal(plan.claims[1].source, "");
    assert_string_equal(plan.claims[0].family, "");
    assert_string_equal(plan.claims[1].family, "P3");
    assert_int_equal(plan.n_notes, 0);
    arena_free(arena);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *that, *message;
    } cases[] = {
        {"onset(sink_mas) < 3", "unknown metric \"sink_mas\"; did you mean \"sink_mass\"?"},
        {"onset(value_drain:strongest) < 3", "value_drain has no value per head, so no strongest one"},
        {"onset(max_inflow) < 3",
         "max_inflow declares no threshold, so it has no onset; median(max_inflow) has its value"},
        {"early(max_inflow:strongest) < 1",
         "max_inflow declares no threshold, so it has no onset; median(max_inflow) has its value"},
        {"frame() = centralised", "unknown frame type \"centralised\"; did you mean \"centralized\"?"},
        {"seen(distribute)", "unknown frame type \"distribute\"; did you mean \"distributed\"?"},
        {"onset(loss:cop) < 3", "unknown loss group \"cop\"; did you mean \"copy\"?"},
        {"median(loss:cop) < 3", "unknown loss group \"cop\"; did you mean \"copy\"?"},
        {"changes(end) < 1", "no axis \"end\"; did you mean \"ends\"?"},
        {"changes(ends, model.position.kind=alibi) < 1", "no two arms of changes(...) differ in ends alone"},
        {"changes(ends, ends=bare) < 1", "no two arms of changes(...) differ in ends alone"},
        {"changes_framed(ends, ends=bare) < 1", "no two arms of changes_framed(...) differ in ends alone"},
        {"onset(frame:non) < 3", "unknown frame type \"non\"; did you mean \"none\"?"},
        {"onset(sink_mass, model.positon.kind=rope) < 3",
         "no axis \"model.positon.kind\"; did you mean \"model.position.kind\"?"},
        {"onset(sink_mass, model.position.kind=rop) < 3",
         "axis model.position.kind has no value \"rop\"; did you mean \"rope\"?"},
        {"frame(ends=bare, model.position.kind=alibi) = none", "no arm matches the selection of frame(...)"},
        {"frame(ends=bare) != frame(model.position.kind=alibi, ends=bare)",
         "no arm matches the selection of frame(...)"},
        {"onset(sink_mass) <", "column 19: expected a number, a label or one of onset, median, early, frame, "
                               "frame_by_token, seen, changes, changes_framed, found the end"},
    };
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Arena *arena = arena_new();
        Plan plan;
        Error err;
        char line[1100];
        const char *text = arena_format(
            arena, "exclude: [{ends: bare, model.position.kind: alibi}]\n" SWEEP "  - text: t\n    that: %s\n",
            cases[i].that);
        snprintf(line, sizeof line, "experiment.yaml:7: expect: %s", cases[i].message);
        assert_refused(load_with(arena, text, NULL, 0, &plan, &err), STATUS_INPUT, line, &err);
        arena_free(arena);
    }
}

/* A plan of claims that name no family is written as ever; a family travels to the report. */
static void test_families_stand_in_the_plan(void **state)
{
    (void)state;
    for (int has_family = 0; has_family < 2; has_family++) {
        Arena *arena = arena_new();
        const Plan plan = load(arena, has_family ? SWEEP "  - {text: u, that: seen(distributed), family: P3}\n"
                                                 : SWEEP "  - {text: u, that: seen(distributed)}\n");
        Text text = {0};
        JsonWriter json;
        json_start(&json, &text, 0);
        plan_json(&plan, &json);
        assert_int_equal(strstr(text_string(&text), "\"family\":") != NULL, has_family);
        text_free(&text);
        arena_free(arena);
    }
}

/* rope-both and alibi-bare agree on nothing: a comparison of the encodings then has no pair to stand on. */
static void test_two_sides_need_a_pair(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Plan plan;
    Error err;
    assert_refused(load_with(arena,
                             "exclude: [{ends: bare, model.position.kind: rope}, {ends: both, model.position.kind: "
                             "alibi}]\n" SWEEP "  - {text: t, that: \"frame(model.position.kind=rope) != "
                             "frame(model.position.kind=alibi)\"}\n",
                             NULL, 0, &plan, &err),
                   STATUS_INPUT,
                   "experiment.yaml:6: expect: the two sides have no arms that differ only in what they select", &err);
    arena_free(arena);
}

/* Exploring one value of an axis needs no edited experiment: what is said about moving it is left out, and named. */
static void test_a_switch_that_is_set_is_left_out(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Plan plan;
    Error err;
    const char *sets[] = {"ends=bare"};
    assert_ok(load_with(arena, SWEEP "  - {text: t, that: changes(ends) > 0.5}\n  - {text: u, that: seen(none)}\n",
                        sets, 1, &plan, &err),
              &err);
    assert_int_equal(plan.n_claims, 1);
    assert_int_equal(plan.n_notes, 1);
    assert_string_equal(plan.notes[0],
                        "the expectation \"t\" is left out: it needs ends=both, which is not in this plan");
    arena_free(arena);
}

/* What no arm that is selected measures is refused, one arm that does is enough, and --set leaves the claim out. */
static void test_what_nobody_measures(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line; /* NULL: accepted */
    } cases[] = {
        {"model.n_layers: 64\nexpect:\n  - {text: t, that: median(value_drain) < 1}\n",
         "experiment.yaml:3: expect: no arm of median(...) measures value_drain: model.n_layers is too much"},
        {"model.n_layers: 63\nexpect:\n  - {text: t, that: frame() = none}\n",
         "experiment.yaml:3: expect: no arm of frame(...) measures frames: model.n_layers is too much"},
        {"data.source.kind: recall\nexpect:\n  - {text: t, that: \"onset(loss:copy) < 5\"}\n",
         "experiment.yaml:3: expect: no arm of onset(...) measures loss:copy: data.source.kind is too much"},
        {"data.source.kind: recall\nexpect:\n  - {text: t, that: \"median(loss:copy) < 5\"}\n",
         "experiment.yaml:3: expect: no arm of median(...) measures loss:copy: data.source.kind is too much"},
        {"sweep: {model.n_layers: [2, 64]}\nexpect:\n  - {text: t, that: \"median(value_drain, model.n_layers=64) < "
         "1\"}\n",
         "experiment.yaml:3: expect: no arm of median(...) measures value_drain: model.n_layers is too much"},
        {"sweep: {model.n_layers: [2, 64]}\nexpect:\n  - {text: t, that: median(value_drain) < 1}\n", NULL},
        {"model.n_layers: 64\nexpect:\n  - {text: t, that: median(sink_mass) < 1}\n", NULL},
    };
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Arena *arena = arena_new();
        Plan plan;
        Error err;
        if (cases[i].line)
            assert_refused(load_with(arena, cases[i].text, NULL, 0, &plan, &err), STATUS_INPUT, cases[i].line, &err);
        else
            assert_ok(load_with(arena, cases[i].text, NULL, 0, &plan, &err), &err);
        arena_free(arena);
    }
    Arena *arena = arena_new();
    Plan plan;
    Error err;
    const char *sets[] = {"model.n_layers=64"};
    assert_ok(load_with(arena, "expect:\n  - {text: t, that: median(value_drain) < 1}\n", sets, 1, &plan, &err), &err);
    assert_true(plan.n_claims == 0 && plan.n_notes == 1);
    assert_string_equal(plan.notes[0], "the expectation \"t\" is left out: model.n_layers is too much, so that no arm "
                                       "measures what it is about");
    arena_free(arena);
}

static void test_refused_items(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"expect: {a: b}\n", "experiment.yaml:1: expect: is a list of {text: ..., that: ...}"},
        {"expect:\n  - a\n", "experiment.yaml:2: expect: an item is a mapping {text: ..., that: ...}"},
        {"expect:\n  - {text: t}\n", "experiment.yaml:2: expect: an item needs that:"},
        {"expect:\n  - text: t\n    tat: x\n",
         "experiment.yaml:3: expect: unknown key \"tat\"; did you mean \"that\"?"},
        {"expect:\n  - text: t\n    that: [x]\n", "experiment.yaml:3: expect: that is a text"},
        {"expect:\n  - text: t\n    that: x\n    family: [x]\n", "experiment.yaml:4: expect: family is a text"},
        {"expect:\n  - text: t\n    that: x\n    family: ''\n", "experiment.yaml:4: expect: family is a name"},
    };
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Arena *arena = arena_new();
        Plan plan;
        Error err;
        assert_refused(load_with(arena, cases[i].text, NULL, 0, &plan, &err), STATUS_INPUT, cases[i].line, &err);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_claims),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_two_sides_need_a_pair),
        cmocka_unit_test(test_a_switch_that_is_set_is_left_out),
        cmocka_unit_test(test_what_nobody_measures),
        cmocka_unit_test(test_refused_items),
        cmocka_unit_test(test_families_stand_in_the_plan),
    };
    return cmocka_run_group_tests_name("expect", tests, enter_scratch, leave_scratch);
}
