/* When a metric or a label has come to stay: noise, late risers, vanishing sinks, gaps, and what was there from the
 * start.
 *
 * Were this file deleted, "sinks emerge early" could rest on one lucky snapshot, or on a model that had it before
 * step 1.
 */
#include <math.h>

#include "base/pcg.h"
#include "frame/onset.h"
#include "testing.h"

enum { MAX = 64 };
static double steps[MAX]; /* 0, 1, 4, 9, ...: uneven, as snapshots are; filled once by main */

static Onset rising(int n, const double *values)
{
    Onset onset;
    onset_of_metric(n, steps, values, 0.05, 1, 0.3, 3, &onset);
    return onset;
}

static void test_found(void **state)
{
    (void)state;
    static const double values[] = {0.05, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7};
    const Onset onset = rising(7, values);
    assert_int_equal(onset.kind, ONSET_FOUND);
    assert_int_equal(onset.index, 3);
    assert_true(onset.after == 4 && onset.by == 9);
}

static void test_present_at_start(void **state)
{
    (void)state;
    static const double values[] = {0.4, 0.4, 0.4, 0.1,
                                    0.1, 0.5, 0.5, 0.5}; /* that it went and came again is no onset */
    const Onset onset = rising(8, values);
    assert_int_equal(onset.kind, ONSET_AT_START);
    assert_int_equal(onset.index, 0);
    assert_true(isinf(onset.after) && onset.after < 0 && onset.by == 0);
    static const double flicker[] = {0.4, 0.4, 0.1, 0.1,
                                     0.5, 0.5, 0.5}; /* two snapshots are not enough to have stayed */
    assert_int_equal(rising(7, flicker).kind, ONSET_FOUND);
    assert_int_equal(rising(7, flicker).index, 4);
}

static void test_never(void **state)
{
    (void)state;
    static const double vanishing[] = {0, 0.4, 0.5, 0.1, 0.6, 0.6, 0.1}, late[] = {0, 0, 0, 0, 0, 0.9, 0.9};
    static const double flat[] = {0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3}; /* beyond means above, not at */
    const double *const series[] = {vanishing, late, flat};
    for (size_t s = 0; s < N_TESTS(series); s++) {
        const Onset onset = rising(7, series[s]);
        assert_int_equal(onset.kind, ONSET_NEVER);
        assert_int_equal(onset.index, -1);
        assert_true(isinf(onset.after) && isinf(onset.by) && onset.by > 0);
    }
    for (int n = 0; n < ONSET_STAY; n++)
        assert_int_equal(rising(n, late + 5).kind, ONSET_NEVER);
}

static void test_missing_values_are_not_beyond(void **state)
{
    (void)state;
    static const double values[] = {NAN, 0.5, 0.5, NAN, 0.5, 0.5, 0.5};
    assert_int_equal(rising(7, values).index, 4);
}

/* The ratio guards where the baseline is high already, the threshold where it is nearly zero. */
static void test_threshold_and_ratio(void **state)
{
    (void)state;
    static const double values[] = {0, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1};
    static const double falling[] = {1, 0.9, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05};
    Onset onset;
    onset_of_metric(8, steps, values, 0.2, 1, 0.3, 3, &onset); /* 3 x 0.2 */
    assert_int_equal(onset.index, 4);
    onset_of_metric(8, steps, values, 0.01, 1, 0.3, 3, &onset);
    assert_int_equal(onset.index, 2);
    onset_of_metric(8, steps, values, NAN, 1, 0.3, 3, &onset);
    assert_int_equal(onset.index, 2);
    onset_of_metric(8, steps, falling, 1, -1, 0.5, 2, &onset);
    assert_int_equal(onset.index, 3);
    onset_of_metric(8, steps, falling, 0.5, -1, 0.5, 2, &onset); /* half of a low baseline */
    assert_int_equal(onset.index, 5);
    onset_of_metric(8, steps, values, NAN, 1, NAN, 3, &onset); /* nothing declared, nothing known */
    assert_int_equal(onset.kind, ONSET_NEVER);
}

/* Noise around a floor of 0.1 with the limit three times as high: three in a row by chance must not happen. */
static void test_noise_has_no_onset(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(1, "test/onset");
    int n_found = 0, n_true = 0;
    for (int round = 0; round < 2000; round++) {
        double values[MAX];
        for (int s = 0; s < MAX; s++)
            values[s] = 0.1 * exp(0.5 * pcg_normal(&pcg));
        n_found += rising(MAX, values).kind != ONSET_NEVER;
        for (int s = 40; s < MAX; s++) /* with a rise at 40 it is found there, give or take */
            values[s] = 0.6 * exp(0.2 * pcg_normal(&pcg));
        n_true += rising(MAX, values).index == 40;
    }
    assert_int_equal(n_found, 0);
    assert_true(n_true >= 1900);
}

static void test_labels(void **state)
{
    (void)state;
    static const unsigned char is_type[] = {0, 1, 1, 0, 1, 1, 1, 0}, from_start[] = {1, 1, 1, 0};
    Onset onset;
    onset_of_label(8, steps, is_type, &onset);
    assert_int_equal(onset.kind, ONSET_FOUND);
    assert_int_equal(onset.index, 4);
    onset_of_label(4, steps, from_start, &onset);
    assert_int_equal(onset.kind, ONSET_AT_START);
    onset_of_label(2, steps, from_start, &onset);
    assert_int_equal(onset.kind, ONSET_NEVER);
}

static void test_order(void **state)
{
    (void)state;
    const Onset never = {ONSET_NEVER, -1, INFINITY, INFINITY}, at_start = {ONSET_AT_START, 0, -INFINITY, 0};
    const Onset early = {ONSET_FOUND, 1, 0, 4}, late = {ONSET_FOUND, 2, 4, 9}, wide = {ONSET_FOUND, 1, 0, 9};
    const struct {
        const Onset *a, *b;
        int order;
    } cases[] = {{&early, &late, -1},     {&early, &never, -1}, {&at_start, &early, -1},
                 {&at_start, &never, -1}, {&early, &early, 0},  {&early, &wide, 0},
                 {&late, &wide, 0},       {&never, &never, 0},  {&at_start, &at_start, 0}};
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        assert_int_equal(onset_order(cases[c].a, cases[c].b), cases[c].order);
        assert_int_equal(onset_order(cases[c].b, cases[c].a), -cases[c].order);
    }
}

static void test_final(void **state)
{
    (void)state;
    static const double values[] = {9, 9, 0.3, 0.1, 0.2}, gap[] = {9, 0.3, NAN, 0.1}, one[] = {NAN, NAN, 0.7};
    assert_true(series_final(5, values) == 0.2);
    assert_true(series_final(4, gap) == 0.2);
    assert_true(series_final(3, one) == 0.7);
    assert_true(isnan(series_final(2, one)));
    assert_true(isnan(series_final(0, one)));
    static const int labels[] = {3, 3, 1, 2, 1}, all_differ[] = {1, 2, 3}, two[] = {4, 4, 4, 2, 2};
    assert_int_equal(label_final(5, labels), 1);
    assert_int_equal(label_final(3, all_differ), 3);
    assert_int_equal(label_final(5, two), 2);
    assert_int_equal(label_final(1, labels), 3);
    assert_int_equal(label_final(0, labels), -1);
}

static void test_half_rise(void **state)
{
    (void)state;
    static const double values[] = {0.1, 0.2, 0.4, 0.9, 0.9, 0.9}, falling[] = {1, 0.9, 0.5, 0.2, 0.2, 0.2};
    static const double gap[] = {0.1, NAN, NAN, 0.9, 0.9, 0.9}, at_start[] = {0.9, 0.9, 0.9, 0.9};
    assert_true(fabs(half_rise_step(6, steps, values, 0.1, 1) - (4 + 5 * 0.1 / 0.5)) < 1e-12);
    assert_true(fabs(half_rise_step(6, steps, falling, 1, -1) - (1 + 3 * 0.3 / 0.4)) < 1e-12);
    assert_true(fabs(half_rise_step(6, steps, gap, 0.1, 1) - 4.5) < 1e-12);
    assert_true(half_rise_step(4, steps, at_start, 0.1, 1) == 0);
    assert_true(isnan(half_rise_step(4, steps, at_start, 0.9, 1)));
    assert_true(isnan(half_rise_step(4, steps, at_start, 1.5, 1)));
    assert_true(isnan(half_rise_step(4, steps, at_start, NAN, 1)));
}

static void test_fall_share(void **state)
{
    (void)state;
    static const double losses[] = {4, 3, 2, 1.5}, rising_losses[] = {1, 2, 3, 4};
    assert_true(fall_share(4, steps, losses, 1, 0) == 0);
    assert_true(fabs(fall_share(4, steps, losses, 1, 0.5) - 0.5 / 3) < 1e-12);
    assert_true(fabs(fall_share(4, steps, losses, 1, 1) - 1.0 / 3) < 1e-12);
    assert_true(fabs(fall_share(4, steps, losses, 1, 9) - 2.5 / 3) < 1e-12);
    assert_true(isnan(fall_share(4, steps, losses, 1, INFINITY))); /* never formed */
    assert_true(fall_share(4, steps, losses, 1, -INFINITY) == 0);  /* present at start */
    assert_true(isnan(fall_share(4, steps, rising_losses, 1, 4)));
    assert_true(isnan(fall_share(0, steps, losses, 1, 4)));
}

int main(void)
{
    for (int s = 0; s < MAX; s++)
        steps[s] = s * s;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_present_at_start),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_missing_values_are_not_beyond),
        cmocka_unit_test(test_threshold_and_ratio),
        cmocka_unit_test(test_noise_has_no_onset),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_final),
        cmocka_unit_test(test_half_rise),
        cmocka_unit_test(test_fall_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
