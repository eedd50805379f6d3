/* Without this, the list of a results folder's hashes could be damaged unseen, or be none that `sha256sum` reads. */
#include "store/sums.h"

#include "testing.h"

#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void put(const Scratch *s, const char *name, const char *text)
{
    Error err;
    assert_ok(file_write(scratch_path(s, name), text, strlen(text), &err), &err);
}

static Sums one_file(const Scratch *s)
{
    Sums sums = {.n = 0};
    Error err;
    put(s, "a.csv", "abc");
    assert_ok(sums_add_file(s->arena, &sums, s->folder, "a.csv", &err), &err);
    assert_ok(sums_add_file(s->arena, &sums, s->folder, "none.csv", &err), &err); /* absent: not listed */
    return sums;
}

static void test_round_trip(void **state)
{
    const Scratch *s = *state;
    Sums sums = one_file(s), again;
    Error err;
    char *text;
    size_t n;
    sums_add(s->arena, &sums, "two words.json", OF_ABC);
    assert_ok(sums_write(s->folder, &sums, &err), &err);
    assert_ok(file_read(s->arena, scratch_path(s, SUMS_FILE), &text, &n, &err), &err);
    assert_string_equal(text, OF_ABC "  a.csv\n" OF_ABC "  two words.json\n");
    assert_ok(sums_read(s->arena, s->folder, &again, &err), &err);
    assert_int_equal(again.n, 2);
    assert_string_equal(sums_hash(&again, "two words.json"), OF_ABC);
    assert_null(sums_hash(&again, "b.csv"));
    assert_ok(file_remove(scratch_path(s, SUMS_FILE), &err), &err);
    assert_ok(sums_read(s->arena, s->folder, &again, &err), &err);
    assert_int_equal(again.n, 0);
}

/* It is refused, or lists another name or another hash. */
static void test_every_bit_counts(void **state)
{
    const Scratch *s = *state;
    const Sums sums = one_file(s);
    Error err;
    char *text;
    size_t n, n_refused = 0;
    assert_ok(sums_write(s->folder, &sums, &err), &err);
    assert_ok(file_read(s->arena, scratch_path(s, SUMS_FILE), &text, &n, &err), &err);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        Sums found = {.n = 0};
        text[bit / 8] ^= (char)(1 << bit % 8);
        put(s, SUMS_FILE, text);
        text[bit / 8] ^= (char)(1 << bit % 8);
        const int status = sums_read(s->arena, s->folder, &found, &err);
        const char *hash = sums_hash(&found, "a.csv");
        n_refused += status == STATUS_INPUT;
        if (status == STATUS_OK && hash && strcmp(hash, OF_ABC) == 0 && found.n == 1)
            fail_msg("bit %zu", bit);
    }
    assert_true(n_refused > n);
}

static void test_bytes_of_another(void **state)
{
    const Scratch *s = *state;
    const Sums sums = one_file(s);
    Error err;
    assert_ok(sums_check(&sums, "f/a.csv", "a.csv", "abc", 3, &err), &err);
    assert_ok(sums_check(&sums, "f/b.csv", "b.csv", "abd", 3, &err), &err); /* not listed: nothing is known */
    assert_refused(sums_check(&sums, "f/a.csv", "a.csv", "abd", 3, &err), STATUS_INPUT,
                   "f/a.csv: is not what SHA256SUMS lists (SHA-256 a52d159f262b, not ba7816bf8f01): one of the two is "
                   "damaged; `refframe run` writes both again",
                   &err);
}

static void test_lines_of_others(void **state)
{
    const Scratch *s = *state;
    static const char *const lines[] = {
        "x", "\n", OF_ABC "\n", OF_ABC "  \n", OF_ABC "  ../a\n", OF_ABC "  a", OF_ABC " *a\n", "BA" OF_ABC "  a\n"};
    Sums sums;
    Error err;
    for (size_t i = 0; i < N_TESTS(lines); i++) {
        put(s, SUMS_FILE, lines[i]);
        if (sums_read(s->arena, s->folder, &sums, &err) != STATUS_INPUT || !strstr(err.text, SUMS_FILE ":1: "))
            fail_msg("%s", lines[i]);
    }
    Text many = {0};
    for (int i = 0; i <= MOST_SUMS; i++)
        text_addf(&many, "%s  %d\n", OF_ABC, i);
    put(s, SUMS_FILE, many.data);
    assert_int_equal(sums_read(s->arena, s->folder, &sums, &err), STATUS_INPUT);
    text_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_every_bit_counts, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_of_another, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_lines_of_others, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
