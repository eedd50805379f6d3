/* Without these, damaged snapshots could be read as data, or the same snapshot be written as different bytes. */
#include "base/deflate.h"

#include "base/pcg.h"
#include "testing.h"

static unsigned char *example(size_t n)
{
    unsigned char *bytes = malloc(n + 1);
    Pcg pcg = pcg_new(n, 1);
    for (size_t i = 0; i < n; i++) /* half noise, half repetition */
        bytes[i] = (unsigned char)(i % 2000 < 1000 ? pcg_next(&pcg) : i % 10);
    return bytes;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 65536, 1000000};
    for (size_t i = 0; i < N_TESTS(sizes); i++)
        for (int level = 1; level <= 9; level += 4) {
            Arena *arena = arena_new();
            Error err;
            unsigned char *bytes = example(sizes[i]), *packed, *again, *back = malloc(sizes[i] + 16);
            size_t n, n_again;
            memset(back, 0xee, sizes[i] + 16);
            assert_ok(deflate_bytes(arena, level, bytes, sizes[i], &packed, &n, &err), &err);
            assert_ok(deflate_bytes(arena, level, bytes, sizes[i], &again, &n_again, &err), &err);
            assert_int_equal(n, n_again);
            assert_memory_equal(packed, again, n);
            assert_ok(inflate_bytes(packed, n, back, sizes[i], &err), &err);
            assert_memory_equal(back, bytes, sizes[i]);
            assert_int_equal(back[sizes[i]], 0xee);
            free(bytes);
            free(back);
            arena_free(arena);
        }
}

static void test_damage_is_refused(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Error err;
    unsigned char *bytes = example(5000), *packed, *back = malloc(6000);
    size_t n;
    assert_ok(deflate_bytes(arena, 6, bytes, 5000, &packed, &n, &err), &err);
    memset(back, 0xee, 6000);
    assert_refused(inflate_bytes(packed, n - 1, back, 5000, &err), STATUS_INPUT, "compressed data is damaged", &err);
    assert_int_equal(inflate_bytes(packed, n, back, 4999, &err), STATUS_INPUT);
    assert_int_equal(inflate_bytes(packed, n, back, 5001, &err), STATUS_INPUT);
    assert_int_equal(inflate_bytes(packed, 0, back, 5000, &err), STATUS_INPUT);
    assert_int_equal(inflate_bytes("\xff\xff\xff\xff", 4, back, 5000, &err), STATUS_INPUT);
    assert_int_equal(back[5001], 0xee); /* never past the end */
    free(bytes);
    free(back);
    arena_free(arena);
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(crc32_bytes("123456789", 9), 0xcbf43926); /* the check value of CRC-32/ISO-HDLC */
    assert_int_equal(crc32_bytes("", 0), 0);
}

static void test_base64(void **state)
{
    (void)state;
    /* RFC 4648, section 10. */
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xbf", "+/+/"}};
    Text text = {0};
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        text_clear(&text);
        base64_add(&text, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(text_string(&text), cases[i][1]);
    }
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_crc32),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
