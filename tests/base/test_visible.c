/* Without these, a mask could be read in one way by the model and in another by whoever measures it. */
#include "testing.h"

#include "base/visible.h"

/* A window of `width` and the first two keys, stated the wrong way round; once they meet they are one range. */
static void window(const void *state, int i, int length, KeyRanges *ret_keys)
{
    const int width = *(const int *)state, first = i + 1 < width ? 0 : i + 1 - width;
    ret_keys->range[0] = (KeyRange){first, i + 1};
    ret_keys->range[1] = (KeyRange){0, length < 2 ? length : 2};
}

static void everything(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)i;
    ret_keys->range[1] = (KeyRange){0, length};
}

static void test_ranges_are_in_order(void **state)
{
    (void)state;
    const int width = 3;
    const MaskRule rule = {"window", &width, window};
    KeyRanges keys[8];
    visible_lay(&rule, 8, keys);
    assert_memory_equal(&keys[0], (&(KeyRanges){{{0, 2}, {2, 2}}}),
                        sizeof *keys); /* the first keys, its own among them */
    assert_memory_equal(&keys[4], (&(KeyRanges){{{0, 5}, {5, 5}}}), sizeof *keys); /* [2, 5) touches [0, 2) */
    assert_memory_equal(&keys[7], (&(KeyRanges){{{0, 2}, {5, 8}}}), sizeof *keys);
    assert_int_equal(keys_count(&keys[7]), 5);
    for (int k = 0; k < 8; k++)
        assert_int_equal(keys_include(&keys[7], k), k < 2 || k >= 5);
}

static void nothing(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state;
    ret_keys->range[0] = (KeyRange){0, i < 5 ? 1 : 0};
    ret_keys->range[1] = (KeyRange){i, i < 3 ? i + 1 : length + (i == 4)};
}

static void test_a_broken_promise_is_named(void **state)
{
    (void)state;
    const MaskRule rule = {"broken", NULL, nothing};
    Error err;
    assert_ok(visible_check(&rule, 3, &err), &err);
    assert_ok(visible_check(&rule, 4, &err), &err);
    assert_refused(visible_check(&rule, 6, &err), STATUS_FAILED,
                   "mask broken: query 4 of 6 sees keys [0, 1) and [4, 7): none, or some that are not there", &err);
}

static void test_what_follows_from_them(void **state)
{
    (void)state;
    const int width = 3;
    const MaskRule narrow = {"window", &width, window}, full = {"everything", NULL, everything};
    Arena *arena = arena_new();
    const Visible own = visible_new(arena, &narrow, 8), all = visible_new(arena, &full, 8);
    int64_t pairs = 0;
    for (int k = 0; k < 8; k++) {
        int n = 0;
        for (int i = 0; i < 8; i++)
            n += i != k && keys_include(&own.keys[i], k), pairs += keys_include(&own.keys[i], k);
        assert_int_equal(own.n_viewers[k], n);
        assert_int_equal(all.n_viewers[k], 7);
    }
    assert_int_equal(visible_pairs(&own), pairs);
    for (int k = 0; k < 8; k++) {
        for (int d = 0; d < DISTANCES; d++) {
            int n = 0;
            for (int i = 0; i < 8; i++)
                n += abs(i - k) >= 1 + d && keys_include(&own.keys[i], k);
            assert_int_equal(own.n_afar[d * 8 + k], n);
            assert_int_equal(visible_serves(&own, k, d, 2, 0.1), n >= 2);
            assert_int_equal(visible_serves(&own, k, d, 1, 0.3), n >= 3);
        }
    }
    for (int length = 1; length < 40; length++) /* the least that is no less than so many eighths */
        for (int d = 0; d < DISTANCES; d++) {
            const int least = distance_least(length, d);
            assert_true(8 * least >= (1 + d) * length && 8 * (least - 1) < (1 + d) * length);
        }
    assert_int_equal(visible_pairs(&all), 64);
    assert_true(own.sees_later && all.sees_later); /* query 0 sees key 1 */
    assert_true(!own.hides_nothing && all.hides_nothing);
    arena_free(arena);
}

static void test_stored_ranges(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Visible visible;
    const int32_t good[] = {0, 1, 1, 1, 0, 2, 2, 2, 0, 1, 2, 3};
    assert_int_equal(visible_from_ranges(arena, 3, good, &visible), 0);
    assert_int_equal(visible.n_viewers[0], 2);
    assert_int_equal(visible.n_viewers[1], 0);
    assert_int_equal(visible.n_viewers[2], 0);
    assert_false(visible.sees_later);
    static const int32_t bad[][4] = {{0, 0, 0, 0}, {-1, 1, 1, 1}, {0, 2, 2, 2},
                                     {0, 1, 0, 1}, {0, 1, 1, 2},  {0, 1, 2, 2}};
    assert_int_equal(visible_from_ranges(arena, 3, (int32_t[]){0, 1, 1, 1, 0, 1, 3, 3, 0, 3, 3, 3}, &visible), -1);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) /* of a sequence of one */
        assert_int_equal(visible_from_ranges(arena, 1, bad[b], &visible), -1);
    arena_free(arena);
}

static void test_counting_needs_no_memory(void **state)
{
    (void)state;
    const MaskRule full = {"everything", NULL, everything};
    Arena *counting = arena_new_counting(), *fixed;
    Error err;
    assert_null(visible_new(counting, &full, 100).keys);
    assert_ok(arena_new_fixed(arena_used(counting), &fixed, &err), &err);
    visible_new(fixed, &full, 100);
    assert_int_equal(arena_used(fixed), arena_used(counting));
    arena_free(counting);
    arena_free(fixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_are_in_order),      cmocka_unit_test(test_a_broken_promise_is_named),
        cmocka_unit_test(test_what_follows_from_them),   cmocka_unit_test(test_stored_ranges),
        cmocka_unit_test(test_counting_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
