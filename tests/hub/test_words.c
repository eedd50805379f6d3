/* Without this, a reader of a model's maps could see other words than those that its tokenizer gave the ids for. */
#include "hub/words.h"

#include "../testing.h"

enum { N = 6 };

/* The words of a tokenizer.json; NULL where none is known. */
static const char *const *words_of(const Scratch *s, const char *json)
{
    const char *const *words;
    Error err;
    assert_ok(file_write(scratch_path(s, "tokenizer.json"), json, strlen(json), &err), &err);
    assert_ok(hub_words(s->arena, s->folder, N, &words, &err), &err);
    return words;
}

static void assert_words(const char *const *found, const char *const expected[N])
{
    assert_non_null(found);
    for (int i = 0; i < N; i++) {
        if (!expected[i])
            assert_null(found[i]);
        else
            assert_string_equal(found[i], expected[i]);
    }
}

static void test_words_by_id(void **state)
{
    const Scratch *s = *state;
    assert_words(
        words_of(
            s,
            "{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"b\": 3, \"\\u00e9\": 2, \"far\": 99, \"minus\": -1, "
            "\"odd\": \"x\"}}, \"added_tokens\": [{\"id\": 0, \"content\": \"<bos>\"}, {\"id\": 7, \"content\": "
            "\"no\"}]}"),
        (const char *const[N]){"<bos>", NULL, "\xc3\xa9", "b", NULL, NULL});
}

/* GPT-2's characters for bytes: U+0120 is a space, U+010A a line's end; a word may end within a character. */
static void test_bytes(void **state)
{
    const Scratch *s = *state;
    static const char vocab[] =
        "\"model\": {\"type\": \"BPE\", \"vocab\": {\"\\u0120the\": 0, \"\\u010a\": 1, \"\\u00c3\\u00a9\": 2, "
        "\"\\u00e2\\u0124\": 3, \"\\u4e2d\": 4, \"\\u2581\": 5}}";
    static const char *const expected[N] = {" the", "\n", "\xc3\xa9", "\xe2\x82", "\xe4\xb8\xad", "\xe2\x96\x81"};
    assert_words(words_of(s, arena_format(s->arena, "{%s, \"decoder\": {\"type\": \"ByteLevel\"}}", vocab)), expected);
    assert_words(words_of(s, arena_format(s->arena,
                                          "{%s, \"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": "
                                          "\"Fuse\"}, {\"type\": \"ByteLevel\"}]}}",
                                          vocab)),
                 expected);
}

/* Every byte has one character, and each comes back: the table is GPT-2's bytes_to_unicode. */
static void test_each_byte_has_its_character(void **state)
{
    const Scratch *s = *state;
    static const struct {
        const char *character;
        int byte;
    } known[] = {{"!", 33},       {"~", 126},       {"\\u00a1", 161}, {"\\u00ff", 255}, {"\\u0101", 1},
                 {"\\u0120", 32}, {"\\u0121", 127}, {"\\u0142", 160}, {"\\u0143", 173}};
    for (size_t k = 0; k < N_TESTS(known); k++) {
        const char *const *words = words_of(
            s, arena_format(s->arena, "{\"model\": {\"vocab\": {\"%s\": 0}}, \"decoder\": {\"type\": \"ByteLevel\"}}",
                            known[k].character));
        assert_int_equal((unsigned char)words[0][0], known[k].byte);
        assert_int_equal(words[0][1], '\0');
    }
}

static void test_pieces_with_marked_spaces(void **state)
{
    const Scratch *s = *state;
    assert_words(words_of(s, "{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"<unk>\", 0], [\"\\u2581a\", -1.5], "
                             "[\"b\\u2581\", -2]]}, "
                             "\"decoder\": {\"type\": \"Metaspace\"}}"),
                 (const char *const[N]){"<unk>", " a", "b ", NULL, NULL, NULL});
}

/* No file and no vocabulary are no error; a file that is no JSON is one. */
static void test_what_is_not_there(void **state)
{
    const Scratch *s = *state;
    static const char *const others[] = {"{}", "[]", "{\"model\": 3}", "{\"model\": {\"vocab\": \"x\"}}"};
    const char *const *words = (const char *const[]){"kept"};
    Error err;
    assert_ok(hub_words(s->arena, scratch_path(s, "nowhere"), N, &words, &err), &err);
    assert_null(words);
    for (size_t i = 0; i < N_TESTS(others); i++)
        assert_null(words_of(s, others[i]));
    assert_ok(file_write(scratch_path(s, "tokenizer.json"), "{", 1, &err), &err);
    assert_int_equal(hub_words(s->arena, s->folder, N, &words, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "tokenizer.json:1: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words_by_id, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_bytes, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_each_byte_has_its_character, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_pieces_with_marked_spaces, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_there, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
