/* Without this, a run that lost a file, or had a bit of one flipped, before it went on could finish as if nothing had
 * happened, with a hole among its results and the hash of the hole in its manifest. */
#include "testing.h"

#include "base/sha256.h"
#include "store/manifest.h"
#include "store/safetensors.h"
#include "train/train.h"
#include "training.h"

static const char *const changes[] = {"checkpoint.every", "3", "checkpoint.keep", "3", NULL};

/* A run under way: what it has said, and what happens to its folder after one of its steps. */
typedef struct {
    Text notes;
    int64_t stop_after, harm_after;
    void (*harm)(Arena *arena, const char *folder);
    Arena *arena;
    const char *folder;
    const char *const *changes; /* of the settings; NULL: the usual */
    int64_t step;
} Story;

static void on_note(void *context, const char *line)
{
    text_addf(&((Story *)context)->notes, "%s\n", line);
}

static void on_progress(void *context, const TrainProgress *progress)
{
    Story *story = context;
    story->step = progress->step;
    if (story->harm && story->step == story->harm_after)
        story->harm(story->arena, story->folder);
}

static int should_stop(void *context)
{
    const Story *story = context;
    return story->step == story->stop_after;
}

/* Trains up to a step, 0: to the end. Its notes, in the arena. */
static int train(Story *story, int64_t stop_after, const char **ret_notes, Error *err)
{
    const Settings settings = tiny_settings(story->arena, story->changes ? story->changes : changes);
    TrainJob job = {.folder = story->folder,
                    .id = "0123456789ab",
                    .settings = &settings,
                    .kernels = kernels_best(),
                    .threads = 1,
                    .on_note = on_note,
                    .should_stop = should_stop,
                    .on_progress = on_progress,
                    .context = story};
    story->step = 0, story->stop_after = stop_after;
    text_clear(&story->notes);
    const int status = train_run(&job, err);
    if (ret_notes)
        *ret_notes = arena_strdup(story->arena, text_string(&story->notes));
    return status;
}

static void whole_hash(char ret_hex[65])
{
    Arena *arena = arena_new();
    Error err;
    Story story = {.arena = arena, .folder = fresh_folder(arena)};
    assert_ok(train(&story, 0, NULL, &err), &err);
    results_hash(story.folder, ret_hex);
    remove_tree(story.folder);
    text_free(&story.notes);
    arena_free(arena);
}

/* ---- what happens to files ---- */

/* Changes one byte of a file, in its middle or behind a mark. */
static void flip(Arena *arena, const char *folder, const char *name, const char *mark)
{
    const char *path = file_join(arena, folder, name);
    char *bytes;
    size_t n;
    Error err;
    assert_ok(file_read(arena, path, &bytes, &n, &err), &err);
    char *at = mark ? strstr(bytes, mark) + strlen(mark) : bytes + n / 2;
    *at ^= 1; /* a digit stays a digit */
    assert_ok(file_write(path, bytes, n, &err), &err);
}

static void lose(Arena *arena, const char *folder, const char *name)
{
    Error err;
    assert_true(file_exists(file_join(arena, folder, name)));
    assert_ok(file_remove(file_join(arena, folder, name), &err), &err);
}

static void lose_step_0(Arena *arena, const char *folder)
{
    lose(arena, folder, "snapshots/step-00000000.npz");
}

static void lose_step_5(Arena *arena, const char *folder)
{
    lose(arena, folder, "snapshots/step-00000005.npz");
}

static void lose_baselines(Arena *arena, const char *folder)
{
    lose(arena, folder, RUN_BASELINES);
}

static void lose_snapshots(Arena *arena, const char *folder)
{
    assert_int_equal(remove_tree(file_join(arena, folder, RUN_SNAPSHOTS)), 0);
}

static void lose_series(Arena *arena, const char *folder)
{
    lose(arena, folder, RUN_SERIES);
}

static void lose_timing(Arena *arena, const char *folder)
{
    lose(arena, folder, RUN_TIMING);
}

static void damage_step_4(Arena *arena, const char *folder)
{
    flip(arena, folder, "snapshots/step-00000004.npz", NULL);
}

static void damage_step_10(Arena *arena, const char *folder)
{
    flip(arena, folder, "snapshots/step-00000010.npz", NULL);
}

static void damage_baselines(Arena *arena, const char *folder)
{
    flip(arena, folder, RUN_BASELINES, NULL);
}

/* Nothing of a row tells that a digit is another. */
static void change_a_digit_of_row_5(Arena *arena, const char *folder)
{
    flip(arena, folder, RUN_SERIES, "\n5,");
}

static void keep_7_rows(Arena *arena, const char *folder)
{
    const char *path = file_join(arena, folder, RUN_SERIES);
    char *bytes;
    size_t n;
    Error err;
    assert_ok(file_read(arena, path, &bytes, &n, &err), &err);
    assert_ok(file_truncate(path, (uint64_t)(strstr(bytes, "\n8,") - bytes) + 3, &err), &err);
}

/* The bytes of step 9 under the name of step 11. */
static void rename_checkpoint(Arena *arena, const char *folder)
{
    char *bytes;
    size_t n;
    Error err;
    assert_ok(file_read(arena, run_checkpoint_path(arena, folder, 9), &bytes, &n, &err), &err);
    assert_ok(file_write(run_checkpoint_path(arena, folder, 11), bytes, n, &err), &err);
}

/* Writes the newest checkpoint again with other counters, everything else in order. */
static void write_counters(Arena *arena, const char *folder, int64_t step, int64_t tokens, int64_t targets)
{
    const char *path = run_checkpoint_path(arena, folder, 11);
    SafeTensors file;
    Error err;
    assert_ok(safetensors_read(arena, path, &file, &err), &err);
    for (int t = 0; t < file.n; t++)
        if (strcmp(file.tensors[t].name, "progress") == 0) {
            const int64_t counters[] = {step, tokens, targets};
            memcpy((void *)(uintptr_t)file.tensors[t].data, counters, sizeof counters);
        }
    const char **metadata = ARENA_ARRAY(arena, const char *, 2 * file.n_meta);
    int n_meta = 0;
    for (int m = 0; m < file.n_meta; m++)
        if (strcmp(file.metadata[2 * m], "crc32") != 0)
            metadata[2 * n_meta] = file.metadata[2 * m], metadata[2 * n_meta + 1] = file.metadata[2 * m + 1], n_meta++;
    assert_ok(safetensors_write(path, file.tensors, file.n, metadata, n_meta, &err), &err);
}

static void endless_counter(Arena *arena, const char *folder)
{
    write_counters(arena, folder, (int64_t)1 << 62, 0, 0);
}

static void negative_tokens(Arena *arena, const char *folder)
{
    write_counters(arena, folder, 11, -1, 0);
}

static void negative_targets(Arena *arena, const char *folder)
{
    write_counters(arena, folder, 11, (int64_t)11 * 8 * 16, -1);
}

/* From where a run that was interrupted at step 11, with checkpoints of 3, 6, 9 and 11, goes on, with the hashes in its
 * manifest or, as earlier versions left it, without (-1: this can't be told there); -1 for no checkpoint: step 0. */
static const struct {
    const char *name;
    void (*harm)(Arena *arena, const char *folder);
    int64_t goes_on_from, without_hashes;
} harms[] = {
    {"step 0 gone", lose_step_0, 0, 0},
    {"step 5 gone", lose_step_5, 3, 3},
    {"baselines gone", lose_baselines, 0, 0},
    {"snapshots gone", lose_snapshots, 0, 0},
    {"train.csv gone", lose_series, 0, 0},
    {"timing.csv gone", lose_timing, 11, 11},
    {"step 4 damaged", damage_step_4, 3, 3},
    {"step 10 damaged", damage_step_10, 9, 9},
    {"baselines damaged", damage_baselines, 0, 0},
    {"a digit of train.csv", change_a_digit_of_row_5, 3, -1},
    {"rows gone", keep_7_rows, 6, 6},
    {"another checkpoint's bytes", rename_checkpoint, 9, 9},
    {"a counter of 2^62", endless_counter, 9, 9},
    {"negative tokens", negative_tokens, 9, 9},
    {"negative targets", negative_targets, 9, 9},
};

/* The step that the log names last: "resumed at step 3 of 12", "started at step 0 of 12". */
static int64_t began_at(Arena *arena, const char *folder)
{
    char *text;
    size_t n;
    Error err;
    long long step = -1;
    assert_ok(file_read(arena, file_join(arena, folder, RUN_LOG), &text, &n, &err), &err);
    for (const char *at = text; (at = strstr(at, " at step ")) != NULL; at++)
        sscanf(at, " at step %lld of", &step);
    return step;
}

static void test_a_run_goes_on_from_what_stands(void **state)
{
    (void)state;
    char whole[65], now[65];
    whole_hash(whole);
    for (size_t h = 0; h < sizeof harms / sizeof *harms; h++)
        for (int has_hashes = 0; has_hashes < 2; has_hashes++) {
            const int64_t expected = has_hashes ? harms[h].goes_on_from : harms[h].without_hashes;
            Arena *arena = arena_new();
            Error err;
            const char *notes;
            Story story = {.arena = arena, .folder = fresh_folder(arena)};
            assert_int_equal(train(&story, 11, NULL, &err), STATUS_INTERRUPTED);
            if (!has_hashes)
                lose(arena, story.folder, RUN_MANIFEST);
            harms[h].harm(arena, story.folder);
            if (expected >= 0) {
                assert_ok(train(&story, 0, &notes, &err), &err);
                if (began_at(arena, story.folder) != expected)
                    fail_msg("%s: went on from step %lld", harms[h].name, (long long)began_at(arena, story.folder));
                results_hash(story.folder, now);
                assert_string_equal(now, whole);
                if ((expected == 11 && has_hashes) != (*notes == '\0')) /* said, or nothing to say */
                    fail_msg("%s: \"%s\"", harms[h].name, notes);
                assert_int_equal(strstr(notes, "manifest.json is gone") != NULL, !has_hashes);
                assert_int_equal(strstr(notes, "starts anew at step 0\n") != NULL, expected == 0);
            }
            remove_tree(story.folder);
            text_free(&story.notes);
            arena_free(arena);
        }
}

/* A file that is lost while the run goes on makes it fail, and the next start makes it whole. */
static void test_what_is_lost_on_the_way_is_no_result(void **state)
{
    (void)state;
    static const struct {
        void (*harm)(Arena *arena, const char *folder);
        int64_t after;
    } on_the_way[] = {{lose_step_0, 12},
                      {lose_step_5, 12},
                      {damage_step_4, 12},
                      {damage_baselines, 12},
                      {change_a_digit_of_row_5, 5}, /* checkpoints of 6, 9 and 12 come behind it */
                      {change_a_digit_of_row_5, 12}};
    char whole[65], now[65];
    whole_hash(whole);
    for (size_t h = 0; h < sizeof on_the_way / sizeof *on_the_way; h++) {
        Arena *arena = arena_new();
        Error err;
        Manifest manifest;
        Story story = {.arena = arena,
                       .folder = fresh_folder(arena),
                       .harm_after = on_the_way[h].after,
                       .harm = on_the_way[h].harm};
        assert_int_equal(train(&story, 0, NULL, &err), STATUS_FAILED);
        assert_non_null(strstr(err.text, "; the same command trains it again"));
        assert_ok(manifest_read(arena, story.folder, &manifest, &err), &err);
        assert_int_equal(manifest.status, RUN_FAILED);
        story.harm = NULL;
        assert_ok(train(&story, 0, NULL, &err), &err);
        results_hash(story.folder, now);
        assert_string_equal(now, whole);
        remove_tree(story.folder);
        text_free(&story.notes);
        arena_free(arena);
    }
}

/* Between resuming and the next checkpoint the manifest has the rows of the one that the run went on from. */
static void expect_rows_of_9(Arena *arena, const char *folder)
{
    Manifest manifest;
    Error err;
    int n = 0;
    assert_ok(manifest_read(arena, folder, &manifest, &err), &err);
    for (int i = 0; i < manifest.n_rows; i++)
        n += strcmp(manifest.rows[i], "9") == 0;
    assert_int_equal(n, 1);
}

static void test_fewer_checkpoints_keep_the_newest_rows(void **state)
{
    (void)state;
    static const char *const many[] = {"checkpoint.every", "1", "checkpoint.keep", "9", NULL};
    static const char *const one[] = {"checkpoint.every", "4", "checkpoint.keep", "1", NULL};
    Arena *arena = arena_new();
    Error err;
    Story story = {.arena = arena, .folder = fresh_folder(arena), .changes = many};
    assert_int_equal(train(&story, 9, NULL, &err), STATUS_INTERRUPTED);
    story.changes = one;
    story.harm_after = 10, story.harm = expect_rows_of_9;
    assert_ok(train(&story, 0, NULL, &err), &err);
    assert_int_equal(began_at(arena, story.folder), 9);
    remove_tree(story.folder);
    text_free(&story.notes);
    arena_free(arena);
}

/* Files are then told by their own checks, and that is said. */
static void test_a_damaged_manifest_is_told(void **state)
{
    (void)state;
    char whole[65], now[65];
    whole_hash(whole);
    Arena *arena = arena_new();
    Error err;
    const char *notes;
    Story story = {.arena = arena, .folder = fresh_folder(arena)};
    assert_int_equal(train(&story, 11, NULL, &err), STATUS_INTERRUPTED);
    flip(arena, story.folder, RUN_MANIFEST, NULL);
    assert_ok(train(&story, 0, &notes, &err), &err);
    assert_string_equal(notes,
                        arena_format(arena,
                                     "%s/manifest.json: is not what was written (the SHA-256 at its end is of "
                                     "another text); whether files are as they were is told by their own checks\n",
                                     story.folder));
    assert_int_equal(began_at(arena, story.folder), 11);
    results_hash(story.folder, now);
    assert_string_equal(now, whole);
    remove_tree(story.folder);
    text_free(&story.notes);
    arena_free(arena);
}

/* What a finished run's manifest lists is looked at; checkpoints, which nothing needs any more, may go. */
static void test_a_finished_run_is_checked(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Error err;
    Manifest manifest;
    Story story = {.arena = arena, .folder = fresh_folder(arena)};
    assert_ok(train(&story, 0, NULL, &err), &err);
    assert_ok(manifest_read(arena, story.folder, &manifest, &err), &err);
    assert_int_equal(manifest.n_rows, 0);
    assert_ok(manifest_check_files(story.folder, &manifest, &err), &err);
    remove_tree(file_join(arena, story.folder, RUN_CHECKPOINTS));
    lose_timing(arena, story.folder);
    assert_ok(manifest_check_files(story.folder, &manifest, &err), &err);
    damage_step_10(arena, story.folder);
    assert_refused(manifest_check_files(story.folder, &manifest, &err), STATUS_INPUT,
                   "snapshots/step-00000010.npz is not what was written", &err);
    lose_step_5(arena, story.folder);
    assert_refused(manifest_check_files(story.folder, &manifest, &err), STATUS_INPUT,
                   "snapshots/step-00000005.npz is gone", &err);
    remove_tree(story.folder);
    text_free(&story.notes);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_goes_on_from_what_stands),
        cmocka_unit_test(test_what_is_lost_on_the_way_is_no_result),
        cmocka_unit_test(test_fewer_checkpoints_keep_the_newest_rows),
        cmocka_unit_test(test_a_damaged_manifest_is_told),
        cmocka_unit_test(test_a_finished_run_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
