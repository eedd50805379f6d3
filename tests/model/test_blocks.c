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
        const int has_norm = b.shape.norm != NORM_NONE, is_post = b.shape.norm_placement == PLACEMENT_POST;
        for (int row = 0; row < T && has_norm; row++)
            assert_true(fabs(row_rms(C, normed + row * C) - 1) < 1e-3);
        for (int row = 0; row < T && has_norm && b.shape.embedding_norm; row++)
            assert_true(fabs(row_rms(C, states + row * C) - 1) < 1e-3);
        for (int row = T; is_post && row < (L + 1) * T; row++)
            assert_true(fabs(row_rms(C, states + row * C) - 1) < 1e-3);
        assert_int_equal(memcmp(states + L * T * C, normed, sizeof(real) * (size_t)(T * C)) == 0, is_post || !has_norm);
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

/* Losses of the first sequence of a batch, from a model disturbed or not. */
static void capture_losses(const Built *b, const Batch *batch, real *ret_losses)
{
    const Capture capture = {.losses = ret_losses};
    model_capture(b->model, b->parameters, batch->inputs, batch->targets, 1, batch->length,
                  workspace_new(b->arena, b->model, 1, 0, NULL), &capture);
}

/* Two models say the same of one sequence, to the bit. */
static void assert_same_losses(const Built *a, const Built *b)
{
    const int T = a->shape.context_length;
    const Batch batch = random_batch(a, 1, 1, 14);
    real *x = ARENA_ARRAY(a->arena, real, T), *y = ARENA_ARRAY(a->arena, real, T);
    capture_losses(a, &batch, x);
    capture_losses(b, &batch, y);
    ASSERT_SAME_BITS(x, y, T);
}

static real *tensor_of(const Built *b, const char *name, int *ret_n)
{
    const int t = parameters_find(model_parameters(b->model), name);
    if (t < 0)
        fail_msg("no %s", name);
    const Tensor *tensor = &model_parameters(b->model)->tensors[t];
    *ret_n = tensor->rows * tensor->cols;
    return b->parameters + tensor->offset;
}

/* Under every choice a block without an MLP is one whose MLP writes nothing; a norm behind such an MLP would write its
 * shift. */
static void test_no_mlp_is_one_that_writes_nothing(void **state)
{
    (void)state;
    for (int c = 0; any_choice(c); c++) {
        Built with = build(19, "%s%s", model_sizes, any_choice(c));
        Built without = build(19, "%s%s\nmodel.mlp=false", model_sizes, any_choice(c));
        if (with.shape.norm_placement == PLACEMENT_PRE && with.shape.mlp) {
            for (int l = 0; l < with.shape.n_layers; l++) {
                char name[64];
                int n;
                snprintf(name, sizeof name, "blocks.%d.mlp.down.weight", l);
                real *down = tensor_of(&with, name, &n);
                memset(down, 0, sizeof(real) * (size_t)n);
            }
            assert_same_losses(&with, &without);
        }
        unbuild(&with);
        unbuild(&without);
    }
}

/* Without norms and MLPs the stream after a block is what it was, unless attention replaces it, plus heads W_out. */
static void test_what_attention_writes(void **state)
{
    (void)state;
    for (int stays = 0; stays < 2; stays++) {
        Built b = build(19, "%smodel.norm=none\nmodel.mlp=false\nmodel.attention_residual=%s", model_sizes,
                        stays ? "true" : "false");
        const int T = b.shape.context_length, C = b.shape.d_model, L = b.shape.n_layers, H = b.shape.n_heads;
        const int D = b.shape.d_head;
        const Batch batch = random_batch(&b, 1, 1, 13);
        const Capture capture = {.residual = ARENA_ARRAY(b.arena, real, (L + 1) * T * C),
                                 .heads = ARENA_ARRAY(b.arena, real, L * H * T * D)};
        model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T, workspace_new(b.arena, b.model, 1, 0, NULL),
                      &capture);
        for (int l = 0; l < L; l++)
            for (int i = 0; i < T; i++)
                for (int c = 0; c < C; c++) {
                    double x = stays ? (double)capture.residual[(l * T + i) * C + c] : 0;
                    for (int h = 0; h < H; h++)
                        for (int d = 0; d < D; d++)
                            x += (double)capture.heads[((l * H + h) * T + i) * D + d] *
                                 (double)model_output_weight(b.model, b.parameters, l)[(h * D + d) * C + c];
                    assert_true(fabs(x - (double)capture.residual[((l + 1) * T + i) * C + c]) < 1e-5);
                }
        unbuild(&b);
    }
}

/* The stream behind the first block, where the branches of whose tensors' names `silent` is a part write nothing. */
static const real *behind_first_block(const Built *b, const Batch *batch, const char *silent)
{
    const int T = b->shape.context_length, C = b->shape.d_model, L = b->shape.n_layers;
    real *states = ARENA_ARRAY(b->arena, real, (L + 1) * T * C), *kept = ARENA_ARRAY(b->arena, real, b->n_values);
    memcpy(kept, b->parameters, b->n_values * sizeof(real));
    static const char *const writers[] = {"attention.out.weight", "attention.out.bias", "mlp.down.weight",
                                          "mlp.down.bias"};
    for (int w = 0; w < 4; w++) {
        const char *name = arena_format(b->arena, "blocks.0.%s", writers[w]);
        int n;
        if (strstr(writers[w], silent) && parameters_find(model_parameters(b->model), name) >= 0) {
            real *values = tensor_of(b, name, &n);
            memset(values, 0, sizeof(real) * (size_t)n);
        }
    }
    capture_states(b, batch, states, NULL);
    memcpy(b->parameters, kept, b->n_values * sizeof(real));
    return states + T * C;
}

/* Side by side, what both branches write is what each alone does; in turn it is not. Where attention writes nothing,
 * and under every choice, both are the same to the bit. */
static void test_parallel_branches_add_up(void **state)
{
    (void)state;
    for (int c = 0; any_choice(c); c++) {
        Built side = build(19, "%s%s\nmodel.parallel_residual=true", model_sizes, any_choice(c));
        Built turn = build(19, "%s%s\nmodel.parallel_residual=false", model_sizes, any_choice(c));
        const int T = side.shape.context_length, C = side.shape.d_model;
        const Batch batch = random_batch(&side, 1, 1, 15);
        Built *const both[] = {&side, &turn};
        for (int b = 0; b < 2; b++)
            disturb(both[b], 0.3, 2);
        for (int b = 0; b < 2 && side.shape.mlp && side.shape.norm_placement == PLACEMENT_PRE; b++) {
            const real *x = behind_first_block(both[b], &batch, ".");
            const real *a = behind_first_block(both[b], &batch, "mlp.");
            const real *m = behind_first_block(both[b], &batch, "attention.");
            const real *all = behind_first_block(both[b], &batch, "none");
            double apart = 0;
            for (int i = 0; i < T * C; i++)
                apart = fmax(apart, fabs((double)a[i] + (double)m[i] - (double)x[i] - (double)all[i]));
            if (both[b] == &side ? apart > 1e-4 : apart < 1e-3)
                fail_msg("%s: apart by %g", any_choice(c), apart);
            if (side.shape.attention_residual)
                ASSERT_SAME_BITS(m, behind_first_block(both[1 - b], &batch, "attention."), T * C);
        }
        unbuild(&side);
        unbuild(&turn);
    }
}

/* A token type is a vector on top of every token's own. */
static void test_token_type_is_added(void **state)
{
    (void)state;
    Built with = build(19, "%smodel.token_type=true\nmodel.position.kind=none", model_sizes);
    Built without = build(19, "%smodel.position.kind=none", model_sizes);
    int n, C;
    const real *type = tensor_of(&with, "embedding.type", &C);
    real *token = tensor_of(&without, "embedding.token", &n);
    assert_int_equal(C, with.shape.d_model);
    assert_true(row_rms(C, type) > 0.1);
    for (int i = 0; i < n; i++)
        token[i] += type[i % C];
    assert_same_losses(&with, &without);
    unbuild(&with);
    unbuild(&without);
}

/* One type is token_type, to the bit; where nothing ends a segment all places have the first of three; and a segment's
 * type is a vector on top of its tokens. */
static void test_token_types_are_added_by_segment(void **state)
{
    (void)state;
    enum { T = 12 };
    static const int32_t tokens[T] = {0, 5, 1, 6, 7, 8, 0, 9, 1, 1, 5, 6};
    static const int segments[T] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 4, 4};
    static const char *const keys[] = {"token_type=true", "token_types=1", "token_types=3"};
    Built built[3];
    for (int k = 0; k < 3; k++)
        built[k] = build(19, "%smodel.%s\nmodel.position.kind=none", model_sizes, keys[k]);
    assert_int_equal(built[0].n_values, built[1].n_values);
    ASSERT_SAME_BITS(built[0].parameters, built[1].parameters, built[0].n_values);
    assert_same_losses(&built[0], &built[1]);
    Built *b = &built[2];
    const int C = b->shape.d_model;
    int n;
    const real *embedding = tensor_of(b, "embedding.token", &n), *types = tensor_of(b, "embedding.type", &n);
    assert_int_equal(n, 3 * C);
    real *states = ARENA_ARRAY(b->arena, real, (b->shape.n_layers + 1) * T * C);
    const Capture capture = {.residual = states};
    model_capture(b->model, b->parameters, tokens, NULL, 1, T, workspace_new(b->arena, b->model, 1, 0, NULL), &capture);
    for (int i = 0; i < T; i++)
        for (int c = 0; c < C; c++)
            assert_true(states[i * C + c] == embedding[tokens[i] * C + c] + types[segments[i] % 3 * C + c]);
    for (int k = 0; k < 3; k++)
        unbuild(&built[k]);
}

/* Each key of a bias adds biases to its own layers, or takes them away, and they start at 0: as if there were none. */
static void test_biases_by_kind(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *layer;
    } kinds[] = {{"q", "blocks.1.attention.q"}, {"k", "blocks.1.attention.k"},
                 {"v", "blocks.1.attention.v"}, {"out", "blocks.1.attention.out"},
                 {"mlp", "blocks.1.mlp.up"},    {"mlp", "blocks.1.mlp.gate"},
                 {"mlp", "blocks.1.mlp.down"},  {"head", "head"}};
    enum { N = sizeof kinds / sizeof *kinds };
    Built none = build(19, "%smodel.activation=swiglu", model_sizes);
    for (int k = 0; k < N; k++)
        for (int is_on = 0; is_on < 2; is_on++) {
            Built b = build(19, "%smodel.activation=swiglu\nmodel.bias=%s\nmodel.bias_%s=%s", model_sizes,
                            is_on ? "false" : "true", kinds[k].kind, is_on ? "true" : "false");
            for (int other = 0; other < N; other++) {
                char name[64];
                snprintf(name, sizeof name, "%s.bias", kinds[other].layer);
                const int is_same = strcmp(kinds[other].kind, kinds[k].kind) == 0;
                assert_int_equal(parameters_find(model_parameters(b.model), name) >= 0, is_same == is_on);
            }
            assert_same_losses(&none, &b);
            unbuild(&b);
        }
    unbuild(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_mlp_is_one_that_writes_nothing),
        cmocka_unit_test(test_what_attention_writes),
        cmocka_unit_test(test_parallel_branches_add_up),
        cmocka_unit_test(test_token_type_is_added),
        cmocka_unit_test(test_token_types_are_added_by_segment),
        cmocka_unit_test(test_biases_by_kind),
        cmocka_unit_test(test_rotations_are_relative),
        cmocka_unit_test(test_alibi_without_slope_is_none),
        cmocka_unit_test(test_the_head_reads_a_norm),
        cmocka_unit_test(test_sandwich_norm_forgets_sizes),
        cmocka_unit_test(test_qk_norm_forgets_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
