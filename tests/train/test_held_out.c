/* held_out_loss from a snapshot's own members: its weights, inputs, targets and groups, the model's outputs, and the
 * loss written out here. Were this file deleted, a snapshot could hold other targets than those it was measured on, or
 * lack the last one of each sequence, and its loss could be checked by nobody.
 */
#include <math.h>

#include "data/data.h"
#include "testing.h"
#include "train/session.h"
#include "training.h"

enum { SEQUENCES = 4 };

#define COMMON "snapshot.weights", "true", "measure.sequences", "4"

typedef struct {
    Npz npz;
    Session session;
    Trained trained;
    real *weights;
    const int32_t *inputs, *targets, *groups; /* (n,T) */
    const float *goals;                       /* (n,T,C_out) */
    const int32_t *lengths;                   /* (n), NULL: all have T */
    int n, T;
} Measured;

static const void *member(const Measured *measured, const char *name, NpyType type, int width)
{
    const void *data = npz_data(&measured->npz, name, type, width > 0 ? 3 : 2,
                                (int64_t[]){measured->n, measured->T, width > 0 ? width : measured->T});
    assert_non_null(data);
    return data;
}

/* A run and its last snapshot: nothing below it looks at what the run itself drew. */
static Measured measured_run(const char *const *changes)
{
    Measured m = {.trained = train_tiny(changes)};
    Error err = {""};
    const Settings settings = tiny_settings(m.trained.arena, changes);
    assert_ok(session_open(&settings, kernels_best(), &m.session, &err), &err);
    m.npz = snapshot_of(&m.trained, 12);
    m.n = SEQUENCES, m.T = m.session.model_settings.context_length;
    m.inputs = member(&m, npz_get(&m.npz, "corrupted/tokens") ? "corrupted/tokens" : "tokens", NPY_INT32, 0);
    m.lengths = npz_data(&m.npz, "lengths", NPY_INT32, 1, (int64_t[]){m.n});
    m.targets = member(&m, "targets", NPY_INT32, 0), m.groups = member(&m, "target_groups", NPY_INT32, 0);
    const Parameters *parameters = model_parameters(m.session.model);
    m.weights = ARENA_ARRAY(m.trained.arena, real, parameters->n_values);
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const NpyArray *array = npz_get(&m.npz, arena_format(m.trained.arena, "weights/%s", tensor->name));
        memcpy(m.weights + tensor->offset, array->data, (size_t)tensor->rows * tensor->cols * sizeof *m.weights);
    }
    return m;
}

static void drop_measured(Measured *measured)
{
    session_close(&measured->session);
    drop_trained(&measured->trained);
}

/* -ln softmax(z)_target, or |z - y|^2 / C_out. */
static double loss_of(const real *outputs, int width, int32_t target, const float *goal)
{
    double sum = 0, most = -INFINITY;
    for (int c = 0; goal && c < width; c++)
        sum += pow((double)outputs[c] - (double)goal[c], 2);
    if (goal)
        return sum / width;
    for (int c = 0; c < width; c++)
        most = fmax(most, (double)outputs[c]);
    for (int c = 0; c < width; c++)
        sum += exp((double)outputs[c] - most);
    return most + log(sum) - (double)outputs[target];
}

static void check_loss(const char *const *changes)
{
    Measured m = measured_run(changes);
    const ModelSettings *settings = &m.session.model_settings;
    const int C = settings->goal_width, width = C ? C : settings->vocab_size, C_in = settings->vector_width;
    const float *goals = C ? member(&m, "goals", NPY_FLOAT32, C) : NULL;
    const float *vectors = C_in ? member(&m, "vectors", NPY_FLOAT32, C_in) : NULL;
    Workspace *workspace = workspace_new(m.trained.arena, m.session.model, 1, 0, NULL);
    real *outputs = ARENA_ARRAY(m.trained.arena, real, m.T * width);
    double sums[1 + MAX_LOSS_GROUPS] = {0}, counts[1 + MAX_LOSS_GROUPS] = {0};
    for (int s = 0; s < m.n; s++) {
        const Given given = {.tokens = m.inputs + s * m.T, .vectors = vectors ? vectors + s * m.T * C_in : NULL};
        const int length = m.lengths ? m.lengths[s] : m.T;
        model_outputs(m.session.model, m.weights, &given, length, workspace, outputs);
        for (int i = 0; i < length; i++) {
            const int cell = s * m.T + i, group = m.groups[cell];
            assert_int_equal(m.targets[cell] < 0, group < 0);
            if (group < 0)
                continue;
            const double loss = loss_of(outputs + i * width, width, m.targets[cell], goals ? goals + cell * C : NULL);
            sums[0] += loss, sums[1 + group] += loss;
            counts[0]++, counts[1 + group]++;
        }
    }
    const int n_groups = data_n_groups(m.session.data);
    const double *stored = npz_data(&m.npz, "held_out_loss", NPY_FLOAT64, 1, (int64_t[]){1 + n_groups});
    assert_non_null(stored);
    assert_true(counts[0] > 0);
    for (int g = 0; g < 1 + n_groups; g++)
        if (counts[g] > 0)
            assert_true(fabs(sums[g] / counts[g] / stored[g] - 1) < 1e-5);
        else
            assert_true(isnan(stored[g]));
    drop_measured(&m);
}

/* Every objective, with one loss group and two; sequences of one length and of several; a source of vectors that is
 * read for its ids and for its vectors. */
static void a_snapshot_holds_its_own_loss(void **state)
{
    (void)state;
    static const char *const runs[][14] = {
        {COMMON, "objective.kind", "next", "data.source.kind", "bigram_backcopy"},
        {COMMON, "objective.kind", "next", "data.source.kind", "text", "data.tokenizer.kind", "byte"},
        {COMMON, "objective.kind", "masked", "data.source.kind", "bigram_backcopy", "model.mask.kind", "full"},
        {COMMON, "objective.kind", "labelled", "data.source.kind", "recall"},
        {COMMON, "objective.kind", "next", "data.source.kind", "bigram_backcopy", "data.lengths.kind", "uniform"},
        {COMMON, "objective.kind", "masked", "data.lengths.kind", "uniform", "model.mask.kind", "full"},
        {COMMON, "objective.kind", "regression", "data.source.kind", "trigger_mean", "model.input", "linear"},
    };
    for (size_t r = 0; r < N_TESTS(runs); r++)
        check_loss(runs[r]);
}

/* Under `next` targets are the tokens one place on; the last one, which no token shows, is there, too. */
static void targets_are_the_next_tokens(void **state)
{
    (void)state;
    static const char *const changes[] = {COMMON, "objective.kind",
                                          "next", "data.source.kind",
                                          "text", "data.tokenizer.kind",
                                          "byte", "measure.targets",
                                          "true", NULL};
    Measured m = measured_run(changes);
    int n_last = 0;
    for (int s = 0; s < m.n; s++) {
        for (int i = 0; i + 1 < m.T; i++) {
            const int32_t next = m.inputs[s * m.T + i + 1];
            assert_int_equal(m.targets[s * m.T + i], next >= TOKEN_CONTENT ? next : -1);
        }
        n_last += m.targets[s * m.T + m.T - 1] >= TOKEN_CONTENT;
    }
    assert_int_equal(n_last, m.n); /* a text goes on */
    drop_measured(&m);
}

/* Masked: where nothing is asked, the token stands; where something is, the target is the token. */
static void corrupted_tokens_are_those_that_were_read(void **state)
{
    (void)state;
    static const char *const changes[] = {COMMON, "objective.kind", "masked", "objective.rate", "0.3", NULL};
    Measured m = measured_run(changes);
    const int32_t *tokens = member(&m, "tokens", NPY_INT32, 0);
    int n_masked = 0;
    for (int i = 0; i < m.n * m.T; i++) {
        assert_int_equal(m.targets[i] < 0 ? m.inputs[i] : m.targets[i], tokens[i]);
        n_masked += m.inputs[i] == TOKEN_MASK;
    }
    assert_true(n_masked > 0);
    drop_measured(&m);
}

/* Vectors are as large as importances are: not in snapshots without weights. */
static void vectors_go_with_weights(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "objective.kind", "regression", "data.source.kind", "trigger_mean", "model.input", "linear", NULL};
    Trained trained = train_tiny(changes);
    const Npz npz = snapshot_of(&trained, 12);
    assert_non_null(npz_get(&npz, "targets"));
    assert_null(npz_get(&npz, "vectors"));
    assert_null(npz_get(&npz, "goals"));
    drop_trained(&trained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_holds_its_own_loss),
        cmocka_unit_test(targets_are_the_next_tokens),
        cmocka_unit_test(corrupted_tokens_are_those_that_were_read),
        cmocka_unit_test(vectors_go_with_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
