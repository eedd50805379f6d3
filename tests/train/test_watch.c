/* Without this file the weights at a sink's onset could be removed before anybody knew that it was the onset. */
#include "testing.h"

#include <math.h>

#include "base/file.h"
#include "base/pcg.h"
#include "train/session.h"
#include "train/watch.h"
#include "training.h"

enum { N = 24 };

/* The session of a tiny run with a snapshot at every step, and its folder with baselines. */
typedef struct {
    Trained trained;
    Settings settings;
    Session session;
} Scene;

static Scene *open_scene(Arena *arena, const char *reach)
{
    const char *changes[] = {"train.steps",
                             "23",
                             "snapshot.every",
                             "1",
                             "checkpoint.around_onset",
                             reach,
                             "data.source.kind",
                             "bigram_backcopy",
                             "data.bos",
                             "always",
                             "objective.kind",
                             "next",
                             NULL};
    Scene *scene = ARENA_ARRAY(arena, Scene, 1);
    Error err;
    scene->trained = train_tiny(changes);
    scene->settings = tiny_settings(arena, changes);
    assert_ok(session_open(&scene->settings, kernels_best(), &scene->session, &err), &err);
    assert_ok(session_start(&scene->session, 1, 1, 1, &err), &err);
    return scene;
}

static void close_scene(Scene *scene)
{
    session_close(&scene->session);
    drop_trained(&scene->trained);
}

/* Values that cross the threshold now and then, stay across, or never do. */
static void draw_sinks(Pcg *stream, double sinks[N])
{
    const double high = pcg_uniform(stream), rises_at = N * 1.3 * pcg_uniform(stream);
    for (int i = 0; i < N; i++)
        sinks[i] = i >= rises_at ? 0.5 + high : pcg_uniform(stream) * 0.4;
}

/* Half of the draws measure the sink in every second snapshot alone, and in the last. */
static void what_is_left_is_around_the_onset(void **state)
{
    (void)state;
    static const char *const reaches[] = {"0", "1", "3"};
    Arena *arena = arena_new();
    Pcg stream = pcg_named(11, "test/watch");
    int n_found = 0, n_never = 0;
    for (size_t r = 0; r < N_TESTS(reaches); r++) {
        Scene *scene = open_scene(arena, reaches[r]);
        const TrainSettings *settings = &scene->session.settings;
        const int reach = settings->checkpoint.around_onset;
        for (int draw = 0; draw < 200; draw++) {
            double sinks[N], steps[N], measured[N];
            int stands[N] = {0}, at[N], n_measured = 0;
            Watch watch;
            Error err;
            assert_ok(watch_begin(arena, settings, scene->session.measurer, scene->trained.folder, -1, &watch, &err),
                      &err);
            draw_sinks(&stream, sinks);
            for (int i = 0; i < N; i++) {
                const int is_measured = draw % 2 == 0 || i % 2 == 0 || i == N - 1;
                const double sink = is_measured ? sinks[i] : (double)NAN;
                at[i] = n_measured;
                steps[n_measured] = i, measured[n_measured] = sink, n_measured += is_measured;
                assert_ok(watch_add(&watch, scene->trained.folder, i, sink, &err), &err);
                stands[i] = watch_keeps(&watch, i);
                int n = 0;
                for (int k = 0; k <= i; k++)
                    n += stands[k] = stands[k] && watch_keeps(&watch, k);
                assert_true(n <= watch_most(settings));
            }
            Onset onset;
            onset_of_run(n_measured, steps, measured, watch.floor, sinks[0], 1, 0.3, 3, &onset);
            const int is_found = reach > 0 && onset.kind != ONSET_NEVER;
            n_found += is_found, n_never += reach > 0 && !is_found;
            for (int i = 0; i < N; i++) {
                const int is_measured = at[i] < n_measured && (int)steps[at[i]] == i;
                assert_int_equal(stands[i], is_found && is_measured && abs(at[i] - onset.index) <= reach);
            }
        }
        close_scene(scene);
    }
    assert_true(n_found > 50 && n_never > 50);
    arena_free(arena);
}

/* Gone on at any step, it knows what it would have known. */
static void who_goes_on_knows_as_much(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene *scene = open_scene(arena, "2");
    const TrainSettings *settings = &scene->session.settings;
    const char *folder = scene->trained.folder;
    Watch whole, part;
    Error err;
    assert_ok(watch_begin(arena, settings, scene->session.measurer, folder, settings->steps, &whole, &err), &err);
    assert_int_equal(whole.n, N);
    for (int64_t step = 0; step < N; step++) {
        assert_ok(watch_begin(arena, settings, scene->session.measurer, folder, step, &part, &err), &err);
        for (int64_t later = step + 1; later < N; later++)
            assert_ok(watch_add(&part, folder, later, whole.sinks[later], &err), &err);
        assert_int_equal(part.n, whole.n);
        assert_memory_equal(part.sinks, whole.sinks, sizeof(double) * N);
        assert_true(part.floor == whole.floor && part.onset.index == whole.onset.index);
    }
    close_scene(scene);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_around_the_onset),
        cmocka_unit_test(who_goes_on_knows_as_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
