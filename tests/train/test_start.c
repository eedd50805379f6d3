/* A run's initial weights, first batches and measuring set against NumPy, which had the words of src/base/RANDOM.md and
 * no code (fixtures/make_start.py). Were this file deleted, those words could stop being true, and nobody outside could
 * rebuild a run from its seed.
 */
#include <math.h>

#include "base/file.h"
#include "base/sha256.h"
#include "testing.h"
#include "train/measurer.h"
#include "train/session.h"
#include "training.h"

enum { STEPS = 2 };

#define COMMON                                                                                                         \
    "model.n_layers", "2", "model.n_heads", "2", "model.position.kind", "absolute", "model.activation", "gelu",        \
        "model.init.embedding_std", "0.5", "model.init.position_std", "0.25", "data.bos", "always"

typedef struct {
    const char *name;
    const char *changes[32];
} Case;

static const Case cases[] = {
    {"text",
     {COMMON, "seed", "7", "data.source.kind", "text", "objective.kind", "masked", "objective.rate", "0.3",
      "model.mask.kind", "full", "model.init.head_std", "0.125"}},
    {"backcopy",
     {COMMON, "seed", "4123456789", "data.source.kind", "bigram_backcopy", "objective.kind", "next", "data.eos",
      "always", "model.bias", "true", "model.init.weight", "uniform_fan_in", "model.init.bias", "uniform_fan_in"}},
};

static const NpyArray *expected(const Npz *npz, const Case *c, Arena *arena, const char *name)
{
    const NpyArray *array = npz_get(npz, arena_format(arena, "%s/%s", c->name, name));
    if (!array)
        printf("# %s has no %s\n", c->name, name);
    assert_non_null(array);
    return array;
}

/* Every tensor, value by value; NumPy's logarithm and cosine may differ in the last bit of one. */
static void check_weights(const Npz *npz, const Case *c, Arena *arena, const Trainer *trainer)
{
    const Parameters *parameters = model_parameters(trainer->model);
    int n_in_file = 0;
    for (int a = 0; a < npz->n; a++)
        n_in_file +=
            strncmp(npz->arrays[a].name, arena_format(arena, "%s/weights/", c->name), strlen(c->name) + 9) == 0;
    assert_int_equal(n_in_file, parameters->n_tensors);
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const NpyArray *array = expected(npz, c, arena, arena_format(arena, "weights/%s", tensor->name));
        const float *values = array->data;
        assert_true(array->type == NPY_FLOAT32 && array->shape[0] == tensor->rows && array->shape[1] == tensor->cols);
        for (size_t i = 0; i < array->n_items; i++) {
            const real value = trainer->parameters[tensor->offset + i];
            assert_true(value == values[i] || fabsf((float)value - values[i]) <= fabsf(values[i]) * 0x1p-23f);
        }
    }
}

static void check_ids(const Npz *npz, const Case *c, Arena *arena, const char *name, size_t first, size_t n,
                      const int32_t *ids)
{
    const NpyArray *array = expected(npz, c, arena, name);
    assert_true(array->type == NPY_INT32 && first + n <= array->n_items);
    assert_memory_equal(ids, (const int32_t *)array->data + first, n * sizeof *ids);
}

static void a_run_starts_as_the_words_say(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Error err = {""};
    Npz npz;
    assert_ok(npz_read(arena, FIXTURES "/start.npz", &npz, &err), &err);
    for (size_t k = 0; k < N_TESTS(cases); k++) {
        const Case *c = &cases[k];
        Session session;
        const Settings settings = tiny_settings(arena, c->changes);
        assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
        assert_ok(session_start(&session, 1, 1, 1, &err), &err);
        Trainer *trainer = &session.trainer;
        const Set *set = &session.measurer->full;
        const size_t batch = (size_t)trainer->batch.n * (size_t)trainer->batch.length,
                     n = (size_t)set->n * (size_t)set->length;
        check_weights(&npz, c, arena, trainer);
        for (size_t step = 0; step < STEPS; step++) {
            trainer_draw(trainer);
            check_ids(&npz, c, arena, "train/inputs", step * batch, batch, trainer->batch.inputs);
            check_ids(&npz, c, arena, "train/targets", step * batch, batch, trainer->batch.targets);
        }
        assert_int_equal(expected(&npz, c, arena, "train/inputs")->n_items, STEPS * batch);
        check_ids(&npz, c, arena, "measure/tokens", 0, n, set->inputs);
        check_ids(&npz, c, arena, "measure/targets", 0, n, set->targets);
        check_ids(&npz, c, arena, "measure/inputs", 0, n, set->corrupted ? set->corrupted : set->inputs);
        session_close(&session);
    }
    arena_free(arena);
}

/* What a run begins with, as hashes: its weights, and its sequences with what is hidden in them, trained on and
 * measured. */
static void begin(Arena *arena, const char *seed, const char *key, const char *value, char ret_weights[65],
                  char ret_sequences[65])
{
    const char *const changes[] = {"objective.kind",
                                   "masked",
                                   "model.mask.kind",
                                   "full",
                                   "data.source.kind",
                                   "text",
                                   "model.position.kind",
                                   "relative",
                                   "model.position.bias_std",
                                   "1",
                                   "seed",
                                   seed,
                                   key,
                                   value,
                                   NULL};
    Error err = {""};
    Session session;
    const Settings settings = tiny_settings(arena, changes);
    Sha256 weights, sequences;
    unsigned char digest[32];
    sha256_start(&weights), sha256_start(&sequences);
    assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
    assert_ok(session_start(&session, 1, 1, 1, &err), &err);
    Trainer *trainer = &session.trainer;
    const Set *sets[] = {&session.measurer->full, &session.measurer->half};
    sha256_add(&weights, trainer->parameters, model_parameters(trainer->model)->n_values * sizeof(real));
    for (int step = 0; step < STEPS; step++) {
        trainer_draw(trainer);
        const size_t batch = (size_t)trainer->batch.n * (size_t)trainer->batch.length;
        sha256_add(&sequences, trainer->batch.inputs, batch * sizeof *trainer->batch.inputs);
        sha256_add(&sequences, trainer->batch.targets, batch * sizeof *trainer->batch.targets);
    }
    for (size_t i = 0; i < N_TESTS(sets); i++) {
        const size_t n = (size_t)sets[i]->n * (size_t)sets[i]->length;
        assert_true(n > 0);
        sha256_add(&sequences, sets[i]->inputs, n * sizeof *sets[i]->inputs);
        sha256_add(&sequences, sets[i]->corrupted, n * sizeof *sets[i]->corrupted);
    }
    assert_non_null(session.measurer->start); /* drawn anew, for what position alone gives at step 0 */
    sha256_add(&weights, session.measurer->start, model_parameters(trainer->model)->n_values * sizeof(real));
    sha256_end(&weights, digest), sha256_digest_hex(digest, ret_weights);
    sha256_end(&sequences, digest), sha256_digest_hex(digest, ret_sequences);
    session_close(&session);
}

static void weights_and_sequences_may_have_seeds_of_their_own(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char weights[4][65], sequences[4][65];
    begin(arena, "7", "train.data_seed", "0", weights[0], sequences[0]);
    begin(arena, "8", "train.data_seed", "0", weights[1], sequences[1]);
    begin(arena, "8", "train.data_seed", "7", weights[2], sequences[2]);
    begin(arena, "8", "train.init_seed", "7", weights[3], sequences[3]);
    assert_string_not_equal(weights[0], weights[1]), assert_string_not_equal(sequences[0], sequences[1]);
    assert_string_equal(weights[2], weights[1]), assert_string_equal(sequences[2], sequences[0]);
    assert_string_equal(weights[3], weights[0]), assert_string_equal(sequences[3], sequences[1]);
    arena_free(arena);
}

/* What position alone gives at step 0 is made anew where a run goes on, when its own weights have long been others. */
static void they_have_them_after_an_interrupt(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Error err = {""};
    char hashes[2][65];
    static const char *const changes[] = {
        "model.position.kind", "relative", "model.position.bias_std", "1", "seed", "8", "train.init_seed", "7", NULL};
    const Settings settings = tiny_settings(arena, changes);
    for (int is_interrupted = 0; is_interrupted < 2; is_interrupted++) {
        const char *folder = fresh_folder(arena);
        if (is_interrupted)
            assert_int_equal(train_in(folder, &settings, 1, 5, &err), STATUS_INTERRUPTED);
        assert_ok(train_in(folder, &settings, 2, 0, &err), &err);
        results_hash(folder, hashes[is_interrupted]);
        remove_tree(folder);
    }
    assert_string_equal(hashes[1], hashes[0]);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_and_sequences_may_have_seeds_of_their_own),
        cmocka_unit_test(they_have_them_after_an_interrupt),
        cmocka_unit_test(a_run_starts_as_the_words_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
