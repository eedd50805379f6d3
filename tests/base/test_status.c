/* Without these, an error line could be cut silently, or overwrite itself while a prefix is put in front. */
#include "base/status.h"

#include "testing.h"

static void test_set_returns_status_and_text(void **state)
{
    (void)state;
    Error err;
    assert_int_equal(error_set(&err, STATUS_INPUT, "%s:%d: bad", "a.yaml", 3), STATUS_INPUT);
    assert_string_equal(err.text, "a.yaml:3: bad");
    assert_int_equal(error_set(NULL, STATUS_FAILED, "nobody listens"), STATUS_FAILED);
}

static void test_prefix(void **state)
{
    (void)state;
    Error err;
    error_set(&err, STATUS_FAILED, "disk is full");
    assert_int_equal(error_prefix(&err, STATUS_FAILED, "run %d", 7), STATUS_FAILED);
    assert_string_equal(err.text, "run 7: disk is full");
    /* The message may be made from the old one. */
    error_set(&err, STATUS_FAILED, "again: %s", err.text);
    assert_string_equal(err.text, "again: run 7: disk is full");
}

static void test_long_text_is_cut_visibly(void **state)
{
    (void)state;
    Error err;
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    error_set(&err, STATUS_FAILED, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_string_equal(err.text + sizeof err.text - 4, "...");
    for (size_t i = 1; i + 2 < sizeof longer; i += 2) /* x, then characters of two bytes: the cut is between two */
        memcpy(longer + i, "\xC3\xA9", 2);
    for (int shift = 0; shift < 2; shift++) {
        error_set(&err, STATUS_FAILED, "%s", longer + shift);
        const size_t n = strlen(err.text);
        assert_string_equal(err.text + n - 3, "...");
        assert_memory_equal(err.text + n - 5, "\xC3\xA9", 2);
    }
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(status_exit_code(STATUS_OK), 0);
    assert_int_equal(status_exit_code(STATUS_FAILED), 1);
    assert_int_equal(status_exit_code(STATUS_INPUT), 2);
    assert_int_equal(status_exit_code(STATUS_INTERRUPTED), 130);
}

/* A quoted key in a YAML file may hold a newline, or what clears the screen; the message must not. */
static void an_error_is_one_line(void **state)
{
    (void)state;
    Error err;
    error_set(&err, STATUS_INPUT, "unknown key \"%s\"", "a\nb\tc\x7f\033[2J");
    assert_string_equal(err.text, "unknown key \"a b c\\x7f\\x1b[2J\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_one_line), cmocka_unit_test(test_set_returns_status_and_text),
        cmocka_unit_test(test_prefix),          cmocka_unit_test(test_long_text_is_cut_visibly),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
