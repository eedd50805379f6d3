/* Without these, a run in which no sink came could count as one that was dropped, or as one that came at its end. */
#include "scene.h"

#include "lines.h"
#include "report/survival.h"

/* A list of pairs (time, formed). */
static int survivals_of(const Line *line, int list, Survival *ret_runs)
{
    for (int i = 0; i < line->n[list] / 2; i++)
        ret_runs[i] = (Survival){line->values[list][2 * i], line->values[list][2 * i + 1] != 0};
    return line->n[list] / 2;
}

static void hold_formed(const Line *line)
{
    Arena *arena = arena_new();
    Survival runs[LINE_VALUES];
    SurvivalStep *steps;
    const int n = survivals_of(line, 0, runs), n_steps = survival_curve(arena, n, runs, &steps);
    assert_int_equal(n_steps, line->n[1] / 2);
    for (int s = 0; s < n_steps; s++) {
        assert_true(steps[s].time == line->values[1][2 * s]);
        assert_near(steps[s].share, line->values[1][2 * s + 1], 1e-12);
    }
    arena_free(arena);
}

static void hold_logrank(const Line *line)
{
    Arena *arena = arena_new();
    Survival a[LINE_VALUES], b[LINE_VALUES];
    const int n_a = survivals_of(line, 1, a), n_b = survivals_of(line, 2, b);
    assert_near(logrank_statistic(arena, n_a, a, n_b, b), line->values[0][0], 1e-12);
    assert_near(logrank_statistic(arena, n_b, b, n_a, a), -line->values[0][0], 1e-12);
    arena_free(arena);
}

static double p_of(const Line *line)
{
    Arena *arena = arena_new();
    Survival a[LINE_VALUES], b[LINE_VALUES];
    const int n = survivals_of(line, 1, a);
    assert_int_equal(survivals_of(line, 2, b), n);
    const double p = logrank_p(arena, n, a, b);
    assert_true(logrank_p(arena, n, b, a) == p || n > 13); /* drawn exchanges differ */
    arena_free(arena);
    return p;
}

static void hold_exchange(const Line *line)
{
    assert_near(p_of(line), line->values[0][0], 1e-12);
}

/* Two shares of some thousand draws each. */
static void hold_drawn(const Line *line)
{
    const double p = line->values[0][0];
    assert_true(p > 0.005 && p < 0.3); /* where it matters */
    assert_near(p_of(line), p, 4 * sqrt(p * (1 - p) * (1 / 4999.0 + 1 / 9999.0)));
}

static void test_scipy_agrees(void **state)
{
    (void)state;
    assert_int_equal(for_each_line("formed", hold_formed), 12);
    assert_int_equal(for_each_line("logrank", hold_logrank), 9);
    assert_int_equal(for_each_line("exchange", hold_exchange), 9);
    assert_int_equal(for_each_line("drawn", hold_drawn), 1);
}

/* The curve never falls, ends at 1 only if all formed, and with one last step is the plain share. */
static void test_shares_with_one_last_step(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Survival runs[] = {{100, 0}, {20, 1}, {100, 0}, {5, 1}, {20, 1}, {0, 1}, {100, 1}};
    SurvivalStep *steps;
    assert_int_equal(survival_curve(arena, 7, runs, &steps), 4);
    static const double expected[][4] = {
        {0, 7, 1, 1 / 7.0}, {5, 6, 1, 2 / 7.0}, {20, 5, 2, 4 / 7.0}, {100, 3, 1, 5 / 7.0}};
    for (int s = 0; s < 4; s++) {
        assert_true(steps[s].time == expected[s][0]);
        assert_int_equal(steps[s].at_risk, (int)expected[s][1]);
        assert_int_equal(steps[s].formed, (int)expected[s][2]);
        assert_near(steps[s].share, expected[s][3], 1e-15);
    }
    assert_int_equal(survival_curve(arena, 0, runs, &steps), 0);
    arena_free(arena);
}

/* Positive means earlier; nothing formed, or everything at once, tells nothing; six pairs reach 2 / 2^6. */
static void test_what_log_rank_says(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Survival early[6], late[6], never[6];
    for (int i = 0; i < 6; i++) {
        early[i] = (Survival){10, 1};
        late[i] = (Survival){20 + i, 1};
        never[i] = (Survival){100, 0};
    }
    assert_true(logrank_statistic(arena, 6, early, 6, late) > 2);
    assert_true(logrank_statistic(arena, 6, early, 6, never) > 2);
    assert_true(logrank_statistic(arena, 6, never, 6, never) == 0);
    assert_true(logrank_statistic(arena, 6, early, 6, early) == 0);
    assert_true(logrank_p(arena, 6, early, late) == 0.03125);
    assert_true(logrank_p(arena, 6, never, early) == 0.03125);
    assert_true(logrank_p(arena, 6, never, never) == 1);
    assert_true(logrank_p(arena, 1, early, never) == 1);
    assert_true(logrank_p(arena, 0, early, never) == 1);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scipy_agrees),
        cmocka_unit_test(test_shares_with_one_last_step),
        cmocka_unit_test(test_what_log_rank_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
