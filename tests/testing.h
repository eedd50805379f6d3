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
    Error err = {{0}};
    assert_ok(file_remove_tree(path, &err), &err);
    free(path);
}

#define N_TESTS(tests) (sizeof(tests) / sizeof *(tests))

#endif
