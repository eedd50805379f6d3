/* Without these, blocks could overlap, start off a cache line (the kernels' loads assume it), or hold old bytes. */
#include "base/arena.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/pcg.h"
#include "base/text.h"
#include "testing.h"

static void check_blocks(Arena *arena, int n, size_t largest)
{
    unsigned char **blocks = calloc((size_t)n, sizeof *blocks);
    size_t *sizes = calloc((size_t)n, sizeof *sizes), used = 0;
    Pcg pcg = pcg_new(1, 1);
    for (int i = 0; i < n; i++) {
        sizes[i] = pcg_below(&pcg, (uint32_t)largest);
        blocks[i] = arena_alloc(arena, sizes[i]);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % ARENA_ALIGNMENT, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(blocks[i][j], 0);
        memset(blocks[i], i & 0xff, sizes[i]);
        used += arena_rounded(sizes[i]);
        assert_int_equal(arena_used(arena), used);
    }
    for (int i = 0; i < n; i++) /* nobody wrote into anybody */
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(blocks[i][j], i & 0xff);
    free(blocks);
    free(sizes);
}

static void test_growing_blocks(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    check_blocks(arena, 2000, 300);
    arena_free(arena);
    arena = arena_new();
    check_blocks(arena, 30, 400000); /* larger than chunks */
    assert_null(arena_free(arena));
    assert_null(arena_free(NULL));
}

static void test_fixed_holds_exactly_what_was_asked(void **state)
{
    (void)state;
    Arena *arena = NULL;
    Error err;
    const size_t sizes[] = {1, 64, 65, 1000, 0, 4096};
    size_t total = 0;
    for (size_t i = 0; i < 6; i++)
        total += arena_rounded(sizes[i]);
    assert_ok(arena_new_fixed(total, &arena, &err), &err);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal((uintptr_t)arena_alloc(arena, sizes[i]) % ARENA_ALIGNMENT, 0);
    assert_int_equal(arena_used(arena), total);
    arena_free(arena);
}

static void test_fixed_too_large_is_an_error(void **state)
{
    (void)state;
    Arena *arena = NULL;
    Error err;
    assert_int_equal(arena_new_fixed(SIZE_MAX / 4, &arena, &err), STATUS_FAILED);
    assert_non_null(strstr(err.text, "out of memory: 4611686018427387903 bytes"));
    assert_int_equal(arena_new_fixed(SIZE_MAX, &arena, &err), STATUS_FAILED);
    assert_null(arena);
}

/* Growing arenas and texts end the process with one line and exit code 1; asked of a child. */
static void test_exhaustion_ends_in_one_line(void **state)
{
    (void)state;
    for (int is_text = 0; is_text < 2; is_text++) {
        int out[2];
        char line[200] = "";
        assert_int_equal(pipe(out), 0);
        fflush(NULL); /* or the child would print it again */
        const pid_t pid = fork();
        if (pid == 0) {
            dup2(out[1], STDERR_FILENO);
            if (is_text)
                text_add_bytes(&(Text){0}, "", SIZE_MAX / 4);
            else
                arena_alloc(arena_new(), SIZE_MAX / 4);
            _exit(0);
        }
        close(out[1]);
        FILE *stream = fdopen(out[0], "r");
        int status = 0, n_ours = 0;
        while (fgets(line, sizeof line, stream)) /* sanitizers warn in lines of their own */
            n_ours += strncmp(line, "refframe: out of memory (", 25) == 0;
        fclose(stream);
        waitpid(pid, &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
        assert_int_equal(n_ours, 1);
    }
}

/* The same lines count first and lay out then. */
static void test_counting_is_what_a_fixed_one_needs(void **state)
{
    (void)state;
    Error err;
    Arena *counting = arena_new_counting(), *fixed;
    const size_t sizes[] = {1, 0, 64, 100000, 65};
    for (int s = 0; s < 5; s++)
        assert_null(arena_alloc(counting, sizes[s]));
    assert_int_equal(arena_used(counting), 64 + 64 + 100032 + 128);
    assert_ok(arena_new_fixed(arena_used(counting), &fixed, &err), &err);
    unsigned char *first = NULL;
    for (int turn = 0; turn < 2; turn++) {
        for (int s = 0; s < 5; s++) {
            unsigned char *block = arena_alloc(fixed, sizes[s]);
            memset(block, 0xA5, sizes[s]);
            if (s == 0 && turn == 1)
                assert_ptr_equal(block, first);
            first = s == 0 ? block : first;
        }
        assert_int_equal(arena_used(fixed), arena_used(counting));
        arena_clear(fixed);
    }
    assert_int_equal(arena_used(fixed), 0);
    arena_free(counting);
    arena_free(fixed);
}

static void test_within_is_fixed_and_goes_with_the_outer_one(void **state)
{
    (void)state;
    Error err;
    Arena *counting = arena_new_counting(), *outer;
    assert_null(arena_within(counting, 100));
    assert_ok(arena_new_fixed(arena_used(counting), &outer, &err), &err);
    Arena *inner = arena_within(outer, 100);
    assert_int_equal(arena_used(outer), arena_used(counting));
    for (int turn = 0; turn < 2; turn++) {
        memset(arena_alloc(inner, 60), 0xA5, 60);
        memset(arena_alloc(inner, 64), 0xA5, 64);
        assert_int_equal(arena_used(inner), 128);
        arena_clear(inner);
    }
    arena_free(counting);
    arena_free(outer);
}

/* An array that grows keeps its items, has zeros behind them, and stays where it is while there is room. */
static void test_widening(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    size_t capacity = 0;
    int *items = NULL, n_moves = 0;
    for (size_t n = 0; n < 10000; n++) {
        int *wider = arena_widen(arena, items, sizeof *items, n + 1, &capacity);
        n_moves += wider != items;
        items = wider;
        assert_true(capacity > n && items[n] == 0 && items[capacity - 1] == 0);
        items[n] = (int)n + 1;
    }
    for (int n = 0; n < 10000; n++)
        assert_int_equal(items[n], n + 1);
    assert_in_range(n_moves, 1, 14);
    items = arena_widen(arena, items, sizeof *items, 1000000, &capacity);
    assert_int_equal(capacity, 1000000);
    assert_true(items[9999] == 10000 && items[999999] == 0);
    arena_free(arena);
}

static void test_strings(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    assert_string_equal(arena_strdup(arena, "reference"), "reference");
    assert_string_equal(arena_strndup(arena, "reference", 5), "refer");
    char longer[1000];
    memset(longer, 'y', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *made = arena_format(arena, "%s-%d", longer, 42);
    assert_int_equal(strlen(made), 999 + 3);
    assert_string_equal(made + 999, "-42");
    assert_int_equal(arena_rounded(0), 0);
    assert_int_equal(arena_rounded(1), 64);
    assert_int_equal(arena_rounded(64), 64);
    const double *numbers = ARENA_ARRAY(arena, double, 10);
    assert_true(numbers[9] == 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing_blocks),
        cmocka_unit_test(test_fixed_holds_exactly_what_was_asked),
        cmocka_unit_test(test_fixed_too_large_is_an_error),
        cmocka_unit_test(test_exhaustion_ends_in_one_line),
        cmocka_unit_test(test_counting_is_what_a_fixed_one_needs),
        cmocka_unit_test(test_within_is_fixed_and_goes_with_the_outer_one),
        cmocka_unit_test(test_widening),
        cmocka_unit_test(test_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
