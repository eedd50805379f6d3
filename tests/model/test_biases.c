/* What single learned biases promise beyond what every encoding must pass (test_properties.c, test_gradients.c): their
 * published formulas, written down once more with the C library's functions, and where they start.
 *
 * Were it deleted, a paper's name could stand over another bias, with the right gradient of it.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

enum { T = 41 };

static const double exact = sizeof(real) == 4 ? 2e-6 : 1e-13;

static Built build_bias(const char *kind, const char *lines)
{
    return build(19, "%smodel.position.kind=%s\n%s", model_sizes, kind, lines);
}

/* Where a tensor of a layer lies. */
static real *tensor_of(const Built *b, int layer, const char *name)
{
    const Parameters *table = model_parameters(b->model);
    const int index = parameters_find(table, arena_format(b->arena, "blocks.%d.attention.%s", layer, name));
    assert_true(index >= 0);
    assert_int_equal(table->tensors[index].layer, layer);
    return b->parameters + table->tensors[index].offset;
}

static void assert_near(real ours, double expected, const char *what, int i, int j)
{
    if (!(fabs((double)ours - expected) <= exact * (1 + fabs(expected))))
        fail_msg("%s: query %d, key %d: %.17g, not %.17g", what, i, j, (double)ours, expected);
}

/* ---- kerple ------------------------------------------------------------------------------------------------------ */

static void check_kerple(const char *lines, double r1, double r2)
{
    Built b = build_bias("kerple", lines);
    const int H = b.shape.n_heads;
    disturb(&b, 0.7, 3);
    for (int length = 1; length <= T; length += 20) {
        const int width = 2 * length - 1;
        real *table = ARENA_ARRAY(b.arena, real, model_bias_size(b.model, length));
        model_position_bias(b.model, b.parameters, length, table);
        for (int l = 0; l < b.shape.n_layers; l++)
            for (int h = 0; h < H; h++, table += width) {
                const real *learned = tensor_of(&b, l, "kerple");
                const double of_head[] = {r1 * exp((double)learned[h]), r2 * exp((double)learned[H + h])};
                for (int i = 0; i < length; i++)
                    for (int j = 0; j < length; j++)
                        assert_near(table[length - 1 + i - j], -of_head[0] * log(1 + of_head[1] * abs(i - j)), "kerple",
                                    i, j);
            }
    }
    unbuild(&b);
}

static void test_kerple_is_the_logarithmic_kernel(void **state)
{
    (void)state;
    check_kerple("", 1, 0.5);
    check_kerple("model.position.r1=3\nmodel.position.r2=20", 3, 20);
    check_kerple("model.position.r1=0.25\nmodel.position.r2=0.001\nmodel.mask.kind=full", 0.25, 0.001);
}

static double loss_of(Built *b, real *ret_losses)
{
    const Batch batch = random_batch(b, 2, 0.8, 3);
    return model_step(b->model, b->parameters, &batch, 0, 2, workspace_new(b->arena, b->model, 2, 1, NULL), b->gradient,
                      ret_losses);
}

/* A kernel that is all but flat is no encoding; one that is not, is one. */
static void test_a_flat_kerple_is_none(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {
        {"none", ""}, {"kerple", "model.position.r1=1e-9"}, {"kerple", "model.position.r2=1e-9"}, {"kerple", ""}};
    real losses[4][2 * T];
    for (int k = 0; k < 4; k++) {
        Built b = build_bias(kinds[k][0], kinds[k][1]);
        loss_of(&b, losses[k]);
        unbuild(&b);
    }
    double apart[4] = {0};
    for (int k = 1; k < 4; k++)
        for (int i = 0; i < 2 * T; i++)
            apart[k] = fmax(apart[k], fabs((double)losses[k][i] - (double)losses[0][i]));
    assert_true(apart[1] < 1e-6 && apart[2] < 1e-6 && apart[3] > 1e-3);
}

/* ---- alibi_learned ----------------------------------------------------------------------------------------------- */

/* Two models of the same loss to the bit, and the same gradient of every tensor that both have. */
static void check_same(Built *a, Built *b)
{
    real losses[2][2 * T];
    const Parameters *table = model_parameters(a->model), *other = model_parameters(b->model);
    assert_true(loss_of(a, losses[0]) == loss_of(b, losses[1]));
    ASSERT_SAME_BITS(losses[0], losses[1], 2 * T);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *tensor = &table->tensors[t];
        const int index = parameters_find(other, tensor->name);
        assert_true(index >= 0);
        ASSERT_SAME_BITS(a->gradient + tensor->offset, b->gradient + other->tensors[index].offset,
                         tensor->rows * tensor->cols);
    }
}

static void test_learned_slopes_start_as_alibi(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "model.mask.kind=full", "model.position.slopes=[0.3, 0]",
                                        "model.n_heads=1"};
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Built fixed = build_bias("alibi", cases[c]), learned = build_bias("alibi_learned", cases[c]);
        check_same(&fixed, &learned);
        unbuild(&fixed);
        unbuild(&learned);
    }
}

/* What is learned is added to the slope that is set. */
static void test_learned_slopes_are_slopes(void **state)
{
    (void)state;
    Built fixed = build_bias("alibi", "model.position.slopes=[0.75, 0.125]");
    Built learned = build_bias("alibi_learned", "model.position.slopes=[0.25, 0.5]");
    for (int l = 0; l < 2; l++)
        tensor_of(&learned, l, "slope_offset")[0] = 0.5, tensor_of(&learned, l, "slope_offset")[1] = -0.375;
    check_same(&fixed, &learned);
    unbuild(&fixed);
    unbuild(&learned);
}

/* ---- fire -------------------------------------------------------------------------------------------------------- */

/* The tanh form of num/. */
static double gelu(double x)
{
    return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double psi(double c, double d)
{
    return log(c * d + 1);
}

/* One head's bias by the paper: `width` hidden units. */
static double fire(const Built *b, int layer, int head, int width, double c, double threshold, int i, int j)
{
    const real *scales = tensor_of(b, layer, "fire.scales");
    const real *in = tensor_of(b, layer, "fire.in.weight"), *in_bias = tensor_of(b, layer, "fire.in.bias");
    const real *out = tensor_of(b, layer, "fire.out.weight");
    const double at = c * exp((double)scales[0]), limit = threshold * exp((double)scales[1]);
    const double x = psi(at, abs(i - j)) / psi(at, fmax(i, limit));
    double sum = (double)tensor_of(b, layer, "fire.out.bias")[head];
    for (int k = 0; k < width; k++)
        sum += (double)out[k * b->shape.n_heads + head] * gelu((double)in[k] * x + (double)in_bias[k]);
    return sum;
}

static void check_fire(const char *lines, int width, double c, double threshold)
{
    Built b = build_bias("fire", lines);
    disturb(&b, 0.4, 3);
    for (int length = 1; length <= T; length += 20) {
        const int row = 2 * length - 1;
        real *table = ARENA_ARRAY(b.arena, real, model_bias_size(b.model, length));
        model_position_bias(b.model, b.parameters, length, table);
        for (int l = 0; l < b.shape.n_layers; l++)
            for (int h = 0; h < b.shape.n_heads; h++)
                for (int i = 0; i < length; i++, table += row)
                    for (int j = 0; j < length; j++)
                        if (b.shape.visible->sees_later || j <= i)
                            assert_near(table[length - 1 + i - j], fire(&b, l, h, width, c, threshold, i, j), "fire", i,
                                        j);
    }
    unbuild(&b);
}

static void test_fire_is_the_published_function(void **state)
{
    (void)state;
    check_fire("", 32, 0.1, T / 4.0);
    check_fire("model.mask.kind=full", 32, 0.1, T / 4.0);
    check_fire("model.position.width=5\nmodel.position.c=2\nmodel.position.threshold=1.5", 5, 2, 1.5);
    check_fire("model.position.width=64\nmodel.position.threshold=500\nmodel.mask.kind=prefix", 64, 0.1, 500);
}

/* Queries up to the threshold share one function of the distance, as with kerple; each later one has its own. */
static void test_fire_has_a_threshold(void **state)
{
    (void)state;
    enum { LIMIT = 20, WIDTH = 2 * T - 1 };
    Built b = build_bias("fire", "model.n_layers=1\nmodel.n_heads=1\nmodel.position.threshold=20");
    real *table = ARENA_ARRAY(b.arena, real, model_bias_size(b.model, T));
    model_position_bias(b.model, b.parameters, T, table);
    for (int i = 1; i < T; i++) {
        const real *row = table + i * WIDTH + T - 1, *before = row - WIDTH;
        assert_true(row[0] == before[0]);
        assert_true((memcmp(row, before, sizeof(real) * (size_t)i) == 0) == (i <= LIMIT || i == 1));
    }
    unbuild(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kerple_is_the_logarithmic_kernel), cmocka_unit_test(test_a_flat_kerple_is_none),
        cmocka_unit_test(test_learned_slopes_start_as_alibi),    cmocka_unit_test(test_learned_slopes_are_slopes),
        cmocka_unit_test(test_fire_is_the_published_function),   cmocka_unit_test(test_fire_has_a_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
