/* Without these, an interval could claim a coverage that it doesn't have, and every verdict rests on it. The numbers of
 * SciPy are those of fixtures/statistics.txt.
 */
#include "scene.h"

#include "lines.h"
#include "report/statistics.h"

/* P(the population's median lies in [x_(k+1), x_(n-k)]) by counting: how many of n seeds fall below it is binomial. */
static double coverage_by_counting(int n, int k)
{
    double inside = 0, ways = 1; /* ways = C(n, below) */
    for (int below = 0; below <= n; below++) {
        if (below > k && below < n - k)
            inside += ways;
        ways = ways * (n - below) / (below + 1);
    }
    return inside / pow(2, n);
}

/* To the bit: up to 40 seeds every count is a whole number below 2^53. */
static void test_as_many_extremes_go_as_keep_the_coverage(void **state)
{
    (void)state;
    for (int n = 2; n <= 40; n++) {
        const int k = trimmed_of(n);
        assert_true(coverage_of(n) == coverage_by_counting(n, k));
        assert_true(coverage_by_counting(n, k + 1) < COVERAGE_NEEDED);
        assert_true(k == 0 || coverage_of(n) >= COVERAGE_NEEDED);
    }
    static const int trimmed[][2] = {{6, 0}, {8, 0}, {9, 1}, {11, 1}, {12, 2}, {14, 2}, {15, 3}, {17, 4}, {20, 5}};
    for (size_t i = 0; i < sizeof trimmed / sizeof *trimmed; i++)
        assert_int_equal(trimmed_of(trimmed[i][0]), trimmed[i][1]);
    assert_near(coverage_of(0), 0, 0);
    assert_near(coverage_of(1), 0, 0);
    assert_near(coverage_of(3), 0.75, 0);
    assert_near(coverage_of(5), 0.9375, 0);
    for (int n = 0; n < 60; n++)
        assert_int_equal(coverage_of(n) >= COVERAGE_NEEDED, n >= SEEDS_NEEDED);
    assert_near(coverage_of(5000), 0.95, 0.005); /* nothing over- or underflows */
    assert_near(trimmed_of(5000), 2500 - 1.96 * sqrt(5000) / 2, 2);
}

/* Each of the 2^n ways in which n seeds fall about a population's median, 0, is as likely as any other: the share of
 * them whose interval holds 0 is the coverage. */
static void test_the_interval_covers_what_it_says(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int n = 2; n <= 13; n++) {
        int n_covered = 0;
        for (int signs = 0; signs < 1 << n; signs++) {
            double values[13];
            for (int i = 0; i < n; i++)
                values[i] = signs >> i & 1 ? 1 + i : -1 - i;
            Interval interval;
            interval_of(arena, n, values, &interval);
            n_covered += interval.low < 0 && interval.high > 0;
        }
        assert_true((double)n_covered / (1 << n) == coverage_of(n));
    }
    arena_free(arena);
}

static void hold_coverage(const Line *line)
{
    const int n = (int)line->values[0][0];
    assert_int_equal(trimmed_of(n), (int)line->values[0][1]);
    assert_near(coverage_of(n), line->values[0][2], 1e-13);
}

static void hold_sign(const Line *line)
{
    assert_near(sign_p((int)line->values[0][0], (int)line->values[0][1]), line->values[0][2], 1e-13);
}

static void hold_at_least(const Line *line)
{
    const double *v = line->values[0];
    assert_near(binomial_at_least((int)v[0], (int)v[1], v[2]), v[3], 1e-12);
}

static void hold_interval(const Line *line)
{
    Arena *arena = arena_new();
    Interval interval;
    interval_of(arena, line->n[1], line->values[1], &interval);
    assert_true(interval.median == line->values[0][0] && interval.low == line->values[0][1] &&
                interval.high == line->values[0][2]);
    arena_free(arena);
}

static void hold_holm(const Line *line)
{
    Arena *arena = arena_new();
    double adjusted[LINE_VALUES];
    holm(arena, line->n[0], line->values[0], adjusted);
    for (int i = 0; i < line->n[0]; i++)
        assert_near(adjusted[i], line->values[1][i], 1e-12);
    arena_free(arena);
}

static void test_scipy_agrees(void **state)
{
    (void)state;
    assert_int_equal(for_each_line("coverage", hold_coverage), 80);
    assert_true(for_each_line("sign", hold_sign) > 50);
    assert_int_equal(for_each_line("at_least", hold_at_least), 75);
    assert_int_equal(for_each_line("interval", hold_interval), 21);
    assert_int_equal(for_each_line("holm", hold_holm), 10);
}

/* Holm rejects what Bonferroni does and no more than each test for itself; the order of the list is of no matter. */
static void test_holm_lies_between(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    unsigned draw = 7;
    for (int trial = 0; trial < 200; trial++) {
        double p[9], turned[9], adjusted[9], of_turned[9];
        const int n = 1 + trial % 9;
        for (int i = 0; i < n; i++) {
            draw = draw * 1664525u + 1013904223u;
            p[i] = turned[n - 1 - i] = (double)(draw >> 16) / 65536 * (i % 3 ? 0.1 : 1);
        }
        holm(arena, n, p, adjusted);
        holm(arena, n, turned, of_turned);
        for (int i = 0; i < n; i++) {
            assert_true(adjusted[i] >= p[i] && adjusted[i] <= fmin(1, n * p[i]));
            assert_true(adjusted[i] == of_turned[n - 1 - i]);
            for (int j = 0; j < n; j++)
                assert_true(p[i] > p[j] || adjusted[i] <= adjusted[j]);
        }
    }
    arena_free(arena);
}

/* What is said of power: 20 seeds decide what holds in 90 % of them in 99 % of studies (one extreme alone: 39 %). */
static void test_what_seeds_can_decide(void **state)
{
    (void)state;
    assert_int_equal(seeds_spared(5, P_NEEDED), -1);
    assert_int_equal(seeds_spared(6, P_NEEDED), 0);
    assert_int_equal(seeds_spared(6, P_NEEDED / 2), -1);
    assert_near(power_of(20, P_NEEDED, 0.9), 0.98875, 1e-5);
    assert_near(power_of(6, P_NEEDED, 0.9), 0.531441, 1e-12);
    assert_near(power_of(5, P_NEEDED, 1), 0, 0);
    assert_near(power_of(6, P_NEEDED, 1), 1, 0);
    assert_near(power_of(12, P_NEEDED / 4, 0.9), 0.6590, 1e-4);
    for (int n = 1; n < 40; n++)
        for (int against = 0; against < n; against++) {
            const int needed = seeds_deciding(n, against, P_NEEDED);
            assert_true(needed >= n && seeds_spared(needed, P_NEEDED) >= against);
            assert_true(needed == n || seeds_spared(needed - 1, P_NEEDED) < against);
        }
    const int n = seeds_for_power(P_NEEDED, 0.9, 0.8);
    assert_true(power_of(n, P_NEEDED, 0.9) >= 0.8 && power_of(n - 1, P_NEEDED, 0.9) < 0.8);
    assert_near(binomial_at_least(20000, 17900, 0.9), 0.99, 0.01); /* 0.9^20000 is no double */
}

static void test_median_and_ends(void **state)
{
    (void)state;
    static const struct {
        int n;
        double values[12], median, low, high;
    } cases[] = {
        {1, {7}, 7, 7, 7},
        {2, {4, 1}, 2.5, 1, 4},
        {3, {3, 1, 2}, 2, 1, 3},
        {6, {6, 5, 4, 3, 2, 1}, 3.5, 1, 6},
        {8, {8, 1, 7, 2, 6, 3, 5, 4}, 4.5, 1, 8},
        {9, {9, 1, 8, 2, 7, 3, 6, 4, 5}, 5, 2, 8},
        {10, {10, 1, 9, 2, 8, 3, 7, 4, 6, 5}, 5.5, 2, 9},
        {12, {12, 1, 11, 2, 10, 3, 9, 4, 8, 5, 7, 6}, 6.5, 3, 10},
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
        cmocka_unit_test(test_as_many_extremes_go_as_keep_the_coverage),
        cmocka_unit_test(test_the_interval_covers_what_it_says),
        cmocka_unit_test(test_scipy_agrees),
        cmocka_unit_test(test_holm_lies_between),
        cmocka_unit_test(test_what_seeds_can_decide),
        cmocka_unit_test(test_median_and_ends),
        cmocka_unit_test(test_what_is_not_available_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
