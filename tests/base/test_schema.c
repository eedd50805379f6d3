/* Without these, a typing error in an experiment file could be ignored, or be answered by a line that doesn't help. */
#include "base/resolve.h"

#include <math.h>

#include "testing.h"

static const char *const positions[] = {"none", "absolute", "rope", "alibi", NULL};
static const char *const optimizers[] = {"adamw", "sgd", NULL};
static const char *const whens[] = {"always", "document", "never", NULL};

static const SchemaRow model_rows[] = {
    {"n_layers", VALUE_INT, "2", 1, 1024, NULL, "layers", BY_HAND},
    {"tied_head", VALUE_BOOL, "false", 0, 0, NULL, "share the embedding", BY_HAND},
    {"position.kind", VALUE_CHOICE, "rope", 0, 0, positions, "position encoding", BY_HAND},
};
static const SchemaRow rope_rows[] = {{"theta", VALUE_NUMBER, "10000", 1, 1e9, NULL, "base of the angles", BY_HAND}};
static const SchemaRow train_rows[] = {
    {"lr", VALUE_NUMBER, "0.002", 0, 10, NULL, "step size", BY_HAND},
    {"optimizer.kind", VALUE_CHOICE, "adamw", 0, 0, optimizers, "optimizer", BY_HAND},
    {"limit", VALUE_NUMBER, "inf", 0, INFINITY, NULL, "a limit", BY_HAND},
};
static const SchemaRow adamw_rows[] = {
    {"decay", VALUE_NUMBER, "0.1", 0, 1, NULL, "decay of AdamW", BY_HAND},
    {"betas", VALUE_LIST, "[0.9, 0.95]", 0, 1, NULL, "decay rates", BY_HAND},
};
static const SchemaRow sgd_rows[] = {{"decay", VALUE_NUMBER, "0", 0, 100, NULL, "decay of SGD", BY_HAND}};
static const SchemaRow data_rows[] = {
    {"bos", VALUE_CHOICE, "always", 0, 0, whens, "start token", BY_HAND},
    {"files", VALUE_LIST, "[]", 0, 0, NULL, "text files", BY_HAND},
};
static const SchemaRow top_rows[] = {
    {"name", VALUE_STRING, "", 0, 0, NULL, "name", BY_HAND},
    {"seed", VALUE_INT, "1", 0, 9007199254740992, NULL, "seed", BY_HAND},
};
static const SchemaPart parts[] = {
    {"model", NULL, model_rows, 3},
    {"model.position", "rope", rope_rows, 1},
    {"train", NULL, train_rows, 3},
    {"train.optimizer", "adamw", adamw_rows, 2},
    {"train.optimizer", "sgd", sgd_rows, 1},
    {"data", NULL, data_rows, 2},
    {"", NULL, top_rows, 2},
};
static const Schema schema = {.parts = parts, .n_parts = N_TESTS(parts)};

static Assignment assign(const char *key, const char *text, int line)
{
    return (Assignment){.key = key, .text = text, .file = "experiment.yaml", .line = line};
}

static Settings resolve(Arena *arena, const Assignment *assignments, int n)
{
    Settings settings = {0};
    Error err;
    assert_ok(settings_resolve(arena, &schema, assignments, n, &settings, NULL, &err), &err);
    return settings;
}

static void test_defaults(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Settings settings = resolve(arena, NULL, 0);
    static const char *const order[] = {"model.n_layers",
                                        "model.tied_head",
                                        "model.position.kind",
                                        "model.position.theta",
                                        "train.lr",
                                        "train.optimizer.kind",
                                        "train.limit",
                                        "train.optimizer.decay",
                                        "train.optimizer.betas",
                                        "data.bos",
                                        "data.files",
                                        "name",
                                        "seed"};
    assert_int_equal(settings.n_items, N_TESTS(order));
    for (size_t i = 0; i < N_TESTS(order); i++) {
        assert_string_equal(settings.items[i].key, order[i]);
        assert_null(settings.items[i].file);
    }
    assert_int_equal(settings_int(&settings, "model.n_layers"), 2);
    assert_false(settings_bool(&settings, "model.tied_head"));
    assert_string_equal(settings_text(&settings, "model.position.kind"), "rope");
    assert_true(settings_number(&settings, "model.position.theta") == 10000);
    assert_true(isinf(settings_number(&settings, "train.limit")));
    const Setting *betas = settings_find(&settings, "train.optimizer.betas");
    assert_int_equal(betas->n_items, 2);
    assert_string_equal(betas->items[0], "0.9");
    assert_string_equal(betas->items[1], "0.95");
    assert_int_equal(settings_find(&settings, "data.files")->n_items, 0);
    assert_null(settings_find(&settings, "model.n_layer"));
    arena_free(arena);
}

static void test_assignments(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const char *files[] = {"a.txt", "b.txt"};
    Assignment given[] = {
        assign("model.n_layers", "4", 3),
        assign("model.tied_head", "true", 4),
        assign("train.optimizer.kind", "sgd", 5),
        assign("train.optimizer.decay", "50", 6),
        assign("name", "1e3", 7),
        assign("model.n_layers", "+06", 0),
        {.key = "data.files", .items = files, .n_items = 2, .file = "experiment.yaml", .line = 8},
        assign("train.lr", "-0", 9),
        assign("train.limit", ".inf", 10),
    };
    given[5].file = "--set";
    const Settings settings = resolve(arena, given, N_TESTS(given));
    assert_int_equal(settings_int(&settings, "model.n_layers"), 6); /* the later one */
    assert_string_equal(settings_find(&settings, "model.n_layers")->file, "--set");
    assert_string_equal(settings_find(&settings, "model.n_layers")->text, "6"); /* canonical */
    assert_true(settings_number(&settings, "train.optimizer.decay") == 50);     /* sgd's row, not adamw's */
    assert_null(settings_find(&settings, "train.optimizer.betas"));
    assert_string_equal(settings_text(&settings, "name"), "1e3");
    assert_string_equal(settings_find(&settings, "data.files")->items[1], "b.txt");
    assert_string_equal(settings_find(&settings, "train.lr")->text, "0");
    assert_int_equal(settings_find(&settings, "train.lr")->line, 9);
    arena_free(arena);
}

/* The exact line of each mistake. */
static void test_errors(void **state)
{
    (void)state;
    static const char *const pair[] = {"0.9", "x"}, *const outside[] = {"0.9", "1.5"};
    static const struct {
        Assignment given;
        const char *line;
    } cases[] = {
        {{"model.n_layers", "0", NULL, 0, "experiment.yaml", 12, 0},
         "experiment.yaml:12: model.n_layers: 0 is not in 1..1024"},
        {{"model.n_layers", "x", NULL, 0, "experiment.yaml", 12, 0},
         "experiment.yaml:12: model.n_layers: \"x\" is not a whole number"},
        {{"model.n_layers", "2.5", NULL, 0, "experiment.yaml", 12, 0},
         "experiment.yaml:12: model.n_layers: \"2.5\" is not a whole number"},
        {{"model.n_layers", "4", NULL, 0, "experiment.yaml", 12, 1},
         "experiment.yaml:12: model.n_layers: \"4\" in quotes is a text, not a whole number"},
        {{"model.n_layer", "4", NULL, 0, "experiment.yaml", 12, 0},
         "experiment.yaml:12: unknown key \"model.n_layer\"; did you mean \"model.n_layers\"?"},
        {{"train.n_layers", "4", NULL, 0, "experiment.yaml", 12, 0},
         "experiment.yaml:12: unknown key \"train.n_layers\"; did you mean \"model.n_layers\"?"},
        {{"model.position", "rope", NULL, 0, "experiment.yaml", 9, 0},
         "experiment.yaml:9: unknown key \"model.position\"; did you mean \"model.position.kind\"?"},
        {{"zzzzzzzzz", "4", NULL, 0, "experiment.yaml", 12, 0}, "experiment.yaml:12: unknown key \"zzzzzzzzz\""},
        {{"model.position.kind", "rop", NULL, 0, "experiment.yaml", 9, 0},
         "experiment.yaml:9: model.position.kind: \"rop\" is not one of none, absolute, rope, alibi; did you mean "
         "\"rope\"?"},
        {{"model.position.kind", "sinus", NULL, 0, "experiment.yaml", 9, 0},
         "experiment.yaml:9: model.position.kind: \"sinus\" is not one of none, absolute, rope, alibi"},
        {{"model.tied_head", "yes", NULL, 0, "--set", 0, 0}, "--set: model.tied_head: \"yes\" is not true or false"},
        {{"train.lr", "1e-3x", NULL, 0, "--set", 0, 0}, "--set: train.lr: \"1e-3x\" is not a number"},
        {{"train.lr", "nan", NULL, 0, "--set", 0, 0}, "--set: train.lr: nan is not in 0..10"},
        {{"train.limit", "-1", NULL, 0, "--set", 0, 0}, "--set: train.limit: -1 is not in 0..inf"},
        {{"train.lr", NULL, NULL, 0, "--set", 0, 0}, "--set: train.lr: a list is not a number"},
        {{"data.files", "a.txt", NULL, 0, "--set", 0, 0}, "--set: data.files: \"a.txt\" is not a list"},
        {{"train.optimizer.betas", NULL, (const char **)pair, 2, "--set", 0, 0},
         "--set: train.optimizer.betas: \"x\" is not a number"},
        {{"train.optimizer.betas", NULL, (const char **)outside, 2, "--set", 0, 0},
         "--set: train.optimizer.betas: 1.5 is not in 0..1"},
    };
    Arena *arena = arena_new();
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        Error err;
        Settings settings = {0};
        assert_refused(settings_resolve(arena, &schema, &cases[i].given, 1, &settings, NULL, &err), STATUS_INPUT,
                       cases[i].line, &err);
        assert_refused(schema_check_assignment(&schema, &cases[i].given, &err), STATUS_INPUT, cases[i].line, &err);
        assert_null(settings.items);
    }
    arena_free(arena);
}

static void test_a_choice_not_taken(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Error err;
    Settings settings = {0};
    unsigned char unused[4] = {9, 9, 9, 9};
    const Assignment given[] = {assign("model.position.theta", "500", 3), assign("model.position.kind", "alibi", 4),
                                assign("train.optimizer.kind", "sgd", 5), assign("train.optimizer.betas", NULL, 6)};
    assert_refused(settings_resolve(arena, &schema, given, 2, &settings, NULL, &err), STATUS_INPUT,
                   "experiment.yaml:3: model.position.theta counts only with model.position.kind: rope (it is alibi)",
                   &err);
    assert_ok(settings_resolve(arena, &schema, given, 4, &settings, unused, &err), &err);
    assert_memory_equal(unused, "\1\0\0\1", 4);
    assert_null(settings_find(&settings, "model.position.theta"));
    /* A choice overridden later decides. */
    const Assignment later[] = {given[0], given[1], assign("model.position.kind", "rope", 7)};
    assert_ok(settings_resolve(arena, &schema, later, 3, &settings, unused, &err), &err);
    assert_memory_equal(unused, "\0\0\0", 3);
    assert_true(settings_number(&settings, "model.position.theta") == 500);
    /* Even unused, a value must be one. */
    const Assignment bad[] = {given[1], assign("model.position.theta", "x", 8)};
    assert_refused(settings_resolve(arena, &schema, bad, 2, &settings, unused, &err), STATUS_INPUT,
                   "experiment.yaml:8: model.position.theta: \"x\" is not a number", &err);
    /* A value that another variant's row would take is held to the row that applies. */
    const Assignment decay[] = {assign("train.optimizer.decay", "50", 2)};
    assert_ok(schema_check_assignment(&schema, decay, &err), &err);
    assert_refused(settings_resolve(arena, &schema, decay, 1, &settings, NULL, &err), STATUS_INPUT,
                   "experiment.yaml:2: train.optimizer.decay: 50 is not in 0..1", &err);
    arena_free(arena);
}

static void test_finding(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const SchemaPart *part = NULL;
    assert_ptr_equal(schema_find(&schema, "model.position.theta", &part), &rope_rows[0]);
    assert_ptr_equal(part, &parts[1]);
    assert_ptr_equal(schema_find(&schema, "seed", NULL), &top_rows[1]);
    assert_null(schema_find(&schema, "theta", NULL));
    assert_null(schema_find(&schema, "model", NULL));
    assert_null(schema_find(&schema, "modelx.n_layers", NULL));
    assert_string_equal(schema_nearest_key(arena, &schema, "model.nlayers"), "model.n_layers");
    assert_string_equal(schema_nearest_key(arena, &schema, "theta"), "model.position.theta");
    assert_string_equal(schema_nearest_key(arena, &schema, "optimizer.beta"), "train.optimizer.betas");
    assert_null(schema_nearest_key(arena, &schema, "qqqqqqqqqqqqqq"));
    const SchemaWord words[] = {{"nlayers", "train.steps"}, {"qqqqqqqqqqqqqq", "model.n_layers"}};
    const Schema with_words = {schema.parts, schema.n_parts, words, 2}; /* before likeness, in any group */
    assert_string_equal(schema_nearest_key(arena, &with_words, "model.nlayers"), "train.steps");
    assert_string_equal(schema_nearest_key(arena, &with_words, "qqqqqqqqqqqqqq"), "model.n_layers");
    arena_free(arena);
}

static void test_settings_error(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Assignment given[] = {assign("model.n_layers", "4", 12), assign("train.lr", "1", 0)};
    given[1].file = "--set";
    const Settings settings = resolve(arena, given, 2);
    Error err;
    assert_refused(settings_error(&settings, "model.n_layers", &err, "%d does not fit", 4), STATUS_INPUT,
                   "experiment.yaml:12: model.n_layers: 4 does not fit", &err);
    assert_refused(settings_error(&settings, "train.lr", &err, "too large"), STATUS_INPUT, "--set: train.lr: too large",
                   &err);
    assert_refused(settings_error(&settings, "data.bos", &err, "needs room"), STATUS_INPUT,
                   "experiment.yaml: data.bos (not set, always by default): needs room", &err);
    const Settings defaults = resolve(arena, NULL, 0);
    assert_refused(settings_error(&defaults, "data.bos", &err, "needs room"), STATUS_INPUT,
                   "data.bos (not set, always by default): needs room", &err);
    arena_free(arena);
}

static void test_canonical_json(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const char *betas[] = {"0.90", "1e0"}, *files[] = {"b \"x\".txt"};
    const Assignment given[] = {assign("train.lr", "2e-3", 3),
                                {.key = "train.optimizer.betas", .items = betas, .n_items = 2, .file = "e", .line = 4},
                                {.key = "data.files", .items = files, .n_items = 1, .file = "e", .line = 5},
                                assign("name", "yes", 6)};
    const Settings settings = resolve(arena, given, 4);
    Text text = {0};
    settings_canonical_json(&settings, &text);
    assert_string_equal(
        text_string(&text),
        "{\"data.bos\":\"always\",\"data.files\":[\"b \\\"x\\\".txt\"],\"model.n_layers\":2,"
        "\"model.position.kind\":\"rope\",\"model.position.theta\":10000,\"model.tied_head\":false,"
        "\"name\":\"yes\",\"seed\":1,\"train.limit\":\"inf\",\"train.lr\":0.002,"
        "\"train.optimizer.betas\":[0.9,1],\"train.optimizer.decay\":0.1,\"train.optimizer.kind\":\"adamw\"}");
    text_free(&text);
    arena_free(arena);
}

static void test_yaml(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const char *files[] = {"a", "b: c"};
    const Assignment given[] = {{.key = "data.files", .items = files, .n_items = 2, .file = "e", .line = 5},
                                assign("name", "yes", 6)};
    const Settings settings = resolve(arena, given, 2);
    Text text = {0};
    settings_yaml(&settings, &text);
    assert_string_equal(text_string(&text), "model:\n"
                                            "  n_layers: 2\n"
                                            "  tied_head: false\n"
                                            "  position:\n"
                                            "    kind: rope\n"
                                            "    theta: 10000\n"
                                            "train:\n"
                                            "  lr: 0.002\n"
                                            "  optimizer:\n"
                                            "    kind: adamw\n"
                                            "    decay: 0.1\n"
                                            "    betas: [0.9, 0.95]\n"
                                            "  limit: .inf\n"
                                            "data:\n"
                                            "  bos: always\n"
                                            "  files: [\"a\", \"b: c\"]\n"
                                            "name: \"yes\"\n"
                                            "seed: 1\n");
    text_free(&text);
    arena_free(arena);
}

/* Each kind of row into each kind of member, and a row without one. */
static void test_rows_are_read_into_their_members(void **state)
{
    (void)state;
    typedef struct {
        int n, flag;
        enum { A, B } mode;
        int64_t seed;
        struct {
            double rate, whole;
        } in;
        int untouched;
    } Target;
    static const char *const modes[] = {[A] = "a", [B] = "b", NULL};
    static const SchemaRow rows[] = {
        {"n", VALUE_INT, "3", 0, 9, NULL, "int", FIELD(Target, n)},
        {"flag", VALUE_BOOL, "true", 0, 0, NULL, "bool", FIELD(Target, flag)},
        {"mode", VALUE_CHOICE, "a", 0, 0, modes, "choice", FIELD(Target, mode)},
        {"seed", VALUE_INT, "9007199254740993", 0, 9223372036854775807.0, NULL, "int64", FIELD(Target, seed)},
        {"in.rate", VALUE_NUMBER, "0.25", 0, 1, NULL, "double", FIELD(Target, in.rate)},
        {"in.whole", VALUE_INT, "4", 0, 9, NULL, "a whole number as a double", FIELD(Target, in.whole)},
        {"other", VALUE_INT, "5", 0, 9, NULL, "no member", BY_HAND},
    };
    const SchemaPart part = {"group", NULL, ROWS(rows)};
    const Assignment given[] = {assign("group.mode", "b", 1)};
    Arena *arena = arena_new();
    Settings settings = {0};
    Error err;
    assert_ok(settings_resolve(arena, &(Schema){.parts = &part, .n_parts = 1}, given, 1, &settings, NULL, &err), &err);
    const Target *read = settings_read_new(arena, &settings, "group", ROWS(rows), sizeof *read);
    assert_true(read->n == 3 && read->flag == 1 && read->mode == B && read->seed == 9007199254740993);
    assert_true(read->in.rate == 0.25 && read->in.whole == 4 && read->untouched == 0);
    assert_int_equal(settings_choice(&settings, "group.mode"), B);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_assignments),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_a_choice_not_taken),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_settings_error),
        cmocka_unit_test(test_canonical_json),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_rows_are_read_into_their_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
