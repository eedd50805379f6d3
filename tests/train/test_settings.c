/* When things are due, and what the learning rate is: without this file a snapshot could move with the machine or a resume
 * could meet another schedule. */
#include "testing.h"

#include <math.h>

#include "geometry/metric.h"
#include "train/settings.h"
#include "training.h"

static TrainSettings read_tiny(Arena *arena, const char *const *changes)
{
    Error err;
    TrainSettings train;
    Settings *settings = ARENA_ARRAY(arena, Settings, 1);
    *settings = tiny_settings(arena, changes);
    assert_ok(train_settings_read(settings, &train, &err), &err);
    return train;
}

static void snapshots_are_log_spaced_early_then_even(void **state)
{
    (void)state;
    static const char *const changes[] = {"train.steps", "103", "snapshot.every", "20", NULL};
    static const int64_t due[] = {0, 1, 2, 4, 8, 16, 20, 40, 60, 80, 100, 103};
    Arena *arena = arena_new();
    TrainSettings train = read_tiny(arena, changes);
    size_t n = 0;
    for (int64_t step = 0; step <= train.steps; step++)
        if (snapshot_is_due(&train, step)) {
            assert_true(n < N_TESTS(due));
            assert_int_equal(step, due[n++]);
        }
    assert_int_equal(n, N_TESTS(due));
    assert_int_equal(snapshot_count(&train), n);
    arena_free(arena);
}

static void counting_agrees_with_asking(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int steps = 1; steps < 70; steps += 4)
        for (int every = 1; every < 70; every += 3) {
            char steps_text[16], every_text[16];
            snprintf(steps_text, sizeof steps_text, "%d", steps);
            snprintf(every_text, sizeof every_text, "%d", every);
            const char *changes[] = {"train.steps", steps_text, "snapshot.every", every_text, NULL};
            TrainSettings train = read_tiny(arena, changes);
            int n = 0;
            for (int64_t step = 0; step <= train.steps; step++)
                n += snapshot_is_due(&train, step);
            assert_int_equal(snapshot_count(&train), n);
        }
    arena_free(arena);
}

/* A family's own place: by its name, since its number is not the user's. */
static int family_index(const char *name)
{
    int f = 0;
    while (strcmp(family_registry[f]->name, name) != 0)
        f++;
    return f;
}

static void families_are_due_at_every_so_manieth_snapshot(void **state)
{
    (void)state;
    static const char *const changes[] = {"train.steps", "103", "snapshot.every", "20", "measure.sink.every", "5",
                                          "measure.rips.every", "0", "measure.rank.every", "1", NULL};
    static const int64_t due[] = {0, 16, 100, 103}; /* the snapshots 0, 5, 10 of 0, 1, 2, 4, 8, 16, 20, ..., and the last */
    Arena *arena = arena_new();
    TrainSettings train = read_tiny(arena, changes);
    size_t n = 0;
    for (int64_t step = 0; step <= train.steps; step++)
        if (snapshot_is_due(&train, step)) {
            assert_true(family_is_due(&train, family_index("rank"), step));
            assert_false(family_is_due(&train, family_index("rips"), step));
            if (family_is_due(&train, family_index("sink"), step))
                assert_int_equal(step, due[n++]);
        }
    assert_int_equal(n, N_TESTS(due));
    arena_free(arena);
}

static void families_take_no_more_sequences_than_there_are(void **state)
{
    (void)state;
    static const char *const changes[] = {"measure.sequences", "6", "measure.sink.sequences", "4",
                                          "measure.rank.sequences", "8", "measure.logit.sequences", "0", NULL};
    Arena *arena = arena_new();
    TrainSettings train = read_tiny(arena, changes);
    assert_int_equal(train.measure.families[family_index("sink")].n_sequences, 4);
    assert_int_equal(train.measure.families[family_index("rank")].n_sequences, 6);
    assert_int_equal(train.measure.families[family_index("logit")].n_sequences, 6);
    arena_free(arena);
}

static void lanes_default_to_the_configuration_alone(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    static const char *const three[] = {"train.batch_size", "3", "train.lanes", "0", NULL};
    static const char *const many[] = {"train.batch_size", "64", "train.lanes", "0", NULL};
    assert_int_equal(read_tiny(arena, three).lanes, 3);
    assert_int_equal(read_tiny(arena, many).lanes, 4);
    arena_free(arena);
}

static void contradictions_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const cases[][5] = {
        {"train.batch_size", "4", "train.lanes", "5", NULL},
        {"measure.sequences", "4", "snapshot.maps", "5", NULL},
        {"measure.sequences", "5", NULL},
        {"measure.sink.sequences", "3", NULL},
    };
    static const char *const keys[] = {"train.lanes", "snapshot.maps", "measure.sequences", "measure.sink.sequences"};
    Arena *arena = arena_new();
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Error err = {""};
        TrainSettings train;
        Settings settings = tiny_settings(arena, cases[c]);
        assert_int_equal(train_settings_read(&settings, &train, &err), STATUS_INPUT);
        assert_non_null(strstr(err.text, keys[c]));
    }
    arena_free(arena);
}

static void every_schedule_warms_up_starts_at_the_peak_and_stays_within_it(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (const Schedule *const *schedule = schedule_registry; *schedule; schedule++) {
        const char *changes[] = {"train.schedule.kind", (*schedule)->name, NULL};
        Settings settings = tiny_settings(arena, changes);
        for (int64_t t = 0; t < 10; t++) /* lr(t) = peak (t+1)/W */
            assert_true(fabs(schedule_lr(*schedule, &settings, 0.5, t, 10, 110) - 0.05 * (double)(t + 1)) < 1e-15);
        assert_true(schedule_lr(*schedule, &settings, 0.5, 10, 10, 110) == 0.5);
        double last = 0.5;
        for (int64_t t = 10; t < 110; t++) {
            double lr = schedule_lr(*schedule, &settings, 0.5, t, 10, 110);
            assert_true(lr >= 0 && lr <= last);
            last = lr;
        }
        assert_true(schedule_lr(*schedule, &settings, 0.5, 0, 0, 1) == 0.5); /* one step, no warm-up */
    }
    arena_free(arena);
}

/* Update t of 110 with 10 of warm-up, over the peak. */
static double wsd_at(Arena *arena, const char *shape, int64_t t)
{
    const char *changes[] = {"train.schedule.kind", "wsd", "train.schedule.decay_share", "0.25", "train.schedule.shape",
                             shape, "train.schedule.floor", "0.1", NULL};
    Settings settings = tiny_settings(arena, changes);
    return schedule_lr(schedule_find("wsd"), &settings, 1, t, 10, 110);
}

static void wsd_falls_over_the_last_share_of_the_steps(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    static const char *const shapes[] = {"linear", "1-sqrt"};
    for (int s = 0; s < 2; s++) {
        for (int64_t t = 10; t <= 85; t++)
            assert_true(wsd_at(arena, shapes[s], t) == 1);
        assert_true(fabs(wsd_at(arena, shapes[s], 110) - 0.1) < 1e-12); /* the end of the fall is the end of the run */
    }
    assert_true(fabs(wsd_at(arena, "linear", 95) - (0.1 + 0.9 * 0.6)) < 1e-12); /* 10 of 25 steps down */
    assert_true(fabs(wsd_at(arena, "1-sqrt", 91) - (0.1 + 0.9 * (1 - sqrt(0.24)))) < 1e-12);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots_are_log_spaced_early_then_even),
        cmocka_unit_test(counting_agrees_with_asking),
        cmocka_unit_test(families_are_due_at_every_so_manieth_snapshot),
        cmocka_unit_test(families_take_no_more_sequences_than_there_are),
        cmocka_unit_test(lanes_default_to_the_configuration_alone),
        cmocka_unit_test(contradictions_are_refused_by_name),
        cmocka_unit_test(every_schedule_warms_up_starts_at_the_peak_and_stays_within_it),
        cmocka_unit_test(wsd_falls_over_the_last_share_of_the_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
