/* The engines openblas and bfloat16 beside the exact one: the same gradients and curves but for rounding, in every kind
 * of product that a model has; their own bits again with any number of threads and behind every interrupt; no going on
 * by another library, and going on by any maker of bfloat16's products.
 *
 * Without it a product by another engine could be turned, or left out of one layer, and training would only be worse.
 */
#include "testing.h"

#include <math.h>

#include "num/bfloat16.h"
#include "num/openblas.h"
#include "store/manifest.h"
#include "train/measurer.h"
#include "train/session.h"
#include "training.h"

enum { MOST_PAIRS = 24 };

/* What rounding may cost: gradients next to their size, losses in nats over 50 steps. bfloat16 keeps 8 bits of
 * an operand: gradients of these models were up to 0.04 of their size apart, losses of 50 steps up to 0.009. */
typedef struct {
    const char *name;
    double loss, gradient, curve;
} Apart;

static const Apart engines[] = {{"openblas", 1e-6, 2e-5, 1e-4}, {"bfloat16", 5e-3, 0.1, 0.03}};
enum { N_OTHERS = sizeof engines / sizeof *engines };

/* Every product of a model is in one of them: heads that share keys, masks that see ahead, gates, slots, biases, a tied
 * head, a deep one, vectors read by a matrix, a matrix that the optimizer makes orthogonal; sizes that divide nothing.
 */
static const char *const variants[][MOST_PAIRS] = {
    {"model.context_length", "48", "model.d_model", "40", "model.n_heads", "2", NULL},
    {"model.n_heads", "6", "model.n_kv_heads", "2", "model.d_head", "10", "model.mask.kind", "full", "objective.kind",
     "masked", "data.source.kind", "bigram_backcopy", NULL},
    {"model.activation", "swiglu", "model.gate.kind", "element", "model.slot.kind", "key_value", "model.bias", "true",
     "model.position.kind", "relative", "model.mask.kind", "window", NULL},
    {"model.tied_head", "true", "train.optimizer.kind", "muon", "model.n_layers", "2", "data.lengths.kind", "uniform",
     NULL},
    {"data.source.kind", "trigger_mean", "model.input", "linear", "objective.kind", "regression", "model.head_layers",
     "3", "model.position.kind", "none", NULL},
};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

/* Takes what is changed, and more. */
static Settings settings_of(Arena *arena, const char *engine, const char *const *changes, const char *const *more)
{
    const char *all[2 * MOST_PAIRS + 3];
    int n = 0;
    for (; *changes; changes++)
        all[n++] = *changes;
    for (; more && *more; more++)
        all[n++] = *more;
    all[n++] = "numerics.engine", all[n++] = engine, all[n] = NULL;
    return tiny_settings(arena, all);
}

static void open_engine(Arena *arena, const char *engine, const char *const *changes, Session *ret_session)
{
    Error err;
    Settings *settings = ARENA_ARRAY(arena, Settings, 1);
    *settings = settings_of(arena, engine, changes, NULL);
    assert_ok(session_open(settings, kernels_best(), ret_session, &err), &err);
    assert_ok(session_start(ret_session, 2, 1, 0, &err), &err);
    assert_int_equal(strcmp(ret_session->kernels->products, OWN_PRODUCTS) != 0, strcmp(engine, "exact") != 0);
}

static double largest(const Tensor *tensor, const real *x, const real *y)
{
    double most = 0;
    for (size_t i = tensor->offset; i < tensor->offset + (size_t)tensor->rows * (size_t)tensor->cols; i++)
        most = fmax(most, fabs((double)x[i] - (y ? (double)y[i] : 0)));
    return most;
}

/* The gradients of all tensors, at the same weights. Next to the tensor's own size, or to a thousandth of the largest,
 * where what is left of a sum is small beside its terms. Returns the most that they are apart. */
static double compare_gradients(const Apart *engine, int v)
{
    Arena *arena = arena_new();
    Session ours, theirs;
    double most = 0, most_apart = 0;
    open_engine(arena, "exact", variants[v], &ours);
    open_engine(arena, engine->name, variants[v], &theirs);
    trainer_draw(&ours.trainer), trainer_draw(&theirs.trainer);
    const double loss = trainer_gradient(&ours.trainer);
    assert_true(fabs(trainer_gradient(&theirs.trainer) - loss) < engine->loss * (1 + loss));
    const Parameters *parameters = model_parameters(ours.model);
    for (int t = 0; t < parameters->n_tensors; t++)
        most = fmax(most, largest(&parameters->tensors[t], ours.trainer.gradients, NULL));
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const double size = fmax(largest(tensor, ours.trainer.gradients, NULL), 1e-3 * most);
        const double apart = largest(tensor, ours.trainer.gradients, theirs.trainer.gradients);
        if (!(most > 0 && apart <= engine->gradient * size))
            fail_msg("%s, variant %d, %s: gradients of %g are %g apart", engine->name, v, tensor->name, size, apart);
        most_apart = fmax(most_apart, apart / size);
    }
    session_close(&ours), session_close(&theirs);
    arena_free(arena);
    return most_apart;
}

static void gradients_agree(void **state)
{
    const Apart *engine = *state;
    if (!engine)
        skip();
    for (int v = 0; v < N_VARIANTS; v++)
        print_message("# %s, variant %d: gradients within %.1e\n", engine->name, v, compare_gradients(engine, v));
}

static double compare_curves(const Apart *engine, int v)
{
    enum { STEPS = 50 };
    Arena *arena = arena_new();
    Session ours, theirs;
    double apart = 0, first = 0, last = 0;
    open_engine(arena, "exact", variants[v], &ours);
    open_engine(arena, engine->name, variants[v], &theirs);
    for (int step = 0; step < STEPS; step++) {
        StepResult a, b;
        Error err;
        assert_ok(trainer_step(&ours.trainer, &a, &err), &err);
        assert_ok(trainer_step(&theirs.trainer, &b, &err), &err);
        apart = fmax(apart, fabs(a.loss - b.loss));
        first = step == 0 ? a.loss : first, last = a.loss;
    }
    print_message("# %s, variant %d: losses from %.3f to %.3f, within %.1e\n", engine->name, v, first, last, apart);
    session_close(&ours), session_close(&theirs);
    arena_free(arena);
    return apart;
}

static void curves_agree(void **state)
{
    const Apart *engine = *state;
    double most_apart = 0;
    if (!engine)
        skip();
    for (int v = 0; v < N_VARIANTS; v++) {
        const double apart = compare_curves(engine, v);
        assert_true(apart < engine->curve);
        most_apart = fmax(most_apart, apart);
    }
    assert_true(most_apart > 0); /* the key does something */
}

/* A whole run, measured, in `parts` of so many steps on changing numbers of threads, which are done again. */
static void run_hash(const char *engine, const char *const *changes, const int *threads, int n_parts,
                     int64_t steps_each, char ret_hash[65])
{
    static const char *const more[] = {"train.lanes", "8", NULL};
    Arena *arena = arena_new();
    Error err = {""};
    char *folder = fresh_folder(arena);
    const Settings settings = settings_of(arena, engine, changes, more);
    for (int p = 0; p + 1 < n_parts; p++)
        assert_int_equal(train_in(folder, &settings, threads[p], steps_each, &err), STATUS_INTERRUPTED);
    assert_ok(train_in(folder, &settings, threads[n_parts - 1], 0, &err), &err);
    results_hash(folder, ret_hash);
    remove_tree(folder);
    arena_free(arena);
}

static void neither_threads_nor_interrupts_change_a_bit(void **state)
{
    const Apart *engine = *state;
    static const int threads[] = {1, 2, 3, 8};
    char first[65], again[65];
    if (!engine)
        skip();
    for (int v = 0; v < N_VARIANTS; v++) {
        run_hash(engine->name, variants[v], threads, 1, 0, first);
        for (size_t t = 1; t < sizeof threads / sizeof *threads; t++) {
            run_hash(engine->name, variants[v], &threads[t], 1, 0, again);
            assert_string_equal(again, first);
        }
        run_hash(engine->name, variants[v], (const int[]){2, 8, 1}, 3, 4, again);
        assert_string_equal(again, first);
    }
}

/* What another library has begun goes on here only where that is accepted, and then it is counted. */
static void another_library_does_not_go_on(void **state)
{
    if (!*state)
        skip();
    static const char *const others[] = {"OpenBLAS 0.2.1, core SkylakeX, pthreads", OWN_PRODUCTS};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        Arena *arena = arena_new();
        Error err = {""};
        Manifest manifest;
        char *folder = fresh_folder(arena);
        const Settings settings = settings_of(arena, "openblas", variants[0], NULL);
        const Kernels *kernels;
        assert_ok(openblas_kernels(arena, kernels_best(), &kernels, &err), &err);
        assert_int_equal(train_in(folder, &settings, 1, 6, &err), STATUS_INTERRUPTED);
        assert_ok(manifest_read(arena, folder, &manifest, &err), &err);
        assert_string_equal(manifest.machine.products, kernels->products);
        assert_int_equal(strncmp(kernels->products, "OpenBLAS ", strlen("OpenBLAS ")), 0);
        manifest.machine.products = others[i];
        assert_ok(manifest_write(folder, &manifest, &err), &err);
        assert_refused(
            train_in(folder, &settings, 1, 0, &err), STATUS_INPUT,
            arena_format(arena,
                         "%s: was begun on a machine that does not compute the same: matrix products: made by "
                         "%s there, by %s here; go on there, or here with --accept-other-machine",
                         folder, others[i], kernels->products),
            &err);
        const TrainJob job = {.folder = folder,
                              .id = "0123456789ab",
                              .settings = &settings,
                              .kernels = kernels_best(),
                              .threads = 1,
                              .accepts_other_machine = 1};
        assert_ok(train_run(&job, &err), &err);
        assert_ok(manifest_read(arena, folder, &manifest, &err), &err);
        assert_int_equal(manifest.n_other_machines, 1);
        assert_string_equal(manifest.machine.products, kernels->products);
        remove_tree(folder);
        arena_free(arena);
    }
}

/* Measuring again uses the engine that has measured. */
static void measured_again_it_is_the_same(void **state)
{
    const Apart *engine = *state;
    if (!engine)
        skip();
    static const char *const more[] = {"snapshot.weights", "true", NULL};
    Arena *arena = arena_new();
    Error err = {""};
    Remeasured *snapshots;
    int n = 0;
    char *folder = fresh_folder(arena);
    const Settings settings = settings_of(arena, engine->name, variants[0], more);
    const TrainJob job = {.folder = folder, .settings = &settings, .kernels = kernels_best(), .threads = 2};
    assert_ok(train_in(folder, &settings, 1, 0, &err), &err);
    assert_ok(train_measure_again(arena, &job, &snapshots, &n, &err), &err);
    assert_true(n > 3);
    for (int i = 0; i < n; i++)
        assert_false(snapshots[i].is_changed);
    remove_tree(folder);
    arena_free(arena);
}

/* What one maker of bfloat16's products has begun any other one ends, with the same bytes: with AMX or without, by the
 * kernels of any path. */
static void every_maker_goes_on_with_the_run(void **state)
{
    (void)state;
    char first[65], again[65];
    const char *const *names = kernels_available();
    for (int n = 0; names[n]; n++) {
        Arena *arena = arena_new();
        Error err = {""};
        Manifest manifest;
        char *folder = fresh_folder(arena);
        const Settings settings = settings_of(arena, "bfloat16", variants[2], NULL);
        const TrainJob job = {.folder = folder,
                              .id = "0123456789ab",
                              .settings = &settings,
                              .kernels = kernels_named(names[n]),
                              .threads = 1};
        assert_int_equal(train_in(folder, &settings, 1, 6, &err), STATUS_INTERRUPTED);
        assert_ok(train_run(&job, &err), &err);
        assert_ok(manifest_read(arena, folder, &manifest, &err), &err);
        assert_int_equal(manifest.n_other_machines, 0);
        assert_string_equal(manifest.machine.products, BFLOAT16_PRODUCTS);
        results_hash(folder, n ? again : first);
        if (n)
            assert_string_equal(again, first);
        remove_tree(folder);
        arena_free(arena);
    }
}

/* The optimizer's products are not rounded: a step of Muon is the one that our own kernels make of the same gradient.
 */
static void the_optimizer_rounds_nothing(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Session session;
    StepResult result;
    Error err;
    int n_matrices = 0;
    open_engine(arena, "bfloat16", variants[3], &session);
    Trainer *trainer = &session.trainer;
    const TrainSettings *train = trainer->settings;
    const size_t n = model_parameters(session.model)->n_values;
    real *before = ARENA_ARRAY(arena, real, n), *slots[OPTIMIZER_MAX_SLOTS];
    memcpy(before, trainer->parameters, n * sizeof *before);
    for (int s = 0; s < train->optimizer->n_slots; s++)
        slots[s] = ARENA_ARRAY(arena, real, n); /* zeros, as they begin */
    assert_ok(trainer_step(trainer, &result, &err), &err);
    const double clip = result.gradient_norm > train->clip ? train->clip / result.gradient_norm : 1;
    for (int u = 0; u < trainer->n_updates; u++) {
        const Chunk *chunk = &trainer->updates[u];
        const UpdateChunk piece = {chunk->n, chunk->decays, clip, result.lr, 1};
        real *of_chunk[OPTIMIZER_MAX_SLOTS] = {0};
        for (int s = 0; s < train->optimizer->n_slots; s++)
            of_chunk[s] = slots[s] + chunk->offset;
        if (chunk->rows == 0)
            continue;
        train->optimizer->update_matrix(train->optimizer_state, kernels_best(), &piece, chunk->rows, chunk->cols,
                                        trainer->gradients + chunk->offset, of_chunk, before + chunk->offset,
                                        trainer->matrix_scratch[0]);
        assert_memory_equal(before + chunk->offset, trainer->parameters + chunk->offset, chunk->n * sizeof *before);
        n_matrices++;
    }
    assert_true(n_matrices > 4);
    session_close(&session);
    arena_free(arena);
}

/* What `check` says of time: as long as exact takes, or shorter by tiles, and longer where they are emulated. */
static void an_estimate_knows_its_engine(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    TrainEstimate estimate;
    Error err;
    const Settings exact = settings_of(arena, "exact", variants[0], NULL);
    const Settings rounded = settings_of(arena, "bfloat16", variants[0], NULL);
    assert_ok(train_estimate(&exact, kernels_best(), NULL, &estimate, &err), &err);
    assert_true(estimate.speed == 1);
    const double flops = estimate.flops;
    assert_ok(train_estimate(&rounded, kernels_named("plain"), NULL, &estimate, &err), &err);
    assert_true(estimate.speed < 1 && estimate.flops == flops);
    assert_ok(train_estimate(&rounded, kernels_best(), NULL, &estimate, &err), &err);
    assert_int_equal(estimate.speed > 1, bfloat16_named(BFLOAT16_AMX) && kernels_best() == kernels_named("avx512"));
    arena_free(arena);
}

/* Metrics are made of what the model computed, by products that round nothing. */
static void metrics_round_nothing(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Session session;
    Error err;
    const Settings settings = settings_of(arena, "bfloat16", variants[0], NULL);
    assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
    assert_ok(session_start(&session, 1, 0, 1, &err), &err);
    assert_ptr_equal(session.measurer->kernels, kernels_best());
    session_close(&session);
    arena_free(arena);
}

/* *state: the engine where it is there, else NULL. */
static int look_for_openblas(void **state)
{
    Arena *arena = arena_new();
    const Kernels *kernels;
    Error err;
    const int is_there = openblas_kernels(arena, kernels_best(), &kernels, &err) == STATUS_OK;
    if (!is_there)
        print_message("# %s\n", err.text);
    *state = is_there ? (void *)&engines[0] : NULL;
    arena_free(arena);
    return 0;
}

static int take_bfloat16(void **state)
{
    *state = (void *)&engines[1];
    return 0;
}

int main(void)
{
#define TEST(name)                                                                                                     \
    {#name ": openblas", name, look_for_openblas, NULL, NULL},                                                         \
    {                                                                                                                  \
#name ": bfloat16", name, take_bfloat16, NULL, NULL                                                            \
    }
    const struct CMUnitTest tests[] = {
        TEST(gradients_agree),
        TEST(curves_agree),
        TEST(neither_threads_nor_interrupts_change_a_bit),
        TEST(measured_again_it_is_the_same),
        cmocka_unit_test_setup(another_library_does_not_go_on, look_for_openblas),
        cmocka_unit_test(every_maker_goes_on_with_the_run),
        cmocka_unit_test(an_estimate_knows_its_engine),
        cmocka_unit_test(the_optimizer_rounds_nothing),
        cmocka_unit_test(metrics_round_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
