/* Without these, two hosts that share a file system but no flock could train one run at a time, a host that was lost
 * could keep its runs for ever, and one that was suspended could write into what another goes on with. */
#include "base/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testing.h"

static const LeaseHost a = {"host-a", "boot-1"}, b = {"host-b", "boot-2"}, c = {"host-c", "boot-3"};
static const LeaseHost a_rebooted = {"host-a", "boot-9"};

/* Moves the file's time of change; seconds are negative in the past. */
static void shift(const char *path, double seconds)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    info.st_mtim.tv_sec += (time_t)seconds;
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){info.st_mtim, info.st_mtim}, 0), 0);
}

static Lease *take(const char *path, const LeaseHost *host)
{
    Lease *lease = NULL;
    LeaseHolder holder;
    Error err = {""};
    assert_ok(lease_take(path, host, &lease, &holder, &err), &err);
    return lease;
}

static void assert_held_by(const char *path, const LeaseHost *asks, const LeaseHost *holds, long process)
{
    LeaseHolder holder = {"?", -1};
    Lease *lease = NULL;
    Error err = {""};
    assert_ok(lease_take(path, asks, &lease, &holder, &err), &err);
    assert_null(lease);
    assert_string_equal(holder.host, holds ? holds->name : "");
    assert_int_equal(holder.process, process);
    holder = (LeaseHolder){"?", -1};
    assert_int_equal(lease_is_held(path, asks, &holder), 1);
    assert_string_equal(holder.host, holds ? holds->name : "");
    assert_int_equal(holder.process, process);
}

/* The lease, or nothing, and no temporary file. */
static void assert_alone(const Scratch *s, int n_files)
{
    char **names;
    int n;
    Error err;
    assert_ok(file_list(s->arena, s->folder, &names, &n, &err), &err);
    assert_int_equal(n, n_files);
    if (n_files == 1)
        assert_string_equal(names[0], LEASE_FILE);
}

static void write_text(const char *path, const char *text)
{
    Error err;
    assert_ok(file_write(path, text, strlen(text), &err), &err);
}

static void test_one_host_at_a_time(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    Error err;
    assert_int_equal(lease_is_held(path, &b, NULL), 0);
    Lease *lease = take(path, &a);
    assert_non_null(lease);
    assert_ok(lease_check(lease, &err), &err);
    assert_alone(s, 1);
    assert_held_by(path, &b, &a, (long)getpid());
    assert_held_by(path, &a_rebooted, &a, (long)getpid());
    assert_int_equal(lease_is_held(path, &a, NULL), 0); /* there the flock says it */
    shift(path, -55);
    assert_held_by(path, &b, &a, (long)getpid());
    assert_alone(s, 1);
    assert_null(lease_free(lease));
    assert_alone(s, 0);
    lease = take(path, &b);
    assert_non_null(lease);
    lease_free(lease);
    assert_null(lease_free(NULL));
}

static void test_an_expired_one_is_taken_over(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    Error err;
    Lease *first = take(path, &a);
    shift(path, -65);
    assert_int_equal(lease_is_held(path, &b, NULL), 0);
    assert_alone(s, 1);
    Lease *second = take(path, &b);
    assert_non_null(second);
    assert_held_by(path, &c, &b, (long)getpid());
    lease_free(first); /* not its own any more */
    assert_held_by(path, &c, &b, (long)getpid());
    assert_ok(lease_check(second, &err), &err);
    lease_free(second);
    assert_alone(s, 0);
}

/* As a kill leaves it: its host has the flock, so it need not wait. */
static void test_a_dead_one_of_this_host_is_replaced(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    const pid_t child = fork();
    if (child == 0) {
        Lease *lease;
        LeaseHolder holder;
        _exit(lease_take(path, &a, &lease, &holder, NULL) != STATUS_OK || !lease);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_alone(s, 1);
    assert_held_by(path, &b, &a, (long)child);
    Lease *lease = take(path, &a);
    assert_non_null(lease);
    assert_held_by(path, &b, &a, (long)getpid());
    lease_free(lease);
    assert_alone(s, 0);
}

/* What is no lease is somebody's: its time says for how long. */
static void test_garbage_is_another_hosts(void **state)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        "host host-a\n",
                                        "host host-a\nboot boot-1\nprocess x since y seconds 60\n",
                                        "host host-a\nboot boot-1\nprocess 7\nsince now\nseconds 3601\n",
                                        "host host-a\nboot boot-1\nprocess 7\nsince now\nseconds 0\n"};
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    for (size_t i = 0; i < N_TESTS(texts) + 1; i++) {
        if (i < N_TESTS(texts)) {
            write_text(path, texts[i]);
        } else { /* more than is read, and no text */
            char *long_text = arena_alloc(s->arena, 5000);
            memset(long_text, '\x01', 4999);
            write_text(path, long_text);
        }
        assert_held_by(path, &a, NULL, 0);
        shift(path, -65);
        Lease *lease = take(path, &a);
        assert_non_null(lease);
        lease_free(lease);
        assert_alone(s, 0);
    }
    write_text(path, "host \x1b[31m/..\nboot b\nprocess 7\nsince now\nseconds 5\n");
    LeaseHolder holder;
    char text[128];
    assert_int_equal(lease_is_held(path, &a, &holder), 1);
    assert_string_equal(lease_holder_text(&holder, text), "process 7 on --31m-..");
    shift(path, -6); /* good for as long as it says itself */
    assert_int_equal(lease_is_held(path, &a, NULL), 0);
    assert_string_equal(lease_holder_text(&(LeaseHolder){"", 0}, text), "another host");
}

static void test_a_folder_instead(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    Lease *lease = NULL;
    LeaseHolder holder;
    Error err;
    assert_ok(file_make_folder(path, &err), &err);
    assert_refused(lease_take(path, &a, &lease, &holder, &err), STATUS_FAILED,
                   arena_format(s->arena, "cannot write %s: %s", path, strerror(EISDIR)), &err);
    assert_int_equal(errno, EISDIR);
    assert_null(lease);
    assert_int_equal(lease_is_held(path, &a, NULL), 1); /* as far as is known */
    assert_refused(lease_take(scratch_path(s, "nowhere/lease"), &a, &lease, &holder, &err), STATUS_FAILED,
                   arena_format(s->arena, "cannot write %s: %s", scratch_path(s, "nowhere/lease"), strerror(ENOENT)),
                   &err);
    assert_int_equal(lease_is_held(scratch_path(s, "nowhere/lease"), &a, NULL), 0);
}

static void sleep_seconds(double seconds)
{
    nanosleep(&(struct timespec){(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)}, NULL);
}

static struct timespec time_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mtim;
}

static void test_the_heart_beats(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    Error err;
    setenv("REFFRAME_LEASE_SECONDS", "4", 1);
    Lease *lease = take(path, &a);
    const struct timespec first = time_of(path);
    sleep_seconds(1.6);
    const struct timespec now = time_of(path);
    assert_true((double)(now.tv_sec - first.tv_sec) + 1e-9 * (double)(now.tv_nsec - first.tv_nsec) > 0.5);
    assert_held_by(path, &b, &a, (long)getpid());
    assert_ok(lease_check(lease, &err), &err);
    lease_free(lease);
    assert_alone(s, 0);
}

static void test_a_theft_is_noticed(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    Error err;
    setenv("REFFRAME_LEASE_SECONDS", "1", 1);
    Lease *first = take(path, &a);
    assert_int_equal(unlink(path), 0); /* sure to come between two beats */
    Lease *second = take(path, &b);
    assert_non_null(second);
    sleep_seconds(0.6); /* three beats */
    assert_refused(lease_check(first, &err), STATUS_FAILED,
                   arena_format(s->arena,
                                "%s: its lease was taken over by process %ld on host-b, as it had not been renewed in "
                                "time; nothing more is written here",
                                s->folder, (long)getpid()),
                   &err);
    assert_ok(lease_check(second, &err), &err);
    lease_free(first);
    assert_alone(s, 1);
    lease_free(second);
    assert_alone(s, 0);
}

/* A whole process stands still, and the thread that asks is the first to go on. */
static void test_a_process_that_was_suspended_is_told_at_once(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    int ready[2], go[2], status;
    char byte;
    setenv("REFFRAME_LEASE_SECONDS", "1", 1);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    const pid_t child = fork();
    if (child == 0) {
        Lease *lease;
        LeaseHolder holder;
        if (lease_take(path, &a, &lease, &holder, NULL) != STATUS_OK || write(ready[1], "x", 1) != 1 ||
            read(go[0], &byte, 1) != 1)
            _exit(9);
        _exit(lease_check(lease, NULL) == STATUS_FAILED ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    kill(child, SIGSTOP);
    sleep_seconds(1.3);
    Lease *lease = take(path, &b);
    assert_non_null(lease);
    assert_int_equal(write(go[1], "x", 1), 1);
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    lease_free(lease);
    for (int i = 0; i < 2; i++)
        close(ready[i]), close(go[i]);
}

static void test_a_lease_that_is_gone(void **state)
{
    const Scratch *s = *state;
    const char *path = scratch_path(s, LEASE_FILE);
    Error err;
    setenv("REFFRAME_LEASE_SECONDS", "1", 1);
    Lease *lease = take(path, &a);
    assert_int_equal(unlink(path), 0);
    sleep_seconds(0.6);
    assert_int_equal(lease_check(lease, &err), STATUS_FAILED);
    assert_non_null(strstr(err.text, "its lease was taken over by another host"));
    lease_free(lease);
}

/* What two processes do with an expired lease; each holds it, if it gets it, until both have had their turn. */
static _Noreturn void race(const char *path, const LeaseHost *host, int start, int report)
{
    Lease *lease;
    LeaseHolder holder;
    char byte;
    while (read(start, &byte, 1) == 1) {
        const int status = lease_take(path, host, &lease, &holder, NULL);
        const char answer = status != STATUS_OK ? 'f' : lease ? 'w' : 'l';
        if (write(report, &answer, 1) != 1 || read(start, &byte, 1) != 1)
            break;
        const char kept = lease && lease_check(lease, NULL) == STATUS_OK ? 'k' : '-';
        if (answer == 'w')
            lease_free(lease);
        if (write(report, &kept, 1) != 1)
            break;
    }
    _exit(0);
}

static void test_one_of_two_wins(void **state)
{
    enum { RACERS = 2, ROUNDS = 400 };
    const Scratch *s = *state;
    const LeaseHost *const hosts[RACERS] = {&a, &b};
    const char *path = scratch_path(s, LEASE_FILE);
    int start[RACERS][2], report[RACERS][2], n_won[RACERS] = {0};
    pid_t children[RACERS];
    for (int r = 0; r < RACERS; r++) {
        assert_int_equal(pipe(start[r]), 0);
        assert_int_equal(pipe(report[r]), 0);
        if ((children[r] = fork()) == 0) {
            for (int q = 0; q <= r; q++)
                close(start[q][1]);
            race(path, hosts[r], start[r][0], report[r][1]);
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        int n_winners = 0;
        char answer;
        write_text(path, "host host-z\nboot boot-0\nprocess 1\nsince then\nseconds 60\nmark 1\n");
        shift(path, -100);
        for (int half = 0; half < 2; half++) {
            for (int r = 0; r < RACERS; r++)
                assert_int_equal(write(start[r][1], "x", 1), 1);
            for (int r = 0; r < RACERS; r++) {
                assert_int_equal(read(report[r][0], &answer, 1), 1);
                assert_int_not_equal(answer, 'f');
                n_winners += answer == 'w' || answer == 'k';
                n_won[r] += answer == 'k';
            }
            assert_int_equal(n_winners, 1 + half);
        }
        assert_alone(s, 0);
    }
    printf("# of %d races the two won %d and %d\n", ROUNDS, n_won[0], n_won[1]);
    for (int r = 0; r < RACERS; r++)
        close(start[r][1]);
    for (int r = 0; r < RACERS; r++) {
        assert_int_equal(waitpid(children[r], NULL, 0), children[r]);
        close(start[r][0]), close(report[r][0]), close(report[r][1]);
    }
}

static void test_seconds_that_are_none(void **state)
{
    static const char *const bad[] = {"0", "-1", "3601", "1.5", "x", "60 "};
    const Scratch *s = *state;
    Lease *lease = NULL;
    LeaseHolder holder;
    Error err;
    for (size_t i = 0; i < N_TESTS(bad); i++) {
        setenv("REFFRAME_LEASE_SECONDS", bad[i], 1);
        assert_refused(lease_take(scratch_path(s, LEASE_FILE), &a, &lease, &holder, &err), STATUS_INPUT,
                       arena_format(s->arena, "REFFRAME_LEASE_SECONDS: \"%s\" is no whole number in 1..3600", bad[i]),
                       &err);
        assert_alone(s, 0);
    }
}

static void test_this_host(void **state)
{
    (void)state;
    LeaseHost first, second;
    char name[256] = "";
    lease_here(&first);
    lease_here(&second);
    assert_string_equal(first.name, second.name);
    assert_string_equal(first.boot, second.boot);
    assert_int_equal(gethostname(name, sizeof name - 1), 0);
    assert_int_equal(strncmp(first.name, name, strlen(first.name)), 0);
    assert_true(strlen(first.boot) >= 1 && !strchr(first.boot, '\n'));
}

static int set_up(void **state)
{
    unsetenv("REFFRAME_LEASE_SECONDS");
    return scratch_set_up(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_one_host_at_a_time),
        TEST(test_an_expired_one_is_taken_over),
        TEST(test_a_dead_one_of_this_host_is_replaced),
        TEST(test_garbage_is_another_hosts),
        TEST(test_a_folder_instead),
        TEST(test_the_heart_beats),
        TEST(test_a_theft_is_noticed),
        TEST(test_a_process_that_was_suspended_is_told_at_once),
        TEST(test_a_lease_that_is_gone),
        TEST(test_one_of_two_wins),
        TEST(test_seconds_that_are_none),
        TEST(test_this_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
