/* What the parts of a block promise by their equations: rotations that leave the distance alone, a bias of slope 0 that
 * is none, norms that forget sizes.
 *
 * Were it deleted, an encoding or a norm in the wrong place would only show as a slightly different curve. It runs in
 * both precisions.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void check_rotation(const Position *position, const char *lines)
{
    Built b = build(19, "%smodel.position.kind=%s\n%s", model_sizes, position->variant.name, lines);
    const int T = b.shape.context_length, D = b.shape.d_head;
    const double close = 1e-5;
    Parameters parameters = {0};
    void *variant = NULL;
    assert_int_equal(position->prepare(b.arena, &b.shape, &parameters, &variant, NULL), 0);
    real *q = ARENA_ARRAY(b.arena, real, T * D), *k = ARENA_ARRAY(b.arena, real, T * D);
    Pcg pcg = pcg_new(1, 1);
    for (int d = 0; d < D; d++) {
        q[d] = (real)pcg_normal(&pcg);
        k[d] = (real)pcg_normal(&pcg);
    }
    for (int t = 1; t < T; t++) {
        memcpy(q + t * D, q, sizeof(real) * (size_t)D);
        memcpy(k + t * D, k, sizeof(real) * (size_t)D);
    }
    const HeadRows rows = {.length = T, .ld = D};
    position->rotate_forward(variant, b.parameters, &rows, q);
    position->rotate_forward(variant, b.parameters, &rows, k);
    double at_distance[2 * 41], spread = 0;
    for (int i = 0; i < T; i++)
        for (int j = 0; j < T; j++) {
            double score = 0;
            for (int d = 0; d < D; d++)
                score += (double)q[i * D + d] * (double)k[j * D + d];
            int distance = T - 1 + i - j;
            if (i == 0 || j == 0)
                at_distance[distance] = score;
            assert_true(fabs(score - at_distance[distance]) < close);
            spread = fmax(spread, fabs(score - at_distance[T - 1]));
        }
    assert_true(spread > 0.1); /* it does depend on i - j */
    /* backward turns back */
    position->rotate_backward(variant, b.parameters, &rows, k, k, b.gradient);
    for (int t = 0; t < T; t++)
        for (int d = 0; d < D; d++)
            assert_true(fabs((double)k[t * D + d] - (double)k[d]) < close);
    unbuild(&b);
}

/* The same q at every position and the same k: after rotation their product depends on i - j alone, whatever choice an
 * encoding offers among its own parameters. */
static void test_rotations_are_relative(void **state)
{
    (void)state;
    int n_rotations = 0;
    for (int p = 0; any_position(p); p++) {
        const Position *position = any_position(p);
        if (!position->rotate_forward)
            continue;
        n_rotations++;
        check_rotation(position, "");
        for (int r = 0; r < position->variant.n_params; r++) {
            const SchemaRow *row = &position->variant.params[r];
            for (int c = 0; row->type == VALUE_CHOICE && row->choices[c]; c++) {
                char lines[128];
                snprintf(lines, sizeof lines, "model.position.%s=%s", row->key, row->choices[c]);
                check_rotation(position, lines);
            }
        }
    }
    assert_true(n_rotations > 0);
}

/* ALiBi with slope 0 is no encoding, to the bit, forward and backward. */
static void test_alibi_without_slope_is_none(void **state)
{
    (void)state;
    for (int m = 0; any_mask(m); m++) {
        Built none =
            build(19, "%smodel.position.kind=none\nmodel.mask.kind=%s", model_sizes, any_mask(m)->variant.name);
        Built flat = build(19, "%smodel.position.kind=alibi\nmodel.position.slopes=[0, 0]\nmodel.mask.kind=%s",
                           model_sizes, any_mask(m)->variant.name);
        Batch batch = random_batch(&none, 2, 0.8, 3);
        double a = model_step(none.model, none.parameters, &batch, 0, 2,
                              workspace_new(none.arena, none.model, 2, 1, NULL), none.gradient, NULL);
        double b = model_step(flat.model, flat.parameters, &batch, 0, 2,
                              workspace_new(flat.arena, flat.model, 2, 1, NULL), flat.gradient, NULL);
        assert_true(a == b);
        assert_int_equal(none.n_values, flat.n_values);
        ASSERT_SAME_BITS(none.parameters, flat.parameters, none.n_values);
        ASSERT_SAME_BITS(none.gradient, flat.gradient, none.n_values);
        unbuild(&none);
        unbuild(&flat);
    }
}

static double row_rms(int n, const real *x)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum / n);
}

/* A model at its initial values (gains one, shifts zero) that captures the states of one sequence (L+1,T,C). */
static void capture_states(const Built *b, const Batch *batch, real *ret_states, real *ret_normed)
{
    Capture capture = {.residual = ret_states, .normed = ret_normed};
    model_capture(b->model, b->parameters, batch->inputs, NULL, 1, batch->length,
                  workspace_new(b->arena, b->model, 1, 0, NULL), &capture);
}

/* In post-norm every block ends with a norm: its output has root mean square one, and the last one's is what the head
 * reads. In the other placements the head reads the norm of it. */
static void test_the_head_reads_a_norm(void **state)
{
    (void)state;
    for (int c = 0; any_choice(c); c++) {
        Built b = build(19, "%s%s", model_sizes, any_choice(c));
        const int T = b.shape.context_length, C = b.shape.d_model, L = b.shape.n_layers;
        Batch batch = random_batch(&b, 1, 1, 11);
        real *states = ARENA_ARRAY(b.arena, real, (L + 1) * T * C), *normed = ARENA_ARRAY(b.arena, real, T * C);
        capture_states(&b, &batch, states, normed);
        for (int row = 0; row < T; row++)
            assert_true(fabs(row_rms(C, normed + row * C) - 1) < 1e-3);
        const int is_post = b.shape.norm_placement == PLACEMENT_POST;
        for (int row = T; is_post && row < (L + 1) * T; row++)
            assert_true(fabs(row_rms(C, states + row * C) - 1) < 1e-3);
        assert_int_equal(memcmp(states + L * T * C, normed, sizeof(real) * (size_t)(T * C)) == 0, is_post);
        unbuild(&b);
    }
}

/* In sandwich norm how large a branch's output is makes no difference: a norm follows it. */
static void test_sandwich_norm_forgets_sizes(void **state)
{
    (void)state;
    Built b = build(19, "%smodel.norm_placement=sandwich\nmodel.norm_epsilon=1e-9", model_sizes);
    const int T = b.shape.context_length, C = b.shape.d_model, L = b.shape.n_layers;
    const Parameters *table = model_parameters(b.model);
    Batch batch = random_batch(&b, 1, 1, 12);
    real *small = ARENA_ARRAY(b.arena, real, (L + 1) * T * C), *large = ARENA_ARRAY(b.arena, real, (L + 1) * T * C);
    capture_states(&b, &batch, small, NULL);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *x = &table->tensors[t];
        if (strstr(x->name, ".out.weight") || strstr(x->name, ".down.weight"))
            kernels_best()->scale((size_t)x->rows * (size_t)x->cols, 50, b.parameters + x->offset);
    }
    capture_states(&b, &batch, large, NULL);
    for (int i = 0; i < (L + 1) * T * C; i++)
        assert_true(fabs((double)small[i] - (double)large[i]) < 1e-4);
    unbuild(&b);
}

/* With qk_norm a query and a key have norm sqrt(D) in every head, gains being one, whatever the projections' size, and
 * the maps forget it too. */
static void test_qk_norm_forgets_sizes(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++) {
        Built b = build(19, "%smodel.qk_norm=true\nmodel.norm_epsilon=1e-9\nmodel.position.kind=%s", model_sizes,
                        any_position(p)->variant.name);
        const int T = b.shape.context_length, H = b.shape.n_heads, D = b.shape.d_head, L = b.shape.n_layers;
        const Parameters *table = model_parameters(b.model);
        Batch batch = random_batch(&b, 1, 1, 10);
        Workspace *w = workspace_new(b.arena, b.model, 1, 0, NULL);
        Capture small = {.maps = ARENA_ARRAY(b.arena, real, L * H * T * T),
                         .q = ARENA_ARRAY(b.arena, real, L * H * T * D)};
        Capture large = {.maps = ARENA_ARRAY(b.arena, real, L * H * T * T),
                         .k = ARENA_ARRAY(b.arena, real, L * H * T * D)};
        model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T, w, &small);
        for (int t = 0; t < table->n_tensors; t++) {
            const Tensor *x = &table->tensors[t];
            if (strstr(x->name, "attention.q.weight") || strstr(x->name, "attention.k.weight"))
                kernels_best()->scale((size_t)x->rows * (size_t)x->cols, 50, b.parameters + x->offset);
        }
        model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T, w, &large);
        for (int row = 0; row < L * H * T; row++) {
            double q = 0, k = 0;
            for (int d = 0; d < D; d++) {
                q += pow((double)small.q[row * D + d], 2);
                k += pow((double)large.k[row * D + d], 2);
            }
            assert_true(fabs(q / D - 1) < 1e-4 && fabs(k / D - 1) < 1e-4);
        }
        for (int i = 0; i < L * H * T * T; i++)
            assert_true(fabs((double)small.maps[i] - (double)large.maps[i]) < 1e-5);
        unbuild(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rotations_are_relative), cmocka_unit_test(test_alibi_without_slope_is_none),
        cmocka_unit_test(test_the_head_reads_a_norm),  cmocka_unit_test(test_sandwich_norm_forgets_sizes),
        cmocka_unit_test(test_qk_norm_forgets_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
