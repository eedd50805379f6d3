/* What every test program needs: cmocka, errors shown when a call fails, a scratch folder of its own. */
#ifndef REFFRAME_TESTS_TESTING_H
#define REFFRAME_TESTS_TESTING_H

/* cmocka.h wants these four before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tools.h"

/* A call that must succeed; its error line is shown when it does not. */
#define assert_ok(call, err)                                                                                           \
    do {                                                                                                               \
        (err)->text[0] = '\0';                                                                                         \
        if ((call) != STATUS_OK)                                                                                       \
            fail_msg("%s: %s", #call, (err)->text);                                                                    \
    } while (0)

/* A call that must fail with a status and exactly this line. */
#define assert_refused(call, status, line, err)                                                                        \
    do {                                                                                                               \
        (err)->text[0] = '\0';                                                                                         \
        assert_int_equal((call), (status));                                                                            \
        assert_string_equal((err)->text, (line));                                                                      \
    } while (0)

/* A new empty folder under $TMPDIR or /tmp; scratch_remove deletes it with what is in it and frees the name. */
static inline char *scratch_folder(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = malloc(4096);
    snprintf(path, 4096, "%s/refframe-test-XXXXXX", parent && *parent ? parent : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void scratch_remove(char *path)
{
    assert_int_equal(remove_tree(path), STATUS_OK);
    free(path);
}

/* A test's own folder and arena, as cmocka's setup and teardown make and remove them. */
typedef struct {
    char *folder;
    Arena *arena;
} Scratch;

static inline int scratch_set_up(void **state)
{
    Scratch *scratch = malloc(sizeof *scratch);
    *scratch = (Scratch){scratch_folder(), arena_new()};
    *state = scratch;
    return 0;
}

static inline int scratch_tear_down(void **state)
{
    Scratch *scratch = *state;
    scratch_remove(scratch->folder);
    arena_free(scratch->arena);
    free(scratch);
    return 0;
}

/* The path of a name in its folder, from its arena. */
static inline char *scratch_path(const Scratch *scratch, const char *name)
{
    return file_join(scratch->arena, scratch->folder, name);
}

#define N_TESTS(tests) (sizeof(tests) / sizeof *(tests))

#endif
