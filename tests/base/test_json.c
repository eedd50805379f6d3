/* Without these, a manifest could be written that nobody can read, or a damaged one be taken for a good one. */
#include "base/json.h"

#include <math.h>

#include "base/clock.h"
#include "testing.h"

/* Writes a tree back, so that a round trip can be compared as text. */
static void write_tree(JsonWriter *json, const Json *value)
{
    switch (value->type) {
    case JSON_NULL:
        json_null(json);
        break;
    case JSON_BOOL:
        json_bool(json, value->number != 0);
        break;
    case JSON_NUMBER:
        json_number(json, value->number);
        break;
    case JSON_STRING:
        json_string(json, value->string);
        break;
    case JSON_ARRAY:
        json_open_array(json);
        for (int i = 0; i < value->n_items; i++)
            write_tree(json, value->items[i]);
        json_close_array(json);
        break;
    case JSON_OBJECT:
        json_open_object(json);
        for (int i = 0; i < value->n_items; i++) {
            json_key(json, value->items[i]->key);
            write_tree(json, value->items[i]);
        }
        json_close_object(json);
        break;
    }
}

static void check_round_trip(const char *compact)
{
    Arena *arena = arena_new();
    Error err;
    Json *tree = NULL;
    for (int indent = 0; indent <= 2; indent += 2) {
        Text text = {0};
        JsonWriter json;
        assert_ok(json_parse(arena, "test", compact, strlen(compact), &tree, &err), &err);
        json_start(&json, &text, indent);
        write_tree(&json, tree);
        if (indent == 0) {
            assert_string_equal(text_string(&text), compact);
        } else { /* laid out, it reads as the same */
            Text again = {0};
            assert_ok(json_parse(arena, "test", text_string(&text), text.size, &tree, &err), &err);
            json_start(&json, &again, 0);
            write_tree(&json, tree);
            assert_string_equal(text_string(&again), compact);
            text_free(&again);
        }
        text_free(&text);
    }
    arena_free(arena);
}

static void test_round_trips(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{}",
        "[]",
        "null",
        "true",
        "-0",
        "\"\"",
        "[[],{},[{}]]",
        "[0,1,-1.5,1e21,5e-324,0.1]",
        "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
        "[\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f\",\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
        "{\"that\":\"onset(sink) < 200\",\"html\":\"\\u003c/script>\\u003c!--\"}",
        "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]",
    };
    for (size_t i = 0; i < N_TESTS(documents); i++)
        check_round_trip(documents[i]);
}

static void test_layout(void **state)
{
    (void)state;
    Text text = {0};
    JsonWriter json;
    json_start(&json, &text, 2);
    json_open_object(&json);
    json_put_string(&json, "name", "quickstart");
    json_put_string(&json, "nothing", NULL);
    json_put_number(&json, "missing", NAN);
    json_put_bool(&json, "done", 1);
    json_put_numbers(&json, "seeds", 2, (double[]){1, 2.5});
    json_put_strings(&json, "texts", 2, (const char *const[]){"a", NULL});
    json_key(&json, "none");
    json_open_object(&json);
    json_close_object(&json);
    json_close_object(&json);
    assert_string_equal(text_string(&text),
                        "{\n  \"name\": \"quickstart\",\n  \"nothing\": null,\n  \"missing\": null,\n"
                        "  \"done\": true,\n  \"seeds\": [\n    1,\n    2.5\n  ],\n  \"texts\": [\n    \"a\",\n    "
                        "null\n  ],\n  \"none\": {}\n}");
    text_clear(&text);
    json_start(&json, &text, 0);
    json_string(&json, "a\xff\xc3(b"); /* not UTF-8 */
    assert_string_equal(text_string(&text), "\"a\xef\xbf\xbd\xef\xbf\xbd(b\"");
    text_free(&text);
}

static void test_reading(void **state)
{
    (void)state;
    static const char document[] = " {\"a\" : 1.5e1 ,\n\"s\":\"\\u00e9\\ud83d\\ude00\\/\", \"o\":{\"x\":true}}\r\n";
    Arena *arena = arena_new();
    Error err;
    Json *tree;
    assert_ok(json_parse(arena, "test", document, strlen(document), &tree, &err), &err);
    assert_true(json_get_number(tree, "a", 0) == 15);
    assert_string_equal(json_get_string(tree, "s", ""), "\xc3\xa9\xf0\x9f\x98\x80/");
    assert_true(json_get(json_get(tree, "o"), "x")->number == 1);
    assert_string_equal(json_get_string(tree, "a", "fallback"), "fallback"); /* another type */
    assert_true(json_get_number(tree, "zzz", -1) == -1);
    assert_null(json_get(json_get(tree, "a"), "x"));
    assert_null(json_get(NULL, "x"));
    arena_free(arena);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *document, *line;
    } cases[] = {
        {"", "m.json:1: a value was expected"},
        {"{\"a\":1", "m.json:1: \",\" or \"}\" was expected"},
        {"{\"a\":1,}", "m.json:1: a key in quotes was expected"},
        {"[1,]", "m.json:1: a value was expected"},
        {"[1 2]", "m.json:1: \",\" or \"]\" was expected"},
        {"{\"a\" 1}", "m.json:1: \":\" was expected"},
        {"{\n\"a\":1,\n\"a\":2}", "m.json:3: key \"a\" appears twice"},
        {"[1]\n x", "m.json:2: text after the end of the document"},
        {"01", "m.json:1: a value was expected"},
        {"+1", "m.json:1: a value was expected"},
        {".5", "m.json:1: a value was expected"},
        {"1.", "m.json:1: a value was expected"},
        {"1e", "m.json:1: a value was expected"},
        {"NaN", "m.json:1: a value was expected"},
        {"1e999", "m.json:1: a number is beyond the range of doubles"},
        {"'a'", "m.json:1: a value was expected"},
        {"\"a", "m.json:1: a string has no end"},
        {"\"a\\", "m.json:1: a string has no end"},
        {"\"\\x\"", "m.json:1: a string holds an escape that is none"},
        {"\"\\ud800\"", "m.json:1: a string holds an escape that is none"},
        {"\"\\ud800\\u0041\"", "m.json:1: a string holds an escape that is none"},
        {"\"\\udc00\"", "m.json:1: a string holds an escape that is none"},
        {"\"\\u00g0\"", "m.json:1: a string holds an escape that is none"},
        {"\"\\u0000\"", "m.json:1: a string holds a NUL character"},
        {"\"a\tb\"", "m.json:1: a string holds a control character that is not escaped"},
        {"\"\xff\"", "m.json:1: a string is not UTF-8"},
        {"true x", "m.json:1: text after the end of the document"},
    };
    Arena *arena = arena_new();
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Error err;
        Json *tree = NULL;
        const char *document = cases[i].document;
        assert_refused(json_parse(arena, "m.json", document, strlen(document), &tree, &err), STATUS_INPUT,
                       cases[i].line, &err);
        assert_null(tree);
    }
    arena_free(arena);
}

static void test_depth(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text text = {0};
    Error err;
    Json *tree;
    for (int depth = 64; depth <= 65; depth++) {
        text_clear(&text);
        for (int i = 0; i < depth; i++)
            text_add(&text, "[");
        for (int i = 0; i < depth; i++)
            text_add(&text, "]");
        if (depth == 64)
            assert_ok(json_parse(arena, "deep", text_string(&text), text.size, &tree, &err), &err);
        else
            assert_refused(json_parse(arena, "deep", text_string(&text), text.size, &tree, &err), STATUS_INPUT,
                           "deep:1: nested deeper than 64 levels", &err);
    }
    text_free(&text);
    arena_free(arena);
}

/* What is as deep as can be read can be written, too. */
static void test_writes_as_deep_as_it_reads(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text text = {0};
    JsonWriter json;
    Json *tree;
    Error err;
    json_start(&json, &text, 0);
    for (int i = 0; i < JSON_DEPTH; i++)
        json_open_array(&json);
    for (int i = 0; i < JSON_DEPTH; i++)
        json_close_array(&json);
    assert_ok(json_parse(arena, "deep", text_string(&text), text.size, &tree, &err), &err);
    text_free(&text);
    arena_free(arena);
}

/* Every prefix of a document is refused, and no byte changed at random is read beyond the end (sanitizers watch). */
static void test_damage(void **state)
{
    (void)state;
    static const char document[] = "{\"a\":[1,2.5e3,\"\\u00e9x\"],\"b\":{\"c\":null,\"d\":true}}";
    const size_t n = sizeof document - 1;
    Arena *arena = arena_new();
    Json *tree;
    Error err;
    for (size_t cut = 0; cut < n; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, document, cut);
        assert_int_equal(json_parse(arena, "cut", copy, cut, &tree, &err), STATUS_INPUT);
        free(copy);
    }
    for (size_t at = 0; at < n; at++)
        for (int byte = 0; byte < 256; byte++) {
            char *copy = malloc(n);
            memcpy(copy, document, n);
            copy[at] = (char)byte;
            const int status = json_parse(arena, "changed", copy, n, &tree, &err);
            assert_true(status == STATUS_OK || status == STATUS_INPUT);
            free(copy);
        }
    arena_free(arena);
}

/* Each key is looked for among those before it: twice as many may not take four times as long. */
static void test_many_keys(void **state)
{
    (void)state;
    enum { MANY = 200000 }; /* a minute, if each were compared with each */
    Arena *arena = arena_new();
    Text text = {0};
    Json *json;
    Error err;
    text_add(&text, "{");
    for (int i = 0; i < MANY; i++)
        text_addf(&text, "%s\"k%d\":%d", i ? ",\n" : "", i, i);
    text_add(&text, "}");
    const double start = clock_seconds();
    assert_ok(json_parse(arena, "x", text_string(&text), text.size, &json, &err), &err);
    assert_true(clock_seconds() - start < 10);
    assert_int_equal(json->n_items, MANY);
    text.size--;
    text_add(&text, ",\"k7\":1}");
    assert_refused(json_parse(arena, "x", text_string(&text), text.size, &json, &err), STATUS_INPUT,
                   "x:200000: key \"k7\" appears twice", &err);
    text_free(&text);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_writes_as_deep_as_it_reads),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
