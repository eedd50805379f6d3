/* What must hold of any transformer of this kind, whatever its weights: independence of sequences, the same bits
 * however a batch is split, its memory and its cost as they are promised, and no number that hides another.
 *
 * Were it deleted, a stale buffer would look like a better model. It runs in both precisions; "to the bit" means
 * equality of every bit.
 */
#include "support.h"

#include <math.h>
#include <string.h>

/* Losses per position do not depend on which sequences share a call, nor on what a workspace held before; gradients of
 * the parts add up to that of the whole. */
static void test_batches_split_anywhere(void **state)
{
    (void)state;
    enum { N = 5 };
    Mix mix;
    for (int i_mix = 0; any_mix(i_mix, &mix); i_mix++) {
        Built b = build_mix(&mix);
        const int T = b.shape.context_length;
        Batch batch = random_batch(&b, N, 0.6, 5);
        Workspace *w = workspace_new(b.arena, b.model, N, 1, NULL);
        real *whole = ARENA_ARRAY(b.arena, real, N * T), *parts = ARENA_ARRAY(b.arena, real, N * T);
        real *gradient = ARENA_ARRAY(b.arena, real, b.n_values), *again = ARENA_ARRAY(b.arena, real, b.n_values);
        double loss = model_step(b.model, b.parameters, &batch, 0, N, w, b.gradient, whole);
        double sum = 0;
        for (int i = 0; i < N * T; i++)
            sum += (double)whole[i];
        assert_true(fabs(loss - sum) < 1e-4 * sum);
        for (int cut = 1; cut < N; cut++) {
            memset(gradient, 0, sizeof(real) * b.n_values);
            model_step(b.model, b.parameters, &batch, cut, N - cut, w, gradient, parts + cut * T);
            model_step(b.model, b.parameters, &batch, 0, cut, w, gradient, parts);
            ASSERT_SAME_BITS(whole, parts, N * T);
            double apart = 0, norm = 0;
            for (size_t i = 0; i < b.n_values; i++) {
                apart += pow((double)gradient[i] - (double)b.gradient[i], 2);
                norm += pow((double)b.gradient[i], 2);
            }
            assert_true(sqrt(apart) < 1e-5 * sqrt(norm));
        }
        /* the same call gives the same bits, in a used workspace and without a gradient */
        model_step(b.model, b.parameters, &batch, 0, N, w, again, NULL);
        ASSERT_SAME_BITS(b.gradient, again, b.n_values);
        Workspace *forward_only = workspace_new(b.arena, b.model, N, 0, NULL);
        assert_true(model_step(b.model, b.parameters, &batch, 0, N, forward_only, NULL, parts) == loss);
        ASSERT_SAME_BITS(whole, parts, N * T);
        unbuild(&b);
    }
}

/* A first step leaves of a full block what a step makes of an empty one, to the bit, and can be added to. */
static void check_first_step(Built *b, const Batch *batch)
{
    const Parameters *table = model_parameters(b->model);
    Workspace *w = workspace_new(b->arena, b->model, batch->n, 1, NULL);
    real *full = ARENA_ARRAY(b->arena, real, b->n_values);
    for (size_t i = 0; i < b->n_values; i++)
        full[i] = (real)NAN;
    for (int times = 1; times <= 2; times++) {
        const double loss = model_step(b->model, b->parameters, batch, 0, batch->n, w, b->gradient, NULL);
        assert_true((times == 1 ? model_first_step : model_step)(b->model, b->parameters, batch, 0, batch->n, w, full,
                                                                 NULL) == loss);
        for (int t = 0; t < table->n_tensors; t++)
            ASSERT_SAME_BITS(full + table->tensors[t].offset, b->gradient + table->tensors[t].offset,
                             table->tensors[t].rows * table->tensors[t].cols);
    }
}

static void test_first_steps(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int c = 0; any_choice(c); c++)
            for (int has_targets = 0; has_targets < 2; has_targets++) {
                Built b = build_choice(any_position(p), any_mask(0), any_score(0), any_choice(c));
                const Batch batch = random_batch(&b, 3, 0.6 * has_targets, 5);
                check_first_step(&b, &batch);
                unbuild(&b);
            }
    Built b = build((1 << 15) + 3, "model.n_layers=1\nmodel.n_heads=1\nmodel.d_model=4\nmodel.context_length=40");
    const Batch batch = random_batch(&b, 1, 1, 9); /* whose rows the head takes in several blocks */
    check_first_step(&b, &batch);
    unbuild(&b);
}

/* A short sequence is the beginning of a long one under a causal mask, to the tolerance of other block lengths. */
static void test_shorter_sequences(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int c = 0; any_choice(c); c++) {
            Built b = build_choice(any_position(p), mask_find("causal"), any_score(0), any_choice(c));
            const int T = b.shape.context_length, V = b.shape.vocab_size, half = T / 2;
            Workspace *w = workspace_new(b.arena, b.model, 1, 0, NULL);
            Batch batch = random_batch(&b, 1, 1, 8);
            real *whole = ARENA_ARRAY(b.arena, real, T * V), *part = ARENA_ARRAY(b.arena, real, half * V);
            model_logits(b.model, b.parameters, batch.inputs, T, w, whole);
            model_logits(b.model, b.parameters, batch.inputs, half, w, part);
            for (int i = 0; i < half * V; i++)
                assert_true(fabs((double)whole[i] - (double)part[i]) < 1e-4);

            const int n_maps = b.shape.n_layers * b.shape.n_heads;
            Capture of_whole = {.maps = ARENA_ARRAY(b.arena, real, n_maps * T * T)};
            Capture of_part = {.maps = ARENA_ARRAY(b.arena, real, n_maps * half * half)};
            model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T, w, &of_whole);
            model_capture(b.model, b.parameters, batch.inputs, NULL, 1, half, w, &of_part);
            for (int map = 0; map < n_maps; map++)
                for (int i = 0; i < half; i++)
                    for (int j = 0; j < half; j++)
                        assert_true(fabs((double)of_whole.maps[(map * T + i) * T + j] -
                                         (double)of_part.maps[(map * half + i) * half + j]) < 1e-5);
            unbuild(&b);
        }
}

/* Without targets there is no loss and no gradient, and nothing divides by their number. */
static void test_no_targets(void **state)
{
    (void)state;
    Built b = build_variant(any_position(0), any_mask(0), any_score(0));
    Batch batch = random_batch(&b, 2, 0, 9);
    assert_int_equal(batch.n_targets, 0);
    assert_true(model_step(b.model, b.parameters, &batch, 0, 2, workspace_new(b.arena, b.model, 2, 1, NULL), b.gradient,
                           NULL) == 0);
    for (size_t i = 0; i < b.n_values; i++)
        assert_true(b.gradient[i] == 0);
    unbuild(&b);
}

/* workspace_bytes is exact: a fixed arena of that size is used up. */
static void test_workspace_bytes(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int c = 0; any_choice(c); c++)
            for (int with_backward = 0; with_backward < 2; with_backward++) {
                Built b = build_choice(any_position(p), any_mask(0), any_score(0), any_choice(c));
                size_t bytes = workspace_bytes(b.model, 3, with_backward, 0);
                Arena *arena;
                assert_int_equal(arena_new_fixed(bytes, &arena, NULL), 0);
                workspace_new(arena, b.model, 3, with_backward, NULL);
                assert_int_equal(arena_used(arena), bytes);
                arena_free(arena);
                unbuild(&b);
            }
}

/* FLOPs of the benchmark's smallest size, counted by hand from the formula of the benchmark's floor. */
static void test_flops(void **state)
{
    (void)state;
    const char *lines = "model.n_layers=4\nmodel.n_heads=4\nmodel.d_model=128\nmodel.context_length=128\n";
    Built causal = build(512, "%smodel.mask.kind=causal", lines), full = build(512, "%smodel.mask.kind=full", lines);
    double weights = 4 * (4 * 128 * 128 + 2 * 128 * 512), head = 128 * 512;
    assert_true(model_flops_per_token(causal.model, 1) == 6 * (weights + head) + 6.0 * 4 * 128 * 129);
    assert_true(model_flops_per_token(full.model, 0.25) == 6 * (weights + head / 4) + 12.0 * 4 * 128 * 128);
    unbuild(&causal);
    unbuild(&full);
    Built gated = build(512, "%smodel.mask.kind=causal\nmodel.activation=swiglu", lines);
    weights = 4 * (4 * 128 * 128 + 3 * 128 * 344); /* 8/3 of 128 is 341.3 */
    assert_true(model_flops_per_token(gated.model, 1) == 6 * (weights + head) + 6.0 * 4 * 128 * 129);
    unbuild(&gated);
    Built grouped =
        build(512, "%smodel.mask.kind=causal\nmodel.n_kv_heads=1", lines); /* k, v: a quarter of the width */
    weights = 4 * (2 * (128 + 32) * 128 + 2 * 128 * 512);
    assert_true(model_flops_per_token(grouped.model, 1) == 6 * (weights + head) + 6.0 * 4 * 128 * 129);
    unbuild(&grouped);
    static const struct {
        const char *lines;
        int factors;
    } gates[] = {{"model.gate.kind=head", 4}, {"model.gate.kind=element\nmodel.n_kv_heads=1\nmodel.gate.on=value", 32}};
    for (int i = 0; i < 2; i++) {
        Built open = build(512, "%smodel.mask.kind=causal\n%s", lines, gates[i].lines);
        weights = 4 * (2 * (128 + (i ? 32 : 128)) * 128 + gates[i].factors * 128 + 2 * 128 * 512);
        assert_true(model_flops_per_token(open.model, 1) == 6 * (weights + head) + 6.0 * 4 * 128 * 129);
        unbuild(&open);
    }
    Built slots = build(512, "%smodel.mask.kind=causal\nmodel.slot.kind=zero\nmodel.slot.n=3", lines);
    weights = 4 * (4 * 128 * 128 + 2 * 128 * 512);
    assert_true(model_flops_per_token(slots.model, 1) == 6 * (weights + head) + 6.0 * 4 * 128 * (129 + 2 * 3));
    unbuild(&slots);
    Built bare = build(512, "%smodel.mask.kind=causal\nmodel.mlp=false", lines);
    assert_true(model_flops_per_token(bare.model, 1) == 6 * (4 * (4 * 128 * 128) + head) + 6.0 * 4 * 128 * 129);
    unbuild(&bare);
}

static void fill_tensor(Built *built, const Tensor *tensor, double factor, double value)
{
    for (int i = 0; i < tensor->rows * tensor->cols; i++) {
        real *x = &built->parameters[tensor->offset + (size_t)i];
        *x = (real)((double)*x * factor + value);
    }
}

/* Scores of 1e8 or so: rows still are weights, and loss and gradient are numbers. */
static void test_huge_scores(void **state)
{
    (void)state;
    Mix mix;
    for (int i_mix = 0; any_mix(i_mix, &mix); i_mix++) {
        Built b = build_choice(mix.position, mix.mask, any_score(0), mix.choice);
        const Parameters *table = model_parameters(b.model);
        const int T = b.shape.context_length, maps = b.shape.n_layers * b.shape.n_heads;
        for (int t = 0; t < table->n_tensors; t++)
            if (strstr(table->tensors[t].name, ".q.weight") || strstr(table->tensors[t].name, "_norm.gain"))
                fill_tensor(&b, &table->tensors[t], 1e7, 0);
        Batch batch = random_batch(&b, 2, 1, 9);
        double loss = model_step(b.model, b.parameters, &batch, 0, 2, workspace_new(b.arena, b.model, 2, 1, NULL),
                                 b.gradient, NULL);
        assert_true(isfinite(loss));
        for (size_t i = 0; i < b.n_values; i++)
            assert_true(isfinite(b.gradient[i]));
        Capture capture = {.maps = ARENA_ARRAY(b.arena, real, maps * T * T)};
        model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T, workspace_new(b.arena, b.model, 1, 0, NULL),
                      &capture);
        for (int row = 0; row < maps * T && model_rows_sum_to_one(b.model); row++) {
            double sum = 0;
            for (int j = 0; j < T; j++)
                sum += (double)capture.maps[row * T + j];
            assert_true(fabs(sum - 1) < 1e-5);
        }
        unbuild(&b);
    }
}

/* A tensor that is not a number, or infinite, in any model shows in the loss: no max, mask or clip swallows it. */
static void test_broken_weights_show(void **state)
{
    (void)state;
    static const double broken[] = {(double)NAN, (double)INFINITY};
    for (int p = 0; any_position(p); p++)
        for (int c = 0; any_choice(c); c++) {
            Built b = build_choice(any_position(p), any_mask(0), any_score(0), any_choice(c));
            const Parameters *table = model_parameters(b.model);
            Batch batch = random_batch(&b, 1, 1, 9);
            Workspace *workspace = workspace_new(b.arena, b.model, 1, 0, NULL);
            real *kept = ARENA_ARRAY(b.arena, real, b.n_values);
            memcpy(kept, b.parameters, sizeof(real) * b.n_values);
            for (int t = 0; t < table->n_tensors; t++)
                for (int v = 0; v < 2; v++) {
                    fill_tensor(&b, &table->tensors[t], 0, broken[v]);
                    const double loss = model_step(b.model, b.parameters, &batch, 0, 1, workspace, NULL, NULL);
                    if (isfinite(loss))
                        fail_msg("%s, %s: %s of %g, and a loss of %g", any_position(p)->variant.name, any_choice(c),
                                 table->tensors[t].name, broken[v], loss);
                    memcpy(b.parameters, kept, sizeof(real) * b.n_values);
                }
            unbuild(&b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_split_anywhere),
        cmocka_unit_test(test_first_steps),
        cmocka_unit_test(test_shorter_sequences),
        cmocka_unit_test(test_no_targets),
        cmocka_unit_test(test_workspace_bytes),
        cmocka_unit_test(test_flops),
        cmocka_unit_test(test_huge_scores),
        cmocka_unit_test(test_broken_weights_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
