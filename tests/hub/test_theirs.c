/* Without this, a model that transformers made could be read as another one: another epsilon, rope's other pairs, a
 * window that is one key too wide, positions that begin too early. Maps of every folder of fixtures/theirs are those of
 * transformers, eager and in float32 (fixtures/make_theirs.py), within 1e-5; logits, where the head is read, within
 * 1e-5 of the largest. With HUB_THEIRS=FOLDER the models are those below it, and the differences are printed.
 */
#include "cases.h"
#include "schema.h"

#include <math.h>

#include "store/npy.h"
#include "../testing.h"

static const double tolerance = 1e-5;

static NpyArray array_of(Arena *arena, const char *folder, const char *name, NpyType type)
{
    NpyArray array;
    Error err;
    assert_ok(npy_read(arena, file_join(arena, folder, name), &array, &err), &err);
    assert_int_equal(array.type, type);
    return array;
}

/* The largest difference over the largest value. */
static double apart(const real *ours, const NpyArray *theirs)
{
    double most = 0, largest = 0;
    for (size_t i = 0; i < theirs->n_items; i++) {
        const double value = (double)((const float *)theirs->data)[i];
        assert_true(isfinite(value));
        most = fmax(most, fabs((double)ours[i] - value));
        largest = fmax(largest, fabs(value));
    }
    return most / largest;
}

static void check(const char *name, const char *what, double difference)
{
    if (getenv("HUB_THEIRS"))
        print_message("%s: %s are %.3g of the largest apart\n", name, what, difference);
    if (!(difference <= tolerance))
        fail_msg("%s: %s are %.3g of the largest apart", name, what, difference);
}

/* A folder as transformers writes it, or one with a GGUF beside what is expected of it. */
static const char *model_at(Arena *arena, const char *folder)
{
    const char *gguf = file_join(arena, folder, "model.gguf");
    return file_exists(gguf) ? gguf : folder;
}

static void check_folder(Arena *arena, const char *folder, const char *name)
{
    const Schema schema = hub_schema(arena);
    const NpyArray ids = array_of(arena, folder, "ids.npy", NPY_INT32);
    const NpyArray maps = array_of(arena, folder, "maps.npy", NPY_FLOAT32);
    const int T = (int)ids.n_items;
    HubFile file;
    HubRead read;
    Error err;
    assert_ok(hub_open(arena, model_at(arena, folder), &schema, kernels_best(), &file, &err), &err);
    assert_ok(hub_read(arena, &file, T, &read, &err), &err);
    assert_int_equal(model_settings(read.model)->context_length, T);

    real *ours = ARENA_ARRAY(arena, real, maps.n_items);
    const Capture capture = {.maps = ours};
    Workspace *workspace = workspace_new(arena, read.model, 1, 0, NULL);
    model_capture(read.model, read.parameters, ids.data, NULL, 1, T, workspace, &capture);
    check(name, "maps", apart(ours, &maps));
    if (file_exists(file_join(arena, folder, "logits.npy"))) {
        const NpyArray logits = array_of(arena, folder, "logits.npy", NPY_FLOAT32);
        real *own = ARENA_ARRAY(arena, real, logits.n_items);
        model_logits(read.model, read.parameters, ids.data, T, workspace, own);
        check(name, "logits", apart(own, &logits));
    }
}

static void test_maps_are_theirs(void **state)
{
    (void)state;
    const char *given = getenv("HUB_THEIRS"), *parent = given ? given : FIXTURES "/theirs";
    Arena *names_of = arena_new();
    char **names;
    int n;
    Error err;
    assert_ok(file_list(names_of, parent, &names, &n, &err), &err);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        Arena *arena = arena_new();
        check_folder(arena, file_join(arena, parent, names[i]), names[i]);
        arena_free(arena);
    }
    arena_free(names_of);
}

/* A model has a loss where its head is there, or is the embedding by its config.json: also where it was saved without
 * the names of one. */
static void test_which_have_a_head(void **state)
{
    static const struct {
        const char *name;
        int has_head;
    } models[] = {{"llama", 1}, {"llama_tied", 1},  {"llama_base", 0},  {"qwen3_base", 0},
                  {"gpt2", 1},  {"gpt2_base", 1},   {"gguf", 1},        {"gguf_tied", 1},
                  {"bert", 0},  {"bert_masked", 0}, {"bert_classes", 0}};
    const Scratch *scratch = *state;
    const Schema schema = hub_schema(scratch->arena);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        const char *folder = file_join(scratch->arena, FIXTURES "/theirs", models[m].name);
        HubFile file;
        Error err;
        assert_ok(hub_open(scratch->arena, model_at(scratch->arena, folder), &schema, kernels_best(), &file, &err),
                  &err);
        if (file.has_head != models[m].has_head)
            fail_msg("%s: whether it has a head is told as %d", models[m].name, file.has_head);
    }
}

static void test_every_architecture_is_there(void **state)
{
    const Scratch *scratch = *state;
    const Schema schema = hub_schema(scratch->arena);
    char **names;
    int n;
    Error err;
    assert_ok(file_list(scratch->arena, FIXTURES "/theirs", &names, &n, &err), &err);
    for (int a = 0; architecture_registry[a]; a++) {
        int is_there = 0;
        for (int i = 0; i < n && !is_there; i++) {
            HubFile file;
            const char *folder = model_at(scratch->arena, file_join(scratch->arena, FIXTURES "/theirs", names[i]));
            assert_ok(hub_open(scratch->arena, folder, &schema, kernels_best(), &file, &err), &err);
            is_there = file.architecture == architecture_registry[a];
        }
        if (!is_there)
            fail_msg("no fixture is a %s", architecture_registry[a]->variant.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps_are_theirs),
        cmocka_unit_test_setup_teardown(test_which_have_a_head, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_every_architecture_is_there, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
