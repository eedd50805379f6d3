/* Without this, a file that carries its own hash could be damaged so that it looks whole, or as if it had none. */
#include "base/seal.h"

#include "base/sha256.h"
#include "testing.h"

static const Seal seals[] = {{"# SHA-256: ", "\n"}, {",\n  \"sha256\": \"", "\"\n}\n"}};
static const char *const texts[] = {"", "model:\n  n_layers: 1\n", "{\n  \"id\": \"0\""};

static void test_every_bit_counts(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_TESTS(seals); s++)
        for (size_t t = 0; t < N_TESTS(texts); t++) {
            Text text = {0};
            text_add(&text, texts[t]);
            seal_add(&seals[s], &text);
            assert_int_equal(seal_state(&seals[s], text.data, text.size), SEAL_WHOLE);
            for (size_t bit = 0; bit < 8 * text.size; bit++) {
                text.data[bit / 8] ^= (char)(1 << bit % 8);
                if (seal_state(&seals[s], text.data, text.size) != SEAL_BROKEN)
                    fail_msg("bit %zu of \"%s\"", bit, text.data);
                text.data[bit / 8] ^= (char)(1 << bit % 8);
            }
            text_free(&text);
        }
}

/* As the README tells people to: everything before the digits. */
static void test_what_is_hashed(void **state)
{
    (void)state;
    Text text = {0};
    char hex[65];
    text_add(&text, texts[1]);
    seal_add(&seals[0], &text);
    sha256_hex(text.data, text.size - 65, hex);
    assert_memory_equal(text.data + text.size - 65, hex, 64);
    text_free(&text);
}

static void test_texts_without(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_TESTS(seals); s++)
        for (size_t t = 0; t < N_TESTS(texts); t++)
            assert_int_equal(seal_state(&seals[s], texts[t], strlen(texts[t])), SEAL_NONE);
    Text text = {0}; /* cut behind the settings, and in the digits */
    text_add(&text, texts[1]);
    seal_add(&seals[0], &text);
    assert_int_equal(seal_state(&seals[0], text.data, strlen(texts[1])), SEAL_NONE);
    Error err;
    assert_ok(seal_check(&seals[0], "a", text.data, text.size, "; mend it", &err), &err);
    text.data[0] ^= 1;
    assert_refused(seal_check(&seals[0], "a", text.data, text.size, "; mend it", &err), STATUS_INPUT,
                   "a: is not what was written (the SHA-256 at its end is of another text); mend it", &err);
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_what_is_hashed),
        cmocka_unit_test(test_texts_without),
    };
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
