/* Without this file an id could mean another character in another run, or broken UTF-8 could be trained on unseen. */
#include "data_test.h"

static const char ascii_text[] =
    "It is a truth universally acknowledged,\n\tthat a SINGLE man...\n\nmust be in want of a wife.";

static Vocabulary build(Bench *bench, const Tokenizer *tokenizer, const char *text, size_t n)
{
    Vocabulary vocabulary;
    Settings *settings =
        bench_settings(bench, arena_format(bench->arena, "data.tokenizer.kind=%s", tokenizer->variant.name));
    Error err = {{0}};
    if (tokenizer->prepare(bench->arena, settings, text, n, n, &vocabulary, &err) != 0)
        fail_msg("%s: %s", tokenizer->variant.name, err.text);
    return vocabulary;
}

static void every_text_encodes_to_content_ids_and_back(void **state)
{
    Bench *bench = *state;
    size_t n = strlen(ascii_text);
    for (const Tokenizer *const *t = tokenizer_registry; *t; t++) {
        Vocabulary vocabulary = build(bench, *t, ascii_text, n);
        int32_t ids[sizeof ascii_text];
        size_t starts[sizeof ascii_text];
        int64_t n_ids = (*t)->encode(&vocabulary, ascii_text, n, ids, starts, NULL);
        assert_in_range(n_ids, 1, n);
        Text back = {0};
        for (int64_t i = 0; i < n_ids; i++) {
            assert_in_range(ids[i], TOKEN_CONTENT, vocabulary.size - 1);
            assert_int_equal(starts[i], back.size);
            text_add(&back, vocabulary.strings[ids[i]]);
        }
        assert_string_equal(text_string(&back), ascii_text);
        text_free(&back);
    }
}

static void reserved_ids_are_named_and_tokens_ascend(void **state)
{
    Bench *bench = *state;
    for (const Tokenizer *const *t = tokenizer_registry; *t; t++) {
        Vocabulary vocabulary = build(bench, *t, ascii_text, strlen(ascii_text));
        assert_string_equal(vocabulary.strings[TOKEN_BOS], "<bos>");
        assert_string_equal(vocabulary.strings[TOKEN_EOS], "<eos>");
        assert_string_equal(vocabulary.strings[TOKEN_MASK], "<mask>");
        for (int id = TOKEN_CONTENT; id < vocabulary.size; id++)
            assert_non_null(vocabulary.strings[id]);
        assert_ptr_equal(tokenizer_find((*t)->variant.name), *t);
    }
    assert_null(tokenizer_find("no such"));
}

static void characters_are_numbered_in_code_point_order(void **state)
{
    Bench *bench = *state;
    /* one of each UTF-8 length, both ends of the ranges among them; the text's order is mixed */
    static const char *const ascending[] = {
        "\n", "a",      "\x7F",   "\xC2\x80", "é",          "\u07FF", "\u0800",
        "€",  "\uD7FF", "\uE000", "\uFFFF",   "\U00010000", "😀",      "\U0010FFFF",
    };
    int n = sizeof ascending / sizeof *ascending;
    Text text = {0};
    for (int i = 0; i < 3 * n; i++)
        text_add(&text, ascending[5 * i % n]); /* 5 and 14 have no common factor */
    Vocabulary vocabulary = build(bench, tokenizer_find("character"), text_string(&text), text.size);
    assert_int_equal(vocabulary.size, TOKEN_CONTENT + n);
    for (int i = 0; i < n; i++)
        assert_string_equal(vocabulary.strings[TOKEN_CONTENT + i], i == 2 ? "<0x7F>" : ascending[i]);

    int32_t ids[256];
    size_t starts[256];
    assert_int_equal(tokenizer_find("character")->encode(&vocabulary, text_string(&text), text.size, ids, starts, NULL),
                     3 * n);
    for (int i = 0; i < 3 * n; i++) {
        assert_int_equal(ids[i], TOKEN_CONTENT + 5 * i % n);
        assert_int_equal(memcmp(text.data + starts[i], ascending[5 * i % n], strlen(ascending[5 * i % n])), 0);
    }
    text_free(&text);
}

static void the_alphabet_does_not_depend_on_the_cut(void **state)
{
    Bench *bench = *state;
    const Tokenizer *tokenizer = tokenizer_find("character");
    Settings *settings = bench_settings(bench, "data.tokenizer.kind=character");
    Vocabulary whole, half;
    assert_int_equal(tokenizer->prepare(bench->arena, settings, "abcxyz", 6, 6, &whole, NULL), 0);
    assert_int_equal(tokenizer->prepare(bench->arena, settings, "abcxyz", 6, 3, &half, NULL), 0);
    assert_int_equal(whole.size, half.size);
}

static void a_character_outside_the_alphabet_is_refused(void **state)
{
    Bench *bench = *state;
    Vocabulary vocabulary = build(bench, tokenizer_find("character"), "abé", 4);
    int32_t ids[8];
    Error err;
    assert_int_equal(tokenizer_find("character")->encode(&vocabulary, "abc", 3, ids, NULL, &err), -1);
    assert_contains(err.text, "U+0063 at byte 2");
    assert_int_equal(tokenizer_find("character")->encode(&vocabulary, "aè", 3, ids, NULL, &err), -1);
    assert_contains(err.text, "U+00E8 at byte 1");
}

static void text_that_is_not_utf8_is_refused_with_its_place(void **state)
{
    Bench *bench = *state;
    static const struct {
        const char *bytes;
        const char *expected;
    } cases[] = {
        {"ab\x80", "byte 2 (0x80)"},           /* continuation byte on its own */
        {"caf\xE9 ol\xE9", "byte 3 (0xE9)"},   /* Latin-1 */
        {"a\xC3", "byte 1 (0xC3)"},            /* cut short */
        {"a\xE2\x82", "byte 1 (0xE2)"},        /* cut short */
        {"\xC0\xAF", "byte 0 (0xC0)"},         /* overlong */
        {"\xE0\x80\xAF", "byte 0 (0xE0)"},     /* overlong */
        {"\xF0\x80\x80\xAF", "byte 0 (0xF0)"}, /* overlong */
        {"x\xED\xA0\x80", "byte 1 (0xED)"},    /* surrogate */
        {"\xF4\x90\x80\x80", "byte 0 (0xF4)"}, /* above U+10FFFF */
        {"é\xFF", "byte 2 (0xFF)"},
    };
    const Tokenizer *tokenizer = tokenizer_find("character");
    Settings *settings = bench_settings(bench, "data.tokenizer.kind=character");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Vocabulary vocabulary = {.size = -7};
        Error err;
        size_t n = strlen(cases[i].bytes);
        assert_int_equal(tokenizer->prepare(bench->arena, settings, cases[i].bytes, n, n, &vocabulary, &err),
                         STATUS_INPUT);
        assert_contains(err.text, cases[i].expected);
        assert_contains(err.text, "data.tokenizer.kind: byte");
        assert_int_equal(vocabulary.size, -7);
    }
}

static void bytes_read_anything(void **state)
{
    Bench *bench = *state;
    char bytes[256];
    int32_t ids[256];
    for (int b = 0; b < 256; b++)
        bytes[b] = (char)b;
    Vocabulary vocabulary = build(bench, tokenizer_find("byte"), bytes, 256);
    assert_int_equal(vocabulary.size, 259);
    assert_int_equal(tokenizer_find("byte")->encode(&vocabulary, bytes, 256, ids, NULL, NULL), 256);
    for (int b = 0; b < 256; b++)
        assert_int_equal(ids[b], TOKEN_CONTENT + b);
    assert_string_equal(vocabulary.strings[TOKEN_CONTENT + 0xE9], "<0xE9>");
    assert_string_equal(vocabulary.strings[TOKEN_CONTENT + 'A'], "A");
    assert_string_equal(vocabulary.strings[TOKEN_CONTENT + '\n'], "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_text_encodes_to_content_ids_and_back, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(reserved_ids_are_named_and_tokens_ascend, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(characters_are_numbered_in_code_point_order, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_alphabet_does_not_depend_on_the_cut, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_character_outside_the_alphabet_is_refused, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(text_that_is_not_utf8_is_refused_with_its_place, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(bytes_read_anything, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
