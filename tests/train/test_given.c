/* A model that is measured on sequences of somebody's has the numbers of a run's own snapshot. Were this file deleted,
 * a model of others could be measured by another instrument than ours: with other baselines, losses at other places, or
 * metrics on other sequences, and each number would still be one that looks right.
 */
#include "testing.h"

#include <math.h>

#include "base/file.h"
#include "geometry/pool.h"
#include "store/run.h"
#include "train/given.h"
#include "train/session.h"
#include "training.h"

enum { LAST = 12, N = 4 };

#define COMMON                                                                                                         \
    "data.source.kind", "text", "objective.kind", "next", "measure.sequences", "4", "model.n_layers", "2",             \
        "model.n_heads", "2", "snapshot.weights", "true", "measure.interventions.every", "1",                          \
        "measure.interventions.layer", "1"

/* Positions and biases that interventions can change; a bias by distance; sequences of several lengths. */
static const char *const arms[][40] = {
    {COMMON, "model.bias", "true", "model.position.kind", "absolute", NULL},
    {COMMON, "model.position.kind", "alibi", NULL},
    {COMMON, "model.slot.kind", "key", NULL},
    {COMMON, "data.lengths.kind", "uniform", "data.lengths.least", "13", NULL},
};

/* A trained run, its model, the weights of its last snapshot and what it measured on. */
typedef struct {
    Trained trained;
    Settings settings;
    Session session;
    Npz last, baselines;
    real *weights;
    int *lengths;
    int32_t *tokens, *targets;
    GivenSet set;
} Run;

static const NpyArray *array_of(const Npz *npz, const char *name)
{
    const NpyArray *array = npz_get(npz, name);
    if (!array)
        fail_msg("there is no %s", name);
    return array;
}

/* The rows of the snapshot's set as far as they go, one behind the other. */
static void take_set(Run *run)
{
    Arena *arena = run->trained.arena;
    const NpyArray *tokens = array_of(&run->last, "tokens"), *targets = array_of(&run->last, "targets");
    const NpyArray *lengths = npz_get(&run->last, "lengths");
    const int T = (int)tokens->shape[1];
    size_t n = 0;
    run->lengths = ARENA_ARRAY(arena, int, N);
    run->tokens = ARENA_ARRAY(arena, int32_t, tokens->n_items);
    run->targets = ARENA_ARRAY(arena, int32_t, tokens->n_items);
    run->set =
        (GivenSet){.n = N, .shortest = T, .lengths = run->lengths, .tokens = run->tokens, .targets = run->targets};
    for (int s = 0; s < N; s++) {
        const int length = run->lengths[s] = lengths ? ((const int32_t *)lengths->data)[s] : T;
        for (int i = 0; i < length; i++, n++) {
            run->tokens[n] = ((const int32_t *)tokens->data)[s * T + i];
            run->targets[n] = ((const int32_t *)targets->data)[s * T + i];
        }
        run->set.shortest = length < run->set.shortest ? length : run->set.shortest;
    }
}

static Run train_arm(const char *const *changes)
{
    Error err = {""};
    Run run = {.trained = train_tiny(changes)};
    Arena *arena = run.trained.arena;
    run.settings = tiny_settings(arena, changes);
    assert_ok(session_open(&run.settings, kernels_best(), &run.session, &err), &err);
    run.last = snapshot_of(&run.trained, LAST);
    assert_ok(npz_read(arena, file_join(arena, run.trained.folder, RUN_BASELINES), &run.baselines, &err), &err);
    const Parameters *parameters = model_parameters(run.session.model);
    run.weights = ARENA_ARRAY(arena, real, parameters->n_values);
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const NpyArray *array = array_of(&run.last, arena_format(arena, "weights/%s", tensor->name));
        memcpy(run.weights + tensor->offset, array->data, (size_t)tensor->rows * (size_t)tensor->cols * sizeof(real));
    }
    take_set(&run);
    return run;
}

static void drop(Run *run)
{
    session_close(&run->session);
    drop_trained(&run->trained);
}

/* Every family, each on as many sequences as the run takes. */
static TrainSettings settings_of(const Run *run)
{
    Arena *arena = run->trained.arena;
    enum { MOST = 256 };
    Assignment *sets = ARENA_ARRAY(arena, Assignment, MOST);
    Settings families;
    TrainSettings settings;
    Error err = {""};
    int n = 0;
    for (int f = 0; family_registry[f]; f++) {
        const char *group = arena_format(arena, "measure.%s", family_registry[f]->variant.name);
        assert_true(n + 3 < MOST);
        sets[n++] = (Assignment){.key = arena_format(arena, "%s.every", group), .text = "1", .file = "test"};
        sets[n++] = (Assignment){.key = arena_format(arena, "%s.sequences", group),
                                 .text = arena_format(arena, "%d", family_registry[f]->sequences),
                                 .file = "test"};
    }
    sets[n++] = (Assignment){.key = "measure.interventions.layer", .text = "1", .file = "test"};
    assert_ok(families_resolve(arena, sets, n, &families, &err), &err);
    assert_ok(given_settings(arena, &families, N, &settings, &err), &err);
    return settings;
}

static Measured measure(const Run *run, const TrainSettings *settings, int threads, Arena **ret_memory)
{
    Measured measured;
    Error err = {""};
    assert_ok(given_measure(settings, run->session.model, run->weights, kernels_best(), &run->set, threads, ret_memory,
                            &measured, &err),
              &err);
    assert_true((double)arena_used(*ret_memory) <= given_bytes(settings, run->session.model, &run->set, threads));
    return measured;
}

/* Whether two numbers are the same, or none both. */
static int is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Values of a place, pooled, against those of a file. Returns how many are numbers. */
static int compare(const Place *place, int n_values, const double *values, const NpyArray *stored)
{
    int n = 0;
    for (int i = 0; i < place->size; i++) {
        const Pooled pooled = pool_values(place->column->pool, N, values + place->offset + i, (size_t)n_values, 0, 1);
        if (!is_same(pooled.value, ((const double *)stored->data)[i]))
            fail_msg("%s %d is %.17g, and the run's %.17g", place->column->name, i, pooled.value,
                     ((const double *)stored->data)[i]);
        n += isfinite(pooled.value);
    }
    return n;
}

static void check_metrics(const Run *run, const Measured *measured)
{
    int n_families = 0;
    for (int f = 0; family_registry[f]; f++) {
        const MetricFamily *family = family_registry[f];
        const Place *places = layout_family(&measured->layout, family);
        int n = 0;
        for (int c = 0; c < family->n_columns; c++) {
            const char *name = places[c].column->name;
            const NpyArray *stored = npz_get(&run->last, name);
            if (!stored)
                continue;
            n += compare(&places[c], measured->layout.n_values, measured->values, stored);
            if (!places[c].is_attention_only || family->every > 1)
                continue;
            compare(&places[c], measured->layout.n_values, measured->uniform,
                    array_of(&run->baselines, arena_format(run->trained.arena, "uniform/%s", name)));
            compare(&places[c], measured->layout.n_values, measured->position,
                    array_of(&run->baselines, arena_format(run->trained.arena, "position/%s", name)));
        }
        n_families += n > 0;
        if (n == 0 && !(family->needs & NEEDS_SLOTS))
            fail_msg("%s has no number", family->variant.name);
    }
    assert_true(n_families > 20);
}

/* Importances from afar, on which labels rest; a set of one length has one row of baselines. */
static void check_importances(const Run *run, const Measured *measured)
{
    const char *const names[] = {"uniform", "position"};
    const NpyArray *afar = array_of(&run->last, "importance_afar"), *each[2];
    for (int b = 0; b < 2; b++)
        each[b] = array_of(&run->baselines, arena_format(run->trained.arena, "%s/importance_afar", names[b]));
    for (size_t i = 0; i < afar->n_items; i++)
        assert_true(is_same((double)measured->afar[i], (double)((const float *)afar->data)[i]));
    for (size_t i = 0; i < each[0]->n_items; i++) {
        const float uniform = ((const float *)each[0]->data)[i], position = ((const float *)each[1]->data)[i];
        assert_true(is_same((double)measured->baseline[i], (double)(position > uniform ? position : uniform)));
    }
}

static void test_numbers_are_the_snapshots(void **state)
{
    (void)state;
    for (size_t a = 0; a < sizeof arms / sizeof *arms; a++) {
        Run run = train_arm(arms[a]);
        const TrainSettings settings = settings_of(&run);
        Arena *memory;
        run.set.with_position = 1;
        const Measured measured = measure(&run, &settings, 1, &memory);
        check_metrics(&run, &measured);
        check_importances(&run, &measured);
        assert_true(is_same(measured.loss, ((const double *)array_of(&run.last, "held_out_loss")->data)[0]));
        arena_free(memory);
        drop(&run);
    }
}

/* Also maps that are kept, and that every sequence is told of. */
static void test_threads_change_nothing(void **state)
{
    (void)state;
    Run run = train_arm(arms[3]);
    const TrainSettings settings = settings_of(&run);
    Arena *memory[2], *arena = run.trained.arena;
    Measured measured[2];
    real *maps[2][N];
    const size_t n_heads = 4;
    for (int m = 0; m < 2; m++) {
        for (int s = 0; s < N; s++)
            maps[m][s] = ARENA_ARRAY(arena, real, n_heads * run.lengths[s] * run.lengths[s]);
        run.set.maps = maps[m];
        measured[m] = measure(&run, &settings, m ? 3 : 1, &memory[m]);
    }
    const size_t n = (size_t)N * (size_t)measured[0].layout.n_values * sizeof(double);
    assert_memory_equal(measured[0].values, measured[1].values, n);
    assert_memory_equal(measured[0].uniform, measured[1].uniform, n);
    for (int s = 0; s < N; s++) {
        const size_t square = (size_t)run.lengths[s] * (size_t)run.lengths[s];
        assert_memory_equal(maps[0][s], maps[1][s], n_heads * square * sizeof(real));
        assert_true(fabs((double)maps[0][s][0] - 1) < 1e-6); /* the first query sees itself alone */
    }
    arena_free(memory[0]), arena_free(memory[1]);
    drop(&run);
}

static int count_finite(const Measured *measured, const char *name)
{
    const Place *place = layout_find(&measured->layout, name);
    int n = 0;
    for (int s = 0; s < N; s++)
        n += isfinite(measured->values[(size_t)s * (size_t)measured->layout.n_values + (size_t)place->offset]);
    return n;
}

static void note(void *context, int n_done)
{
    int *most = context;
    *most = n_done > *most ? n_done : *most;
}

/* A model without a head has no loss, nor what a loss tells; costly families wait to be asked for. */
static void test_what_is_left_out(void **state)
{
    (void)state;
    Run run = train_arm(arms[0]);
    Arena *arena = run.trained.arena, *memory;
    Settings families;
    TrainSettings settings;
    Error err = {""};
    int n_done = 0;
    const Assignment sets[] = {{.key = "measure.sink.sequences", .text = "3", .file = "test"},
                               {.key = "measure.anchors.every", .text = "0", .file = "test"}};
    assert_ok(families_resolve(arena, sets, 2, &families, &err), &err);
    assert_ok(given_settings(arena, &families, N, &settings, &err), &err);
    run.set.on_sequence = note, run.set.context = &n_done;
    Measured measured = measure(&run, &settings, 1, &memory);
    assert_int_equal(n_done, 2 * N);
    assert_null(measured.position);
    arena_free(memory);
    run.set.with_position = 1, n_done = 0;
    measured = measure(&run, &settings, 1, &memory);
    assert_int_equal(n_done, 3 * N);
    assert_int_equal(count_finite(&measured, "sink_mass"), 3);
    assert_int_equal(count_finite(&measured, "n_anchors"), 0);
    assert_int_equal(count_finite(&measured, "rips0_total"), N); /* 2 in a run */
    assert_int_equal(count_finite(&measured, "ablation_cost"), N);
    assert_int_equal(count_finite(&measured, "cost@hide"), 0);
    arena_free(memory);
    run.set.targets = NULL;
    measured = measure(&run, &settings, 1, &memory);
    assert_true(isnan(measured.loss) && measured.n_targets == 0);
    assert_int_equal(count_finite(&measured, "ablation_cost"), 0);
    assert_int_equal(count_finite(&measured, "value_drain"), N);
    arena_free(memory);
    drop(&run);
}

/* Tensors whose name begins so as large as float32 has them: what comes of it is refused by name. */
static void check_refused(int has_targets, const char *start, const char *expected)
{
    Run run = train_arm(arms[0]);
    const TrainSettings settings = settings_of(&run);
    const Parameters *parameters = model_parameters(run.session.model);
    Arena *memory = NULL;
    Measured measured;
    Error err = {""};
    if (!has_targets)
        run.set.targets = NULL;
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const int is_one = strncmp(tensor->name, start, strlen(start)) == 0;
        for (size_t i = 0; is_one && i < (size_t)tensor->rows * (size_t)tensor->cols; i++)
            run.weights[tensor->offset + i] = (real)3e38;
    }
    assert_int_equal(
        given_measure(&settings, run.session.model, run.weights, kernels_best(), &run.set, 2, &memory, &measured, &err),
        STATUS_INPUT);
    assert_string_equal(err.text, expected);
    assert_null(memory);
    drop(&run);
}

/* Weights may be finite, and attention not; or attention, and what a layer gives; or that, and the loss. Without
 * targets there is no loss to tell. */
static void test_what_is_not_finite(void **state)
{
    (void)state;
    static const char head[] = "the attention of head 1.0 in sequence 0 is not finite: its weights are too large for "
                               "float32";
    static const char layer[] = "what layer 1 gives in sequence 0 is not finite: the model's weights are too large for "
                                "float32";
    static const char first[] = "what layer 0 gives in sequence 0 is not finite: the model's weights are too large for "
                                "float32";
    static const char norm[] =
        "what the final norm gives in sequence 0 is not finite: the model's weights are too large "
        "for float32";
    for (int has_targets = 0; has_targets <= 1; has_targets++) {
        check_refused(has_targets, "head.norm.", norm);
        check_refused(has_targets, "blocks.1.attention.q.weight", head);
        check_refused(has_targets, "blocks.1.mlp.", layer);
        check_refused(has_targets, "blocks.0.mlp.", first); /* not the head that reads it */
    }
    check_refused(1, "head.weight",
                  "the loss of sequence 0 is not finite: the model's weights are too large for float32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_the_snapshots),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_what_is_left_out),
        cmocka_unit_test(test_what_is_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
