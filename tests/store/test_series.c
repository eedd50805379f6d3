/* Without these, a resumed run's train.csv could miss a step, hold one twice, or end in half a line. */
#include "store/series.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

static const char *const header[] = {"step", "loss", "lr"};

static Series *open_series(const Scratch *s, int64_t keep_step)
{
    Series *series;
    Error err;
    assert_ok(series_open(scratch_path(s, "train.csv"), header, 3, keep_step, &series, &err), &err);
    return series;
}

static void add_steps(Series *series, int from, int to)
{
    Error err;
    for (int step = from; step <= to; step++)
        assert_ok(series_add(series, (double[]){step, 1.0 / step, step % 2 ? NAN : -0.25}, &err), &err);
}

static void close_series(Series *series)
{
    Error err;
    assert_ok(series_close(series, &err), &err);
}

static void put(const Scratch *s, const char *text)
{
    Error err;
    assert_ok(file_write(scratch_path(s, "train.csv"), text, strlen(text), &err), &err);
}

static char *contents(const Scratch *s)
{
    Error err;
    char *bytes;
    size_t n;
    assert_ok(file_read(s->arena, scratch_path(s, "train.csv"), &bytes, &n, &err), &err);
    assert_int_equal(n, strlen(bytes));
    return bytes;
}

static void test_rows_as_written(void **state)
{
    const Scratch *s = *state;
    Error err;
    Series *series = open_series(s, -1);
    assert_string_equal(contents(s), "step,loss,lr\n");
    add_steps(series, 1, 3);
    assert_ok(series_flush(series, &err), &err);
    assert_string_equal(contents(s), "step,loss,lr\n1,1,\n2,0.5,-0.25\n3,0.3333333333333333,\n");
    close_series(series);
    assert_int_equal(series_close(NULL, &err), STATUS_OK);
}

/* Of what was written, not of what the file holds by now. */
static void test_the_hash_of_what_was_written(void **state)
{
    const Scratch *s = *state;
    char of_file[65], written[65];
    Error err;
    for (int keep_step = -1; keep_step <= 3; keep_step += 4) { /* afresh, then going on */
        Series *series = open_series(s, keep_step);
        for (int step = keep_step < 0 ? 1 : 4; step <= 6; step++) {
            add_steps(series, step, step);
            series_written(series, written);
            assert_ok(file_sha256(scratch_path(s, "train.csv"), of_file, &err), &err);
            assert_string_equal(written, of_file);
        }
        char *text = contents(s);
        text[strlen(text) - 2] ^= 1;
        put(s, text);
        series_written(series, of_file);
        assert_string_equal(written, of_file);
        close_series(series);
    }
}

static void test_a_fresh_start_drops_the_old(void **state)
{
    const Scratch *s = *state;
    put(s, "something else\n");
    close_series(open_series(s, -1));
    assert_string_equal(contents(s), "step,loss,lr\n");
}

/* Cut at every byte behind the rows kept: whatever a kill leaves, going on gives the undisturbed bytes. */
static void test_resume_at_every_step_after_every_kill(void **state)
{
    enum { STEPS = 6 };
    const Scratch *s = *state;
    Series *series = open_series(s, -1);
    add_steps(series, 1, STEPS);
    close_series(series);
    const char *whole = contents(s);
    size_t kept = strlen("step,loss,lr\n");
    for (int step = 0; step <= STEPS; step++) {
        if (step > 0)
            kept = (size_t)(strchr(whole + kept, '\n') + 1 - whole);
        for (size_t n = kept; n <= strlen(whole); n++) {
            put(s, arena_strndup(s->arena, whole, n));
            series = open_series(s, step);
            assert_int_equal(strlen(contents(s)), kept);
            add_steps(series, step + 1, STEPS);
            close_series(series);
            assert_string_equal(contents(s), whole);
        }
    }
}

/* A row is in the file when its step has ended, for whoever looks on, and for a kill. */
static void test_rows_are_there_at_once(void **state)
{
    const Scratch *s = *state;
    Series *series = open_series(s, -1);
    add_steps(series, 1, 1);
    assert_string_equal(contents(s), "step,loss,lr\n1,1,\n");
    add_steps(series, 2, 2);
    assert_string_equal(contents(s), "step,loss,lr\n1,1,\n2,0.5,-0.25\n");
    close_series(series);
}

/* Zeros behind the kept rows: what some file systems leave after a power cut. */
static void test_garbage_behind_the_kept_rows(void **state)
{
    const Scratch *s = *state;
    put(s, "step,loss,lr\n1,1,1\n2,1,1\n\1\2\3\n");
    close_series(open_series(s, 2));
    assert_string_equal(contents(s), "step,loss,lr\n1,1,1\n2,1,1\n");
}

static void test_what_cannot_be_resumed(void **state)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"", "1: the columns must be \"step,loss,lr\" to go on from step 3"},
        {"step,loss,lr", "1: the columns must be \"step,loss,lr\" to go on from step 3"},
        {"step,loss\n1,1\n", "1: the columns must be \"step,loss,lr\" to go on from step 3"},
        {"step,loss,lr,x\n1,1,1,1\n", "1: the columns must be \"step,loss,lr\" to go on from step 3"},
        {"step,loss,lr\n1,1,1\n1,1,1\n", "3: not a row of 3 numbers of step 2"},
        {"step,loss,lr\n2,1,1\n1,1,1\n3,1,1\n", "2: not a row of 3 numbers of step 1"},
        {"step,loss,lr\n1,1\n", "2: not a row of 3 numbers of step 1"},
        {"step,loss,lr\n1,1,1,1\n", "2: not a row of 3 numbers of step 1"},
        {"step,loss,lr\n1,a,1\n", "2: not a row of 3 numbers of step 1"},
        {"step,loss,lr\n1.5,1,1\n", "2: not a row of 3 numbers of step 1"},
        {"step,loss,lr\n1,1,1\n3,1,1\n", "3: not a row of 3 numbers of step 2"},
        {"step,loss,lr\n\n1,1,1\n", "2: not a row of 3 numbers of step 1"},
    };
    const Scratch *s = *state;
    Series *series = NULL;
    Error err;
    for (size_t r = 0; r < N_TESTS(rows); r++) {
        put(s, rows[r].text);
        assert_refused(series_open(scratch_path(s, "train.csv"), header, 3, 3, &series, &err), STATUS_INPUT,
                       arena_format(s->arena, "%s:%s", scratch_path(s, "train.csv"), rows[r].reason), &err);
        assert_string_equal(contents(s), rows[r].text); /* refused and untouched */
    }
    /* rows that are missing before the checkpoint are no rows to go on behind */
    static const char *const shorter[] = {"step,loss,lr\n", "step,loss,lr\n1,1,1\n", "step,loss,lr\n1,1,1\n2,1,1\n3,1"};
    for (int rest = 0; rest < 3; rest++) {
        put(s, shorter[rest]);
        assert_refused(series_open(scratch_path(s, "train.csv"), header, 3, 3, &series, &err), STATUS_INPUT,
                       arena_format(s->arena, "%s: ends at step %d, before the checkpoint of step 3",
                                    scratch_path(s, "train.csv"), rest),
                       &err);
        assert_string_equal(contents(s), shorter[rest]);
    }
    assert_null(series);
    assert_ok(file_remove(scratch_path(s, "train.csv"), &err), &err);
    assert_refused(series_open(scratch_path(s, "train.csv"), header, 3, 3, &series, &err), STATUS_INPUT,
                   arena_format(s->arena, "cannot open %s: No such file or directory", scratch_path(s, "train.csv")),
                   &err);
}

static void test_many_rows(void **state)
{
    enum { STEPS = 20000 };
    const Scratch *s = *state;
    Series *series = open_series(s, -1);
    add_steps(series, 1, STEPS);
    close_series(series);
    const char *at = strchr(contents(s), '\n') + 1;
    for (int step = 1; step <= STEPS; step++, at = strchr(at, '\n') + 1)
        assert_int_equal(atoi(at), step);
    assert_int_equal(*at, '\0');
}

static void test_a_full_disk_leaves_whole_rows(void **state)
{
    const Scratch *s = *state;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        Error err = {{0}};
        Series *series = open_series(s, -1);
        add_steps(series, 1, 2);
        if (series_flush(series, &err) != STATUS_OK)
            _exit(1);
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){40, 40}); /* within the third row */
        if (series_add(series, (double[]){3, 1.0 / 3, NAN}, &err) != STATUS_FAILED)
            _exit(4);
        const char *line = arena_format(s->arena, "cannot write %s: File too large", scratch_path(s, "train.csv"));
        if (series_flush(series, &err) != STATUS_FAILED || strcmp(err.text, line) != 0)
            _exit(2);
        _exit(series_close(series, &err) == STATUS_FAILED ? 0 : 3);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_string_equal(contents(s), "step,loss,lr\n1,1,\n2,0.5,-0.25\n");
}

/* Whoever looks on while a run trains sees its newest whole row, or none. */
static void test_the_last_row(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, "train.csv");
    double row[3] = {7, 7, 7};
    assert_int_equal(series_last(path, 3, row), -1);
    Series *series = open_series(s, -1);
    assert_int_equal(series_last(path, 3, row), -1);
    for (int step = 1; step <= 400; step++) { /* more than what is read of it */
        add_steps(series, step, step);
        assert_int_equal(series_last(path, 3, row), 0);
        assert_true(row[0] == step && row[1] == 1.0 / step && (step % 2 ? isnan(row[2]) : row[2] == -0.25));
    }
    close_series(series);
    put(s, "step,loss,lr\n1,0.5,0.1\n2,0.25,0.");
    assert_int_equal(series_last(path, 3, row), 0);
    assert_true(row[0] == 1 && row[1] == 0.5 && row[2] == 0.1);
    put(s, "step,loss,lr\n1,0.5,0.1\n2,0.25\n");
    assert_int_equal(series_last(path, 3, row), -1);
    assert_true(row[0] == 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_rows_as_written),
        TEST(test_the_hash_of_what_was_written),
        TEST(test_a_fresh_start_drops_the_old),
        TEST(test_resume_at_every_step_after_every_kill),
        TEST(test_rows_are_there_at_once),
        TEST(test_garbage_behind_the_kept_rows),
        TEST(test_what_cannot_be_resumed),
        TEST(test_many_rows),
        TEST(test_a_full_disk_leaves_whole_rows),
        TEST(test_the_last_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
