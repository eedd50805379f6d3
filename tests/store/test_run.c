/* Without these, a killed run could pass for finished, two processes could train in one folder, and a resumed run could
 * keep snapshots of a future that never was. */
#include "store/manifest.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sha256.h"
#include "testing.h"

static void put(const Scratch *s, const char *name, const char *text)
{
    Error err;
    assert_ok(file_make_folder(file_dirname(s->arena, scratch_path(s, name)), &err), &err);
    assert_ok(file_write(scratch_path(s, name), text, strlen(text), &err), &err);
}

static const char *files[] = {"train.csv", "snapshots/step-00000000.npz"};
static const char *hashes[] = {"aa", "bb"};

static Manifest sample(RunStatus status)
{
    return (Manifest){
        .status = status,
        .reason = "",
        .id = "0123456789ab",
        .version = "0.1.0",
        .numerics_version = 3,
        .machine = {.compiler = "gcc 12.2.0",
                    .cpu = "A \"CPU\" @ 2 GHz",
                    .kernels = "avx2",
                    .libm = "glibc 2.36",
                    .zlib = "zlib 1.2.13",
                    .kernels_bits = "0123456789abcdef",
                    .libm_bits = "123456789abcdef0",
                    .zlib_bits = "23456789abcdef01",
                    .products = "own"},
        .n_other_machines = 1,
        .seed = 9007199254740992,
        .threads = 2,
        .lanes = 8,
        .input_sha256 = "",
        .step = 1234567890123,
        .steps = 500,
        .tokens = 1,
        .targets = 2,
        .n_parameters = 3,
        .newline_share = NAN,
        .oracle_loss = 0.1,
        .oracle_loss_measured = 0.11,
        .final_loss = 1e-300,
        .wall_seconds = 1.5,
        .measure_seconds = 0,
        .started = "2026-01-31T12:00:00Z",
        .ended = "",
        .n_resumes = 4,
        .files = files,
        .files_sha256 = hashes,
        .n_files = 2,
        .times = files,
        .times_sha256 = hashes,
        .n_times = 1,
    };
}

static void write_manifest(const Scratch *s, const Manifest *manifest)
{
    Error err;
    assert_ok(manifest_write(s->folder, manifest, &err), &err);
}

static void test_manifest_round_trip(void **state)
{
    const Scratch *s = *state;
    Error err;
    for (RunStatus status = RUN_RUNNING; status <= RUN_INTERRUPTED; status++) {
        Manifest m = sample(status), r;
        m.reason = status == RUN_FAILED ? "step 7: the loss is not finite" : "";
        write_manifest(s, &m);
        assert_ok(manifest_read(s->arena, s->folder, &r, &err), &err);
        assert_int_equal(r.status, m.status);
        assert_string_equal(r.reason, m.reason);
        assert_string_equal(r.id, m.id);
        assert_string_equal(r.version, m.version);
        assert_int_equal(r.numerics_version, m.numerics_version);
        assert_string_equal(r.machine.compiler, m.machine.compiler);
        assert_string_equal(r.machine.cpu, m.machine.cpu);
        assert_string_equal(r.machine.kernels, m.machine.kernels);
        assert_string_equal(r.machine.libm, m.machine.libm);
        assert_string_equal(r.machine.zlib, m.machine.zlib);
        assert_string_equal(r.machine.kernels_bits, m.machine.kernels_bits);
        assert_string_equal(r.machine.libm_bits, m.machine.libm_bits);
        assert_string_equal(r.machine.zlib_bits, m.machine.zlib_bits);
        assert_int_equal(r.n_other_machines, m.n_other_machines);
        assert_string_equal(r.machine.products, m.machine.products);
        assert_true(r.seed == m.seed);
        assert_int_equal(r.threads, m.threads);
        assert_int_equal(r.lanes, m.lanes);
        assert_string_equal(r.input_sha256, m.input_sha256);
        assert_true(r.step == m.step && r.steps == m.steps && r.tokens == m.tokens && r.targets == m.targets);
        assert_int_equal(r.n_parameters, m.n_parameters);
        assert_true(isnan(r.newline_share));
        assert_true(r.oracle_loss == m.oracle_loss && r.oracle_loss_measured == m.oracle_loss_measured &&
                    r.final_loss == m.final_loss);
        assert_true(r.wall_seconds == m.wall_seconds && r.measure_seconds == m.measure_seconds);
        assert_string_equal(r.started, m.started);
        assert_string_equal(r.ended, m.ended);
        assert_int_equal(r.n_resumes, m.n_resumes);
        assert_int_equal(r.n_files, 2);
        for (int i = 0; i < 2; i++) {
            assert_string_equal(r.files[i], files[i]);
            assert_string_equal(r.files_sha256[i], hashes[i]);
        }
        assert_int_equal(r.n_times, 1);
        assert_string_equal(r.times[0], files[0]);
        assert_string_equal(r.times_sha256[0], hashes[0]);
        assert_true(r.is_sealed);
    }
}

/* What earlier versions did not write. */
static int is_later(const char *key)
{
    static const char *const later[] = {"libm", "zlib", "kernels_bits", "libm_bits", "zlib_bits", "n_other_machines"};
    for (size_t i = 0; i < N_TESTS(later); i++)
        if (strcmp(key, later[i]) == 0)
            return 1;
    return 0;
}

/* The manifest that stands, without its own hash: as earlier versions wrote them, and as a hand may change it. */
static char *unsealed(const Scratch *s)
{
    char *text;
    size_t n;
    Error err;
    assert_ok(file_read(s->arena, scratch_path(s, RUN_MANIFEST), &text, &n, &err), &err);
    strcpy(strstr(text, ",\n  \"sha256\""), "\n}\n");
    return text;
}

/* A finished run with a flipped bit proves nothing, and is trained on from its checkpoint. */
static void test_every_bit_of_a_manifest_counts(void **state)
{
    const Scratch *s = *state;
    const Manifest m = sample(RUN_FINISHED);
    Manifest r;
    Error err;
    char *text;
    size_t n;
    write_manifest(s, &m);
    assert_ok(file_read(s->arena, scratch_path(s, RUN_MANIFEST), &text, &n, &err), &err);
    for (size_t bit = 0; bit < 8 * n; bit += bit % 8 == 7 ? 1 : 3) { /* at least two of each byte */
        Arena *arena = arena_new();
        text[bit / 8] ^= (char)(1 << bit % 8);
        assert_ok(file_write(scratch_path(s, RUN_MANIFEST), text, n, &err), &err);
        text[bit / 8] ^= (char)(1 << bit % 8);
        assert_refused(manifest_read(arena, s->folder, &r, &err), STATUS_INPUT,
                       arena_format(arena, "%s: is not what was written (the SHA-256 at its end is of another text)",
                                    scratch_path(s, RUN_MANIFEST)),
                       &err);
        arena_free(arena);
    }
    assert_int_equal(run_status(s->folder), RUN_INTERRUPTED);
    assert_ok(file_write(scratch_path(s, RUN_MANIFEST), text, n, &err), &err);
    put(s, RUN_MANIFEST, unsealed(s));
    assert_ok(manifest_read(s->arena, s->folder, &r, &err), &err);
    assert_false(r.is_sealed);
}

/* Each line of the file taken out, one at a time: something is always missing, and it is named; or it is a later field,
 * and the finished runs of earlier versions stay finished. */
static void test_a_manifest_lacks_nothing(void **state)
{
    const Scratch *s = *state;
    const Manifest m = sample(RUN_FINISHED);
    Manifest r;
    Error err;
    size_t n_lines = 0, n_later = 0;
    write_manifest(s, &m);
    char *text = unsealed(s);
    for (char *line = strchr(text, '\n') + 1; line[0] == ' ' && line[2] == '"'; n_lines++) {
        char *next = strchr(line, '\n') + 1;
        if (strstr(line, "\"files\": {") == line + 2)
            break;
        put(s, RUN_MANIFEST, arena_format(s->arena, "%.*s%s", (int)(line - text), text, next));
        const char *key = arena_strndup(s->arena, line + 3, strcspn(line + 3, "\""));
        const int status = manifest_read(s->arena, s->folder, &r, &err);
        line = next;
        n_later += is_later(key);
        if (is_later(key)) {
            assert_int_equal(status, STATUS_OK);
            assert_int_equal(run_status(s->folder), RUN_FINISHED);
            continue;
        }
        assert_int_equal(status, STATUS_INPUT);
        assert_non_null(strstr(err.text, arena_format(s->arena, "%s: %s: ", scratch_path(s, RUN_MANIFEST), key)));
    }
    assert_true(n_lines >= 26);
    assert_int_equal(n_later, 6);
    static const char *const bad[] = {"", "{", "[]", "null", "{\"status\": \"done\"}"};
    for (size_t i = 0; i < N_TESTS(bad); i++) {
        put(s, RUN_MANIFEST, bad[i]);
        assert_int_equal(manifest_read(s->arena, s->folder, &r, &err), STATUS_INPUT);
        assert_int_equal(run_status(s->folder), RUN_INTERRUPTED); /* never finished */
    }
}

static void test_statuses(void **state)
{
    static const RunStatus kept[] = {RUN_FINISHED, RUN_FAILED, RUN_INTERRUPTED};
    const Scratch *s = *state;
    Error err;
    Lock *lock;
    assert_int_equal(run_status(scratch_path(s, "nowhere")), RUN_ABSENT);
    assert_int_equal(run_status(s->folder), RUN_PENDING);
    for (size_t i = 0; i < N_TESTS(kept); i++) {
        const Manifest m = sample(kept[i]);
        write_manifest(s, &m);
        assert_int_equal(run_status(s->folder), kept[i]);
    }
    const Manifest m = sample(RUN_RUNNING);
    write_manifest(s, &m);
    assert_int_equal(run_status(s->folder), RUN_INTERRUPTED); /* nobody is there */
    assert_ok(run_lock(s->folder, LOCK_TO_WRITE, &lock, &err), &err);
    assert_int_equal(run_status(s->folder), RUN_RUNNING);
    lock_free(lock);
    assert_int_equal(run_status(s->folder), RUN_INTERRUPTED);
    assert_string_equal(run_status_name(RUN_FINISHED), "finished");
}

static void test_one_writer(void **state)
{
    const Scratch *s = *state;
    Error err;
    Lock *lock = NULL;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        const int status = run_lock(s->folder, LOCK_TO_WRITE, &lock, &err);
        if (status == STATUS_OK && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_refused(run_lock(s->folder, LOCK_TO_WRITE, &lock, &err), STATUS_FAILED,
                   arena_format(s->arena, "%s is in use by another process", scratch_path(s, RUN_LOCK)), &err);
    assert_null(lock);
    assert_true(run_is_locked(s->folder));
    assert_int_equal(run_wait(s->folder), -1);
    kill(child, SIGKILL); /* its lock goes with it */
    assert_int_equal(run_wait(s->folder), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_ok(run_lock(s->folder, LOCK_TO_WRITE, &lock, &err), &err);
    lock_free(lock);
    close(ready[0]);
    close(ready[1]);
}

/* As of a run that the system is still ending, when the same command comes again. */
static void test_a_holder_that_is_about_to_end(void **state)
{
    const Scratch *s = *state;
    Error err;
    Lock *lock = NULL;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        const struct timespec a_while = {.tv_nsec = 500000000};
        if (run_lock(s->folder, LOCK_TO_WRITE, &lock, &err) == STATUS_OK && write(ready[1], "x", 1) == 1)
            nanosleep(&a_while, NULL);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_ok(run_lock(s->folder, LOCK_TO_WRITE, &lock, &err), &err);
    lock_free(lock);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
}

/* Its lease says so: the flock is not known here. Whoever comes doesn't wait for it, and takes it once it has expired.
 */
static void test_a_holder_on_another_host(void **state)
{
    static const char lease[] = "host elsewhere\nboot b\nprocess 17\nsince t\nseconds 60\nmark 1\n";
    const Scratch *s = *state;
    const Manifest m = sample(RUN_RUNNING);
    const double started = clock_seconds();
    const struct timespec past[] = {{.tv_sec = time(NULL) - 100}, {.tv_sec = time(NULL) - 100}};
    Error err;
    Lock *lock = NULL;
    LeaseHolder holder;
    write_manifest(s, &m);
    put(s, RUN_LEASE, lease);
    assert_int_equal(run_status(s->folder), RUN_RUNNING);
    assert_true(run_is_locked(s->folder) && run_is_elsewhere(s->folder, &holder));
    assert_string_equal(holder.host, "elsewhere");
    assert_int_equal(run_wait(s->folder), -1);
    assert_refused(run_lock(s->folder, LOCK_TO_WRITE, &lock, &err), STATUS_FAILED,
                   arena_format(s->arena, "%s is in use by process 17 on elsewhere", s->folder), &err);
    assert_null(lock);
    assert_true(clock_seconds() - started < RUN_PATIENCE / 2);
    assert_int_equal(utimensat(AT_FDCWD, scratch_path(s, RUN_LEASE), past, 0), 0);
    assert_int_equal(run_status(s->folder), RUN_INTERRUPTED);
    assert_int_equal(run_wait(s->folder), 0);
    assert_ok(run_lock(s->folder, LOCK_TO_WRITE, &lock, &err), &err);
    assert_ok(lock_check(lock, &err), &err);
    assert_int_equal(run_status(s->folder), RUN_RUNNING);
    assert_false(run_is_elsewhere(s->folder, NULL));
    assert_int_equal(lock_explain(lock, STATUS_INPUT, &err), STATUS_INPUT);
    lock_free(lock);
    assert_false(file_exists(scratch_path(s, RUN_LEASE)));
}

/* A results folder is waited for; of whoever only reads there nothing is seen. */
static void test_a_results_folder(void **state)
{
    const Scratch *s = *state;
    char **names;
    int n;
    Error err;
    Lock *lock;
    assert_ok(lock_folder(s->folder, LOCK_TO_READ, &lock, &err), &err);
    assert_ok(file_list(s->arena, s->folder, &names, &n, &err), &err);
    assert_int_equal(n, 0);
    lock_free(lock);
    setenv("REFFRAME_LEASE_SECONDS", "1", 1);
    put(s, LEASE_FILE, "host elsewhere\nboot b\nprocess 17\nsince t\nseconds 1\nmark 1\n");
    const double started = clock_seconds();
    assert_ok(lock_folder(s->folder, LOCK_TO_WRITE, &lock, &err), &err);
    assert_true(clock_seconds() - started > 0.5);
    assert_ok(lock_check(lock, &err), &err);
    put(s, LEASE_FILE, "host elsewhere\nboot b\nprocess 17\nsince t\nseconds 60\nmark 2\n"); /* as if it was taken */
    nanosleep(&(struct timespec){.tv_nsec = 600000000}, NULL);
    assert_refused(
        lock_explain(lock, STATUS_INPUT, &err), STATUS_FAILED,
        arena_format(s->arena,
                     "%s: its lease was taken over by process 17 on elsewhere, as it had not been renewed in "
                     "time; nothing more is written here",
                     s->folder),
        &err);
    assert_int_equal(lock_explain(lock, STATUS_OK, &err), STATUS_OK);
    lock_free(lock);
    assert_true(file_exists(scratch_path(s, LEASE_FILE)));
    unsetenv("REFFRAME_LEASE_SECONDS");
}

static void test_steps_and_cutting_back(void **state)
{
    static const int64_t steps[] = {0, 1, 20, 123456789, 1000000000};
    static const char *const others[] = {"snapshots/baselines.npz",         "snapshots/step-1.npz",
                                         "snapshots/step-00000001.npz.bak", "snapshots/x",
                                         "checkpoints/step-00000002.npz",   "train.csv"};
    const Scratch *s = *state;
    Error err;
    int64_t *found;
    int n;
    assert_ok(run_steps(s->arena, s->folder, RUN_SNAPSHOTS, &found, &n, &err), &err);
    assert_int_equal(n, 0); /* no such folder */
    for (size_t i = 0; i < N_TESTS(steps); i++) {
        put(s, run_snapshot_path(s->arena, "", steps[i]), "s");
        put(s, run_checkpoint_path(s->arena, "", steps[i]), "c");
    }
    assert_true(file_exists(scratch_path(s, "snapshots/step-00000020.npz")));
    assert_true(file_exists(scratch_path(s, "checkpoints/step-123456789.safetensors")));
    for (size_t i = 0; i < N_TESTS(others); i++)
        put(s, others[i], "o");
    put(s, "snapshots/step-00000000.npz.tmp-17", "t");
    put(s, "manifest.json.tmp-17", "t");

    for (int i = N_TESTS(steps) - 1; i >= -1; i--) { /* keeping less and less */
        const int64_t keep = i < 0 ? -1 : steps[i];
        assert_ok(run_cut_back(s->folder, keep, &err), &err);
        for (int f = 0; f < 2; f++) {
            assert_ok(run_steps(s->arena, s->folder, f ? RUN_SNAPSHOTS : RUN_CHECKPOINTS, &found, &n, &err), &err);
            assert_int_equal(n, i + 1);
            assert_memory_equal(found, steps, (size_t)n * sizeof *steps);
        }
    }
    for (size_t i = 0; i < N_TESTS(others); i++)
        assert_true(file_exists(scratch_path(s, others[i])));
    assert_false(file_exists(scratch_path(s, "snapshots/step-00000000.npz.tmp-17")));
    assert_false(file_exists(scratch_path(s, "manifest.json.tmp-17")));
}

static void test_hashes_are_those_of_the_files(void **state)
{
    const Scratch *s = *state;
    Manifest m = sample(RUN_FINISHED);
    Error err;
    char hex[65];
    put(s, RUN_SERIES, "step\n");
    put(s, "snapshots/step-00000000.npz", "abc");
    put(s, "checkpoints/step-00000005.safetensors", "");
    assert_ok(manifest_hash_files(s->arena, s->folder, &m, &err), &err);
    assert_int_equal(m.n_files, 3);
    assert_string_equal(m.files[1], "snapshots/step-00000000.npz");
    sha256_hex("abc", 3, hex);
    assert_string_equal(m.files_sha256[1], hex);
}

static void test_the_log_grows_by_lines(void **state)
{
    const Scratch *s = *state;
    Error err;
    char *text, rest[32];
    size_t n;
    int year;
    assert_ok(run_log(s->folder, "started", &err), &err);
    assert_ok(run_log(s->folder, "stopped", &err), &err);
    assert_ok(file_read(s->arena, scratch_path(s, RUN_LOG), &text, &n, &err), &err);
    const char *second = strchr(text, '\n') + 1;
    assert_int_equal(sscanf(text, "%4d-%*2d-%*2dT%*2d:%*2d:%*2dZ %31s", &year, rest), 2);
    assert_true(year >= 2024);
    assert_string_equal(rest, "started");
    assert_string_equal(second + strlen("2026-01-31T12:00:00Z "), "stopped\n");
    assert_int_equal(run_log(scratch_path(s, "nowhere"), "x", &err), STATUS_FAILED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_manifest_round_trip),
        TEST(test_every_bit_of_a_manifest_counts),
        TEST(test_a_manifest_lacks_nothing),
        TEST(test_statuses),
        TEST(test_one_writer),
        TEST(test_a_holder_that_is_about_to_end),
        TEST(test_a_holder_on_another_host),
        TEST(test_a_results_folder),
        TEST(test_steps_and_cutting_back),
        TEST(test_hashes_are_those_of_the_files),
        TEST(test_the_log_grows_by_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
