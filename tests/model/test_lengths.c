/* Sequences of several lengths in one batch: each is as if it were alone.
 *
 * Were this file deleted, a short sequence could see what stands behind it, take another's mask, bias or place in the
 * stacked rows, or weigh more than its targets do; and full batches could change by a bit.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "data/data.h"

enum { N = 5, T = 41 }; /* T as in model_sizes */
static const int lengths[N] = {33, 7, 7, T, 1};

/* One step of a whole batch, and what came of it. */
typedef struct {
    double loss;
    real *losses, *gradient; /* (N,T), (n_values) */
} Step;

static Step step_of(const Built *b, const Batch *batch, Workspace *w)
{
    Step step = {.losses = ARENA_ARRAY(b->arena, real, N * T), .gradient = ARENA_ARRAY(b->arena, real, b->n_values)};
    step.loss = model_first_step(b->model, b->parameters, batch, 0, batch->n, w, step.gradient, step.losses);
    return step;
}

static void assert_same_steps(const Built *b, const Step *x, const Step *y, int n_rows, const char *what)
{
    if (x->loss != y->loss || memcmp(x->losses, y->losses, sizeof(real) * (size_t)n_rows) != 0 ||
        memcmp(x->gradient, y->gradient, sizeof(real) * b->n_values) != 0)
        fail_msg("%s: other bits", what);
}

/* Losses to the bit, gradients to the rounding of another order of sums: those of each sequence by itself. */
static void each_sequence_is_as_if_alone(void **state)
{
    (void)state;
    Mix mix;
    for (int m = 0; any_mix(m, &mix); m++) {
        char what[128];
        Built b = build_mix(&mix);
        Batch batch = random_batch(&b, N, 0.7, 11), whole = random_batch(&b, N, 0.7, 11);
        Workspace *w = workspace_new(b.arena, b.model, N, 1, NULL),
                  *single = workspace_new(b.arena, b.model, 1, 1, NULL);
        vary_lengths(&b, &batch, lengths);
        const Step together = step_of(&b, &batch, w);
        real *gradient = ARENA_ARRAY(b.arena, real, b.n_values), losses[T];
        double loss = 0, apart = 0, size = 0;
        for (int s = 0; s < N; s++) {
            Batch own = {.n = 1, .length = lengths[s], .n_targets = batch.n_targets};
            own.inputs = whole.inputs + s * T, own.targets = whole.targets + s * T;
            loss += model_step(b.model, b.parameters, &own, 0, 1, single, gradient, losses);
            ASSERT_SAME_BITS(losses, together.losses + batch.starts[s], lengths[s]);
        }
        for (size_t i = 0; i < b.n_values; i++) {
            apart += pow((double)gradient[i] - (double)together.gradient[i], 2);
            size += pow((double)gradient[i], 2);
        }
        if (!(fabs(loss - together.loss) <= 1e-12 * fabs(loss) &&
              sqrt(apart) <= 32 * (double)REAL_EPSILON * sqrt(size)))
            fail_msg("%s: loss %.17g, alone %.17g; gradients of %g apart by %g", name_of_mix(&mix, what), together.loss,
                     loss, sqrt(size), sqrt(apart));
        unbuild(&b);
    }
}

/* What lies in the arrays behind the last row, and what a workspace holds from longer sequences. */
static void nothing_behind_a_sequence_is_read(void **state)
{
    (void)state;
    Mix mix;
    for (int m = 0; any_mix(m, &mix); m++) {
        char what[128];
        Built b = build_mix(&mix);
        Batch batch = random_batch(&b, N, 0.7, 12), full = random_batch(&b, N, 1, 13);
        Workspace *w = workspace_new(b.arena, b.model, N, 1, NULL);
        vary_lengths(&b, &batch, lengths);
        const int n_rows = batch.starts[N];
        const Step before = step_of(&b, &batch, w);
        step_of(&b, &full, w);
        for (int i = n_rows; i < N * T; i++)
            batch.inputs[i] = TOKEN_CONTENT, batch.targets[i] = TOKEN_CONTENT;
        const Step after = step_of(&b, &batch, w);
        assert_same_steps(&b, &before, &after, n_rows, name_of_mix(&mix, what));
        unbuild(&b);
    }
}

static void full_lengths_are_what_no_lengths_are(void **state)
{
    (void)state;
    Mix mix;
    for (int m = 0; any_mix(m, &mix); m++) {
        char what[128];
        Built b = build_mix(&mix);
        const Batch batch = random_batch(&b, N, 0.7, 14);
        Batch same = batch;
        Workspace *w = workspace_new(b.arena, b.model, N, 1, NULL);
        const Step bare = step_of(&b, &batch, w);
        batch_add_starts(b.arena, &same);
        const Step with = step_of(&b, &same, w);
        assert_same_steps(&b, &bare, &with, N * T, name_of_mix(&mix, what));
        unbuild(&b);
    }
}

/* Vectors lie by the same rows. */
static void vectors_follow_their_sequences(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "model.input=identity\nmodel.output=identity\nobjective.kind=regression",
        "model.input=linear\nobjective.kind=regression",
    };
    for (int i = 0; i < 2; i++) {
        Built b = build(9, "%s%s", model_sizes, ways[i]);
        const size_t C_in = (size_t)b.shape.vector_width, C_out = (size_t)b.shape.goal_width;
        Batch batch = random_batch(&b, N, 0.7, 11), whole = random_batch(&b, N, 0.7, 11);
        Workspace *w = workspace_new(b.arena, b.model, N, 1, NULL);
        vary_lengths(&b, &batch, lengths);
        const Step together = step_of(&b, &batch, w);
        for (int s = 0; s < N; s++) {
            real losses[T];
            Batch own = {.n = 1, .length = lengths[s], .n_targets = batch.n_targets};
            own.inputs = whole.inputs + s * T, own.targets = whole.targets + s * T;
            own.vectors = whole.vectors + (size_t)s * T * C_in, own.goals = whole.goals + (size_t)s * T * C_out;
            model_step(b.model, b.parameters, &own, 0, 1, w, NULL, losses);
            ASSERT_SAME_BITS(losses, together.losses + batch.starts[s], lengths[s]);
        }
        unbuild(&b);
    }
}

/* Segments are counted from each sequence's own begin. */
static void token_types_are_those_of_each_sequence(void **state)
{
    (void)state;
    Built b = build(9, "%smodel.token_types=3", model_sizes);
    disturb(&b, 0.3, 2);
    Batch batch = random_batch(&b, N, 0.7, 16);
    for (int i = 0; i < N * T; i += 5)
        batch.inputs[i] = TOKEN_EOS;
    int32_t *whole = ARENA_ARRAY(b.arena, int32_t, N * T), *targets = ARENA_ARRAY(b.arena, int32_t, N * T);
    memcpy(whole, batch.inputs, sizeof *whole * N * T), memcpy(targets, batch.targets, sizeof *targets * N * T);
    Workspace *w = workspace_new(b.arena, b.model, N, 1, NULL);
    vary_lengths(&b, &batch, lengths);
    const Step together = step_of(&b, &batch, w);
    real *gradient = ARENA_ARRAY(b.arena, real, b.n_values), losses[T];
    double apart = 0, size = 0;
    for (int s = 0; s < N; s++) {
        Batch own = {.n = 1, .length = lengths[s], .n_targets = batch.n_targets};
        own.inputs = whole + s * T, own.targets = targets + s * T;
        model_step(b.model, b.parameters, &own, 0, 1, w, gradient, losses);
        ASSERT_SAME_BITS(losses, together.losses + batch.starts[s], lengths[s]);
    }
    for (size_t i = 0; i < b.n_values; i++) {
        apart += pow((double)gradient[i] - (double)together.gradient[i], 2);
        size += pow((double)gradient[i], 2);
    }
    assert_true(size > 0 && sqrt(apart) <= 32 * (double)REAL_EPSILON * sqrt(size));
    unbuild(&b);
}

/* A batch cut anywhere has the same losses. */
static void a_batch_may_be_cut(void **state)
{
    (void)state;
    Built b = build_variant(any_position(0), any_mask(0), any_score(0));
    Batch batch = random_batch(&b, N, 0.7, 15);
    Workspace *w = workspace_new(b.arena, b.model, N, 1, NULL);
    vary_lengths(&b, &batch, lengths);
    const Step whole = step_of(&b, &batch, w);
    for (int cut = 1; cut < N; cut++) {
        real losses[N * T];
        model_step(b.model, b.parameters, &batch, 0, cut, w, NULL, losses);
        model_step(b.model, b.parameters, &batch, cut, N - cut, w, NULL, losses + batch.starts[cut]);
        ASSERT_SAME_BITS(losses, whole.losses, batch.starts[N]);
    }
    unbuild(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sequence_is_as_if_alone),           cmocka_unit_test(nothing_behind_a_sequence_is_read),
        cmocka_unit_test(full_lengths_are_what_no_lengths_are),   cmocka_unit_test(vectors_follow_their_sequences),
        cmocka_unit_test(token_types_are_those_of_each_sequence), cmocka_unit_test(a_batch_may_be_cut),
    };
    return cmocka_run_group_tests_name("model: lengths", tests, NULL, NULL);
}
