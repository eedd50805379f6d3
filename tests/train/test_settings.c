/* When things are due, and what the learning rate is: without this file a snapshot could move with the machine or a
 * resume could meet another schedule. */
#include "testing.h"

#include <math.h>

#include "geometry/metric.h"
#include "plan/draft.h"
#include "train/settings.h"
#include "training.h"

static TrainSettings read_tiny(Arena *arena, const char *const *changes)
{
    Error err;
    TrainSettings train;
    Settings *settings = ARENA_ARRAY(arena, Settings, 1);
    *settings = tiny_settings(arena, changes);
    assert_ok(train_settings_read(arena, settings, &train, &err), &err);
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
    while (strcmp(family_registry[f]->variant.name, name) != 0)
        f++;
    return f;
}

static void families_are_due_at_every_nth_snapshot(void **state)
{
    (void)state;
    static const char *const changes[] = {"train.steps",
                                          "103",
                                          "snapshot.every",
                                          "20",
                                          "measure.sink.every",
                                          "5",
                                          "measure.rips.every",
                                          "0",
                                          "measure.rank.every",
                                          "1",
                                          NULL};
    static const int64_t due[] = {0, 16, 100,
                                  103}; /* the snapshots 0, 5, 10 of 0, 1, 2, 4, 8, 16, 20, ..., and the last */
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
    static const char *const changes[] = {"measure.sequences",
                                          "6",
                                          "measure.sink.sequences",
                                          "4",
                                          "measure.rank.sequences",
                                          "8",
                                          "measure.logit.sequences",
                                          "0",
                                          NULL};
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
        {"checkpoint.around_onset", "1", "measure.sink.every", "0", NULL},
        {"train.data_seed", "5", "train.init_seed", "5", NULL},
    };
    static const char *const keys[] = {
        "train.lanes",    "snapshot.maps", "measure.sequences", "measure.sink.sequences", "checkpoint.around_onset",
        "train.init_seed"};
    Arena *arena = arena_new();
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Error err = {""};
        TrainSettings train;
        Settings settings = tiny_settings(arena, cases[c]);
        assert_int_equal(train_settings_read(arena, &settings, &train, &err), STATUS_INPUT);
        assert_non_null(strstr(err.text, keys[c]));
    }
    arena_free(arena);
}

static void every_schedule_warms_up_starts_at_the_peak_and_stays_within_it(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int s = 0; any_schedule(s); s++) {
        const Schedule *schedule = any_schedule(s);
        const char *changes[] = {"train.schedule.kind", schedule->variant.name, NULL};
        Settings settings = tiny_settings(arena, changes);
        void *own;
        assert_int_equal(variant_prepare(schedule->prepare, arena, &settings, &own, NULL), STATUS_OK);
        for (int64_t t = 0; t < 10; t++) /* lr(t) = peak (t+1)/W */
            assert_true(fabs(schedule_lr(schedule, own, 0.5, t, 10, 110) - 0.05 * (double)(t + 1)) < 1e-15);
        assert_true(schedule_lr(schedule, own, 0.5, 10, 10, 110) == 0.5);
        double last = 0.5;
        for (int64_t t = 10; t < 110; t++) {
            double lr = schedule_lr(schedule, own, 0.5, t, 10, 110);
            assert_true(lr >= 0 && lr <= last);
            last = lr;
        }
        assert_true(schedule_lr(schedule, own, 0.5, 0, 0, 1) == 0.5); /* one step, no warm-up */
    }
    arena_free(arena);
}

/* Update t of 110 with 10 of warm-up, over the peak. */
static double wsd_at(Arena *arena, const char *shape, int64_t t)
{
    const char *changes[] = {"train.schedule.kind",
                             "wsd",
                             "train.schedule.decay_share",
                             "0.25",
                             "train.schedule.shape",
                             shape,
                             "train.schedule.floor",
                             "0.1",
                             NULL};
    const TrainSettings train = read_tiny(arena, changes);
    return schedule_lr(train.schedule, train.schedule_state, 1, t, 10, 110);
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

/* What an id hashes of the data, the model, the training and one more key, which changes tiny settings (NULL: none
 * does). */
static const char *counted_text(Arena *arena, const char *key, const char *value)
{
    const char *changes[] = {key, value, NULL};
    Settings all = tiny_settings(arena, changes);
    Settings some = {ARENA_ARRAY(arena, Setting, all.n_items), 0};
    Text text = {0};
    for (int i = 0; i < all.n_items; i++)
        if (strncmp(all.items[i].key, "data.", 5) == 0 || strncmp(all.items[i].key, "model.", 6) == 0 ||
            strncmp(all.items[i].key, "train.", 6) == 0 || (key && strcmp(all.items[i].key, key) == 0))
            some.items[some.n_items++] = all.items[i];
    id_json(&some, "", 1, id_later_keys, &text);
    const char *copy = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return copy;
}

/* Every key of data, model and train that the first version had, and no other: a key added since stands in
 * id_later_keys with what it meant before, or every run that exists would lose its id. */
/* For every registered schedule, and lengths from within the warm-up to the whole. */
static void steps_are_alike_up_to_the_first_other_rate(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int k = 0; any_schedule(k) && schedule_find(any_schedule(k)->variant.name); k++) /* the template aside */
        for (int steps = 3; steps < 40; steps += 4) {
            const char *kind = any_schedule(k)->variant.name, *text = arena_format(arena, "%d", steps);
            const char *more[] = {"train.steps", "40", "train.warmup_steps", "8", "train.schedule.kind", kind, NULL};
            const char *fewer[] = {"train.steps", text, "train.warmup_steps", "8", "train.schedule.kind", kind, NULL};
            const Settings settings = tiny_settings(arena, more);
            const TrainSettings longer = read_tiny(arena, more), shorter = read_tiny(arena, fewer);
            const int64_t alike = train_steps_alike(&settings, steps);
            for (int64_t t = 0; t < alike; t++)
                assert_true(settings_lr(&longer, t) == settings_lr(&shorter, t));
            assert_true(alike <= steps);
            assert_true(alike == steps || settings_lr(&longer, alike) != settings_lr(&shorter, alike));
            assert_true(alike >= (steps < 8 ? steps : 8));
            assert_true(alike == steps || strcmp(kind, "constant") != 0);
        }
    arena_free(arena);
}

static void a_seed_that_is_the_run_s_own_makes_no_other_run(void **state)
{
    (void)state;
    static const char *const keys[] = {"train.data_seed", "train.init_seed"};
    Arena *arena = arena_new();
    for (size_t k = 0; k < N_TESTS(keys); k++) {
        const char *const changes[][5] = {
            {"seed", "7", NULL}, {"seed", "7", keys[k], "7", NULL}, {"seed", "7", keys[k], "8", NULL}};
        char ids[3][13];
        for (int i = 0; i < 3; i++) {
            const Settings settings = tiny_settings(arena, changes[i]);
            plan_run_id(&settings, "", 1, ids[i]);
        }
        assert_string_equal(ids[1], ids[0]);
        assert_string_not_equal(ids[2], ids[0]);
    }
    arena_free(arena);
}

static void runs_of_the_first_version_keep_their_ids(void **state)
{
    (void)state;
    static const char first_version[] =
        "{\"inputs\":\"\",\"numerics_version\":1,\"settings\":{\"data.bos\":\"never\",\"data.eos\":\"never\","
        "\"data.held_out\":0.1,\"data.source.kind\":\"recall\",\"data.source.n_symbols\":32,"
        "\"data.source.task\":\"first\",\"data.tokenizer.kind\":\"character\",\"data.window\":\"anywhere\","
        "\"model.activation\":\"gelu\",\"model.bias\":false,"
        "\"model.context_length\":16,\"model.d_ff\":0,\"model.d_head\":0,\"model.d_model\":16,"
        "\"model.init.embedding_std\":1,\"model.init.head_std\":0.02,\"model.init.position_std\":1,"
        "\"model.init.residual\":\"scaled\",\"model.init.weight\":\"fan_in\",\"model.init.weight_std\":0.02,"
        "\"model.mask.kind\":\"causal\",\"model.n_heads\":2,\"model.n_layers\":1,\"model.norm\":\"layernorm\","
        "\"model.norm_epsilon\":1e-5,\"model.position.kind\":\"rope\",\"model.position.theta\":10000,"
        "\"model.score.kind\":\"softmax\",\"model.tied_head\":false,\"train.batch_size\":8,\"train.clip\":1,"
        "\"train.lanes\":4,\"train.lr\":0.002,\"train.optimizer.beta1\":0.9,\"train.optimizer.beta2\":0.95,"
        "\"train.optimizer.epsilon\":1e-8,\"train.optimizer.kind\":\"adamw\",\"train.optimizer.weight_decay\":0,"
        "\"train.schedule.kind\":\"constant\",\"train.steps\":12,\"train.warmup_steps\":4}}";
    Arena *arena = arena_new();
    assert_string_equal(counted_text(arena, NULL, NULL), first_version);
    for (const LaterKey *later = id_later_keys; later->key; later++) {
        Settings settings = tiny_settings(arena, NULL);
        const Setting *setting = settings_find(&settings, later->key);
        static const char *const flags[] = {"false", "true", NULL};
        if (!setting || (setting->row->type != VALUE_CHOICE && setting->row->type != VALUE_BOOL))
            continue;
        const char *const *values = setting->row->type == VALUE_BOOL ? flags : setting->row->choices;
        for (int i = 0; values[i]; i++) {
            const char *value = values[i], *text = counted_text(arena, later->key, value);
            if (strcmp(value, later->introductory) == 0)
                assert_string_equal(text, first_version);
            else
                assert_non_null(strstr(text, arena_format(arena, "\"%s\":", later->key)));
        }
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots_are_log_spaced_early_then_even),
        cmocka_unit_test(counting_agrees_with_asking),
        cmocka_unit_test(families_are_due_at_every_nth_snapshot),
        cmocka_unit_test(families_take_no_more_sequences_than_there_are),
        cmocka_unit_test(lanes_default_to_the_configuration_alone),
        cmocka_unit_test(contradictions_are_refused_by_name),
        cmocka_unit_test(every_schedule_warms_up_starts_at_the_peak_and_stays_within_it),
        cmocka_unit_test(wsd_falls_over_the_last_share_of_the_steps),
        cmocka_unit_test(steps_are_alike_up_to_the_first_other_rate),
        cmocka_unit_test(a_seed_that_is_the_run_s_own_makes_no_other_run),
        cmocka_unit_test(runs_of_the_first_version_keep_their_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
