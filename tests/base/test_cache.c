/* Without this file a cache could grow without bound, remove what is not its own, lie where nobody asked for it, or
 * hand out bytes that nobody wrote. */
#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cache.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void write_kept(const char *path, const void *bytes, size_t n)
{
    CacheWriter writer;
    cache_begin(&writer, path);
    cache_add(&writer, bytes, n / 2);
    cache_add(&writer, (const char *)bytes + n / 2, n - n / 2);
    assert_int_equal(cache_end(&writer), STATUS_OK);
}

static void set_variables(const char *own, const char *xdg, const char *home)
{
    const char *const names[] = {"REFFRAME_CACHE", "XDG_CACHE_HOME", "HOME"}, *const values[] = {own, xdg, home};
    for (int i = 0; i < 3; i++)
        if (values[i])
            setenv(names[i], values[i], 1);
        else
            unsetenv(names[i]);
}

static void test_where_it_lies(void **state)
{
    const Scratch *scratch = *state;
    const char *own = scratch_path(scratch, "own/deep"), *xdg = scratch_path(scratch, "xdg");
    const char *home = scratch_path(scratch, "home"), *file = scratch_path(scratch, "file");
    const char *const in_xdg = scratch_path(scratch, "xdg/refframe");
    const char *const in_home = scratch_path(scratch, "home/.cache/refframe");
    const char *const below_file = scratch_path(scratch, "file/below"), *was = getenv("HOME");
    char *before = was ? strdup(was) : NULL;
    assert_int_equal(file_write(file, "x", 1, NULL), STATUS_OK);
    const struct {
        const char *own, *xdg, *home, *folder;
    } cases[] = {
        {own, xdg, home, own},        {NULL, xdg, home, in_xdg},    {"", xdg, home, in_xdg},
        {NULL, NULL, home, in_home},  {NULL, "", home, in_home},    {NULL, "relative", home, in_home},
        {NULL, NULL, NULL, NULL},     {NULL, NULL, "not/so", NULL}, {"off", xdg, home, NULL},
        {below_file, xdg, home, NULL} /* what was asked for, or nothing */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_variables(cases[i].own, cases[i].xdg, cases[i].home);
        const char *folder = cache_folder(scratch->arena);
        assert_int_equal(folder != NULL, cases[i].folder != NULL);
        if (folder) {
            assert_string_equal(folder, cases[i].folder);
            assert_true(file_is_folder(folder));
        }
    }
    set_variables("off", NULL, before);
    free(before);
}

static void test_what_was_written_is_read(void **state)
{
    const Scratch *scratch = *state;
    const char *path = cache_path(scratch->arena, scratch->folder, KEY, "kind");
    char *found;
    size_t n_found = 7;
    assert_int_equal(cache_read(scratch->arena, path, 100, &found, &n_found), STATUS_INPUT);
    static const char bytes[] = "some bytes of any kind";
    for (size_t n = 0; n <= sizeof bytes; n++) {
        write_kept(path, bytes, n);
        assert_int_equal(cache_read(scratch->arena, path, n, &found, &n_found), STATUS_OK);
        assert_int_equal(n_found, n);
        assert_memory_equal(found, bytes, n);
        if (n > 0) /* more than was asked for is not looked at */
            assert_int_equal(cache_read(scratch->arena, path, n - 1, &found, &n_found), STATUS_INPUT);
    }
}

static void test_nothing_else_is_read(void **state)
{
    const Scratch *scratch = *state;
    const char *path = cache_path(scratch->arena, scratch->folder, KEY, "kind");
    char *whole, *found = NULL;
    size_t n, n_found;
    write_kept(path, "some bytes of any kind", 22);
    assert_int_equal(file_read(scratch->arena, path, &whole, &n, NULL), STATUS_OK);
    char *other = arena_alloc(scratch->arena, n + 1);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        memcpy(other, whole, n);
        other[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(file_write(path, other, n, NULL), STATUS_OK);
        assert_int_equal(cache_read(scratch->arena, path, 1000, &found, &n_found), STATUS_INPUT);
    }
    memcpy(other, whole, n);
    for (size_t k = 0; k < n + 2; k++) { /* cut anywhere, and a byte more */
        if (k == n)
            continue;
        assert_int_equal(file_write(path, other, k > n ? n + 1 : k, NULL), STATUS_OK);
        assert_int_equal(cache_read(scratch->arena, path, 1000, &found, &n_found), STATUS_INPUT);
    }
    assert_int_equal(file_remove(path, NULL), STATUS_OK);
    assert_int_equal(file_make_folder(path, NULL), STATUS_OK);
    assert_int_equal(cache_read(scratch->arena, path, 1000, &found, &n_found), STATUS_INPUT);
    assert_null(found);
}

static const char *numbered(const Scratch *scratch, int i)
{
    char key[65] = KEY;
    key[0] = (char)('a' + i);
    return cache_path(scratch->arena, scratch->folder, key, "kind");
}

static void set_use(const char *path, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_what_was_used_longest_ago_goes_first(void **state)
{
    const Scratch *scratch = *state;
    enum { N = 5, SIZE = 1000 + 32 };
    static const char bytes[1000];
    const char *const foreign[] = {scratch_path(scratch, "notes.txt"), scratch_path(scratch, KEY),
                                   scratch_path(scratch, "0011.kind"),
                                   scratch_path(scratch, "notes.txt.tmp-999999999")};
    const char *dead = arena_format(scratch->arena, "%s.tmp-999999999", numbered(scratch, 0));
    const char *alive = arena_format(scratch->arena, "%s.tmp-%ld", numbered(scratch, 0), (long)getpid());
    for (int i = 0; i < 4; i++)
        assert_int_equal(file_write(foreign[i], bytes, sizeof bytes, NULL), STATUS_OK);
    assert_int_equal(file_write(dead, bytes, sizeof bytes, NULL), STATUS_OK);
    for (int i = 0; i < N; i++) {
        write_kept(numbered(scratch, i), bytes, sizeof bytes);
        set_use(numbered(scratch, i), 1000000 - 1000 * i); /* the first one the youngest */
    }
    assert_int_equal(file_write(alive, bytes, sizeof bytes, NULL), STATUS_OK);
    char *found;
    size_t n;
    assert_int_equal(cache_read(scratch->arena, numbered(scratch, 4), SIZE, &found, &n), STATUS_OK); /* a use */
    static const struct {
        uint64_t most;
        int stands[N];
    } steps[] = {{N * SIZE, {1, 1, 1, 1, 1}},
                 {N * SIZE - 1, {1, 1, 1, 0, 1}},
                 {2 * SIZE, {1, 0, 0, 0, 1}},
                 {SIZE, {0, 0, 0, 0, 1}},
                 {0, {0, 0, 0, 0, 0}}};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        cache_trim(scratch->folder, steps[s].most);
        for (int i = 0; i < N; i++)
            assert_int_equal(file_exists(numbered(scratch, i)), steps[s].stands[i]);
    }
    for (int i = 0; i < 4; i++)
        assert_true(file_exists(foreign[i]));
    assert_true(file_exists(alive));
    assert_false(file_exists(dead));
    cache_trim(scratch_path(scratch, "no such folder"), 0);
}

/* Neither a folder that is gone nor a path that is none is more than nothing kept. */
static void test_what_cannot_be_written_is_not_kept(void **state)
{
    const Scratch *scratch = *state;
    CacheWriter writer;
    const char *path = scratch_path(scratch, "no such folder/" KEY ".kind");
    cache_begin(&writer, path);
    cache_add(&writer, "x", 1);
    assert_int_not_equal(cache_end(&writer), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_where_it_lies, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_written_is_read, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_else_is_read, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_used_longest_ago_goes_first, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_written_is_not_kept, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
