/* Without this, a text could become other ids than the model was trained on, and every number measured of them would be
 * about another text.
 *
 * fixtures/tokenizers.json has tokenizers of every kind with what the library tokenizers makes of odd texts by them
 * (fixtures/make_tokenizers.py); TOKENIZERS names another such file.
 */
#include "base/json.h"
#include "hub/tokenize/pattern.h"
#include "hub/tokenize/tokenize.h"
#include "hub/tokenize/unicode.h"
#include "../testing.h"

static Json *fixtures(Arena *arena)
{
    const char *other = getenv("TOKENIZERS");
    char *bytes;
    size_t n;
    Json *json;
    Error err;
    assert_ok(file_read(arena, other ? other : FIXTURES "/tokenizers.json", &bytes, &n, &err), &err);
    assert_ok(json_parse(arena, "tokenizers.json", bytes, n, &json, &err), &err);
    return json;
}

/* ---- a tokenizer.json ---- */

static void write_json(JsonWriter *writer, const Json *json)
{
    if (json->key)
        json_key(writer, json->key);
    switch (json->type) {
    case JSON_NULL:
        json_null(writer);
        break;
    case JSON_BOOL:
        json_bool(writer, json->number != 0);
        break;
    case JSON_NUMBER:
        json_number(writer, json->number);
        break;
    case JSON_STRING:
        json_string(writer, json->string);
        break;
    case JSON_ARRAY:
        json_open_array(writer);
        for (int i = 0; i < json->n_items; i++)
            write_json(writer, json->items[i]);
        json_close_array(writer);
        break;
    case JSON_OBJECT:
        json_open_object(writer);
        for (int i = 0; i < json->n_items; i++)
            write_json(writer, json->items[i]);
        json_close_object(writer);
        break;
    }
}

static const char *write_text(const Scratch *scratch, const char *text)
{
    const char *path = scratch_path(scratch, "tokenizer.json");
    Error err;
    assert_ok(file_write(path, text, strlen(text), &err), &err);
    return path;
}

/* The file of a case: its parts, and its model's. */
static const char *write_case(const Scratch *scratch, const Json *all, const Json *one)
{
    static const char *const parts[] = {"normalizer", "pre_tokenizer", "added_tokens", "post_processor"};
    const Json *model = json_get(json_get(all, "models"), json_get_string(one, "model", ""));
    Text text = {0};
    JsonWriter writer;
    assert_non_null(model);
    json_start(&writer, &text, 0);
    json_open_object(&writer);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        write_json(&writer, json_get(one, parts[p]));
    json_key(&writer, "model");
    json_open_object(&writer);
    for (int i = 0; i < model->n_items; i++)
        write_json(&writer, model->items[i]);
    json_close_object(&writer);
    json_close_object(&writer);
    const char *path = write_text(scratch, text_string(&text));
    text_free(&text);
    return path;
}

static void check_ids(const char *name, int number, TokenIds got, const Json *ids)
{
    int same = ids->n_items == (int)got.n;
    for (int i = 0; same && i < ids->n_items; i++)
        same = ids->items[i]->number == got.ids[i];
    if (!same) {
        Text text = {0};
        for (size_t i = 0; i < got.n; i++)
            text_addf(&text, " %d", got.ids[i]);
        fail_msg("%s: text %d has other ids:%s", name, number, text_string(&text));
    }
}

/* The ids of the 256 bytes, as text. */
static void check_cuts(const char *name, int number, TokenIds got, const char *cuts)
{
    Text text = {0};
    for (size_t i = 0; i < got.n; i++)
        text_add_bytes(&text, &(unsigned char){(unsigned char)got.ids[i]}, 1);
    if (strcmp(text_string(&text), cuts) != 0)
        fail_msg("%s: text %d is cut \"%s\", not \"%s\"", name, number, text_string(&text), cuts);
    text_free(&text);
}

/* With the post-processor's around them. */
static void check_framed(Arena *arena, const TextTokenizer *tokenizer, const char *name, const Json *framed)
{
    TokenIds middle = {0};
    const TokenIds front = text_tokenizer_front(tokenizer), back = text_tokenizer_back(tokenizer);
    Error err;
    assert_ok(text_tokenizer_ids(tokenizer, arena, "low", 3, &middle, &err), &err);
    const TokenIds parts[] = {front, middle, back};
    int32_t *ids = ARENA_ARRAY(arena, int32_t, front.n + middle.n + back.n + 1);
    size_t n = 0;
    for (int p = 0; p < 3; p++)
        for (size_t i = 0; i < parts[p].n; i++)
            ids[n++] = parts[p].ids[i];
    check_ids(name, -1, (TokenIds){ids, n}, framed);
}

static void test_every_kind_as_the_library(void **state)
{
    const Scratch *scratch = *state;
    const Json *all = fixtures(scratch->arena), *texts = json_get(all, "texts"), *cases = json_get(all, "cases");
    int n_ids = 0, n_cuts = 0;
    if (!unicode_is_there())
        skip();
    for (int c = 0; c < cases->n_items; c++) {
        const Json *one = cases->items[c], *ids = json_get(one, "ids"), *cuts = json_get(one, "cuts");
        const char *name = json_get_string(one, "name", "");
        TextTokenizer *tokenizer = NULL;
        Error err;
        assert_ok(text_tokenizer_read(scratch->arena, write_case(scratch, all, one), &tokenizer, &err), &err);
        for (int t = 0; t < texts->n_items; t++) {
            const char *text = texts->items[t]->string;
            TokenIds got = {0};
            assert_ok(text_tokenizer_ids(tokenizer, scratch->arena, text, strlen(text), &got, &err), &err);
            if (cuts)
                check_cuts(name, t, got, cuts->items[t]->string), n_cuts++;
            else
                check_ids(name, t, got, ids->items[t]), n_ids++;
        }
        check_framed(scratch->arena, tokenizer, name, json_get(one, "framed"));
    }
    assert_in_range(n_ids, 400, 1000000);
    assert_in_range(n_cuts, 400, 1000000);
}

/* ---- what is refused ---- */

/* A tokenizer.json of four parts. */
static const char *file_of(Arena *arena, const char *normalizer, const char *pre_tokenizer, const char *added,
                           const char *model)
{
    return arena_format(arena, "{\"normalizer\": %s, \"pre_tokenizer\": %s, \"added_tokens\": %s, \"model\": %s}",
                        normalizer, pre_tokenizer, added, model);
}

static void check_refused(const Scratch *scratch, const char *text, const char *line)
{
    TextTokenizer *tokenizer = NULL;
    Error err;
    const char *path = write_text(scratch, text);
    assert_refused(text_tokenizer_read(scratch->arena, path, &tokenizer, &err), STATUS_INPUT,
                   arena_format(scratch->arena, "%s: %s", path, line), &err);
    assert_null(tokenizer);
}

#define WORDS "{\"type\": \"WordLevel\", \"vocab\": {\"a\": 0, \"b\": 1}, \"unk_token\": \"?\"}"

static void test_hostile_parts(void **state)
{
    static const struct {
        const char *normalizer, *pre_tokenizer, *added, *line;
    } cases[] = {
        {"{\"type\": \"Foo\"}", "null", "[]", "normalizer \"Foo\": not one that refframe knows"},
        {"7", "null", "[]", "normalizer: it is no object"},
        {"{}", "null", "[]", "normalizer: it has no \"type\""},
        {"{\"type\": \"Strip\", \"how\": 1}", "null", "[]",
         "normalizer \"Strip\": \"how\" is no field of it that refframe knows"},
        {"{\"type\": \"Strip\", \"strip_left\": 1}", "null", "[]",
         "normalizer \"Strip\": \"strip_left\" is neither true nor false"},
        {"{\"type\": \"Sequence\", \"normalizers\": {}}", "null", "[]",
         "normalizer \"Sequence\": \"normalizers\" is no array"},
        {"{\"type\": \"Replace\", \"content\": \"x\", \"pattern\": {\"String\": \"\"}}", "null", "[]",
         "normalizer \"Replace\": \"pattern\" is empty"},
        {"{\"type\": \"Replace\", \"content\": \"x\", \"pattern\": {\"Regex\": \"(?<a)b\"}}", "null", "[]",
         "normalizer \"Replace\": the pattern \"(?<a)b\": it has a group that refframe does not know"},
        {"null", "{\"type\": \"Foo\"}", "[]", "pre_tokenizer \"Foo\": not one that refframe knows"},
        {"null", "{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}}", "[]",
         "pre_tokenizer \"Split\": it has no \"behavior\""},
        {"null", "{\"type\": \"Split\", \"behavior\": \"Odd\", \"pattern\": {\"String\": \"a\"}}", "[]",
         "pre_tokenizer \"Split\": \"behavior\" is \"Odd\", which refframe does not know"},
        {"null", "{\"type\": \"Split\", \"behavior\": \"Removed\", \"pattern\": \"a\"}", "[]",
         "pre_tokenizer \"Split\": \"pattern\" is no object"},
        {"null", "{\"type\": \"Metaspace\", \"replacement\": \"ab\"}", "[]",
         "pre_tokenizer \"Metaspace\": \"replacement\" is not one character"},
        {"null", "{\"type\": \"Metaspace\", \"replacement\": \"_\", \"add_prefix_space\": false}", "[]",
         "pre_tokenizer \"Metaspace\": \"add_prefix_space\" is false, which \"prepend_scheme\" \"always\" contradicts"},
        {"{\"type\": \"Strip\"}", "{\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"first\"}",
         "[]",
         "pre_tokenizer \"Metaspace\": with \"prepend_scheme\" \"first\", refframe knows of no normalizer that may "
         "take a "
         "text's first character away"},
        {"null", "null", "{}", "added_tokens: it is no array"},
        {"null", "null", "[{\"id\": 2}]", "added_tokens: it has no \"content\""},
        {"null", "null", "[{\"content\": \"c\"}]", "added_tokens \"c\": it has no \"id\""},
        {"null", "null", "[{\"id\": 1e300, \"content\": \"c\"}]",
         "added_tokens \"c\": \"id\" is no whole number from 0 to 4194303"},
        {"null", "null", "[{\"id\": 7, \"content\": \"c\"}]",
         "added_tokens \"c\": its \"id\" is 7, and behind those before it, it would be 2"},
        {"null", "null", "[{\"id\": 0, \"content\": \"b\"}]",
         "added_tokens \"b\": its \"id\" is 0, and behind those before it, it would be 1"},
        {"null", "null", "[{\"id\": 2, \"content\": \"\"}]", "added_tokens \"\": it is empty"},
        {"{\"type\": \"Replace\", \"content\": \"\", \"pattern\": {\"String\": \"c\"}}", "null",
         "[{\"id\": 2, \"content\": \"c\", \"normalized\": true}]",
         "added_tokens: \"c\" is nothing, once it is normalised"},
    };
    const Scratch *scratch = *state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        check_refused(scratch,
                      file_of(scratch->arena, cases[c].normalizer, cases[c].pre_tokenizer, cases[c].added, WORDS),
                      cases[c].line);
}

static void test_hostile_models(void **state)
{
    static const struct {
        const char *model, *line;
    } cases[] = {
        {"null", "model: it is no object"},
        {"{}", "model: it has no \"type\""},
        {"{\"type\": \"Foo\"}", "model \"Foo\": not one that refframe knows"},
        {"{\"type\": \"BPE\", \"vocab\": [], \"merges\": []}", "model \"BPE\": \"vocab\" is no object"},
        {"{\"type\": \"BPE\", \"vocab\": {\"a\": 0}}", "model \"BPE\": \"merges\" is no array"},
        {"{\"type\": \"BPE\", \"dropout\": 0.1, \"vocab\": {}, \"merges\": []}",
         "model \"BPE\": \"dropout\" is not 0; merges that are left out by chance have no ids to compare"},
        {"{\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}",
         "model \"BPE\": \"vocab\": id 0 belongs to \"a\" and to \"b\""},
        {"{\"type\": \"BPE\", \"vocab\": {\"a\": 1e9}, \"merges\": []}",
         "model \"BPE\": \"vocab\": the id of \"a\" is no whole number from 0 to 4194303"},
        {"{\"type\": \"BPE\", \"vocab\": {\"a\": 0.5}, \"merges\": []}",
         "model \"BPE\": \"vocab\": the id of \"a\" is no whole number from 0 to 4194303"},
        {"{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a a\"]}",
         "model \"BPE\": \"merges\": number 0: \"aa\" is no token"},
        {"{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a\"]}",
         "model \"BPE\": \"merges\": number 0 is neither \"a b\" nor [\"a\", \"b\"]"},
        {"{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [[\"a\", 1]]}",
         "model \"BPE\": \"merges\": number 0 is neither \"a b\" nor [\"a\", \"b\"]"},
        {"{\"type\": \"BPE\", \"continuing_subword_prefix\": \"##\", \"vocab\": {\"a\": 0}, \"merges\": [\"a a\"]}",
         "model \"BPE\": \"merges\": number 0: \"a\" does not begin with \"##\""},
        {"{\"type\": \"WordPiece\", \"vocab\": {}}", "model \"WordPiece\": it has no \"unk_token\""},
        {"{\"type\": \"WordPiece\", \"vocab\": {}, \"unk_token\": \"u\", \"continuing_subword_prefix\": \"\", "
         "\"max_input_chars_per_word\": -1}",
         "model \"WordPiece\": \"max_input_chars_per_word\" is no whole number from 0 to 2147483647"},
        {"{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0], [\"a\", 1]]}",
         "model \"Unigram\": \"vocab\": \"a\" stands there twice, or behind 4194304 others"},
        {"{\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}",
         "model \"Unigram\": \"vocab\": number 0 is not [\"token\", score]"},
        {"{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]], \"unk_id\": 1}",
         "model \"Unigram\": \"unk_id\" is no whole number from 0 to 0"},
    };
    const Scratch *scratch = *state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        check_refused(scratch, file_of(scratch->arena, "null", "null", "[]", cases[c].model), cases[c].line);
    check_refused(scratch, "[]", "it is no object");
    check_refused(scratch, "{\"models\": {}}", "\"models\" is no field of it that refframe knows");
}

static void test_hostile_processors(void **state)
{
    static const struct {
        const char *post_processor, *line;
    } cases[] = {
        {"{\"type\": \"Foo\"}", "post_processor \"Foo\": not one that refframe knows"},
        {"{\"type\": \"BertProcessing\", \"cls\": [\"a\", 0]}",
         "post_processor \"BertProcessing\": \"sep\" is not [\"token\", id]"},
        {"{\"type\": \"BertProcessing\", \"cls\": [\"a\", 0], \"sep\": [\"b\", -1]}",
         "post_processor \"BertProcessing\": the id of a token is no whole number from 0 to 4194303"},
        {"{\"type\": \"TemplateProcessing\", \"single\": [], \"special_tokens\": {}}",
         "post_processor \"TemplateProcessing\": \"single\" has the text 0 times, not once"},
        {"{\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\": \"B\"}}], \"special_tokens\": {}}",
         "post_processor \"TemplateProcessing\": \"single\": number 0 is neither a special token nor the sequence A"},
        {"{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\"}}], \"special_tokens\": "
         "{}}",
         "post_processor \"TemplateProcessing\": \"special_tokens\" has no ids of \"x\""},
    };
    const Scratch *scratch = *state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        check_refused(
            scratch,
            arena_format(scratch->arena, "{\"model\": " WORDS ", \"post_processor\": %s}", cases[c].post_processor),
            cases[c].line);
}

static void test_texts_that_are_refused(void **state)
{
    static const struct {
        const char *model, *text, *line;
    } cases[] = {
        {WORDS, "c", "\"c\" is no token, and there is none for the unknown"},
        {WORDS, "a\xff", "byte 1 is no UTF-8"},
        {WORDS, "\xc3", "byte 0 is no UTF-8"},
        {"{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [], \"unk_token\": \"u\"}", "ab\x1b",
         "\"b\" is no token, and there is none for the unknown"},
        {"{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]]}", "aa\x1b",
         "\"\\x1b\" is no token, and there is none for the unknown"},
    };
    const Scratch *scratch = *state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        TextTokenizer *tokenizer = NULL;
        TokenIds ids = {0};
        Error err;
        const char *path = write_text(scratch, file_of(scratch->arena, "null", "null", "[]", cases[c].model));
        assert_ok(text_tokenizer_read(scratch->arena, path, &tokenizer, &err), &err);
        assert_refused(text_tokenizer_ids(tokenizer, scratch->arena, cases[c].text, strlen(cases[c].text), &ids, &err),
                       STATUS_INPUT, cases[c].line, &err);
        assert_null(ids.ids);
    }
}

/* The n^2 of putting them in order stays small. A character that is no mark begins anew. */
static void test_marks_in_a_row_are_bounded(void **state)
{
    const Scratch *scratch = *state;
    static const char *const forms[] = {"NFC", "NFD", "NFKC", "NFKD"};
    static const char *const marks[] = {"\xcc\x81", "\xcc\xa3"}; /* of two classes, which come in turn */
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++)
        for (int n_marks = 256; n_marks <= 257; n_marks++) {
            TextTokenizer *tokenizer = NULL;
            TokenIds ids = {0};
            Text text = {0};
            Error err;
            const char *form = arena_format(scratch->arena, "{\"type\": \"%s\"}", forms[f]);
            const char *model = "{\"type\": \"WordLevel\", \"vocab\": {\"u\": 0}, \"unk_token\": \"u\"}";
            const char *path = write_text(scratch, file_of(scratch->arena, form, "null", "[]", model));
            for (int row = 0; row < 2; row++) {
                text_add(&text, "x");
                for (int m = 0; m < n_marks; m++)
                    text_add(&text, marks[m % 2]);
            }
            assert_ok(text_tokenizer_read(scratch->arena, path, &tokenizer, &err), &err);
            const char *line =
                arena_format(scratch->arena, "%s: more than 256 combining marks stand in a row in this text", path);
            if (n_marks == 256)
                assert_ok(text_tokenizer_ids(tokenizer, scratch->arena, text.data, text.size, &ids, &err), &err);
            else
                assert_refused(text_tokenizer_ids(tokenizer, scratch->arena, text.data, text.size, &ids, &err),
                               STATUS_INPUT, line, &err);
            text_free(&text);
        }
}

/* ---- patterns ---- */

static void test_patterns_that_are_refused(void **state)
{
    static const char *const patterns[] = {
        "",         "a)",        "(a",      "a**",    "a*?",         "(ab)*",  "[a",     "[]",
        "[z-a]",    "[^",        "\\",      "\\w",    "\\p{Xx}",     "a{2",    "a{3,1}", "a{2}+",
        "a{9999}",  "(?<=a)b",   "(?>a)",   "^a",     "a$",          "x*",     "a|",     "(?=a)",
        "(?:a)?b*", "(?i:[ab])", "(?i:ss)", "[a&&b]", "[[:alpha:]]", "(?!a)?", "|*",     "(?i:\u00e9)"};
    const Scratch *scratch = *state;
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        Pattern *pattern = NULL;
        Error err = {""};
        if (pattern_read(scratch->arena, patterns[p], &pattern, &err) != STATUS_INPUT)
            fail_msg("%s is taken for a pattern", patterns[p]);
        assert_non_null(strstr(err.text, "the pattern \""));
        assert_null(pattern);
    }
}

static void test_matches(void **state)
{
    static const struct {
        const char *pattern, *text;
        int found;
        size_t start, end;
    } cases[] = {
        {"a|ab", "xab", 1, 1, 2},
        {"ab|a", "xab", 1, 1, 3},
        {"(?:a|b)?c", "xbc", 1, 1, 3},
        {"a+ab", "aaab", 1, 0, 4},
        {"a++ab", "aaab", 0, 0, 0},
        {"a{2}", "aaa", 1, 0, 2},
        {"a{2,}", "aaa", 1, 0, 3},
        {"a{1,2}b", "aaab", 1, 1, 4},
        {"\\s+(?!\\S)", "a   b", 1, 1, 3},
        {"\\s+(?=b)", "a   b", 1, 1, 4},
        {"[^a-c]", "abcd", 1, 3, 4},
        {"[ab[cd]]+", "xdacx", 1, 1, 4},
        {"[a\\-]+", "x-a", 1, 1, 3},
        {"(?i:don't)", "DON'T", 1, 0, 5},
        {"(?i:'s)", "'\xc5\xbf", 1, 0, 3},
        {".+", "\nab\n", 1, 1, 3},

        {"\xc3\xa9+", "e\xc3\xa9\xc3\xa9", 1, 1, 5},
    };
    const Scratch *scratch = *state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Pattern *pattern = NULL;
        size_t start = 0, end = 0;
        uint64_t steps = 0;
        Error err;
        assert_ok(pattern_read(scratch->arena, cases[c].pattern, &pattern, &err), &err);
        const int found = pattern_find(pattern, cases[c].text, strlen(cases[c].text), 0, &steps, &start, &end);
        if (found != cases[c].found || start != cases[c].start || end != cases[c].end)
            fail_msg("%s: %d, %zu to %zu", cases[c].pattern, found, start, end);
    }
}

/* A pattern whose cost is a high power of the text's length ends, and says so. */
static void test_steps_run_out(void **state)
{
    const Scratch *scratch = *state;
    const size_t n = 4000;
    char *text = ARENA_ARRAY(scratch->arena, char, n + 1);
    Pattern *pattern = NULL;
    size_t start = 0, end = 0;
    uint64_t steps = 0;
    Error err;
    memset(text, 'a', n);
    assert_ok(pattern_read(scratch->arena, "a*a*a*a*a*b", &pattern, &err), &err);
    assert_int_equal(pattern_find(pattern, text, n, 0, &steps, &start, &end), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_kind_as_the_library, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_parts, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_models, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_processors, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_texts_that_are_refused, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_marks_in_a_row_are_bounded, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_patterns_that_are_refused, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_matches, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_steps_run_out, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
