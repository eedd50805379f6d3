/* Initial weights from a file: without this, a tensor could be left out or taken from the wrong place of the file, and
 * a curve that hangs on its initial weights would not come again. */
#include "testing.h"

#include <math.h>

#include "base/file.h"
#include "store/run.h"
#include "store/safetensors.h"
#include "train/checkpoint.h"
#include "train/initial.h"
#include "train/measurer.h"
#include "train/session.h"
#include "training.h"

#define Q "blocks.0.attention.q.weight"

enum { C = 16 }; /* of tiny settings: W_q is (16,16), a gain (1,16) */

typedef struct {
    Arena *arena;
    char *folder, *path;
} Scene;

static int set_up(void **state)
{
    static Scene scene;
    scene.arena = arena_new();
    scene.folder = fresh_folder(scene.arena);
    scene.path = file_join(scene.arena, scene.folder, "given.safetensors");
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    Scene *scene = *state;
    remove_tree(scene->folder);
    arena_free(scene->arena);
    return 0;
}

/* Opens and starts a run of tiny settings from the file of the scene, or (is_given = 0) from none. */
static int start(const Scene *scene, int is_given, Session *ret_session, Error *err)
{
    const char *changes[] = {is_given ? "model.init.from" : NULL, scene->path, NULL};
    Settings *settings = ARENA_ARRAY(scene->arena, Settings, 1);
    *settings = tiny_settings(scene->arena, changes);
    int status = session_open(settings, kernels_best(), ret_session, err);
    if (status == STATUS_OK)
        status = session_start(ret_session, 1, 1, 0, err);
    return status;
}

static void write_file(const Scene *scene, const SafeTensor *tensors, int n)
{
    assert_int_equal(safetensors_write(scene->path, tensors, n, NULL, 0, NULL), STATUS_OK);
}

static const Tensor *tensor_of(const Session *session, const char *name)
{
    const Parameters *parameters = model_parameters(session->model);
    return &parameters->tensors[parameters_find(parameters, name)];
}

/* What stands in the file is taken, a vector in either shape; all else is as without a file, and the inputs' hash tells
 * the two apart. */
static void given_tensors_take_the_place_of_drawn_ones(void **state)
{
    const Scene *scene = *state;
    float q[C * C], gain[C];
    for (int i = 0; i < C * C; i++)
        q[i] = (float)i / 7;
    for (int i = 0; i < C; i++)
        gain[i] = (float)(2 + i);
    Session usual, given;
    Error err = {""};
    assert_int_equal(start(scene, 0, &usual, &err), STATUS_OK);
    for (int n_dims = 1; n_dims <= 2; n_dims++) {
        const SafeTensor tensors[] = {
            {Q, "F32", 2, {C, C}, q, sizeof q},
            {"head.norm.gain", "F32", n_dims, {n_dims == 1 ? C : 1, C}, gain, sizeof gain},
        };
        write_file(scene, tensors, 2);
        if (start(scene, 1, &given, &err) != STATUS_OK)
            fail_msg("%s", err.text);
        const Parameters *parameters = model_parameters(given.model);
        for (int t = 0; t < parameters->n_tensors; t++) {
            const Tensor *tensor = &parameters->tensors[t];
            const real *now = given.trainer.parameters + tensor->offset;
            const int is_q = strcmp(tensor->name, Q) == 0, is_gain = strcmp(tensor->name, "head.norm.gain") == 0;
            const real *expected = is_q ? q : is_gain ? gain : usual.trainer.parameters + tensor->offset;
            assert_memory_equal(now, expected, sizeof(real) * (size_t)(tensor->rows * tensor->cols));
        }
        assert_string_not_equal(usual.input_sha256, given.input_sha256);
        session_close(&given);
    }
    session_close(&usual);
}

/* What position alone gave at step 0 is what the given weights give, also to who measures the run again. */
static void baselines_are_those_of_given_weights(void **state)
{
    const Scene *scene = *state;
    enum { BUCKETS = 32 };
    const char *changes[] = {"model.position.kind", "relative", "model.n_heads", "1", "model.init.from",
                             scene->path,           NULL};
    float table[BUCKETS];
    for (int i = 0; i < BUCKETS; i++)
        table[i] = (float)i;
    const SafeTensor tensor = {"embedding.relative", "F32", 2, {BUCKETS, 1}, table, sizeof table};
    write_file(scene, &tensor, 1);
    const Settings settings = tiny_settings(scene->arena, changes);
    for (int with_trainer = 0; with_trainer < 2; with_trainer++) {
        Session session;
        Error err = {""};
        assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
        assert_ok(session_start(&session, 1, with_trainer, 1, &err), &err);
        const int T = session.model_settings.context_length;
        const size_t n = model_bias_size(session.model, T);
        real *bias = ARENA_ARRAY(scene->arena, real, n);
        real *parameters = ARENA_ARRAY(scene->arena, real, model_parameters(session.model)->n_values);
        memcpy(parameters + tensor_of(&session, "embedding.relative")->offset, table, sizeof table);
        model_position_bias(session.model, parameters, T, bias);
        assert_memory_equal(session.measurer->start_bias, bias, n * sizeof *bias);
        assert_true(bias[n - 1] != bias[n / 2]); /* or this test says nothing */
        session_close(&session);
    }
}

/* 1, -2, 2^-14, its half (the least normal number of binary16 and a subnormal one), 65504 and 1/3 rounded, written in
 * each type as the standards lay it out. */
static void other_types_are_read(void **state)
{
    const Scene *scene = *state;
    static const uint16_t f16[] = {0x3c00, 0xc000, 0x0400, 0x0200, 0x7bff, 0x3555};
    static const double f16_values[] = {1, -2, 0x1p-14, 0x1p-15, 65504, 0x1.554p-2};
    static const uint16_t bf16[] = {0x3f80, 0xc000, 0x3880, 0x3800, 0x4780, 0x3eab};
    static const double bf16_values[] = {1, -2, 0x1p-14, 0x1p-15, 65536, 0x1.56p-2};
    double f64[C] = {1.0 / 3};
    uint16_t halves[C] = {0};
    const struct {
        const char *type;
        const void *data;
        size_t bytes;
        const double *values;
        int n;
    } cases[] = {{"F16", f16, 2, f16_values, 6}, {"BF16", bf16, 2, bf16_values, 6}, {"F64", f64, 8, f64, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const void *data = cases[c].data;
        if (cases[c].bytes == 2)
            data = memcpy(halves, data, sizeof(uint16_t) * (size_t)cases[c].n);
        const SafeTensor tensor = {"head.norm.gain", cases[c].type, 2, {1, C}, data, C * cases[c].bytes};
        write_file(scene, &tensor, 1);
        Session session;
        Error err = {""};
        if (start(scene, 1, &session, &err) != STATUS_OK)
            fail_msg("%s", err.text);
        const real *gain = session.trainer.parameters + tensor_of(&session, "head.norm.gain")->offset;
        for (int i = 0; i < cases[c].n; i++)
            assert_true(gain[i] == (real)cases[c].values[i]);
        session_close(&session);
    }
}

/* A run that begins with the checkpoint of another has its weights, and no more of it. */
static void a_checkpoint_is_such_a_file(void **state)
{
    const Scene *scene = *state;
    Error err = {""};
    Settings settings = tiny_settings(scene->arena, NULL);
    const char *run = file_join(scene->arena, scene->folder, "run");
    assert_ok(file_make_folder(run, &err), &err);
    assert_ok(train_in(run, &settings, 1, 0, &err), &err);
    char *bytes;
    size_t n;
    assert_int_equal(file_read(scene->arena, run_checkpoint_path(scene->arena, run, 12), &bytes, &n, &err), STATUS_OK);
    assert_int_equal(file_write(scene->path, bytes, n, &err), STATUS_OK);
    Session session;
    if (start(scene, 1, &session, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    const Parameters *parameters = model_parameters(session.model);
    real *weights = ARENA_ARRAY(scene->arena, real, parameters->n_values);
    int64_t progress[3];
    assert_int_equal(checkpoint_read_weights(parameters, scene->path, weights, progress, &err), STATUS_OK);
    assert_int_equal(progress[0], 12);
    assert_memory_equal(session.trainer.parameters, weights, sizeof(real) * parameters->n_values);
    assert_int_equal(session.trainer.step, 0);
    for (size_t i = 0; i < parameters->n_values; i++)
        assert_true(session.trainer.slots[0][i] == 0);
    session_close(&session);
}

/* Stopped and gone on with, such a run ends with the bytes of one that was not. */
static void a_resumed_run_keeps_what_it_learned(void **state)
{
    const Scene *scene = *state;
    const char *changes[] = {"model.init.from", scene->path, NULL};
    const Settings settings = tiny_settings(scene->arena, changes);
    float q[C * C];
    char hashes[2][65];
    for (int i = 0; i < C * C; i++)
        q[i] = (float)(i % 5) / 7;
    write_file(scene, &(SafeTensor){Q, "F32", 2, {C, C}, q, sizeof q}, 1);
    for (int stops = 0; stops < 2; stops++) {
        Error err = {""};
        const char *run = file_join(scene->arena, scene->folder, stops ? "stopped" : "whole");
        assert_ok(file_make_folder(run, &err), &err);
        if (stops)
            assert_int_equal(train_in(run, &settings, 1, 7, &err), STATUS_INTERRUPTED);
        assert_ok(train_in(run, &settings, 1, 0, &err), &err);
        results_hash(run, hashes[stops]);
    }
    assert_string_equal(hashes[0], hashes[1]);
}

/* One line that says which file, which tensor, and what is wrong with it. */
static void what_does_not_fit_is_refused(void **state)
{
    const Scene *scene = *state;
    float values[C * C] = {0}, broken[C * C];
    double huge[C * C];
    const struct {
        SafeTensor tensor;
        const char *said[3];
    } cases[] = {
        {{"blocks.0.attention.qq.weight", "F32", 2, {C, C}, values, sizeof values},
         {"no tensor", "blocks.0.attention.qq.weight", Q}},
        {{"blocks.1.attention.q.weight", "F32", 2, {C, C}, values, sizeof values}, {"no tensor", "blocks.1", ""}},
        {{Q, "F32", 2, {C, C / 2}, values, sizeof values / 2}, {Q, "(16, 8)", "(16, 16)"}},
        {{Q, "F32", 1, {C * C}, values, sizeof values}, {Q, "(256)", "(16, 16)"}},
        {{Q, "I32", 2, {C, C}, values, sizeof values}, {Q, "I32", "F32"}},
        {{Q, "F32", 2, {C, C}, broken, sizeof broken}, {Q, "a value of nan", "no weight"}},
        {{Q, "F64", 2, {C, C}, huge, sizeof huge}, {Q, "a value of 1e+300", "no weight"}},
        {{"adamw.m/" Q, "F32", 2, {C, C}, values, sizeof values}, {"has no tensor of a model", "", ""}},
        {{"model/" Q "s", "F32", 2, {C, C}, values, sizeof values}, {"no tensor", "model/" Q, ""}},
    };
    for (int i = 0; i < C * C; i++)
        broken[i] = i == C ? NAN : 0, huge[i] = i == C ? 1e300 : 0;
    Session session;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Error err = {""};
        write_file(scene, &cases[c].tensor, 1);
        assert_int_equal(start(scene, 1, &session, &err), STATUS_INPUT);
        assert_non_null(strstr(err.text, scene->path));
        assert_non_null(strstr(err.text, "model.init.from"));
        for (int s = 0; s < 3; s++)
            if (!strstr(err.text, cases[c].said[s]))
                fail_msg("'%s' does not say %s", err.text, cases[c].said[s]);
    }
    Error err = {""};
    assert_int_equal(file_write(scene->path, "no weights", 10, &err), STATUS_OK);
    assert_int_equal(start(scene, 1, &session, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "model.init.from"));
    assert_int_equal(file_remove(scene->path, &err), STATUS_OK);
    assert_int_equal(start(scene, 1, &session, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, scene->path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(given_tensors_take_the_place_of_drawn_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(baselines_are_those_of_given_weights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_types_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_such_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_resumed_run_keeps_what_it_learned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
