/* Without these, a lane could be done twice or never, and results depend on the number of threads. */
#include "base/lanes.h"

#include <stdatomic.h>
#include <time.h>

#include "testing.h"

#define LANES_MAX 64

typedef struct {
    atomic_int n_calls[LANES_MAX];
    int n_threads;
    atomic_int n_bad;
    double sums[LANES_MAX];
} Record;

static void work(void *context, int lane, int thread)
{
    Record *record = context;
    if (lane < 0 || lane >= LANES_MAX || thread < 0 || thread >= record->n_threads)
        atomic_fetch_add(&record->n_bad, 1);
    else
        atomic_fetch_add(&record->n_calls[lane], 1);
    double sum = 0;
    for (int i = 1; i < 200; i++)
        sum += 1.0 / (i + lane);
    record->sums[lane] = sum;
}

static void test_each_lane_once(void **state)
{
    (void)state;
    Record first = {0};
    for (int n_threads = 1; n_threads <= 8; n_threads++) {
        Lanes *lanes;
        Error err;
        assert_ok(lanes_new(n_threads, &lanes, &err), &err);
        assert_int_equal(lanes_threads(lanes), n_threads);
        for (int n = 0; n <= LANES_MAX; n++) { /* one pool, many runs */
            Record record = {.n_threads = n_threads};
            lanes_run(lanes, n, work, &record);
            assert_int_equal(record.n_bad, 0);
            for (int lane = 0; lane < LANES_MAX; lane++)
                assert_int_equal(record.n_calls[lane], lane < n);
            if (n == LANES_MAX && n_threads == 1)
                memcpy(first.sums, record.sums, sizeof first.sums);
            else if (n == LANES_MAX)
                assert_memory_equal(first.sums, record.sums, sizeof first.sums);
        }
        assert_null(lanes_free(lanes));
    }
    assert_null(lanes_free(NULL));
}

static void sleep_a_little(void *context, int lane, int thread)
{
    const struct timespec pause = {0, 30000000};
    (void)lane;
    atomic_fetch_or((atomic_uint *)context, 1u << thread);
    nanosleep(&pause, NULL);
}

static void test_threads_share_the_work(void **state)
{
    (void)state;
    Lanes *lanes;
    Error err;
    atomic_uint threads = 0;
    assert_ok(lanes_new(4, &lanes, &err), &err);
    lanes_run(lanes, 16, sleep_a_little, &threads);
    lanes_free(lanes);
    assert_int_equal(threads, 15); /* all four had lanes */
}

static void count(void *context, int lane, int thread)
{
    (void)lane, (void)thread;
    atomic_fetch_add((atomic_int *)context, 1);
}

/* Many short runs: a worker late from one run must not take lanes of the next under the old work. */
static void test_short_runs_in_a_row(void **state)
{
    (void)state;
    Lanes *lanes;
    Error err;
    atomic_int total = 0;
    assert_ok(lanes_new(4, &lanes, &err), &err);
    for (int i = 0; i < 5000; i++)
        lanes_run(lanes, i % 6, count, &total);
    lanes_free(lanes);
    int expected = 0;
    for (int i = 0; i < 5000; i++)
        expected += i % 6;
    assert_int_equal(total, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_lane_once),
        cmocka_unit_test(test_threads_share_the_work),
        cmocka_unit_test(test_short_runs_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
