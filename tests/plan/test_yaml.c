/* Reading YAML into nodes with lines. Without this file an error in an experiment could name the wrong line, and a key
 * that stands twice could silently win. */
#include "plan/yaml.h"

#include "program.h"

static const Node *parse(Arena *arena, const char *text)
{
    Node *node;
    Error err;
    assert_ok(node_parse(arena, "e.yaml", 1, text, strlen(text), &node, &err), &err);
    return node;
}

static void test_knows_lines_and_quotes(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Node *top = parse(arena, "# comment\na: 1\nb:\n  c: [x, \"2\",\n    'y z']\n  d: ~\ne: |\n  two\n  lines\n");
    assert_int_equal(top->type, NODE_MAPPING);
    assert_int_equal(top->n_items, 3);
    assert_int_equal(node_get(top, "a")->line, 2);
    assert_false(node_get(top, "a")->is_quoted);
    const Node *b = node_get(top, "b"), *c = node_get(b, "c");
    assert_int_equal(b->line, 3);
    assert_int_equal(c->line, 4);
    assert_int_equal(c->n_items, 3);
    assert_true(c->items[1]->is_quoted);
    assert_int_equal(c->items[2]->line, 5);
    assert_string_equal(c->items[2]->text, "y z");
    assert_true(node_get(b, "d")->is_null);
    assert_string_equal(node_get(top, "e")->text, "two\nlines\n");
    assert_true(node_get(top, "e")->is_quoted);
    assert_null(node_get(top, "f"));
    arena_free(arena);
}

static void test_empty_is_a_mapping(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    assert_int_equal(parse(arena, "")->n_items, 0);
    assert_int_equal(parse(arena, "# nothing\n")->type, NODE_MAPPING);
    arena_free(arena);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "e.yaml:3: key \"a\" stands twice (first on line 1)"},
        {"m:\n  a: 1\n  \"a\": 3\n", "e.yaml:3: key \"a\" stands twice (first on line 2)"},
        {"a: &x 1\n", "e.yaml:1: anchors and aliases are not supported; write the value out, or share it by extends:"},
        {"a: 1\nb: *x\n",
         "e.yaml:2: anchors and aliases are not supported; write the value out, or share it by extends:"},
        {"a:\n  <<: {b: 1}\n",
         "e.yaml:2: merge keys are not supported; put what is shared into a file named by extends:"},
        {"a: !!str 1\n", "e.yaml:1: tags (!...) are not supported; quote a value to make it a text"},
        {"a:\n\tb: 1\n", "e.yaml:2: a tab in the indentation; YAML wants spaces"},
        {"a: [1\nb: 2\n", "e.yaml:2: not YAML: while parsing a flow sequence, did not find expected ',' or ']'"},
        {"a: 1\n---\nb: 2\n", "e.yaml:2: a second document; one file is one experiment"},
        {"[a]: 1\n", "e.yaml:1: a key must be a word"},
        {"a: 1\n? {b: c}\n: 1\n", "e.yaml:2: a key must be a word"},
        {"a: 1\n~: 2\n", "e.yaml:2: a key must be a word"},
        {"a: 1\nb: \xff\n", "e.yaml:2: not UTF-8 text: invalid leading UTF-8 octet"},
        {"a: \"x\\0y\"\n", "e.yaml:1: a text with a zero byte"},
    };
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Arena *arena = arena_new();
        Node *node = NULL;
        Error err;
        assert_refused(node_parse(arena, "e.yaml", 1, cases[i].text, strlen(cases[i].text), &node, &err), STATUS_INPUT,
                       cases[i].line, &err);
        assert_null(node);
        arena_free(arena);
    }
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Node *node;
    Error err;
    char deep[20001];
    memset(deep, '[', 20000);
    deep[20000] = '\0';
    assert_int_equal(node_parse(arena, "e.yaml", 1, deep, 20000, &node, &err), STATUS_INPUT);
    arena_free(arena);
}

/* As some editors save a file. */
static void test_a_byte_order_mark(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Node *top = parse(arena, "\xEF\xBB\xBF# comment\nname: x\nseeds: 1\n");
    assert_int_equal(top->n_items, 2);
    assert_int_equal(node_get(top, "name")->line, 2);
    assert_int_equal(parse(arena, "\xEF\xBB\xBF")->n_items, 0);
    arena_free(arena);
}

/* Each key is compared with all before it: a file of a million would take for ever. */
static void test_keys_are_bounded(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text text = {0};
    Node *node;
    Error err;
    for (int k = 0; k < 10000; k++)
        text_addf(&text, "k%d: 1\n", k);
    assert_ok(node_parse(arena, "e.yaml", 1, text_string(&text), text.size, &node, &err), &err);
    text_add(&text, "k: 1\n");
    assert_refused(node_parse(arena, "e.yaml", 1, text_string(&text), text.size, &node, &err), STATUS_INPUT,
                   "e.yaml:10001: more than 10000 keys in one mapping", &err);
    text_free(&text);
    arena_free(arena);
}

static void test_command_line_has_no_lines(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Node *node;
    Error err;
    assert_ok(node_parse(arena, "--set a", 0, "[1, 2]", 6, &node, &err), &err);
    assert_int_equal(node->items[1]->line, 0);
    assert_int_equal(node_parse(arena, "--set a", 0, "[1, 2", 5, &node, &err), STATUS_INPUT);
    assert_string_equal(err.text, "--set a: not YAML: while parsing a flow sequence, did not find expected ',' or ']'");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_knows_lines_and_quotes),
        cmocka_unit_test(test_empty_is_a_mapping),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_a_byte_order_mark),
        cmocka_unit_test(test_keys_are_bounded),
        cmocka_unit_test(test_command_line_has_no_lines),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
