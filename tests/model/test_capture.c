/* What measuring is handed: the bits of a training step, maps that the score function's definition explains, values and
 * head outputs that explain the stream.
 *
 * Were it deleted, everything measured could be of another model than the one that trains. It runs in both precisions.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/internal.h"

/* A capture computes what a step computes, to the bit, and its pieces fit together. */
static void test_capture_is_the_step(void **state)
{
    (void)state;
    Mix mix;
    for (int i_mix = 0; any_mix(i_mix, &mix); i_mix++) {
        Built b = build_mix(&mix);
        const ModelSettings *shape = &b.shape;
        const int T = shape->context_length, H = shape->n_heads, D = shape->d_head, L = shape->n_layers;
        const int C = shape->d_model;
        Batch batch = random_batch(&b, 3, 0.6, 6);
        real *losses = ARENA_ARRAY(b.arena, real, 3 * T);
        model_step(b.model, b.parameters, &batch, 0, 3, workspace_new(b.arena, b.model, 3, 1, NULL), b.gradient,
                   losses);
        Capture capture = {
            .maps = ARENA_ARRAY(b.arena, real, L * H * T * T),
            .slots = ARENA_ARRAY(b.arena, real, L * H * T * model_n_slots(b.model)),
            .q = ARENA_ARRAY(b.arena, real, L * H * T * D),
            .k = ARENA_ARRAY(b.arena, real, L * H * T * D),
            .v = ARENA_ARRAY(b.arena, real, L * H * T * D),
            .residual = ARENA_ARRAY(b.arena, real, (L + 1) * T * C),
            .losses = ARENA_ARRAY(b.arena, real, T),
        };
        Workspace *w = workspace_new(b.arena, b.model, 1, 0, NULL);
        for (int i = 0; i < 3; i++) {
            model_capture(b.model, b.parameters, batch.inputs + i * T, batch.targets + i * T, 1, T, w, &capture);
            ASSERT_SAME_BITS(losses + i * T, capture.losses, T);
        }

        /* hidden keys have exactly 0, rows and slots sum to one where they must */
        for (int row = 0; row < L * H * T; row++) {
            const KeyRanges *keys = &model_visible(b.model)->keys[row % T];
            double sum = 0;
            for (int j = 0; j < T; j++) {
                real value = capture.maps[row * T + j];
                if (!(keys_include(keys, j) ? value >= 0 : value == 0))
                    fail_msg("%s, %s: a weight of %g", shape->mask->variant.name, shape->score->variant.name,
                             (double)value);
                sum += (double)value;
            }
            const int sums_to_one =
                shape->score->rows_sum_to_one && shape->score->rows_sum_to_one(b.model->score_state);
            assert_int_equal(model_rows_sum_to_one(b.model), sums_to_one && !shape->slot->prepare);
            for (int t = 0; t < model_n_slots(b.model); t++) {
                const double value = (double)capture.slots[row * model_n_slots(b.model) + t];
                assert_true(value >= 0);
                sum += value;
            }
            if (sums_to_one && !(fabs(sum - 1) < 1e-5))
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
    Mix mix;
    for (int i_mix = 0; any_mix(i_mix, &mix); i_mix++) {
        Built b = build_variant(mix.position, mix.mask, mix.score);
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
        model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T, workspace_new(b.arena, b.model, 1, 0, NULL),
                      &capture);
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

static double dot(int n, const real *x, const real *y)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

/* What the rounding of such a sum is relative to. */
static double products_size(int n, const real *x, const real *y)
{
    double size = 0;
    for (int i = 0; i < n; i++)
        size += fabs((double)x[i] * (double)y[i]);
    return size;
}

/* Keys and values of every head's slots: (L,H,S,D). */
static void fill_slots(const Built *b, real *ret_keys, real *ret_values)
{
    const ModelSettings *s = &b->shape;
    const int size = model_n_slots(b->model) * s->d_head;
    for (int map = 0; s->slot->forward && map < s->n_layers * s->n_heads; map++)
        s->slot->forward(b->model->slot_state, b->parameters, map / s->n_heads,
                         map % s->n_heads / (s->n_heads / s->n_kv_heads), ret_keys + map * size,
                         ret_values + map * size);
}

/* One model's captured maps are what its score function, by its definition for one row, makes of the logits of q.k and
 * bias; head outputs are P v, slots among keys and values, but where a gate is on them; and what position alone gives
 * is the same with q.k = 0. */
static void check_captured_scores(Built *b)
{
    const ModelSettings *s = &b->shape;
    const int T = s->context_length, H = s->n_heads, D = s->d_head, L = s->n_layers;
    const size_t table = position_table_size(s->position, T), stride = position_table_stride(s->position, T);
    const Visible *visible = model_visible(b->model);
    Batch batch = random_batch(b, 1, 1, 7);
    const int S = model_n_slots(b->model);
    const size_t rows = (size_t)(L * H * T * D);
    const int is_gated = s->gate->prepare && settings_choice(s->settings, "model.gate.on") == GATE_OUTPUT;
    real *slot_keys = ARENA_ARRAY(b->arena, real, L * H * S * D);
    real *slot_values = ARENA_ARRAY(b->arena, real, L * H * S * D);
    Capture capture = {.maps = ARENA_ARRAY(b->arena, real, L * H * T * T),
                       .slots = ARENA_ARRAY(b->arena, real, L * H * T * S),
                       .q = ARENA_ARRAY(b->arena, real, rows),
                       .k = ARENA_ARRAY(b->arena, real, rows),
                       .v = ARENA_ARRAY(b->arena, real, rows),
                       .heads = ARENA_ARRAY(b->arena, real, rows)};
    real *bias = ARENA_ARRAY(b->arena, real, model_bias_size(b->model, T));
    double *weights = ARENA_ARRAY(b->arena, double, S + T), *alone = ARENA_ARRAY(b->arena, double, T);
    double *work = ARENA_ARRAY(b->arena, double, S + T);
    disturb(b, 0.1, 3);
    fill_slots(b, slot_keys, slot_values);
    model_position_bias(b->model, b->parameters, T, bias);
    model_capture(b->model, b->parameters, batch.inputs, NULL, 1, T, workspace_new(b->arena, b->model, 1, 0, NULL),
                  &capture);
    real *none = ARENA_ARRAY(b->arena, real, rows); /* q = 0 */
    for (int of_position = 0; of_position < 2; of_position++)
        for (int map = 0; map < L * H; map++)
            for (int i = 0; i < T; i++) {
                const real *q = (of_position ? none : capture.q) + (map * T + i) * D;
                int n = 0;
                double largest = 0; /* what a score's rounding is relative to */
                for (int t = 0; t < S; t++)
                    weights[n++] = dot(D, q, slot_keys + (map * S + t) * D) / sqrt(D);
                for (int j = 0; j < T; j++) {
                    const real *k = capture.k + (map * T + j) * D;
                    const double score =
                        logit_of(&s->logit, dot(D, q, k),
                                 (double)bias[(size_t)map * table + (size_t)i * stride + (size_t)(T - 1 + i - j)]);
                    largest = fmax(largest, products_size(D, q, k) / sqrt(D));
                    if (keys_include(&visible->keys[i], j))
                        weights[n++] = score;
                }
                model_weights(b->model, b->parameters, map / H, map % H, i, n, weights, weights);
                model_position_weights(b->model, b->parameters, bias, visible, map / H, map % H, i, work, alone);
                for (n = 0; n < S && !of_position; n++)
                    assert_true(fabs(weights[n] - (double)capture.slots[(map * T + i) * S + n]) < 1e-5);
                n = S;
                for (int j = 0; j < T; j++) {
                    const double expected = keys_include(&visible->keys[i], j) ? weights[n++] : 0;
                    const double found = of_position ? alone[j] : (double)capture.maps[(map * T + i) * T + j];
                    if (!(fabs(expected - found) < 1e-5 + 4 * (double)REAL_EPSILON * largest))
                        fail_msg("%s, %s, %s: query %d gives key %d %g, by the definition %g",
                                 b->shape.position->variant.name, b->shape.mask->variant.name, s->score->variant.name,
                                 i, j, found, expected);
                }
                for (int d = 0; d < D && !of_position && !is_gated; d++) {
                    double o = 0, size = 1;
                    for (int j = -S; j < T; j++) {
                        const double part = j < 0 ? (double)capture.slots[(map * T + i) * S + S + j] *
                                                        (double)slot_values[(map * S + S + j) * D + d]
                                                  : (double)capture.maps[(map * T + i) * T + j] *
                                                        (double)capture.v[(map * T + j) * D + d];
                        o += part, size += fabs(part);
                    }
                    assert_true(fabs(o - (double)capture.heads[(map * T + i) * D + d]) < 1e-5 * size);
                }
            }
}

static void test_captured_scores(void **state)
{
    (void)state;
    Mix mix;
    for (int i = 0; any_mix(i, &mix); i++) {
        Built b = build_mix(&mix);
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
    for (int s = 0; any_slot(s); s++) { /* with slots in front */
        Built b = build(19,
                        "model.n_layers=1\nmodel.n_heads=2\nmodel.n_kv_heads=1\nmodel.d_model=8\n"
                        "model.context_length=170\nmodel.position.kind=odd\nmodel.mask.kind=odd\n"
                        "model.score.kind=odd\nmodel.slot.kind=%s%s",
                        any_slot(s)->variant.name, any_slot(s)->prepare ? "\nmodel.slot.n=19" : "");
        check_captured_scores(&b);
        unbuild(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capture_is_the_step),
        cmocka_unit_test(test_maps_and_values_explain_a_block),
        cmocka_unit_test(test_captured_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
