/* What must hold of any transformer of this kind, whatever its weights: causality, uniform attention where nothing
 * tells positions apart, independence of sequences, the same bits however a batch is split or measured.
 *
 * Were it deleted, a leak from the future or a stale buffer would look like a better model, and measuring could disturb
 * training unseen. It runs in both precisions; "to the bit" means equality of every bit.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const sizes = "model.n_layers=2\nmodel.n_heads=2\nmodel.d_model=16\nmodel.context_length=41\n";

/* With a choice of support.h beside them, "" for none. */
static Built build_choice(const Position *position, const Mask *mask, const Score *score, const char *choice)
{
    Built built = build(19, "%smodel.position.kind=%s\nmodel.mask.kind=%s\nmodel.score.kind=%s\n%s", sizes,
                        position->variant.name, mask->variant.name, score->variant.name, choice);
    disturb(&built, 0.3, 2);
    return built;
}

static Built build_variant(const Position *position, const Mask *mask, const Score *score)
{
    return build_choice(position, mask, score, "");
}

#define ASSERT_SAME_BITS(x, y, n) assert_memory_equal(x, y, sizeof(real) * (size_t)(n))

/* Every query of every sequence sees something, and nothing that is not there. */
static void test_masks_show_keys_that_are_there(void **state)
{
    (void)state;
    for (int m = 0; any_mask(m); m++) {
        Built b = build(19, "%smodel.mask.kind=%s", sizes, any_mask(m)->variant.name);
        Error err = {""};
        for (int length = 1; length <= b.shape.context_length; length++)
            if (visible_check(model_mask_rule(b.model), length, &err) != STATUS_OK)
                fail_msg("%s", err.text);
        unbuild(&b);
    }
}

/* One repeated token under no encoding: every score of a row is the same, so attention is one over the visible keys. */
static void test_repeated_token_is_uniform(void **state)
{
    (void)state;
    for (int m = 0; any_mask(m); m++)
        for (int c = 0; any_choice(c); c++) {
            Built b = build_choice(position_find("none"), any_mask(m), score_find("softmax"), any_choice(c));
            const int T = b.shape.context_length, H = b.shape.n_heads, L = b.shape.n_layers;
            int32_t *tokens = ARENA_ARRAY(b.arena, int32_t, T);
            for (int i = 0; i < T; i++)
                tokens[i] = TOKEN_CONTENT + 4;
            Capture capture = {.maps = ARENA_ARRAY(b.arena, real, L * H * T * T)};
            model_capture(b.model, b.parameters, tokens, NULL, 1, T, workspace_new(b.arena, b.model, 1, 0, NULL),
                          &capture);
            for (int map = 0; map < L * H; map++)
                for (int i = 0; i < T; i++) {
                    const KeyRanges *keys = &model_visible(b.model)->keys[i];
                    for (int j = 0; j < T; j++) {
                        double expected = keys_include(keys, j) ? 1.0 / keys_count(keys) : 0;
                        assert_true(fabs((double)capture.maps[(map * T + i) * T + j] - expected) <= 1e-6);
                    }
                }
            unbuild(&b);
        }
}

static void check_rotation(const Position *position, const char *lines)
{
    Built b = build(19, "%smodel.position.kind=%s\n%s", sizes, position->variant.name, lines);
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
        Built none = build(19, "%smodel.position.kind=none\nmodel.mask.kind=%s", sizes, any_mask(m)->variant.name);
        Built flat = build(19, "%smodel.position.kind=alibi\nmodel.position.slopes=[0, 0]\nmodel.mask.kind=%s", sizes,
                           any_mask(m)->variant.name);
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

/* A later token changes no earlier logit, to the bit, under a causal mask; and does under one that is not. */
static void test_the_future_is_hidden(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++)
            for (int s = 0; any_score(s); s++)
                for (int choice = 0; any_choice(choice); choice++) {
                    Built b = build_choice(any_position(p), any_mask(m), any_score(s), any_choice(choice));
                    const int T = b.shape.context_length, V = b.shape.vocab_size;
                    Workspace *w = workspace_new(b.arena, b.model, 1, 0, NULL);
                    Batch batch = random_batch(&b, 1, 1, 4);
                    real *before = ARENA_ARRAY(b.arena, real, T * V), *after = ARENA_ARRAY(b.arena, real, T * V);
                    model_logits(b.model, b.parameters, batch.inputs, T, w, before);
                    for (int changed = 1; changed < T; changed += 13) {
                        int32_t kept = batch.inputs[changed];
                        batch.inputs[changed] = kept == TOKEN_CONTENT ? TOKEN_CONTENT + 1 : TOKEN_CONTENT;
                        model_logits(b.model, b.parameters, batch.inputs, T, w, after);
                        batch.inputs[changed] = kept;
                        const int is_same = memcmp(before, after, sizeof(real) * (size_t)(changed * V)) == 0;
                        if (is_same != !model_visible(b.model)->sees_later)
                            fail_msg("%s, %s, %s: the token at %d changes %s that was said before it",
                                     b.shape.position->variant.name, b.shape.mask->variant.name,
                                     b.shape.score->variant.name, changed, is_same ? "nothing" : "something");
                        assert_memory_not_equal(before + changed * V, after + changed * V, sizeof(real) * (size_t)V);
                    }
                    unbuild(&b);
                }
}

/* Losses per position do not depend on which sequences share a call, nor on what a workspace held before; gradients of
 * the parts add up to that of the whole. */
static void test_batches_split_anywhere(void **state)
{
    (void)state;
    enum { N = 5 };
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++)
            for (int c = 0; any_choice(c); c++) {
                Built b = build_choice(any_position(p), any_mask(m), any_score(0), any_choice(c));
                const int T = b.shape.context_length;
                Batch batch = random_batch(&b, N, 0.6, 5);
                Workspace *w = workspace_new(b.arena, b.model, N, 1, NULL);
                real *whole = ARENA_ARRAY(b.arena, real, N * T), *parts = ARENA_ARRAY(b.arena, real, N * T);
                real *gradient = ARENA_ARRAY(b.arena, real, b.n_values),
                     *again = ARENA_ARRAY(b.arena, real, b.n_values);
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

/* A capture computes what a step computes, to the bit, and its pieces fit together. */
static void test_capture_is_the_step(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++)
            for (int s = 0; any_score(s); s++)
                for (int choice = 0; any_choice(choice); choice++) {
                    Built b = build_choice(any_position(p), any_mask(m), any_score(s), any_choice(choice));
                    const ModelSettings *shape = &b.shape;
                    const int T = shape->context_length, H = shape->n_heads, D = shape->d_head, L = shape->n_layers;
                    const int C = shape->d_model;
                    Batch batch = random_batch(&b, 3, 0.6, 6);
                    real *losses = ARENA_ARRAY(b.arena, real, 3 * T);
                    model_step(b.model, b.parameters, &batch, 0, 3, workspace_new(b.arena, b.model, 3, 1, NULL),
                               b.gradient, losses);
                    Capture capture = {
                        .maps = ARENA_ARRAY(b.arena, real, L * H * T * T),
                        .q = ARENA_ARRAY(b.arena, real, L * H * T * D),
                        .k = ARENA_ARRAY(b.arena, real, L * H * T * D),
                        .v = ARENA_ARRAY(b.arena, real, L * H * T * D),
                        .residual = ARENA_ARRAY(b.arena, real, (L + 1) * T * C),
                        .losses = ARENA_ARRAY(b.arena, real, T),
                    };
                    Workspace *w = workspace_new(b.arena, b.model, 1, 0, NULL);
                    for (int i = 0; i < 3; i++) {
                        model_capture(b.model, b.parameters, batch.inputs + i * T, batch.targets + i * T, 1, T, w,
                                      &capture);
                        ASSERT_SAME_BITS(losses + i * T, capture.losses, T);
                    }

                    /* hidden keys have exactly 0, rows sum to one where they must */
                    for (int row = 0; row < L * H * T; row++) {
                        const KeyRanges *keys = &model_visible(b.model)->keys[row % T];
                        double sum = 0;
                        for (int j = 0; j < T; j++) {
                            real value = capture.maps[row * T + j];
                            if (!(keys_include(keys, j) ? value >= 0 : value == 0))
                                fail_msg("%s, %s: a weight of %g", shape->mask->variant.name,
                                         shape->score->variant.name, (double)value);
                            sum += (double)value;
                        }
                        if (shape->score->rows_sum_to_one && !(fabs(sum - 1) < 1e-5))
                            fail_msg("%s: a row sums to %g", shape->score->variant.name, sum);
                    }
                    unbuild(&b);
                }
}

/* A block's output is its input plus what its heads and its MLP write: where the MLP writes nothing, maps, values and
 * the output projection explain the difference. */
static void test_maps_and_values_explain_a_block(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++)
            for (int s = 0; any_score(s); s++) {
                Built b = build_variant(any_position(p), any_mask(m), any_score(s));
                const int T = b.shape.context_length, H = b.shape.n_heads, D = b.shape.d_head, L = b.shape.n_layers;
                const int C = b.shape.d_model;
                Batch batch = random_batch(&b, 1, 1, 6);
                Capture capture = {
                    .maps = ARENA_ARRAY(b.arena, real, L * H * T * T),
                    .v = ARENA_ARRAY(b.arena, real, L * H * T * D),
                    .residual = ARENA_ARRAY(b.arena, real, (L + 1) * T * C),
                };
                const Parameters *table = model_parameters(b.model);
                for (int l = 0; l < L; l++) {
                    char name[64];
                    snprintf(name, sizeof name, "blocks.%d.mlp.down.weight", l);
                    const Tensor *down = &table->tensors[parameters_find(table, name)];
                    memset(b.parameters + down->offset, 0, sizeof(real) * (size_t)(down->rows * down->cols));
                }
                model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T,
                              workspace_new(b.arena, b.model, 1, 0, NULL), &capture);
                for (int l = 0; l < L; l++) {
                    const real *out = model_output_weight(b.model, b.parameters, l);
                    for (int i = 0; i < T; i += 7)
                        for (int c = 0; c < C; c++) {
                            double x = (double)capture.residual[(l * T + i) * C + c];
                            for (int h = 0; h < H; h++)
                                for (int d = 0; d < D; d++) {
                                    double o = 0;
                                    for (int j = 0; j < T; j++)
                                        o += (double)capture.maps[((l * H + h) * T + i) * T + j] *
                                             (double)capture.v[((l * H + h) * T + j) * D + d];
                                    x += o * (double)out[(h * D + d) * C + c];
                                }
                            assert_true(fabs(x - (double)capture.residual[((l + 1) * T + i) * C + c]) < 1e-4);
                        }
                }
                unbuild(&b);
            }
}

/* One model's captured maps are what its score function, by its definition for one row, makes of q.k/sqrt(D) and bias;
 * head outputs are P v; and what position alone gives is the same with q.k = 0. */
static void check_captured_scores(Built *b)
{
    const ModelSettings *s = &b->shape;
    const int T = s->context_length, H = s->n_heads, D = s->d_head, L = s->n_layers;
    const size_t table = position_table_size(s->position, T), stride = position_table_stride(s->position, T);
    const Visible *visible = model_visible(b->model);
    Batch batch = random_batch(b, 1, 1, 7);
    const size_t rows = (size_t)(L * H * T * D);
    Capture capture = {.maps = ARENA_ARRAY(b->arena, real, L * H * T * T),
                       .q = ARENA_ARRAY(b->arena, real, rows),
                       .k = ARENA_ARRAY(b->arena, real, rows),
                       .v = ARENA_ARRAY(b->arena, real, rows),
                       .heads = ARENA_ARRAY(b->arena, real, rows)};
    real *bias = ARENA_ARRAY(b->arena, real, model_bias_size(b->model, T));
    double *weights = ARENA_ARRAY(b->arena, double, T), *alone = ARENA_ARRAY(b->arena, double, T);
    disturb(b, 0.1, 3);
    model_position_bias(b->model, b->parameters, T, bias);
    model_capture(b->model, b->parameters, batch.inputs, NULL, 1, T, workspace_new(b->arena, b->model, 1, 0, NULL),
                  &capture);
    real *none = ARENA_ARRAY(b->arena, real, rows); /* q = 0 */
    for (int of_position = 0; of_position < 2; of_position++)
        for (int map = 0; map < L * H; map++)
            for (int i = 0; i < T; i++) {
                const real *q = (of_position ? none : capture.q) + (map * T + i) * D;
                int n = 0;
                for (int j = 0; j < T; j++) {
                    double score = 0;
                    for (int d = 0; d < D; d++)
                        score += (double)q[d] * (double)capture.k[(map * T + j) * D + d];
                    score = score / sqrt(D) +
                            (double)bias[(size_t)map * table + (size_t)i * stride + (size_t)(T - 1 + i - j)];
                    if (keys_include(&visible->keys[i], j))
                        weights[n++] = score;
                }
                model_weights(b->model, b->parameters, map / H, map % H, n, weights, weights);
                model_position_weights(b->model, b->parameters, bias, visible, map / H, map % H, i, alone);
                n = 0;
                for (int j = 0; j < T; j++) {
                    const double expected = keys_include(&visible->keys[i], j) ? weights[n++] : 0;
                    const double found = of_position ? alone[j] : (double)capture.maps[(map * T + i) * T + j];
                    if (!(fabs(expected - found) < 1e-5))
                        fail_msg("%s, %s, %s: query %d gives key %d %g, by the definition %g",
                                 b->shape.position->variant.name, b->shape.mask->variant.name, s->score->variant.name,
                                 i, j, found, expected);
                }
                for (int d = 0; d < D && !of_position; d++) {
                    double o = 0;
                    for (int j = 0; j < T; j++)
                        o += (double)capture.maps[(map * T + i) * T + j] * (double)capture.v[(map * T + j) * D + d];
                    assert_true(fabs(o - (double)capture.heads[(map * T + i) * D + d]) < 1e-5);
                }
            }
}

static void test_captured_scores(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++)
            for (int s = 0; any_score(s); s++) {
                Built b = build_choice(any_position(p), any_mask(m), any_score(s), "");
                check_captured_scores(&b);
                unbuild(&b);
            }
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++)
            for (int c = 0; any_choice(c); c++) {
                Built b = build_choice(any_position(p), any_mask(m), any_score(0), any_choice(c));
                check_captured_scores(&b);
                unbuild(&b);
            }
    for (int s = -1; s < 0 || any_score(s); s++) { /* rows that begin at any key */
        Built b = build(19,
                        "model.n_layers=1\nmodel.n_heads=2\nmodel.d_model=8\nmodel.context_length=170\n"
                        "model.position.kind=odd\nmodel.mask.kind=odd\nmodel.score.kind=%s",
                        s < 0 ? "odd" : any_score(s)->variant.name);
        check_captured_scores(&b);
        unbuild(&b);
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
        Built b = build(19, "%s%s", sizes, any_choice(c));
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
    Built b = build(19, "%smodel.norm_placement=sandwich\nmodel.norm_epsilon=1e-9", sizes);
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
        Built b = build(19, "%smodel.qk_norm=true\nmodel.norm_epsilon=1e-9\nmodel.position.kind=%s", sizes,
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
}

/* Nothing of a hidden key reaches the other queries: whatever token stands there, their losses are the same to the bit;
 * and where nothing is hidden they are not. A query that sees nothing else keeps its key. */
static void test_a_hidden_key_reaches_nobody(void **state)
{
    (void)state;
    for (int m = 0; any_mask(m); m++)
        for (int p = 0; any_position(p); p++)
            for (int c = 0; any_choice(c); c++) {
                Built b = build_choice(any_position(p), any_mask(m), score_find("softmax"), any_choice(c));
                const int T = b.shape.context_length;
                Workspace *workspace = workspace_new(b.arena, b.model, 1, 0, NULL);
                Batch batch = random_batch(&b, 1, 1, 5);
                real *first = ARENA_ARRAY(b.arena, real, T), *second = ARENA_ARRAY(b.arena, real, T);
                int n_changed = 0;
                for (int hidden = 0; hidden < T - 1; hidden += 13) {
                    for (int is_hidden = 0; is_hidden < 2; is_hidden++) {
                        const int key = is_hidden ? hidden : -1;
                        const int32_t kept = batch.inputs[hidden];
                        model_ablated_losses(b.model, b.parameters, batch.inputs, batch.targets, T, key, workspace,
                                             first);
                        batch.inputs[hidden] = kept == TOKEN_CONTENT ? TOKEN_CONTENT + 1 : TOKEN_CONTENT;
                        model_ablated_losses(b.model, b.parameters, batch.inputs, batch.targets, T, key, workspace,
                                             second);
                        batch.inputs[hidden] = kept;
                        for (int i = 0; i < T; i++) {
                            const KeyRanges *keys = &model_visible(b.model)->keys[i];
                            if (i == hidden || (keys_include(keys, hidden) && keys_count(keys) == 1))
                                continue;
                            if (is_hidden)
                                assert_true(first[i] == second[i]);
                            else
                                n_changed += first[i] != second[i];
                        }
                    }
                }
                assert_true(n_changed > 0);
                /* and the workspace forgets it */
                Capture capture = {.losses = first};
                model_capture(b.model, b.parameters, batch.inputs, batch.targets, 1, T, workspace, &capture);
                model_ablated_losses(b.model, b.parameters, batch.inputs, batch.targets, T, -1, workspace, second);
                ASSERT_SAME_BITS(first, second, T);
                unbuild(&b);
            }
}

/* ---- hostile values ---------------------------------------------------------------------------------------------- */

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
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++)
            for (int c = 0; any_choice(c); c++) {
                Built b = build_choice(any_position(p), any_mask(m), any_score(0), any_choice(c));
                const Parameters *table = model_parameters(b.model);
                const int T = b.shape.context_length, maps = b.shape.n_layers * b.shape.n_heads;
                for (int t = 0; t < table->n_tensors; t++)
                    if (strstr(table->tensors[t].name, ".q.weight") || strstr(table->tensors[t].name, "_norm.gain"))
                        fill_tensor(&b, &table->tensors[t], 1e7, 0);
                Batch batch = random_batch(&b, 2, 1, 9);
                double loss = model_step(b.model, b.parameters, &batch, 0, 2,
                                         workspace_new(b.arena, b.model, 2, 1, NULL), b.gradient, NULL);
                assert_true(isfinite(loss));
                for (size_t i = 0; i < b.n_values; i++)
                    assert_true(isfinite(b.gradient[i]));
                Capture capture = {.maps = ARENA_ARRAY(b.arena, real, maps * T * T)};
                model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T,
                              workspace_new(b.arena, b.model, 1, 0, NULL), &capture);
                for (int row = 0; row < maps * T && any_score(0)->rows_sum_to_one; row++) {
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
        cmocka_unit_test(test_masks_show_keys_that_are_there),
        cmocka_unit_test(test_repeated_token_is_uniform),
        cmocka_unit_test(test_a_hidden_key_reaches_nobody),
        cmocka_unit_test(test_rotations_are_relative),
        cmocka_unit_test(test_alibi_without_slope_is_none),
        cmocka_unit_test(test_the_future_is_hidden),
        cmocka_unit_test(test_batches_split_anywhere),
        cmocka_unit_test(test_first_steps),
        cmocka_unit_test(test_capture_is_the_step),
        cmocka_unit_test(test_maps_and_values_explain_a_block),
        cmocka_unit_test(test_captured_scores),
        cmocka_unit_test(test_the_head_reads_a_norm),
        cmocka_unit_test(test_sandwich_norm_forgets_sizes),
        cmocka_unit_test(test_qk_norm_forgets_sizes),
        cmocka_unit_test(test_shorter_sequences),
        cmocka_unit_test(test_no_targets),
        cmocka_unit_test(test_workspace_bytes),
        cmocka_unit_test(test_flops),
        cmocka_unit_test(test_huge_scores),
        cmocka_unit_test(test_broken_weights_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
