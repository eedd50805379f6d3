/* The tensor table and its initial values; the model's settings and their refusals.
 *
 * Were it deleted, two arms of one seed could start from different values of a tensor that they share, an initial scale
 * could drift from the setting that states it, and a size that does not fit would crash instead of being refused.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const Tensor *tensor(const Built *b, const char *name)
{
    const Parameters *table = model_parameters(b->model);
    int i = parameters_find(table, name);
    if (i < 0)
        fail_msg("no tensor %s", name);
    return &table->tensors[i];
}

static double rms(const Built *b, const char *name)
{
    const Tensor *t = tensor(b, name);
    double sum = 0;
    int n = t->rows * t->cols;
    for (int i = 0; i < n; i++)
        sum += pow((double)b->parameters[t->offset + (size_t)i], 2);
    return sqrt(sum / n);
}

static void check_std(const Built *b, const char *name, double std)
{
    const Tensor *t = tensor(b, name);
    assert_true(fabs(rms(b, name) / std - 1) < 4 / sqrt(2.0 * t->rows * t->cols));
}

/* Whoever tells tensors apart by what they are part of, as measuring does, reads no names: each says its layer, and a
 * group that a layer can have, variants' own tensors included. */
static void check_groups(const char *lines)
{
    Built b = build(19, "model.n_layers=2\nmodel.n_heads=2\nmodel.d_model=8\n%s", lines);
    const Parameters *table = model_parameters(b.model);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *own = &table->tensors[t];
        int layer = -1;
        sscanf(own->name, "blocks.%d.", &layer);
        assert_int_equal(own->layer, layer);
        const int is_norm = strstr(own->name, "norm.") != NULL;
        assert_int_equal(own->group == TENSOR_NORM, is_norm);
        assert_int_equal(own->group == TENSOR_MLP, !is_norm && strstr(own->name, ".mlp.") != NULL);
        assert_int_equal(own->group == TENSOR_ATTENTION, !is_norm && strstr(own->name, ".attention.") != NULL);
    }
    unbuild(&b);
}

static void test_groups(void **state)
{
    (void)state;
    char line[96];
    for (int i = 0; any_position(i); i++) {
        snprintf(line, sizeof line, "model.position.kind=%s", any_position(i)->variant.name);
        check_groups(line);
    }
    for (int i = 0; any_score(i); i++) {
        snprintf(line, sizeof line, "model.score.kind=%s", any_score(i)->variant.name);
        check_groups(line);
    }
    for (int i = 0; any_choice(i); i++)
        check_groups(any_choice(i));
}

/* Every tensor has its place, aligned, without overlap; the counts are the sums. */
static void test_layout(void **state)
{
    (void)state;
    for (int p = 0; any_position(p); p++) {
        Built b = build(11, "model.d_model=20\nmodel.bias=true\nmodel.position.kind=%s", any_position(p)->variant.name);
        const Parameters *table = model_parameters(b.model);
        size_t end = 0, n = 0;
        for (int t = 0; t < table->n_tensors; t++) {
            const Tensor *x = &table->tensors[t];
            assert_int_equal(x->offset % 16, 0);
            assert_true(x->offset >= end && x->offset < end + 16);
            assert_int_equal(parameters_find(table, x->name), t);
            end = x->offset + (size_t)x->rows * (size_t)x->cols;
            n += (size_t)x->rows * (size_t)x->cols;
        }
        assert_true(table->n_values >= end && table->n_values < end + 16);
        assert_int_equal(table->n_parameters, n);
        assert_int_equal(parameters_find(table, "no.such"), -1);
        unbuild(&b);
    }
}

/* Sizes and decay of the tensors that every model has. */
static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int rows, cols, decays;
    } expected[] = {
        {"embedding.token", 50, 12, 0},
        {"embedding.position", 9, 12, 0},
        {"blocks.0.attention.norm.gain", 1, 12, 0},
        {"blocks.0.attention.norm.shift", 1, 12, 0},
        {"blocks.0.attention.q.weight", 12, 15, 1},
        {"blocks.0.attention.q.bias", 1, 15, 0},
        {"blocks.0.attention.k.weight", 12, 15, 1},
        {"blocks.0.attention.v.weight", 12, 15, 1},
        {"blocks.1.attention.out.weight", 15, 12, 1},
        {"blocks.1.mlp.norm.gain", 1, 12, 0},
        {"blocks.1.mlp.up.weight", 12, 48, 1},
        {"blocks.1.mlp.down.weight", 48, 12, 1},
        {"blocks.1.mlp.down.bias", 1, 12, 0},
        {"head.norm.gain", 1, 12, 0},
        {"head.weight", 12, 50, 1},
        {"head.bias", 1, 50, 0},
    };
    Built b = build(50, "model.n_heads=3\nmodel.d_model=12\nmodel.d_head=5\nmodel.context_length=9\nmodel.bias=true\n"
                        "model.position.kind=absolute");
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const Tensor *t = tensor(&b, expected[i].name);
        assert_int_equal(t->rows, expected[i].rows);
        assert_int_equal(t->cols, expected[i].cols);
        assert_int_equal(t->decays, expected[i].decays);
    }
    unbuild(&b);

    Built normed = build(50, "model.qk_norm=true\nmodel.n_heads=3\nmodel.d_model=12");
    assert_int_equal(tensor(&normed, "blocks.1.attention.q_norm.gain")->cols, 4);
    assert_int_equal(tensor(&normed, "blocks.1.attention.k_norm.gain")->decays, 0);
    assert_true(rms(&normed, "blocks.0.attention.k_norm.gain") == 1);
    unbuild(&normed);

    Built grouped = build(50, "model.n_kv_heads=2\nmodel.n_heads=6\nmodel.d_model=12\nmodel.bias=true");
    assert_int_equal(tensor(&grouped, "blocks.1.attention.q.weight")->cols, 12);
    assert_int_equal(tensor(&grouped, "blocks.1.attention.k.weight")->cols, 4);
    assert_int_equal(tensor(&grouped, "blocks.1.attention.v.bias")->cols, 4);
    assert_int_equal(tensor(&grouped, "blocks.1.attention.out.weight")->rows, 12);
    unbuild(&grouped);

    Built gated = build(50, "model.n_kv_heads=2\nmodel.n_heads=6\nmodel.d_model=12\nmodel.gate.kind=head\n"
                            "model.gate.bias=true\nmodel.gate.initial=3");
    assert_int_equal(tensor(&gated, "blocks.1.attention.gate.weight")->cols, 6);
    assert_int_equal(tensor(&gated, "blocks.1.attention.gate.weight")->decays, 1);
    assert_int_equal(tensor(&gated, "blocks.1.attention.gate.bias")->decays, 0);
    assert_true(rms(&gated, "blocks.1.attention.gate.bias") == 3);
    unbuild(&gated);
    gated = build(50, "model.n_kv_heads=2\nmodel.n_heads=6\nmodel.d_model=12\nmodel.gate.kind=element\n"
                      "model.gate.on=value");
    assert_int_equal(tensor(&gated, "blocks.0.attention.gate.weight")->cols, 4);
    assert_int_equal(parameters_find(model_parameters(gated.model), "blocks.0.attention.gate.bias"), -1);
    unbuild(&gated);

    Built slots = build(50, "model.n_kv_heads=2\nmodel.n_heads=6\nmodel.d_model=24\nmodel.slot.kind=key_value\n"
                            "model.slot.n=3\nmodel.slot.std=0.7");
    assert_int_equal(tensor(&slots, "blocks.1.attention.slot.key")->rows, 6);
    assert_int_equal(tensor(&slots, "blocks.1.attention.slot.value")->cols, 4);
    assert_int_equal(tensor(&slots, "blocks.1.attention.slot.value")->decays, 0);
    check_std(&slots, "blocks.0.attention.slot.key", 0.7);
    unbuild(&slots);
    slots = build(50, "model.n_heads=6\nmodel.d_model=24\nmodel.slot.kind=key\nmodel.slot.n=3\nmodel.slot.shared=true");
    assert_int_equal(tensor(&slots, "blocks.0.attention.slot.key")->rows, 3);
    assert_int_equal(parameters_find(model_parameters(slots.model), "blocks.0.attention.slot.value"), -1);
    unbuild(&slots);

    Built bare = build(50, "model.norm=rmsnorm\nmodel.tied_head=true\nmodel.position.kind=absolute\n"
                           "model.position.table=sinusoidal");
    static const char *const absent[] = {"head.weight",
                                         "head.norm.shift",
                                         "embedding.position",
                                         "blocks.0.attention.q.bias",
                                         "blocks.0.attention.q_norm.gain",
                                         "blocks.0.mlp.gate.weight"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_int_equal(parameters_find(model_parameters(bare.model), absent[i]), -1);
    unbuild(&bare);
}

/* A norm before a branch is its `norm`, one after it its `post_norm`; the head has one unless the last block
 * ends so. */
static void test_norm_placements(void **state)
{
    (void)state;
    static const struct {
        const char *placement;
        int before, after, final;
    } expected[] = {{"pre", 1, 0, 1}, {"post", 0, 1, 0}, {"sandwich", 1, 1, 1}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        Built b = build(50, "model.norm_placement=%s", expected[i].placement);
        const Parameters *table = model_parameters(b.model);
        assert_int_equal(parameters_find(table, "blocks.0.attention.norm.gain") >= 0, expected[i].before);
        assert_int_equal(parameters_find(table, "blocks.1.mlp.norm.shift") >= 0, expected[i].before);
        assert_int_equal(parameters_find(table, "blocks.0.attention.post_norm.shift") >= 0, expected[i].after);
        assert_int_equal(parameters_find(table, "blocks.1.mlp.post_norm.gain") >= 0, expected[i].after);
        assert_int_equal(parameters_find(table, "head.norm.gain") >= 0, expected[i].final);
        unbuild(&b);
    }
}

static void test_initial_scales(void **state)
{
    (void)state;
    Built b = build(200, "model.n_layers=8\nmodel.d_model=64\nmodel.init.embedding_std=0.7\n"
                         "model.position.kind=absolute\nmodel.init.position_std=0.3");
    check_std(&b, "embedding.token", 0.7);
    check_std(&b, "embedding.position", 0.3);
    check_std(&b, "blocks.7.attention.q.weight", 1.0 / 8);
    check_std(&b, "blocks.0.mlp.up.weight", 1.0 / 8);
    check_std(&b, "blocks.0.attention.out.weight", 1.0 / 8 / 4); /* sqrt(2 * 8) = 4 */
    check_std(&b, "blocks.3.mlp.down.weight", 1.0 / 8 / 4);      /* by d_model, not by its own fan-in d_ff */
    check_std(&b, "head.weight", 0.02);
    assert_true(rms(&b, "head.norm.gain") == 1 && rms(&b, "head.norm.shift") == 0);
    unbuild(&b);

    Built plain = build(200, "model.d_model=64\nmodel.init.weight=constant\nmodel.init.weight_std=0.05\n"
                             "model.init.residual=plain\nmodel.init.head_std=0.4");
    check_std(&plain, "blocks.0.attention.v.weight", 0.05);
    check_std(&plain, "blocks.1.mlp.down.weight", 0.05);
    check_std(&plain, "head.weight", 0.4);
    unbuild(&plain);
}

/* Uniform within +-bound: none is outside, a thousand come near, and the variance is bound^2 / 3. */
static void check_uniform(const Built *b, const char *name, double bound)
{
    const Tensor *t = tensor(b, name);
    double most = 0;
    for (int i = 0; i < t->rows * t->cols; i++)
        most = fmax(most, fabs((double)b->parameters[t->offset + (size_t)i]));
    if (!(most <= bound && most > 0.97 * bound))
        fail_msg("%s: up to %g, within %g", name, most, bound);
    const double n = t->rows * t->cols, ratio = rms(b, name) / (bound / sqrt(3)); /* sd of x^2: 2 bound^2 / sqrt(45) */
    assert_true(fabs(ratio - 1) < 4 * 0.5 * 2 / sqrt(5) / sqrt(n));
}

/* Rules by each matrix's own fan-in, C = 64 or F = 256, and stds of one kind of matrix. */
static void test_initial_rules(void **state)
{
    (void)state;
    static const char *const sizes = "model.d_model=64\nmodel.n_heads=2\nmodel.init.residual=plain\n";
    Built own = build(200, "%smodel.init.weight=own_fan_in", sizes);
    check_std(&own, "blocks.0.attention.k.weight", 1.0 / 8);
    check_std(&own, "blocks.1.mlp.down.weight", 1.0 / 16);
    check_std(&own, "head.weight", 0.02);
    unbuild(&own);

    Built uniform = build(200, "%smodel.init.weight=uniform_fan_in\nmodel.bias=true", sizes);
    check_uniform(&uniform, "blocks.0.attention.v.weight", 1.0 / 8);
    check_uniform(&uniform, "blocks.1.mlp.down.weight", 1.0 / 16);
    check_uniform(&uniform, "head.weight", 1.0 / 8);
    check_std(&uniform, "embedding.token", 1);
    assert_true(rms(&uniform, "blocks.0.mlp.up.bias") == 0);
    unbuild(&uniform);

    Built scaled = build(200,
                         "%smodel.init.weight=uniform_fan_in\nmodel.init.residual=scaled\nmodel.bias=true\n"
                         "model.init.bias=uniform_fan_in\nmodel.init.up_std=0.3",
                         sizes);
    check_uniform(&scaled, "blocks.1.attention.out.weight", 1.0 / 8 / 2);
    check_std(&scaled, "blocks.0.mlp.up.weight", 0.3);
    check_uniform(&scaled, "blocks.0.mlp.up.bias", 1.0 / 8);
    check_uniform(&scaled, "head.bias", 1.0 / 8);
    unbuild(&scaled);

    static const char *const kinds[][2] = {{"q", "attention.q"},     {"k", "attention.k"}, {"v", "attention.v"},
                                           {"out", "attention.out"}, {"up", "mlp.up"},     {"down", "mlp.down"}};
    Built usual = build(200, "%s", sizes);
    for (int k = 0; k < 6; k++) {
        Built b = build(200, "%smodel.init.%s_std=0.3", sizes, kinds[k][0]);
        for (int other = 0; other < 6; other++) {
            char name[64];
            snprintf(name, sizeof name, "blocks.1.%s.weight", kinds[other][1]);
            if (other == k)
                check_std(&b, name, 0.3);
            else
                assert_true(rms(&b, name) == rms(&usual, name));
        }
        unbuild(&b);
    }
    unbuild(&usual);
    Built gate = build(200, "%smodel.init.up_std=0.3\nmodel.activation=swiglu", sizes);
    check_std(&gate, "blocks.0.mlp.gate.weight", 0.3);
    unbuild(&gate);
}

/* Arms of one seed share the values of the tensors that they share; seeds and tensors do not. */
static void test_streams(void **state)
{
    (void)state;
    Built none = build(50, "model.position.kind=none");
    for (int p = 0; any_position(p); p++) {
        Built other =
            build(50, "model.position.kind=%s\nmodel.mask.kind=full\nmodel.bias=true", any_position(p)->variant.name);
        const Parameters *table = model_parameters(none.model);
        for (int i = 0; i < table->n_tensors; i++) {
            const Tensor *a = &table->tensors[i], *b = tensor(&other, a->name);
            assert_memory_equal(none.parameters + a->offset, other.parameters + b->offset,
                                sizeof(real) * (size_t)(a->rows * a->cols));
        }
        unbuild(&other);
    }
    const Tensor *q = tensor(&none, "blocks.0.attention.q.weight"), *k = tensor(&none, "blocks.0.attention.k.weight");
    assert_memory_not_equal(none.parameters + q->offset, none.parameters + k->offset, 64);
    parameters_initialise(model_parameters(none.model), 2, none.gradient);
    assert_memory_not_equal(none.parameters + q->offset, none.gradient + q->offset, 64);
    unbuild(&none);
}

static void test_default_sizes(void **state)
{
    (void)state;
    Built b = build(50, "model.n_heads=4\nmodel.d_model=24");
    assert_int_equal(b.shape.d_head, 6);
    assert_int_equal(b.shape.d_ff, 96);
    unbuild(&b);
    static const int gated[][2] = {{24, 64}, {25, 72}, {128, 344}, {1, 8}}; /* 8/3 d_model, up to a multiple of 8 */
    for (size_t i = 0; i < sizeof gated / sizeof *gated; i++) {
        b = build(50, "model.activation=swiglu\nmodel.n_heads=1\nmodel.d_head=2\nmodel.d_model=%d", gated[i][0]);
        assert_int_equal(b.shape.d_ff, gated[i][1]);
        unbuild(&b);
    }
    b = build(50, "model.activation=swiglu\nmodel.d_model=24\nmodel.d_ff=20\nmodel.bias=true");
    assert_int_equal(b.shape.d_ff, 20);
    assert_int_equal(tensor(&b, "blocks.1.mlp.gate.weight")->rows, 24);
    assert_int_equal(tensor(&b, "blocks.1.mlp.gate.weight")->cols, 20);
    assert_int_equal(tensor(&b, "blocks.1.mlp.gate.bias")->cols, 20);
    unbuild(&b);
}

/* What does not fit is refused with the key that is at fault. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *key;
    } refused[] = {
        {"model.n_heads=3\nmodel.d_model=16", "model.n_heads"},
        {"model.n_heads=4\nmodel.n_kv_heads=3", "model.n_kv_heads"},
        {"model.n_heads=2\nmodel.n_kv_heads=4", "model.n_kv_heads"},
        {"model.d_head=5\nmodel.position.kind=rope", "model.d_head"},
        {"model.d_model=15\nmodel.n_heads=3\nmodel.position.kind=absolute\nmodel.position.table=sinusoidal",
         "model.d_model"},
        {"model.position.kind=alibi\nmodel.position.slopes=[1, 2, 3]", "model.position.slopes"},
        {"model.position.kind=alibi\nmodel.position.slopes=[1, steep]", "model.position.slopes"},
        {"model.n_layers=0", "model.n_layers"},
        {"model.norm=batchnorm", "model.norm"},
        {"model.position.theta=100", "model.position.theta"}, /* belongs to rope */
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        Built b;
        Error err = {""};
        assert_int_equal(try_build(50, refused[i].lines, &b, &err), STATUS_INPUT);
        if (!strstr(err.text, refused[i].key))
            fail_msg("'%s' does not name %s", err.text, refused[i].key);
        unbuild(&b);
    }
}

/* Registries: names are unique and found, everything is described. */
static void test_registries(void **state)
{
    (void)state;
    for (int i = 0; position_registry[i]; i++)
        assert_ptr_equal(position_find(position_registry[i]->variant.name), position_registry[i]);
    for (int i = 0; mask_registry[i]; i++)
        assert_ptr_equal(mask_find(mask_registry[i]->variant.name), mask_registry[i]);
    for (int i = 0; score_registry[i]; i++)
        assert_ptr_equal(score_find(score_registry[i]->variant.name), score_registry[i]);
    for (int i = 0; slot_registry[i]; i++)
        assert_ptr_equal(slot_find(slot_registry[i]->variant.name), slot_registry[i]);
    for (int i = 0; gate_registry[i]; i++)
        assert_ptr_equal(gate_find(gate_registry[i]->variant.name), gate_registry[i]);
    for (int i = 0; objective_registry[i]; i++)
        assert_ptr_equal(objective_find(objective_registry[i]->variant.name), objective_registry[i]);
    assert_null(position_find("no such"));
    assert_null(mask_find("no such"));
    assert_null(score_find("no such"));
    assert_null(slot_find("no such"));
    assert_null(gate_find("no such"));
    assert_null(objective_find("no such"));
    for (int i = 0; any_position(i); i++) /* pairs are whole */
        assert_true(!any_position(i)->rotate_forward == !any_position(i)->rotate_backward &&
                    !any_position(i)->embed_forward == !any_position(i)->embed_backward);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),          cmocka_unit_test(test_names),
        cmocka_unit_test(test_groups),          cmocka_unit_test(test_initial_scales),
        cmocka_unit_test(test_streams),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_registries),      cmocka_unit_test(test_default_sizes),
        cmocka_unit_test(test_norm_placements), cmocka_unit_test(test_initial_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
