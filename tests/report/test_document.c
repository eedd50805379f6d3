/* Without this, a key renamed in C would leave a hole in the page that nobody sees before a reader does: the scripts
 * read by name. (tests/end_to_end/test_report.py holds the scripts to the same list.)
 */
#include "scene.h"

#include "base/json.h"
#include "report/document.h"

typedef struct {
    const char *path, *keys;
} Object;

static const Object objects[] = {DOCUMENT_OBJECTS};
enum { N_OBJECTS = sizeof objects / sizeof *objects };

/* A sink in arm a, none in arm b; the last seed of b never ran. */
static double one_sink(int arm, int seed, int snapshot)
{
    (void)seed;
    return arm == 0 && snapshot > 2 ? 0.8 : 0.05;
}

static RunStatus last_absent(int arm, int seed)
{
    return arm == 1 && seed == 4 ? RUN_ABSENT : RUN_FINISHED;
}

static const Scene scene = {
    .n_arms = 2,
    .n_seeds = 4,
    .sink = one_sink,
    .status = last_absent,
    .claims = "[{\"text\":\"t\",\"that\":\"median(sink_mass:strongest, kind=a) > median(sink_mass:strongest, kind=b)\","
              "\"source\":\"s\",\"file\":\"x\",\"line\":1},"
              "{\"text\":\"t\",\"that\":\"onset(sink_mass:strongest, kind=b) < 50\"},"
              "{\"text\":\"t\",\"that\":\"frame(kind=a) = "
              "centralized\",\"family\":\"P\",\"source\":\"\",\"file\":\"x\",\"line\":2},"
              "{\"text\":\"t\",\"that\":\"seen(centralized)\",\"source\":\"\",\"file\":\"x\",\"line\":3},"
              "{\"text\":\"t\",\"that\":\"changes(kind) < 1\",\"source\":\"\",\"file\":\"x\",\"line\":4}]",
};

/* Whether a list holds a word; its place in bits, to tell which were seen. */
static int find_key(const char *keys, const char *key)
{
    const size_t n = strlen(key);
    int at = 0;
    for (const char *c = keys; *c; c += strcspn(c, " "), c += *c == ' ', at++)
        if (strcspn(c, " ") == n && strncmp(c, key, n) == 0)
            return at;
    return -1;
}

static void walk(Arena *arena, const Json *value, const char *path, unsigned seen[N_OBJECTS])
{
    if (value->type == JSON_ARRAY)
        for (int i = 0; i < value->n_items; i++)
            walk(arena, value->items[i], arena_format(arena, "%s[]", path), seen);
    if (value->type != JSON_OBJECT)
        return;
    int o = 0;
    while (o < N_OBJECTS && strcmp(objects[o].path, path) != 0)
        o++;
    if (o == N_OBJECTS)
        fail_msg("document.h lists no object at \"%s\"", path);
    for (int i = 0; i < value->n_items; i++) {
        const char *key = value->items[i]->key;
        const int at = find_key(objects[o].keys, key);
        if (at < 0)
            fail_msg("document.h lists no \"%s\" at \"%s\"", key, path);
        for (const char *c = key; *c; c++)
            assert_true(*c == '_' || (*c >= 'a' && *c <= 'z'));
        seen[o] |= 1u << at;
        walk(arena, value->items[i], *path ? arena_format(arena, "%s.%s", path, key) : key, seen);
    }
}

/* An arm is told by its values, behind their axis where two have them. */
static void test_values_are_told(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    static const char *const expected[][2] = {{"kind a", "other a"}, {"kind a", "other true"}, {"b", "x"}};
    Scene own = scene;
    char *folder;
    Json *document;
    JsonWriter json;
    Error err;
    own.n_arms = 4, own.n_others = 2;
    Report *report = scene_collect(arena, &own, &folder);
    Text text = {0};
    report->axes[1].values[0] = report->arms[0].values[1] = "a"; /* which `kind` has, too */
    report->arms[1].values[1] = "true";
    json_start(&json, &text, 0);
    assert_ok(document_json(report, &json, &err), &err);
    assert_ok(json_parse(arena, "document", text_string(&text), text.size, &document, &err), &err);
    const Json *arms = json_get(document, "arms");
    for (size_t i = 0; i < N_TESTS(expected); i++)
        for (int x = 0; x < 2; x++)
            assert_string_equal(json_get(arms->items[i], "told")->items[x]->string, expected[i][x]);
    text_free(&text);
    scratch_remove(folder);
    arena_free(arena);
}

static void test_the_document_has_the_keys_that_are_listed(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Text text = {0};
    JsonWriter json;
    Json *document;
    char *folder;
    Error err;
    unsigned seen[N_OBJECTS] = {0};
    const Report *report = scene_collect(arena, &scene, &folder);
    json_start(&json, &text, 0);
    assert_ok(document_json(report, &json, &err), &err);
    assert_ok(json_parse(arena, "document", text_string(&text), text.size, &document, &err), &err);
    walk(arena, document, "", seen);
    for (int o = 0; o < N_OBJECTS; o++) {
        int n = 1;
        for (const char *c = objects[o].keys; *c; c++)
            n += *c == ' ';
        if (seen[o] != (1u << n) - 1)
            fail_msg("the document lacks one of \"%s\" at \"%s\"", objects[o].keys, objects[o].path);
    }
    text_free(&text);
    scratch_remove(folder);
    arena_free(arena);
}

/* The player looks its maps' steps up among the arm's: both are whole, however long the run. */
static void test_steps_are_whole(void **state)
{
    (void)state;
    const Scene one = {.n_arms = 1, .n_seeds = 1, .sink = one_sink, .last_step = 1234567};
    Arena *arena = arena_new();
    Text text = {0};
    JsonWriter json;
    Json *document;
    Report *report;
    Error err;
    char *folder = scene_write(&one);
    assert_ok(report_collect(arena, folder, &report, &err), &err);
    json_start(&json, &text, 0);
    assert_ok(document_json(report, &json, &err), &err);
    assert_ok(json_parse(arena, "document", text_string(&text), text.size, &document, &err), &err);
    const Json *arm = json_get(document, "arms")->items[0], *maps = json_get(arm, "maps");
    assert_near(json_get(arm, "steps")->items[SCENE_SNAPSHOTS - 1]->number, 1234567, 0);
    assert_near(json_get(maps, "steps")->items[SCENE_SNAPSHOTS - 1]->number, 1234567, 0);
    text_free(&text);
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_document_has_the_keys_that_are_listed),
        cmocka_unit_test(test_steps_are_whole),
        cmocka_unit_test(test_values_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
