/* Without this, what is measured of others' models beyond their maps could be another layer's stream, another head's
 * values, or the loss of another token: streams, values, losses, and losses with a key hidden are those of transformers
 * (fixtures/make_streams.py), within 1e-5 of the largest, and what hiding costs is measured from them.
 */
#include "cases.h"
#include "schema.h"

#include <math.h>

#include "../testing.h"
#include "store/npy.h"
#include "store/npz.h"
#include "train/given.h"

static const double tolerance = 1e-5;

/* One model of theirs, what our forward pass captures of it, and what transformers says. */
typedef struct {
    Arena *arena;
    const char *name;
    Npz theirs;
    HubRead read;
    const int32_t *ids, *targets;
    int T;
    Capture ours;
} Scene;

static void check_near(const Scene *scene, const char *what, size_t n, const real *ours, const NpyArray *theirs)
{
    double most = 0, largest = 0;
    assert_int_equal(theirs->n_items, n);
    for (size_t i = 0; i < n; i++) {
        const double value =
            theirs->type == NPY_FLOAT64 ? ((const double *)theirs->data)[i] : (double)((const float *)theirs->data)[i];
        most = fmax(most, fabs((double)ours[i] - value));
        largest = fmax(largest, fabs(value));
    }
    if (!(most <= tolerance * largest))
        fail_msg("%s: %s are %.3g of the largest apart", scene->name, what, most / largest);
}

static Scene open_scene(Arena *arena, const char *file)
{
    const size_t n = strlen(file) - strlen(".npz");
    Scene scene = {.arena = arena, .name = arena_strndup(arena, file, n)};
    const char *folder = file_join(arena, FIXTURES "/theirs", scene.name);
    const Schema schema = hub_schema(arena);
    NpyArray ids;
    HubFile model;
    Error err;
    assert_ok(npz_read(arena, file_join(arena, FIXTURES "/streams", file), &scene.theirs, &err), &err);
    assert_ok(npy_read(arena, file_join(arena, folder, "ids.npy"), &ids, &err), &err);
    scene.T = (int)ids.n_items, scene.ids = ids.data;
    assert_ok(hub_open(arena, folder, &schema, kernels_best(), &model, &err), &err);
    assert_ok(hub_read(arena, &model, scene.T, &scene.read, &err), &err);
    assert_int_equal(model.has_head, npz_get(&scene.theirs, "losses") != NULL);
    int32_t *targets = ARENA_ARRAY(arena, int32_t, scene.T);
    for (int i = 0; i < scene.T; i++)
        targets[i] = i + 1 < scene.T ? scene.ids[i + 1] : -1;
    scene.targets = targets;
    return scene;
}

static size_t size_of(const Scene *scene)
{
    return (size_t)scene->T * (size_t)model_settings(scene->read.model)->d_model;
}

static size_t values_of(const Scene *scene)
{
    const ModelSettings *m = model_settings(scene->read.model);
    return (size_t)m->n_layers * (size_t)m->n_heads * (size_t)scene->T * (size_t)m->d_head;
}

static void capture(Scene *scene)
{
    const ModelSettings *m = model_settings(scene->read.model);
    scene->ours = (Capture){.v = ARENA_ARRAY(scene->arena, real, values_of(scene)),
                            .residual = ARENA_ARRAY(scene->arena, real, (size_t)(m->n_layers + 1) * size_of(scene)),
                            .normed = ARENA_ARRAY(scene->arena, real, size_of(scene)),
                            .losses = ARENA_ARRAY(scene->arena, real, scene->T)};
    Workspace *workspace = workspace_new(scene->arena, scene->read.model, 1, 0, NULL);
    model_capture(scene->read.model, scene->read.parameters, scene->ids, scene->targets, 1, scene->T, workspace,
                  &scene->ours);
}

/* The mean over the queries behind the first. */
static double mean_cost(const NpyArray *losses, const NpyArray *hidden)
{
    const double *before = losses->data, *after = hidden->data;
    double sum = 0;
    for (size_t i = 1; i < losses->n_items; i++)
        sum += after[i] - before[i];
    return sum / (double)(losses->n_items - 1);
}

static void check_cost(const Scene *scene, double expected, double loss)
{
    const GivenSet set = {
        .n = 1, .shortest = scene->T, .lengths = &scene->T, .tokens = scene->ids, .targets = scene->targets};
    Settings families;
    TrainSettings settings;
    Arena *memory;
    Measured measured;
    Error err;
    assert_ok(families_resolve(scene->arena, NULL, 0, &families, &err), &err);
    assert_ok(given_settings(scene->arena, &families, 1, &settings, &err), &err);
    assert_ok(given_measure(&settings, scene->read.model, scene->read.parameters, kernels_best(), &set, 1, &memory,
                            &measured, &err),
              &err);
    const double cost = measured.values[layout_find(&measured.layout, "ablation_cost")->offset];
    if (!(fabs(cost - expected) <= tolerance * loss))
        fail_msg("%s: hiding the first key costs %.9g, and by transformers %.9g", scene->name, cost, expected);
    arena_free(memory);
}

static void check_scene(Scene *scene)
{
    const NpyArray *values = npz_get(&scene->theirs, "values"), *losses = npz_get(&scene->theirs, "losses"),
                   *hidden = npz_get(&scene->theirs, "hidden");
    const size_t L = (size_t)model_settings(scene->read.model)->n_layers;
    capture(scene);
    check_near(scene, "streams", L * size_of(scene), scene->ours.residual, npz_get(&scene->theirs, "residual"));
    check_near(scene, "normed streams", size_of(scene), scene->ours.normed, npz_get(&scene->theirs, "normed"));
    if (values)
        check_near(scene, "values", values_of(scene), scene->ours.v, values);
    if (losses)
        check_near(scene, "losses", (size_t)scene->T - 1, scene->ours.losses, losses);
    if (hidden)
        check_cost(scene, mean_cost(losses, hidden), ((const double *)losses->data)[0]);
}

static void test_streams_are_theirs(void **state)
{
    (void)state;
    Arena *names_of = arena_new();
    char **names;
    int n;
    Error err;
    assert_ok(file_list(names_of, FIXTURES "/streams", &names, &n, &err), &err);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        Arena *arena = arena_new();
        Scene scene = open_scene(arena, names[i]);
        check_scene(&scene);
        arena_free(arena);
    }
    arena_free(names_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_streams_are_theirs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
