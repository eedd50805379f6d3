/* Without these, a full disk or a kill could leave half a checkpoint under a good name. */
#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sha256.h"
#include "testing.h"

static void assert_contents(const Scratch *s, const char *path, const char *expected)
{
    Error err;
    char *bytes;
    size_t n;
    assert_ok(file_read(s->arena, path, &bytes, &n, &err), &err);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(bytes, expected);
}

static int count_entries(const Scratch *s)
{
    Error err;
    char **names;
    int n;
    assert_ok(file_list(s->arena, s->folder, &names, &n, &err), &err);
    return n;
}

static void test_write_and_read(void **state)
{
    const Scratch *s = *state;
    Error err;
    uint64_t size;
    assert_ok(file_write(scratch_path(s, "a"), "one", 3, &err), &err);
    assert_contents(s, scratch_path(s, "a"), "one");
    assert_ok(file_write(scratch_path(s, "a"), "second", 6, &err), &err);
    assert_contents(s, scratch_path(s, "a"), "second");
    assert_ok(file_write(scratch_path(s, "empty"), NULL, 0, &err), &err);
    assert_contents(s, scratch_path(s, "empty"), "");
    assert_int_equal(file_size(scratch_path(s, "a"), &size), 0);
    assert_int_equal(size, 6);
    assert_int_equal(file_size(scratch_path(s, "none"), &size), -1);
    assert_int_equal(count_entries(s), 2);
}

static void test_read_refusals(void **state)
{
    const Scratch *s = *state;
    Error err;
    char *bytes = NULL, *path = scratch_path(s, "none");
    size_t n;
    assert_refused(file_read(s->arena, path, &bytes, &n, &err), STATUS_INPUT,
                   arena_format(s->arena, "cannot open %s: No such file or directory", path), &err);
    assert_refused(file_read(s->arena, s->folder, &bytes, &n, &err), STATUS_INPUT,
                   arena_format(s->arena, "cannot read %s: it is a folder", s->folder), &err);
    assert_refused(file_read(s->arena, "/dev/null", &bytes, &n, &err), STATUS_INPUT,
                   "cannot read /dev/null: it is not a regular file", &err);
    assert_int_equal(mkfifo(scratch_path(s, "fifo"), 0600), 0); /* must not wait for a writer */
    assert_int_equal(file_read(s->arena, scratch_path(s, "fifo"), &bytes, &n, &err), STATUS_INPUT);
    assert_null(bytes);
}

/* A limit on file sizes fails a write in its middle, as a full disk does. */
static void test_full_disk_keeps_the_old_file(void **state)
{
    const Scratch *s = *state;
    Error err;
    const struct rlimit small = {4096, RLIM_INFINITY};
    struct rlimit before;
    char *large = calloc(1, 100000), *path = scratch_path(s, "checkpoint");
    assert_ok(file_write(path, "old", 3, &err), &err);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &small);
    const int status = file_write(path, large, 100000, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, STATUS_FAILED);
    assert_string_equal(err.text, arena_format(s->arena, "cannot write %s: File too large", path));
    assert_contents(s, path, "old");
    assert_int_equal(count_entries(s), 1); /* no half-written temporary */
    free(large);
}

/* Piece by piece: nothing of it stands under the name before the end, and a failure on the way is told there. */
static void test_pieces(void **state)
{
    const Scratch *s = *state;
    Error err;
    FileWriter writer;
    const struct rlimit small = {4096, RLIM_INFINITY};
    struct rlimit before;
    char *path = scratch_path(s, "pieces"), *large = calloc(1, 100000);
    assert_ok(file_write(path, "old", 3, &err), &err);
    file_begin(&writer, path);
    file_add(&writer, "one, ", 5);
    assert_contents(s, path, "old");
    file_add(&writer, "two", 3);
    assert_ok(file_end(&writer, &err), &err);
    assert_contents(s, path, "one, two");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &small);
    file_begin(&writer, path);
    file_add(&writer, large, 100000);
    file_add(&writer, "more", 4);
    const int status = file_end(&writer, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, STATUS_FAILED);
    assert_contents(s, path, "one, two");
    assert_int_equal(count_entries(s), 1);
    free(large);
}

static void test_unwritable_folders(void **state)
{
    const Scratch *s = *state;
    Error err;
    char *file = scratch_path(s, "file"), *below = file_join(s->arena, file, "below");
    assert_refused(file_write(scratch_path(s, "no/folder"), "x", 1, &err), STATUS_FAILED,
                   arena_format(s->arena, "cannot write %s: No such file or directory", scratch_path(s, "no/folder")),
                   &err);
    assert_ok(file_write(file, "x", 1, &err), &err);
    assert_refused(file_make_folder(below, &err), STATUS_INPUT,
                   arena_format(s->arena, "cannot make folder %s: Not a directory", below), &err);
    assert_refused(file_make_folder(file, &err), STATUS_INPUT,
                   arena_format(s->arena, "cannot make folder %s: Not a directory", file), &err);
    assert_int_equal(file_make_folder("/proc/refframe/results", &err), STATUS_INPUT);
    if (geteuid() != 0) { /* permissions do not bind root */
        chmod(s->folder, 0500);
        const int status = file_make_folder(scratch_path(s, "results"), &err);
        chmod(s->folder, 0700);
        assert_int_equal(status, STATUS_INPUT);
    }
}

/* A writer that alternates two contents is killed at any instant: what stands is one of them, whole. */
static void test_kill_leaves_a_whole_file(void **state)
{
    const Scratch *s = *state;
    enum { SIZE = 300000 };
    char *a = malloc(SIZE), *b = malloc(SIZE), *path = scratch_path(s, "state");
    Error err;
    memset(a, 'a', SIZE);
    memset(b, 'b', SIZE);
    assert_ok(file_write(path, a, SIZE, &err), &err);
    for (int i = 0; i < 20; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            for (int k = 0;; k++)
                if (file_write(path, k % 2 ? a : b, SIZE, NULL) != STATUS_OK)
                    _exit(1);
        }
        usleep((useconds_t)(500 + 700 * i));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        char *bytes;
        size_t n;
        Arena *arena = arena_new();
        assert_ok(file_read(arena, path, &bytes, &n, &err), &err);
        assert_int_equal(n, SIZE);
        assert_memory_equal(bytes, bytes[0] == 'a' ? a : b, SIZE);
        arena_free(arena);
    }
    assert_ok(file_remove_temporaries(s->folder, &err), &err);
    assert_int_equal(count_entries(s), 1);
    free(a);
    free(b);
}

static void test_temporaries(void **state)
{
    const Scratch *s = *state;
    static const char *const kept[] = {"a.tmp", "a.tmp-", "a.tmp-12x", "step.npz"};
    static const char *const gone[] = {"a.tmp-12", "b.tmp-x.tmp-3"};
    Error err;
    for (size_t i = 0; i < N_TESTS(kept); i++)
        assert_ok(file_write(scratch_path(s, kept[i]), "x", 1, &err), &err);
    for (size_t i = 0; i < N_TESTS(gone); i++)
        assert_ok(file_write(scratch_path(s, gone[i]), "x", 1, &err), &err);
    assert_ok(file_remove_temporaries(s->folder, &err), &err);
    for (size_t i = 0; i < N_TESTS(kept); i++)
        assert_true(file_exists(scratch_path(s, kept[i])));
    for (size_t i = 0; i < N_TESTS(gone); i++)
        assert_false(file_exists(scratch_path(s, gone[i])));
    assert_ok(file_remove_temporaries(scratch_path(s, "absent"), &err), &err);
}

static void test_folders(void **state)
{
    const Scratch *s = *state;
    Error err;
    char **names;
    int n;
    assert_ok(file_make_folder(scratch_path(s, "a/b//c/"), &err), &err);
    assert_ok(file_make_folder(scratch_path(s, "a/b/c"), &err), &err);
    assert_true(file_is_folder(scratch_path(s, "a/b/c")));
    static const char *const made[] = {"z", "B", "a0", "é"};
    for (size_t i = 0; i < N_TESTS(made); i++)
        assert_ok(file_write(file_join(s->arena, scratch_path(s, "a/b"), made[i]), "x", 1, &err), &err);
    assert_ok(file_list(s->arena, scratch_path(s, "a/b"), &names, &n, &err), &err);
    static const char *const sorted[] = {"B", "a0", "c", "z", "é"};
    assert_int_equal(n, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(names[i], sorted[i]);
    assert_ok(file_list(s->arena, scratch_path(s, "absent"), &names, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_int_equal(file_list(s->arena, scratch_path(s, "a/b/z"), &names, &n, &err), STATUS_INPUT);
    assert_ok(file_remove(scratch_path(s, "a/b/z"), &err), &err);
    assert_false(file_exists(scratch_path(s, "a/b/z")));
    assert_ok(file_remove(scratch_path(s, "a/b/z"), &err), &err); /* absent is fine */
}

static void test_a_long_list_is_sorted(void **state)
{
    const Scratch *s = *state;
    Error err;
    char **names;
    int n;
    for (int i = 99; i >= 0; i--)
        assert_ok(file_write(scratch_path(s, arena_format(s->arena, "step-%02d", i)), "", 0, &err), &err);
    assert_ok(file_list(s->arena, s->folder, &names, &n, &err), &err);
    assert_int_equal(n, 100);
    for (int i = 0; i < 100; i++)
        assert_string_equal(names[i], arena_format(s->arena, "step-%02d", i));
}

static void test_hash(void **state)
{
    const Scratch *s = *state;
    Error err;
    char hex[65] = "untouched";
    assert_int_equal(file_sha256(scratch_path(s, "none"), hex, &err), STATUS_INPUT);
    assert_string_equal(hex, "untouched");
    assert_ok(file_write(scratch_path(s, "abc"), "abc", 3, &err), &err);
    assert_ok(file_sha256(scratch_path(s, "abc"), hex, &err), &err);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* It is read in pieces of 65536 bytes. */
static void test_hash_of_pieces(void **state)
{
    const Scratch *s = *state;
    static const size_t sizes[] = {0, 65535, 65536, 65537, 131072, 200000};
    Error err;
    for (size_t i = 0; i < N_TESTS(sizes); i++) {
        char hex[65], expected[65], *bytes = arena_alloc(s->arena, sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(k * k % 251);
        sha256_hex(bytes, sizes[i], expected);
        assert_ok(file_write(scratch_path(s, "large"), bytes, sizes[i], &err), &err);
        assert_ok(file_sha256(scratch_path(s, "large"), hex, &err), &err);
        assert_string_equal(hex, expected);
    }
}

/* Another name of the same file, which stays when the first goes; a copy is a file of its own. */
static void test_second_names(void **state)
{
    const Scratch *s = *state;
    struct stat one, two;
    Error err;
    const char *from = scratch_path(s, "one"), *shared = scratch_path(s, "shared"), *copy = scratch_path(s, "copy");
    assert_ok(file_write(from, "what it holds", 13, &err), &err);
    for (int again = 0; again < 2; again++) { /* where it has that name already, too */
        assert_ok(file_share(from, shared, &err), &err);
        assert_ok(file_copy(from, copy, &err), &err);
    }
    assert_int_equal(stat(from, &one) | stat(shared, &two), 0);
    assert_int_equal(one.st_ino, two.st_ino);
    assert_int_equal(one.st_nlink, 2);
    assert_ok(file_write(from, "something else", 14, &err), &err); /* by another file, as all are written */
    assert_contents(s, shared, "what it holds");
    assert_contents(s, copy, "what it holds");
    assert_int_equal(count_entries(s), 3); /* no half-written temporary */
    assert_refused(file_share(scratch_path(s, "none"), shared, &err), STATUS_INPUT,
                   arena_format(s->arena, "cannot open %s: No such file or directory", scratch_path(s, "none")), &err);
    assert_contents(s, shared, "what it holds");
}

static void test_where_no_file_has_two_names(void **state)
{
    const Scratch *s = *state;
    const char *elsewhere = arena_format(s->arena, "/dev/shm/refframe-test-%ld", (long)getpid());
    struct stat there, here;
    Error err;
    if (access("/dev/shm", W_OK) != 0 || stat("/dev/shm", &there) != 0 || stat(s->folder, &here) != 0 ||
        there.st_dev == here.st_dev)
        skip(); /* no other file system to link from */
    assert_ok(file_write(elsewhere, "what it holds", 13, &err), &err);
    const int status = file_share(elsewhere, scratch_path(s, "copied"), &err);
    unlink(elsewhere);
    assert_ok(status, &err);
    assert_contents(s, scratch_path(s, "copied"), "what it holds");
    assert_int_equal(count_entries(s), 1);
}

static void test_a_tree_is_removed_and_no_link_followed(void **state)
{
    const Scratch *s = *state;
    Error err;
    const char *tree = scratch_path(s, "tree"), *other = scratch_path(s, "other");
    assert_ok(file_make_folder(file_join(s->arena, tree, "a/b"), &err), &err);
    assert_ok(file_make_folder(other, &err), &err);
    assert_ok(file_write(file_join(s->arena, tree, "a/b/c"), "x", 1, &err), &err);
    assert_ok(file_write(file_join(s->arena, other, "kept"), "x", 1, &err), &err);
    assert_int_equal(symlink(other, file_join(s->arena, tree, "a/link")), 0);
    assert_ok(file_remove_tree(tree, &err), &err);
    assert_false(file_exists(tree));
    assert_true(file_exists(file_join(s->arena, other, "kept")));
    assert_int_equal(file_remove_tree(tree, &err), STATUS_FAILED);
}

static void test_truncate(void **state)
{
    const Scratch *s = *state;
    Error err;
    assert_ok(file_write(scratch_path(s, "series"), "1,2\n3,4\n5", 9, &err), &err);
    assert_ok(file_truncate(scratch_path(s, "series"), 8, &err), &err);
    assert_contents(s, scratch_path(s, "series"), "1,2\n3,4\n");
    assert_int_equal(file_truncate(scratch_path(s, "none"), 8, &err), STATUS_FAILED);
}

static void test_paths(void **state)
{
    const Scratch *s = *state;
    static const struct {
        const char *path, *folder, *name;
    } cases[] = {
        {"a/b/c", "a/b", "c"}, {"a", ".", "a"},    {"/a", "/", "a"},  {"/", "/", "/"},
        {"a/b/", "a", "b"},    {"a//b", "a", "b"}, {"./x", ".", "x"},
    };
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        assert_string_equal(file_dirname(s->arena, cases[i].path), cases[i].folder);
        assert_string_equal(file_basename(s->arena, cases[i].path), cases[i].name);
    }
    assert_string_equal(file_join(s->arena, "a", "b"), "a/b");
    assert_string_equal(file_join(s->arena, "a//", "/b"), "a/b");
    assert_string_equal(file_join(s->arena, "/", "b"), "/b");
    assert_string_equal(file_join(s->arena, "", "b"), "b");
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_string_equal(file_absolute(s->arena, "/x/y"), "/x/y");
    assert_string_equal(file_absolute(s->arena, "x"), file_join(s->arena, here, "x"));
}

static void test_lock(void **state)
{
    const Scratch *s = *state;
    Error err;
    int first, second = -1;
    char *path = scratch_path(s, "lock");
    assert_ok(file_lock(path, &first, &err), &err);
    assert_refused(file_lock(path, &second, &err), STATUS_FAILED,
                   arena_format(s->arena, "%s is in use by another process", path), &err);
    file_unlock(first);
    assert_ok(file_lock(path, &second, &err), &err);
    file_unlock(second);
    /* A dead process holds nothing. */
    const pid_t pid = fork();
    if (pid == 0) {
        if (file_lock(path, &first, NULL) != STATUS_OK)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, NULL, 0);
    assert_ok(file_lock(path, &first, &err), &err);
    file_unlock(first);
}

/* Where others may be writing, only what no process is writing any more. */
static void test_temporaries_of_the_dead(void **state)
{
    const Scratch *s = *state;
    Error err;
    char **names;
    int n;
    const char *own = arena_format(s->arena, "own.csv.tmp-%ld", (long)getpid());
    const char *const files[] = {own, "dead.csv.tmp-2147483647", "table.csv", "x.tmp-", "first.csv.tmp-1"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_ok(file_write(scratch_path(s, files[i]), "x", 1, &err), &err);
    assert_ok(file_remove_dead_temporaries(s->folder, &err), &err);
    assert_ok(file_list(s->arena, s->folder, &names, &n, &err), &err);
    assert_int_equal(n, 4);
    for (int i = 0; i < n; i++)
        assert_null(strstr(names[i], "dead"));
}

/* What may not be looked at is not missing: a run would be started over, or left out of a report without a word. */
static void test_what_may_not_be_seen_is_not_missing(void **state)
{
    const Scratch *s = *state;
    Error err;
    const char *folder = scratch_path(s, "closed"), *path = scratch_path(s, "closed/file");
    assert_ok(file_make_folder(folder, &err), &err);
    assert_ok(file_write(path, "x", 1, &err), &err);
    assert_int_equal(chmod(folder, 0), 0);
    const pid_t child = fork();
    if (child == 0)
        _exit((geteuid() == 0 && setuid(65534) != 0) || !file_exists(path)); /* root may look anywhere */
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(status, 0);
    assert_false(file_exists(scratch_path(s, "closed/other")));
}

/* Too many open files is no fault of the path. */
static void test_what_the_system_fails_at_is_no_input(void **state)
{
    const Scratch *s = *state;
    Error err;
    char *bytes, **names;
    size_t n;
    int n_names;
    const char *path = scratch_path(s, "x");
    struct rlimit limit, none;
    assert_ok(file_write(path, "x", 1, &err), &err);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const int read = file_read(s->arena, path, &bytes, &n, NULL);
    const int listed = file_list(s->arena, s->folder, &names, &n_names, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(read, STATUS_FAILED);
    assert_int_equal(listed, STATUS_FAILED);
    assert_int_equal(file_read(s->arena, scratch_path(s, "nowhere"), &bytes, &n, NULL), STATUS_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_read, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_read_refusals, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk_keeps_the_old_file, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_pieces, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_unwritable_folders, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_kill_leaves_a_whole_file, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_temporaries, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_temporaries_of_the_dead, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_folders, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_a_long_list_is_sorted, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_hash, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_hash_of_pieces, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_second_names, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_where_no_file_has_two_names, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_a_tree_is_removed_and_no_link_followed, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_truncate, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_paths, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_lock, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_what_may_not_be_seen_is_not_missing, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_system_fails_at_is_no_input, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
