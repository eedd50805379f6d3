/* What heads are made of: keys and values that heads of queries share, slots, and gates.
 *
 * Were it deleted, heads of queries could read another group's keys, a model that names the default by its number could
 * differ from it, a slot could be another logit than its paper's, and a gate could act on what it is not made for. It
 * runs in both precisions; "to the bit" means equality of every bit.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const Tensor *tensor(const Built *b, const char *name)
{
    const Parameters *table = model_parameters(b->model);
    const int t = parameters_find(table, name);
    if (t < 0)
        fail_msg("no tensor %s", name);
    return &table->tensors[t];
}

static double step(Built *b, const Batch *batch)
{
    return model_step(b->model, b->parameters, batch, 0, batch->n, workspace_new(b->arena, b->model, batch->n, 1, NULL),
                      b->gradient, NULL);
}

/* As many heads of keys as of queries, by number, is the default to the bit. */
static void test_as_many_is_the_default(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++) {
        const char *position = any_position(p)->variant.name;
        Built a = build(19, "%smodel.position.kind=%s", model_sizes, position);
        Built b = build(19, "%smodel.position.kind=%s\nmodel.n_kv_heads=2", model_sizes, position);
        const Batch batch = random_batch(&a, 2, 0.8, 3);
        assert_int_equal(a.n_values, b.n_values);
        ASSERT_SAME_BITS(a.parameters, b.parameters, a.n_values);
        assert_true(step(&a, &batch) == step(&b, &batch));
        ASSERT_SAME_BITS(a.gradient, b.gradient, a.n_values);
        unbuild(&a);
        unbuild(&b);
    }
}

enum { HEADS = 6, KV_HEADS = 2, WIDTH = 4 }; /* of a head: D */

static const char *const grouped_sizes =
    "model.n_layers=2\nmodel.n_heads=6\nmodel.d_model=16\nmodel.d_head=4\nmodel.context_length=41\n";

static int is_shared(const char *name)
{
    return strstr(name, "attention.k.") || strstr(name, "attention.v.");
}

/* A tensor of k or v (rows, n D) with each of its heads three times in turn. */
static void repeat_heads(int rows, const real *x, real *ret_y)
{
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < HEADS; h++)
            memcpy(ret_y + (r * HEADS + h) * WIDTH, x + (r * KV_HEADS + h / (HEADS / KV_HEADS)) * WIDTH,
                   sizeof(real) * WIDTH);
}

/* The tensors of `grouped` in a model whose every head has keys and values of its own. */
static void spread(const Built *grouped, Built *whole)
{
    const Parameters *table = model_parameters(grouped->model);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *from = &table->tensors[t], *to = tensor(whole, from->name);
        if (is_shared(from->name))
            repeat_heads(from->rows, grouped->parameters + from->offset, whole->parameters + to->offset);
        else
            memcpy(whole->parameters + to->offset, grouped->parameters + from->offset,
                   sizeof(real) * (size_t)from->rows * (size_t)from->cols);
    }
}

/* The gradient of what is shared is the sum of those of its copies. */
static void check_shared_gradients(const Built *grouped, const Built *whole)
{
    const Parameters *table = model_parameters(grouped->model);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *own = &table->tensors[t], *copies = tensor(whole, own->name);
        double apart = 0, size = 0;
        for (int r = 0; r < own->rows; r++)
            for (int c = 0; c < own->cols; c++) {
                double sum = 0;
                for (int h = 0; h < copies->cols / own->cols; h++) {
                    const int head = c / WIDTH * (HEADS / KV_HEADS) + h;
                    const int at = is_shared(own->name) ? head * WIDTH + c % WIDTH : c;
                    sum += (double)whole->gradient[copies->offset + (size_t)(r * copies->cols + at)];
                }
                apart += pow(sum - (double)grouped->gradient[own->offset + (size_t)(r * own->cols + c)], 2);
                size += sum * sum;
            }
        if (!(sqrt(apart) <= (sizeof(real) == 4 ? 1e-5 : 1e-13) * sqrt(size) + 1e-7))
            fail_msg("%s: gradients of %g apart by %g", own->name, sqrt(size), sqrt(apart));
    }
}

/* A model of grouped queries is one whose heads of a group have equal keys and values, to the bit, in what it says and
 * in what is captured of it. */
static void check_grouped(const char *lines)
{
    Built grouped = build(19, "%s%s\nmodel.n_kv_heads=2", grouped_sizes, lines);
    Built whole = build(19, "%s%s", grouped_sizes, lines);
    const int T = grouped.shape.context_length, L = grouped.shape.n_layers, n_rows = L * HEADS * T * WIDTH;
    const Batch batch = random_batch(&grouped, 2, 0.8, 3);
    disturb(&grouped, 0.3, 2);
    spread(&grouped, &whole);
    Built *const both[] = {&grouped, &whole};
    Capture capture[2];
    for (int i = 0; i < 2; i++) {
        real *rows = ARENA_ARRAY(both[i]->arena, real, 4 * n_rows);
        capture[i] = (Capture){.q = rows,
                               .k = rows + n_rows,
                               .v = rows + 2 * n_rows,
                               .heads = rows + 3 * n_rows,
                               .maps = ARENA_ARRAY(both[i]->arena, real, L * HEADS * T * T)};
        model_capture(both[i]->model, both[i]->parameters, batch.inputs, NULL, 1, T,
                      workspace_new(both[i]->arena, both[i]->model, 1, 0, NULL), &capture[i]);
    }
    ASSERT_SAME_BITS(capture[0].q, capture[1].q, 4 * n_rows);
    ASSERT_SAME_BITS(capture[0].maps, capture[1].maps, L * HEADS * T * T);
    assert_true(step(&grouped, &batch) == step(&whole, &batch));
    check_shared_gradients(&grouped, &whole);
    unbuild(&grouped);
    unbuild(&whole);
}

static void test_grouped_queries_share_keys(void **state)
{
    (void)state;
    char lines[256];
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++) {
            snprintf(lines, sizeof lines, "model.position.kind=%s\nmodel.mask.kind=%s\nmodel.bias=true",
                     any_position(p)->variant.name, any_mask(m)->variant.name);
            check_grouped(lines);
        }
    check_grouped("model.qk_norm=true");
}

/* A `zero` slot under softmax: p_j = exp(s_j) / (n + sum_k exp(s_k)), in double, of captured queries and keys; the
 * slots have the rest. */
static void check_zero_slots(int n, const Position *position, const Mask *mask)
{
    Built b = build(19,
                    "%smodel.n_kv_heads=1\nmodel.slot.kind=zero\nmodel.slot.n=%d\nmodel.position.kind=%s\n"
                    "model.mask.kind=%s",
                    model_sizes, n, position->variant.name, mask->variant.name);
    const int T = b.shape.context_length, L = b.shape.n_layers, H = b.shape.n_heads, D = b.shape.d_head;
    const size_t table = position_table_size(position, T), stride = position_table_stride(position, T);
    const Batch batch = random_batch(&b, 1, 1, 3);
    disturb(&b, 0.3, 2);
    real *bias = ARENA_ARRAY(b.arena, real, model_bias_size(b.model, T));
    const Capture capture = {.maps = ARENA_ARRAY(b.arena, real, L * H * T * T),
                             .slots = ARENA_ARRAY(b.arena, real, L * H * T * n),
                             .q = ARENA_ARRAY(b.arena, real, L * H * T * D),
                             .k = ARENA_ARRAY(b.arena, real, L * H * T * D)};
    model_position_bias(b.model, b.parameters, T, bias);
    model_capture(b.model, b.parameters, batch.inputs, NULL, 1, T, workspace_new(b.arena, b.model, 1, 0, NULL),
                  &capture);
    for (int row = 0; row < L * H * T; row++) {
        const int i = row % T, map = row / T;
        double exps[64], sum = n;
        assert_in_range(T, 1, 64);
        for (int j = 0; j < T; j++) {
            double score = 0;
            for (int d = 0; d < D; d++)
                score += (double)capture.q[row * D + d] * (double)capture.k[(map * T + j) * D + d] / sqrt(D);
            score += (double)bias[(size_t)map * table + (size_t)i * stride + (size_t)(T - 1 + i - j)];
            exps[j] = keys_include(&model_visible(b.model)->keys[i], j) ? exp(score) : 0;
            sum += exps[j];
        }
        for (int j = 0; j < T; j++)
            assert_true(fabs((double)capture.maps[row * T + j] - exps[j] / sum) < 1e-5);
        for (int t = 0; t < n; t++)
            assert_true(fabs((double)capture.slots[row * n + t] - 1 / sum) < 1e-5);
    }
    unbuild(&b);
}

static void test_zero_slots(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++)
        for (int m = 0; any_mask(m); m++)
            check_zero_slots(1 + 2 * (p % 2), any_position(p), any_mask(m));
}

/* Two models that share the names of `a`'s tensors say the same, to the bit, where `b` has a's values and what it has
 * alone is set. */
static void check_same(Built *a, Built *b)
{
    const Parameters *table = model_parameters(a->model);
    const Batch batch = random_batch(a, 2, 0.8, 3);
    assert_true(step(a, &batch) == step(b, &batch));
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *x = &table->tensors[t], *y = tensor(b, x->name);
        if (!strstr(x->name, "attention.slot."))
            ASSERT_SAME_BITS(a->gradient + x->offset, b->gradient + y->offset, x->rows * x->cols);
    }
}

/* Learned slots that are zero are `zero`. */
static void test_slots_of_zeros(void **state)
{
    (void)state;
    static const char *const learned[] = {"key", "key_value"};
    for (int i = 0; i < 2; i++) {
        Built zero = build(19, "%smodel.n_kv_heads=3\nmodel.slot.kind=zero\nmodel.slot.n=2", grouped_sizes);
        Built other = build(19, "%smodel.n_kv_heads=3\nmodel.slot.kind=%s\nmodel.slot.n=2\nmodel.slot.std=0",
                            grouped_sizes, learned[i]);
        check_same(&zero, &other);
        unbuild(&zero);
        unbuild(&other);
    }
}

/* Shared slots are slots of which every head has the same, and their gradient is the sum of all. */
static void test_shared_slots(void **state)
{
    (void)state;
    const char *lines = "model.n_kv_heads=3\nmodel.slot.kind=key_value\nmodel.slot.n=2\nmodel.slot.std=0.7";
    Built shared = build(19, "%s%s\nmodel.slot.shared=true", grouped_sizes, lines);
    Built own = build(19, "%s%s", grouped_sizes, lines);
    const Parameters *table = model_parameters(shared.model);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *x = &table->tensors[t], *y = tensor(&own, x->name);
        const size_t n = (size_t)x->rows * (size_t)x->cols;
        for (int h = 0; strstr(x->name, "attention.slot.") && h < 3; h++)
            memcpy(own.parameters + y->offset + (size_t)h * n, shared.parameters + x->offset, sizeof(real) * n);
    }
    check_same(&shared, &own);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *x = &table->tensors[t], *y = tensor(&own, x->name);
        const size_t n = (size_t)x->rows * (size_t)x->cols;
        for (size_t i = 0; strstr(x->name, "attention.slot.") && i < n; i++) {
            double sum = 0;
            for (size_t h = 0; h < 3; h++)
                sum += (double)own.gradient[y->offset + h * n + i];
            assert_true(sum != 0 && fabs(sum - (double)shared.gradient[x->offset + i]) < 1e-6);
        }
    }
    unbuild(&shared);
    unbuild(&own);
}

/* A gate that is open, its layer's weights 0 and its bias such that every factor is exactly 1, changes no bit: neither
 * of the loss, nor of what is captured, nor of a gradient. */
static void check_open(const Gate *gate, const char *place, const char *lines)
{
    Built none = build(19, "%smodel.n_kv_heads=3\n%s", grouped_sizes, lines);
    Built open = build(19,
                       "%smodel.n_kv_heads=3\n%s\nmodel.gate.kind=%s\nmodel.gate.on=%s\nmodel.gate.bias=true\n"
                       "model.gate.initial=%s",
                       grouped_sizes, lines, gate->variant.name, place, "100");
    const Parameters *table = model_parameters(none.model), *all = model_parameters(open.model);
    const Batch batch = random_batch(&none, 2, 0.8, 3);
    assert_int_equal(all->n_tensors, table->n_tensors + 2 * none.shape.n_layers);
    for (int t = 0; t < all->n_tensors; t++)
        if (strstr(all->tensors[t].name, "attention.gate.weight"))
            memset(open.parameters + all->tensors[t].offset, 0,
                   sizeof(real) * (size_t)all->tensors[t].rows * (size_t)all->tensors[t].cols);
    assert_true(step(&none, &batch) == step(&open, &batch));
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *x = &table->tensors[t], *y = tensor(&open, x->name);
        ASSERT_SAME_BITS(none.parameters + x->offset, open.parameters + y->offset, x->rows * x->cols);
        ASSERT_SAME_BITS(none.gradient + x->offset, open.gradient + y->offset, x->rows * x->cols);
    }
    unbuild(&none);
    unbuild(&open);
}

static void test_an_open_gate_is_none(void **state)
{
    (void)state;
    int n = 0;
    for (int g = 0; any_gate(g); g++) {
        real z = 100;
        void *keys;
        if (!any_gate(g)->prepare)
            continue;
        Built b = build(19, "model.gate.kind=%s", any_gate(g)->variant.name);
        assert_int_equal(any_gate(g)->prepare(b.arena, &b.shape, NULL, &keys, NULL), STATUS_OK);
        any_gate(g)->forward(keys, kernels_best(), 1, &z);
        unbuild(&b);
        if (z != 1)
            continue; /* no bias opens it */
        for (int place = 0; gate_places[place]; place++) {
            check_open(any_gate(g), gate_places[place], "");
            check_open(any_gate(g), gate_places[place], "model.qk_norm=true\nmodel.norm_placement=post");
        }
        n++;
    }
    assert_true(n >= 2);
}

/* What a capture holds is what the gate leaves: on values, heads are the maps times them; on head outputs they are the
 * maps times the values, times factors of one sign that are 0.5 where the layer's weights are 0. */
static void test_a_gate_of_a_half_halves(void **state)
{
    (void)state;
    for (int g = 0; any_gate(g); g++)
        for (int place = 0; any_gate(g)->prepare && gate_places[place]; place++) {
            Built none = build(19, "%smodel.n_layers=1\nmodel.n_kv_heads=2", model_sizes);
            Built half = build(19, "%smodel.n_layers=1\nmodel.n_kv_heads=2\nmodel.gate.kind=%s\nmodel.gate.on=%s",
                               model_sizes, any_gate(g)->variant.name, gate_places[place]);
            const Tensor *weight = tensor(&half, "blocks.0.attention.gate.weight");
            const int T = none.shape.context_length, n = none.shape.n_heads * T * none.shape.d_head;
            const Batch batch = random_batch(&none, 1, 1, 3);
            memset(half.parameters + weight->offset, 0, sizeof(real) * (size_t)weight->rows * (size_t)weight->cols);
            Built *const both[] = {&none, &half};
            Capture capture[2];
            for (int i = 0; i < 2; i++) {
                capture[i] =
                    (Capture){.v = ARENA_ARRAY(both[i]->arena, real, n), .heads = ARENA_ARRAY(both[i]->arena, real, n)};
                model_capture(both[i]->model, both[i]->parameters, batch.inputs, NULL, 1, T,
                              workspace_new(both[i]->arena, both[i]->model, 1, 0, NULL), &capture[i]);
            }
            for (int i = 0; i < n; i++) {
                assert_true(capture[1].heads[i] == capture[0].heads[i] / 2);
                assert_true(capture[1].v[i] == capture[0].v[i] / (place == GATE_VALUE ? 2 : 1));
            }
            unbuild(&none);
            unbuild(&half);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_many_is_the_default),
        cmocka_unit_test(test_grouped_queries_share_keys),
        cmocka_unit_test(test_zero_slots),
        cmocka_unit_test(test_slots_of_zeros),
        cmocka_unit_test(test_shared_slots),
        cmocka_unit_test(test_an_open_gate_is_none),
        cmocka_unit_test(test_a_gate_of_a_half_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
