/* Without these, an interval could claim a coverage that it doesn't have, and every verdict rests on it. */
#include "scene.h"

#include "report/statistics.h"

/* P(the population's median lies in [x_(k), x_(n+1-k)]) by counting: how many of n seeds fall below it is binomial. */
static double coverage_by_counting(int n, int k)
{
    double inside = 0, ways = 1; /* ways = C(n, below) */
    for (int below = 0; below <= n; below++) {
        if (below >= k && below <= n - k)
            inside += ways;
        ways = ways * (n - below) / (below + 1);
    }
    return inside / pow(2, n);
}

static void test_coverage_is_the_binomial_one(void **state)
{
    (void)state;
    for (int n = 2; n <= 40; n++)
        assert_near(coverage_of(n), coverage_by_counting(n, n < 9 ? 1 : 2), 1e-12);
    assert_near(coverage_of(0), 0, 0);
    assert_near(coverage_of(1), 0, 0);
    assert_near(coverage_of(3), 0.75, 0);
    assert_near(coverage_of(5), 0.9375, 0);
}

static void test_six_seeds_are_the_least_that_decide(void **state)
{
    (void)state;
    for (int n = 0; n < 60; n++)
        assert_int_equal(coverage_of(n) >= COVERAGE_NEEDED, n >= SEEDS_NEEDED);
    for (int n = 4; n < 60; n++) /* trimming starts as soon as it keeps the coverage, and not before */
        assert_int_equal(coverage_by_counting(n, 2) >= COVERAGE_NEEDED, n >= SEEDS_TRIMMED);
}

static void test_median_and_ends(void **state)
{
    (void)state;
    static const struct {
        int n;
        double values[10], median, low, high;
    } cases[] = {
        {1, {7}, 7, 7, 7},
        {2, {4, 1}, 2.5, 1, 4},
        {3, {3, 1, 2}, 2, 1, 3},
        {6, {6, 5, 4, 3, 2, 1}, 3.5, 1, 6},
        {8, {8, 1, 7, 2, 6, 3, 5, 4}, 4.5, 1, 8},
        {9, {9, 1, 8, 2, 7, 3, 6, 4, 5}, 5, 2, 8},
        {10, {10, 1, 9, 2, 8, 3, 7, 4, 6, 5}, 5.5, 2, 9},
        {3, {HUGE_VAL, 10, 20}, 20, 10, HUGE_VAL},
        {4, {HUGE_VAL, 10, 20, HUGE_VAL}, HUGE_VAL, 10, HUGE_VAL},
        {2, {HUGE_VAL, HUGE_VAL}, HUGE_VAL, HUGE_VAL, HUGE_VAL},
        {9, {1, 2, 3, 4, 5, 6, 7, 8, HUGE_VAL}, 5, 2, 8},
    };
    Arena *arena = arena_new();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Interval interval;
        interval_of(arena, cases[c].n, cases[c].values, &interval);
        assert_int_equal(interval.n, cases[c].n);
        assert_true(interval.median == cases[c].median && interval.low == cases[c].low &&
                    interval.high == cases[c].high);
        assert_true(interval.coverage == coverage_of(cases[c].n));
    }
    arena_free(arena);
}

static void test_what_is_not_available_is_left_out(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Interval interval;
    interval_of(arena, 5, (double[]){(double)NAN, 3, (double)NAN, 1, 2}, &interval);
    assert_int_equal(interval.n, 3);
    assert_true(interval.median == 2 && interval.low == 1 && interval.high == 3 && interval.coverage == 0.75);
    interval_of(arena, 2, (double[]){(double)NAN, (double)NAN}, &interval);
    assert_int_equal(interval.n, 0);
    assert_true(isnan(interval.median) && isnan(interval.low) && isnan(interval.high) && interval.coverage == 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage_is_the_binomial_one),
        cmocka_unit_test(test_six_seeds_are_the_least_that_decide),
        cmocka_unit_test(test_median_and_ends),
        cmocka_unit_test(test_what_is_not_available_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
