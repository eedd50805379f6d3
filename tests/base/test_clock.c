/* Without these, timings could run backwards or memory be reported in the wrong unit. */
#include "base/clock.h"

#include <sched.h>
#include <time.h>

#include "testing.h"

static void test_seconds_run_forward(void **state)
{
    (void)state;
    const double start = clock_seconds();
    const struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    const double passed = clock_seconds() - start;
    assert_true(passed >= 0.02 && passed < 10);
}

static void test_timestamp(void **state)
{
    (void)state;
    char buffer[32];
    struct tm read = {0};
    const char *end = strptime(clock_timestamp(buffer), "%Y-%m-%dT%H:%M:%SZ", &read);
    assert_non_null(end);
    assert_int_equal(*end, 0);
    assert_true(labs((long)(timegm(&read) - time(NULL))) <= 2);
}

static void test_cores_follow_the_affinity(void **state)
{
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_in_range(clock_cores(), 1, CPU_COUNT(&before));
    int first = 0;
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(clock_cores(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seconds_run_forward),
        cmocka_unit_test(test_timestamp),
        cmocka_unit_test(test_cores_follow_the_affinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
