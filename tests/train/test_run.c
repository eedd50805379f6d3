/* The life of a run: without this file, results could depend on threads, on measuring, or on having
 * been interrupted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "data/data.h"
#include "model/mask/mask.h"
#include "model/position/position.h"
#include "store/npz.h"
#include "store/manifest.h"
#include "train/checkpoint.h"
#include "train/session.h"
#include "training.h"

#define GOLDEN_LARGE_SERIES "7b2dc0719a165da1e854180ac0cf7ca550b4cb5e4f7d52a87cf8b26096764cbe"
#define GOLDEN_SERIES       "4f877d0f784183eefec4bffe6375d412970594aa2280bc047d606eae74b31ae7"

static void run_hash(const char *const *changes, int threads, int64_t stop_after, char ret_hex[65])
{
    Arena *arena = arena_new();
    Error err = {""};
    char *folder = fresh_folder(arena);
    Settings settings = tiny_settings(arena, changes);
    int status = train_in(folder, &settings, threads, stop_after, &err);
    if (stop_after > 0) {
        assert_int_equal(status, STATUS_INTERRUPTED);
        assert_int_equal(run_status(folder), RUN_INTERRUPTED);
        status = train_in(folder, &settings, threads, 0, &err);
    }
    if (status != STATUS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(run_status(folder), RUN_FINISHED);
    results_hash(folder, ret_hex);
    remove_tree(folder);
    arena_free(arena);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    char one[65], more[65];
    run_hash(NULL, 1, 0, one);
    for (int threads = 2; threads <= 8; threads += threads == 3 ? 5 : 1) {
        run_hash(NULL, threads, 0, more);
        assert_string_equal(one, more);
    }
}

/* A machine of many cores: 64 lanes for up to as many threads, which here are more than the cores. Lanes of one
 * sequence each, of more, and of unequal numbers of them. */
static void nor_do_many(void **state)
{
    (void)state;
    static const char *const shapes[][2] = {{"64", "64"}, {"100", "64"}, {"33", "17"}};
    static const int threads[] = {2, 5, 16, 33, 64};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const char *const changes[] = {"train.batch_size",  shapes[s][0],  "train.lanes",
                                       shapes[s][1],        "train.steps", "5",
                                       "measure.sequences", "4",           NULL};
        char one[65], more[65];
        run_hash(changes, 1, 0, one);
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            run_hash(changes, threads[t], 0, more);
            assert_string_equal(one, more);
        }
    }
}

static void an_interrupt_at_any_step_leaves_the_same_bytes(void **state)
{
    (void)state;
    char whole[65], resumed[65];
    run_hash(NULL, 2, 0, whole);
    for (int64_t step = 1; step < 12; step += 2) {
        run_hash(NULL, 2, step, resumed);
        assert_string_equal(whole, resumed);
    }
}

/* Every variant of every registry that a tiny run can take, resumed in the middle and with other threads. */
static void every_variant_resumes(const char *key, const char *const *names, int n, const char *const *with)
{
    for (int i = 0; i < n; i++) {
        const char *changes[32] = {key, names[i]};
        int c = 2;
        for (const char *const *word = with; word && *word; word++)
            changes[c++] = *word;
        changes[c] = NULL;
        char whole[65], resumed[65];
        run_hash(changes, 1, 0, whole);
        run_hash(changes, 3, 7, resumed);
        assert_string_equal(whole, resumed);
    }
}

/* Whether it has goals, vectors too, and not only vectors to read. */
static int asks_for_vectors(const Source *source)
{
    const char *const changes[] = {"data.source.kind", source->variant.name, NULL};
    int widths[2] = {0, 0};
    Arena *arena = arena_new();
    const Settings settings = tiny_settings(arena, changes);
    void *state;
    if (source->widths && source->prepare(arena, &settings, NULL, 16, &state, NULL) == STATUS_OK)
        source->widths(state, &widths[0], &widths[1]);
    arena_free(arena);
    return widths[1] > 0;
}

static void variants_resume_to_the_same_bytes(void **state)
{
    (void)state;
    const char *names[32];
    int n;
#define EACH(registry)                                                                                                 \
    for (n = 0; (registry)[n]; n++)                                                                                    \
        names[n] = (registry)[n]->variant.name;
    EACH(position_registry) every_variant_resumes("model.position.kind", names, n, NULL);
    EACH(mask_registry) every_variant_resumes("model.mask.kind", names, n, NULL);
    EACH(optimizer_registry) every_variant_resumes("train.optimizer.kind", names, n, NULL);
    EACH(schedule_registry) every_variant_resumes("train.schedule.kind", names, n, NULL);
    static const char *const reads_text[] = {"data.source.kind", "text", "objective.kind", "next", NULL};
    EACH(tokenizer_registry) every_variant_resumes("data.tokenizer.kind", names, n, reads_text);
    static const char *const placements[] = {"post", "sandwich"}, *const blocks[] = {"model.qk_norm", "true",
                                                                                     "model.activation", "swiglu",
                                                                                     NULL};
    every_variant_resumes("model.norm_placement", placements, 2, blocks);
    static const char *const lengths[] = {"uniform", "documents"};
    static const char *const whole_texts[] = {"data.source.kind", "text", "objective.kind", "next", "data.window",
                                              "document",         NULL};
    every_variant_resumes("data.lengths.kind", lengths, 2, whole_texts);
    for (n = 0; source_registry[n]; n++) {
        const Source *source = source_registry[n];
        const char *objective = asks_for_vectors(source) ? "regression" : source->has_labels ? "labelled" : "next";
        const char *with[] = {"objective.kind", objective, source->widths ? "model.input" : NULL, "linear", NULL};
        every_variant_resumes("data.source.kind", &source_registry[n]->variant.name, 1, with);
    }
    for (n = 0; objective_registry[n]; n++) {
        const int is_squared = objective_registry[n]->loss == LOSS_SQUARED_ERROR;
        const char *source = is_squared                            ? "trigger_mean"
                             : objective_registry[n]->needs_labels ? "recall"
                                                                   : "bigram_backcopy";
        const char *with[] = {"data.source.kind", source, is_squared ? "model.input" : NULL, "linear", NULL};
        every_variant_resumes("objective.kind", &objective_registry[n]->variant.name, 1, with);
    }
#undef EACH
}

/* Every kernel path of this machine, from the fastest to plain C. */
static void the_instruction_set_does_not_matter(void **state)
{
    (void)state;
    static const char *const changes[] = {"train.steps", "4", "model.activation", "gelu", NULL};
    Arena *arena = arena_new();
    Error err;
    Settings settings = tiny_settings(arena, changes);
    char first[65], other[65];
    for (const char *const *name = kernels_available(); *name; name++) {
        char *folder = fresh_folder(arena);
        assert_int_equal(train_with(folder, &settings, kernels_named(*name), 2, 0, &err), STATUS_OK);
        results_hash(folder, name == kernels_available() ? first : other);
        if (name != kernels_available())
            assert_string_equal(first, other);
        remove_tree(folder);
    }
    arena_free(arena);
}

static void final_weights(const char *const *changes, char ret_hex[65])
{
    Arena *arena = arena_new();
    Error err;
    char *folder = fresh_folder(arena);
    Settings settings = tiny_settings(arena, changes);
    assert_int_equal(train_in(folder, &settings, 1, 0, &err), STATUS_OK);
    assert_int_equal(file_sha256(run_checkpoint_path(arena, folder, 12), ret_hex, &err), STATUS_OK);
    remove_tree(folder);
    arena_free(arena);
}

/* Of losses and gradient norms of every step, in digits that round-trip. */
static void series_hash(const char *const *changes, char ret_hex[65])
{
    Arena *arena = arena_new();
    Error err;
    char *folder = fresh_folder(arena);
    Settings settings = tiny_settings(arena, changes);
    assert_int_equal(train_in(folder, &settings, 1, 0, &err), STATUS_OK);
    assert_int_equal(file_sha256(file_join(arena, folder, RUN_SERIES), ret_hex, &err), STATUS_OK);
    remove_tree(folder);
    arena_free(arena);
}

/* The golden number comes last: when it changes on purpose, TRAIN_NUMERICS_VERSION goes up with it, and every run gets
 * a new id. No libm function is on the way (no rotary angles; own exp, log, cos). */
static void the_bits_are_those_of_this_numerics_version(void **state)
{
    (void)state;
    static const char *const small[] = {"model.position.kind", "absolute", "model.activation", "gelu", NULL};
    /* several blocks of queries, keys and products' k; several sequences a lane, which are groups of their own */
    static const char *const large[] = {"model.position.kind",
                                        "absolute",
                                        "model.activation",
                                        "gelu",
                                        "model.context_length",
                                        "300",
                                        "model.n_heads",
                                        "2",
                                        "train.batch_size",
                                        "5",
                                        "train.lanes",
                                        "2",
                                        "train.steps",
                                        "4",
                                        "measure.enabled",
                                        "false",
                                        NULL};
    assert_int_equal(TRAIN_NUMERICS_VERSION, 2);
    char hex[65];
    series_hash(small, hex);
    assert_string_equal(hex, GOLDEN_SERIES);
    series_hash(large, hex);
    assert_string_equal(hex, GOLDEN_LARGE_SERIES);
}

static void measuring_does_not_disturb(void **state)
{
    (void)state;
    static const char *const off[] = {"measure.enabled", "false", NULL};
    static const char *const often[] = {"snapshot.every", "1", "measure.sequences", "10", NULL};
    char with[65], without[65];
    final_weights(often, with);
    final_weights(off, without);
    assert_string_equal(with, without);
}

static void a_damaged_checkpoint_gives_way_to_an_older_one(void **state)
{
    (void)state;
    static const char *const two[] = {"checkpoint.keep", "2", NULL};
    Arena *arena = arena_new();
    Error err;
    char whole[65], resumed[65];
    char *folder = fresh_folder(arena);
    Settings settings = tiny_settings(arena, two);
    run_hash(two, 1, 0, whole);
    assert_int_equal(train_in(folder, &settings, 1, 11, &err), STATUS_INTERRUPTED);
    assert_int_equal(file_truncate(run_checkpoint_path(arena, folder, 11), 100, &err), STATUS_OK);
    assert_int_equal(train_in(folder, &settings, 1, 0, &err), STATUS_OK);
    results_hash(folder, resumed);
    assert_string_equal(whole, resumed);
    remove_tree(folder);
    arena_free(arena);
}

static void a_loss_that_is_not_finite_ends_the_run_and_keeps_what_was_written(void **state)
{
    (void)state;
    /* Every update multiplies the weights by 1 - lr * decay = -9999: they overflow within ten steps. */
    static const char *const wild[] = {"train.lr", "1000", "train.optimizer.weight_decay", "10", "train.warmup_steps",
                                       "0",        NULL};
    Arena *arena = arena_new();
    Error err = {""};
    Manifest manifest;
    char *folder = fresh_folder(arena);
    Settings settings = tiny_settings(arena, wild);
    assert_int_equal(train_in(folder, &settings, 1, 0, &err), STATUS_FAILED);
    assert_non_null(strstr(err.text, "not finite"));
    assert_int_equal(manifest_read(arena, folder, &manifest, &err), STATUS_OK);
    assert_int_equal(manifest.status, RUN_FAILED);
    assert_non_null(strstr(manifest.reason, "not finite"));
    assert_true(file_exists(run_snapshot_path(arena, folder, 0)));
    assert_true(file_exists(file_join(arena, folder, RUN_SERIES)));
    remove_tree(folder);
    arena_free(arena);
}

static void measuring_again_from_saved_weights_changes_nothing(void **state)
{
    (void)state;
    static const char *const kept[] = {"snapshot.weights", "true", NULL};
    Arena *arena = arena_new();
    Error err = {""};
    char *folder = fresh_folder(arena), before[65], after[65];
    Settings settings = tiny_settings(arena, kept);
    static const int64_t steps[] = {0, 1, 2, 4, 5, 10, 12};
    Remeasured *snapshots;
    int n = 0;
    assert_int_equal(train_in(folder, &settings, 1, 0, &err), STATUS_OK);
    results_hash(folder, before);
    TrainJob job = {.folder = folder, .settings = &settings, .kernels = kernels_best(), .threads = 2};
    assert_int_equal(train_measure_again(arena, &job, &snapshots, &n, &err), STATUS_OK);
    results_hash(folder, after);
    assert_int_equal(n, sizeof steps / sizeof *steps);
    for (int i = 0; i < n; i++) {
        assert_int_equal(snapshots[i].step, steps[i]);
        assert_false(snapshots[i].is_changed);
    }
    assert_string_equal(before, after);
    remove_tree(folder);
    arena_free(arena);
}

/* Flips one byte of a file and, called again, flips it back. */
static void flip(Arena *arena, const char *path)
{
    char *bytes;
    size_t n;
    Error err;
    assert_int_equal(file_read(arena, path, &bytes, &n, &err), STATUS_OK);
    bytes[n / 2] ^= 1;
    assert_int_equal(file_write(path, bytes, n, &err), STATUS_OK);
}

static int holds(const Manifest *manifest, const char *file)
{
    for (int i = 0; i < manifest->n_files; i++)
        if (strcmp(manifest->files[i], file) == 0)
            return 1;
    return 0;
}

/* A run's ids mean nothing without it: it is there from the start, comes back when it is lost, and a run whose tokens
 * are no longer those that it holds neither goes on nor is measured again. */
static void a_run_keeps_its_tokenizer(void **state)
{
    (void)state;
    for (const Tokenizer *const *t = tokenizer_registry; *t; t++) {
        const char *const changes[] = {"data.source.kind", "text", "objective.kind", "next", "data.tokenizer.kind",
                                       (*t)->variant.name, NULL};
        Arena *arena = arena_new();
        Error err = {""};
        Manifest manifest;
        Remeasured *snapshots;
        int n = 0;
        char *folder = fresh_folder(arena), *path = file_join(arena, folder, RUN_TOKENIZER), whole[65], now[65];
        Settings settings = tiny_settings(arena, changes);
        TrainJob job = {.folder = folder, .settings = &settings, .kernels = kernels_best(), .threads = 2};
        run_hash(changes, 1, 0, whole);
        assert_int_equal(train_in(folder, &settings, 1, 6, &err), STATUS_INTERRUPTED);
        assert_int_equal(file_exists(path), (*t)->save != NULL);
        if ((*t)->save) {
            flip(arena, path);
            results_hash(folder, now);
            assert_int_equal(train_in(folder, &settings, 1, 0, &err), STATUS_INPUT);
            assert_non_null(strstr(err.text, "tokenizer.csv: differs"));
            assert_int_equal(train_measure_again(arena, &job, &snapshots, &n, &err), STATUS_INPUT);
            char same[65];
            results_hash(folder, same);
            assert_string_equal(now, same);
            assert_int_equal(run_status(folder), RUN_INTERRUPTED);
            assert_int_equal(file_remove(path, &err), STATUS_OK);
        }
        assert_int_equal(train_in(folder, &settings, 1, 0, &err), STATUS_OK);
        results_hash(folder, now);
        assert_int_equal(train_measure_again(arena, &job, &snapshots, &n, &err), STATUS_OK);
        assert_string_equal(now, whole);
        assert_int_equal(manifest_read(arena, folder, &manifest, &err), STATUS_OK);
        assert_int_equal(holds(&manifest, RUN_TOKENIZER), (*t)->save != NULL);
        remove_tree(folder);
        arena_free(arena);
    }
}

typedef struct {
    const char *folder;
    int64_t at;        /* the step at which to look, as after a kill there */
    Manifest manifest; /* what stood there */
    Arena *arena;
} Look;

static void look(void *context, const TrainProgress *progress)
{
    Look *own = context;
    Error err;
    if (progress->step == own->at)
        assert_int_equal(manifest_read(own->arena, own->folder, &own->manifest, &err), STATUS_OK);
}

/* A kill must not cost the time spent and the loss reached, and `refframe status` shows how far a run is. */
static void every_checkpoint_has_its_manifest(void **state)
{
    (void)state;
    static const char *const changes[] = {"checkpoint.every", "3", "snapshot.every", "3", NULL};
    Arena *arena = arena_new();
    Error err = {""};
    char *folder = fresh_folder(arena);
    Settings settings = tiny_settings(arena, changes);
    Look seen = {.folder = folder, .at = 8, .arena = arena};
    TrainJob job = {.folder = folder,
                    .id = "0123456789ab",
                    .settings = &settings,
                    .kernels = kernels_best(),
                    .threads = 1,
                    .on_progress = look,
                    .context = &seen};
    assert_int_equal(train_run(&job, &err), STATUS_OK);
    assert_int_equal(seen.manifest.status, RUN_RUNNING);
    assert_int_equal(seen.manifest.step, 6);
    assert_true(seen.manifest.final_loss > 0);
    assert_true(seen.manifest.wall_seconds > 0);
    remove_tree(folder);
    arena_free(arena);
}

/* The estimate that `check` prints is the memory that is taken: trainer_new and measurer_new fit it to the byte. */
static void memory_is_known_before_it_is_taken(void **state)
{
    (void)state;
    static const char *const shapes[][9] = {
        {NULL},
        {"model.n_layers", "3", "model.d_head", "6", "train.batch_size", "7", "train.lanes", "3", NULL},
        {"objective.kind", "masked", "data.source.kind", "bigram_backcopy", "model.mask.kind", "full", NULL},
        {"model.position.kind", "relative", "model.n_heads", "4", NULL},
        {"model.norm_placement", "sandwich", "model.qk_norm", "true", "model.activation", "swiglu", NULL},
        {"data.lengths.kind", "uniform", "model.position.kind", "fire", NULL},
    };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        Arena *arena = arena_new();
        Error err;
        Session session;
        Settings settings = tiny_settings(arena, shapes[s]);
        assert_int_equal(session_open(&settings, kernels_best(), &session, &err), STATUS_OK);
        assert_int_equal(session_start(&session, 2, 1, 1, &err), STATUS_OK);
        assert_int_equal(arena_used(session.memory), session_bytes(&session, 2, 1, 1));
        session_close(&session);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(nor_do_many),
        cmocka_unit_test(an_interrupt_at_any_step_leaves_the_same_bytes),
        cmocka_unit_test(variants_resume_to_the_same_bytes),
        cmocka_unit_test(the_instruction_set_does_not_matter),
        cmocka_unit_test(the_bits_are_those_of_this_numerics_version),
        cmocka_unit_test(measuring_does_not_disturb),
        cmocka_unit_test(a_damaged_checkpoint_gives_way_to_an_older_one),
        cmocka_unit_test(a_loss_that_is_not_finite_ends_the_run_and_keeps_what_was_written),
        cmocka_unit_test(measuring_again_from_saved_weights_changes_nothing),
        cmocka_unit_test(a_run_keeps_its_tokenizer),
        cmocka_unit_test(every_checkpoint_has_its_manifest),
        cmocka_unit_test(memory_is_known_before_it_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
