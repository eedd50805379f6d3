/* What single score functions promise beyond what every one must pass (test_capture.c, test_gradients.c): the
 * identities between them, what temperature, scale and cap do, and rows that are hard.
 *
 * Were it deleted, a sink logit could be counted twice, or a paper's name stand over another function. It runs in both
 * precisions.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"
#include "testing.h"

static const double near = sizeof(real) == 4 ? 2e-6 : 1e-13;

/* ---- one row ----------------------------------------------------------------------------------------------------- */

enum { MOST = 40 };

/* A model of one head, of which the score function is asked for rows. */
static Built with_score(const char *lines)
{
    return build(9, "model.n_layers=1\nmodel.n_heads=1\nmodel.d_model=4\nmodel.context_length=%d\n%s", MOST, lines);
}

/* The weights of n visible keys by the fast pair's forward; with ds, its backward of dp = ds as well. */
static void row_of(const Built *b, int i, int n, const double *scores, double *ret_weights, double *ds)
{
    real s[MOST], p[MOST], d[MOST], state = 0;
    const KeyRanges keys = {{{0, n}, {n, n}}};
    const ScoreRows rows = {.kernels = b->model->kernels,
                            .parameters = b->parameters,
                            .n_rows = 1,
                            .width = MOST,
                            .ld = MOST,
                            .row = i,
                            .keys = &keys};
    for (int j = 0; j < MOST; j++) {
        s[j] = p[j] = j < n ? (real)scores[j] : -(real)INFINITY;
        d[j] = ds ? (real)ds[j] : 0;
    }
    b->shape.score->forward(b->model->score_state, &rows, p, &state);
    for (int j = n; j < MOST; j++)
        assert_true(p[j] == 0);
    for (int j = 0; j < n; j++)
        ret_weights[j] = (double)p[j];
    if (!ds)
        return;
    b->shape.score->backward(b->model->score_state, &rows, s, p, &state, d, b->gradient);
    for (int j = n; j < MOST; j++)
        assert_true(d[j] == 0);
    for (int j = 0; j < n; j++)
        ds[j] = (double)d[j];
}

static double sum_of(int n, const double *x)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += x[j];
    return sum;
}

static void draw(Pcg *pcg, int n, double size, double *ret)
{
    for (int j = 0; j < n; j++)
        ret[j] = size * pcg_normal(pcg);
}

/* Every score function with every one of its keys at its default and at another value, on rows of many sizes: what is
 * fast is the definition, sums are what they are said to be, and numbers stay numbers. */
static void check_rows(Built *b, const char *what)
{
    static const double sizes[] = {0, 1e-4, 1, 30, 1e4};
    Pcg pcg = pcg_named(1, "test/rows");
    for (size_t z = 0; z < N_TESTS(sizes); z++)
        for (int n = 1; n <= MOST; n += n < 4 ? 1 : 9)
            for (int shift = -1; shift <= 1; shift++) {
                double scores[MOST], defined[MOST], fast[MOST], ds[MOST];
                draw(&pcg, n, sizes[z], scores);
                draw(&pcg, MOST, 1, ds);
                for (int j = 0; j < n; j++)
                    scores[j] = (double)(real)(scores[j] + 3 * shift * sizes[z]);
                model_weights(b->model, b->parameters, 0, 0, n - 1, n, scores, defined);
                row_of(b, n - 1, n, scores, fast, ds);
                for (int j = 0; j < n; j++) {
                    const double size = fmax(1, fabs(defined[j]));
                    if (!(fast[j] >= 0 && fabs(fast[j] - defined[j]) <= (z == 1 ? 1e-4 : 10 * near) * size))
                        fail_msg("%s: %d scores of %g: %.9g, by the definition %.9g", what, n, sizes[z], fast[j],
                                 defined[j]);
                    assert_true(isfinite(ds[j]));
                }
                if (model_rows_sum_to_one(b->model) &&
                    !(fabs(sum_of(n, fast) - 1) <= 10 * near && fabs(sum_of(n, defined) - 1) <= 1e-12))
                    fail_msg("%s: %d scores of %g sum to %.9g, by the definition to %.17g", what, n, sizes[z],
                             sum_of(n, fast), sum_of(n, defined));
            }
    for (size_t i = 0; i < b->n_values; i++)
        assert_true(isfinite(b->gradient[i]));
}

static void test_rows_are_the_definition(void **state)
{
    (void)state;
    for (int s = 0; any_score(s); s++) {
        const Variant *variant = &any_score(s)->variant;
        Arena *arena = arena_new();
        Axis axis = {.n = 0};
        const char *kind = arena_format(arena, "model.score.kind=%s\n", variant->name);
        axis.values[axis.n++] = kind;
        for (int r = 0; r < variant->n_params; r++)
            other_values(arena, kind, "model.score", &variant->params[r], &axis);
        for (int v = 0; v < axis.n; v++) {
            Built b = with_score(axis.values[v]);
            check_rows(&b, axis.values[v]);
            unbuild(&b);
        }
        arena_free(arena);
    }
}

/* n logits of zero. */
static void test_softmax_one_of_zeros(void **state)
{
    (void)state;
    Built b = with_score("model.score.kind=softmax_one");
    const double zeros[MOST] = {0};
    for (int n = 1; n <= MOST; n++) {
        double fast[MOST], defined[MOST];
        row_of(&b, n - 1, n, zeros, fast, NULL);
        model_weights(b.model, b.parameters, 0, 0, n - 1, n, zeros, defined);
        for (int j = 0; j < n; j++)
            assert_true(fabs(fast[j] - 1.0 / (n + 1)) <= near && defined[j] == 1.0 / (n + 1));
    }
    unbuild(&b);
}

/* Peters et al., by sorting: the threshold of the k largest, for the k of which the last stays above it. */
static void by_sorting(int n, const double *scores, double *ret_weights)
{
    double sorted[MOST], sum = 0, squares = 0, threshold = 0;
    for (int j = 0; j < n; j++) {
        int at = j;
        for (; at > 0 && sorted[at - 1] < scores[j] / 2; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = scores[j] / 2;
    }
    for (int k = 1; k <= n; k++) {
        sum += sorted[k - 1], squares += sorted[k - 1] * sorted[k - 1];
        const double mean = sum / k, spread = squares - sum * mean;
        const double t = mean - sqrt(fmax(0, (1 - spread) / k));
        if (spread > 1 || t > sorted[k - 1])
            break;
        threshold = t;
    }
    for (int j = 0; j < n; j++)
        ret_weights[j] = pow(fmax(scores[j] / 2 - threshold, 0), 2);
}

static void test_entmax_is_what_sorting_finds(void **state)
{
    (void)state;
    Built b = with_score("model.score.kind=entmax15");
    Pcg pcg = pcg_named(1, "test/entmax");
    int n_zeros = 0;
    for (int round = 0; round < 300; round++) {
        double scores[MOST], sorted[MOST], fast[MOST], defined[MOST];
        const int n = 1 + round % MOST;
        draw(&pcg, n, 0.01 * (1 << round % 10), scores);
        for (int j = 0; j < n; j++)
            scores[j] = (double)(real)scores[j];
        by_sorting(n, scores, sorted);
        model_weights(b.model, b.parameters, 0, 0, n - 1, n, scores, defined);
        row_of(&b, n - 1, n, scores, fast, NULL);
        for (int j = 0; j < n; j++) {
            assert_true(fabs(defined[j] - sorted[j]) <= 1e-12 && fabs(fast[j] - sorted[j]) <= near);
            n_zeros += defined[j] == 0;
        }
    }
    assert_true(n_zeros > 500);
    unbuild(&b);
}

/* Over the query's place, over what it sees, over the sum. */
static void test_what_relu_divides_by(void **state)
{
    (void)state;
    const double scores[] = {3, -1, 0, 1}, zeros[] = {0, -2, -3, -1};
    static const struct {
        const char *line;
        double by;
    } cases[] = {{"position", 8}, {"visible", 4}, {"sum", 4}};
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        char lines[96];
        snprintf(lines, sizeof lines, "model.score.kind=relu\nmodel.score.divide=%s", cases[c].line);
        Built b = with_score(lines);
        double p[MOST], ds[MOST];
        row_of(&b, 7, 4, scores, p, NULL); /* the eighth query, which sees four keys */
        for (int j = 0; j < 4; j++)
            assert_true(p[j] == fmax(scores[j], 0) / cases[c].by);
        for (int j = 0; j < MOST; j++)
            ds[j] = 1 + j;
        row_of(&b, 7, 4, zeros, p, ds);
        for (int j = 0; j < 4; j++)
            assert_true(p[j] == 0 && ds[j] == 0);
        unbuild(&b);
    }
}

/* Scores below 0 alone: nothing has weight, and softpick's gradient, unlike ReLU's, still says how to get some. */
static void test_empty_rows(void **state)
{
    (void)state;
    const double scores[] = {-1, -0.5, -2};
    double p[MOST], ds[MOST];
    Built b = with_score("model.score.kind=softpick");
    for (int j = 0; j < MOST; j++)
        ds[j] = 1;
    row_of(&b, 2, 3, scores, p, ds);
    for (int j = 0; j < 3; j++)
        assert_true(p[j] == 0 && ds[j] == 0); /* dp.p is 0 */
    const double one_above[] = {-1, 0.5, -2};
    for (int j = 0; j < MOST; j++)
        ds[j] = 1;
    row_of(&b, 2, 3, one_above, p, ds);
    const double sum = 1 - exp(-1) + exp(0.5) - 1 + 1 - exp(-2);
    assert_true(p[0] == 0 && fabs(p[1] - (exp(0.5) - 1) / sum) <= 1e-6 && p[2] == 0);
    assert_true(fabs(ds[0] - exp(-1) / sum * p[1]) <= 1e-6 && fabs(ds[1] - exp(0.5) / sum * (1 - p[1])) <= 1e-6);
    unbuild(&b);
}

/* The bias of a sigmoid. */
static void test_the_bias_of_a_sigmoid(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        double bias;
    } cases[] = {{"", -3.6888794541139363}, /* -ln 40 */
                 {"model.score.bias_from=visible", -1.3862943611198906},
                 {"model.score.bias_from=none\nmodel.score.bias=0.5", 0.5}};
    const double scores[] = {0, 1, -2, 5};
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        char lines[128];
        snprintf(lines, sizeof lines, "model.score.kind=sigmoid\n%s", cases[c].lines);
        Built b = with_score(lines);
        double p[MOST];
        row_of(&b, 9, 4, scores, p, NULL);
        for (int j = 0; j < 4; j++)
            assert_true(fabs(p[j] - 1 / (1 + exp(-scores[j] - cases[c].bias))) <= near);
        unbuild(&b);
    }
}

/* ---- whole models ------------------------------------------------------------------------------------------------ */

/* Loss, gradient and maps of one model, disturbed; the gradient without what only one of two models has. */
typedef struct {
    Built built;
    double loss;
    real *maps;
    size_t n_maps;
} Outcome;

static Outcome outcome_of(const char *lines)
{
    Outcome o = {.built = build(19, "%smodel.position.kind=alibi\n%s", model_sizes, lines)};
    Built *b = &o.built;
    const ModelSettings *s = &b->shape;
    const int T = s->context_length;
    const Parameters *table = model_parameters(b->model);
    for (int t = 0; t < table->n_tensors; t++) { /* by name, as tables differ */
        const Tensor *tensor = &table->tensors[t];
        Pcg pcg = pcg_named(7, tensor->name);
        for (int i = 0; i < tensor->rows * tensor->cols && !strstr(tensor->name, "sink_logit"); i++)
            b->parameters[tensor->offset + (size_t)i] += (real)(0.3 * pcg_normal(&pcg));
    }
    Batch batch = random_batch(b, 2, 0.6, 6);
    o.loss = model_step(b->model, b->parameters, &batch, 0, 2, workspace_new(b->arena, b->model, 2, 1, NULL),
                        b->gradient, NULL);
    o.n_maps = (size_t)s->n_layers * (size_t)s->n_heads * (size_t)T * (size_t)T;
    o.maps = ARENA_ARRAY(b->arena, real, o.n_maps);
    const Capture capture = {.maps = o.maps};
    model_capture(b->model, b->parameters, batch.inputs, NULL, 1, T, workspace_new(b->arena, b->model, 1, 0, NULL),
                  &capture);
    return o;
}

/* Largest difference of losses, maps, and gradients of the tensors that both have. */
static double apart(const Outcome *x, const Outcome *y)
{
    double most = fabs(x->loss - y->loss);
    for (size_t i = 0; i < x->n_maps; i++)
        most = fmax(most, fabs((double)x->maps[i] - (double)y->maps[i]));
    const Parameters *of_x = model_parameters(x->built.model), *of_y = model_parameters(y->built.model);
    for (int t = 0; t < of_x->n_tensors; t++) {
        const int other = parameters_find(of_y, of_x->tensors[t].name);
        const real *dx = x->built.gradient + of_x->tensors[t].offset;
        const real *dy = other < 0 ? NULL : y->built.gradient + of_y->tensors[other].offset;
        for (int i = 0; dy && i < of_x->tensors[t].rows * of_x->tensors[t].cols; i++)
            most = fmax(most, fabs((double)dx[i] - (double)dy[i]));
    }
    return most;
}

static void check_pair(const char *lines, const char *other, double most)
{
    Outcome x = outcome_of(lines), y = outcome_of(other);
    const double found = apart(&x, &y);
    if (!(found <= most))
        fail_msg("%s and %s are apart by %g", lines, other, found);
    unbuild(&x.built);
    unbuild(&y.built);
}

/* Loss, gradient and maps, to the bit. */
static void test_what_equals_softmax(void **state)
{
    (void)state;
    check_pair("", "model.score.kind=softmax_total\nmodel.score.total=1", 0);
    check_pair("", "model.score.kind=clipped_softmax\nmodel.score.gamma=0\nmodel.score.zeta=1", 0);
    check_pair("", "model.score.scale=head\nmodel.score.temperature=1\nmodel.score.softcap=0", 0);
    check_pair("model.score.kind=softmax_one", "model.score.kind=sink_logit", 0);
    check_pair("model.score.kind=relu", "model.score.kind=relu\nmodel.score.divide=visible", 0); /* causal */
}

/* A slot of zeros is the one more logit of zero, but for the order of a sum; two of them take as much as a logit of
 * ln 2. */
static void test_a_zero_slot_is_softmax_one(void **state)
{
    (void)state;
    const double most = sizeof(real) == 4 ? 1e-5 : 1e-13;
    check_pair("model.slot.kind=zero", "model.score.kind=softmax_one", most);
    check_pair("model.slot.kind=zero\nmodel.slot.n=2",
               "model.score.kind=sink_logit\nmodel.score.initial=0.69314718055994531", most);
}

/* With a logit that no score comes near, no key has weight; with one far below, nothing is taken away. */
static void test_a_sink_logit_takes_what_it_says(void **state)
{
    (void)state;
    Outcome high = outcome_of("model.score.kind=sink_logit\nmodel.score.initial=100");
    for (size_t i = 0; i < high.n_maps; i++)
        assert_true((double)high.maps[i] < 1e-30);
    unbuild(&high.built);
    check_pair("", "model.score.kind=sink_logit\nmodel.score.initial=-100", 1e-5);
}

/* D = 8: no scale is a temperature of 1/sqrt(8) for whoever has no bias. A cap far above all scores is none. */
static void test_scale_temperature_and_cap(void **state)
{
    (void)state;
    check_pair("model.position.kind=rope\nmodel.score.scale=none",
               "model.position.kind=rope\nmodel.score.temperature=0.35355339059327373",
               sizeof(real) == 4 ? 2e-4 : 1e-12);
    check_pair("model.score.softcap=10000", "", sizeof(real) == 4 ? 2e-4 : 1e-5);
    const double cap = 2;
    Built b = build(19,
                    "%smodel.position.kind=alibi\nmodel.position.slopes=[3, 3]\nmodel.score.softcap=2\n"
                    "model.score.temperature=0.5",
                    model_sizes);
    const int T = b.shape.context_length;
    real *bias = ARENA_ARRAY(b.arena, real, model_bias_size(b.model, T));
    double *row = ARENA_ARRAY(b.arena, double, T), *work = ARENA_ARRAY(b.arena, double, T);
    model_position_bias(b.model, b.parameters, T, bias);
    model_position_weights(b.model, b.parameters, bias, model_visible(b.model), 0, 0, 2, work, row);
    const double scores[] = {cap * tanh(-12 / cap), cap * tanh(-6 / cap), 0}; /* biases -6, -3, 0 at half the heat */
    const double sum = exp(scores[0]) + exp(scores[1]) + 1;
    for (int j = 0; j < 3; j++)
        assert_true(fabs(row[j] - exp(scores[j]) / sum) <= 1e-6);
    unbuild(&b);
}

/* Keys and their ranges, one line. */
static void test_bad_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *text;
    } cases[] = {
        {"model.score.kind=clipped_softmax\nmodel.score.zeta=0.9", "test:1: model.score.zeta: 0.9 is not in 1..100"},
        {"model.score.kind=clipped_softmax\nmodel.score.gamma=0.1", "test:1: model.score.gamma: 0.1 is not in -100..0"},
        {"model.score.temperature=0", "test:1: model.score.temperature: 0 is not in 0.001..1000"},
        {"model.score.softcap=-1", "test:1: model.score.softcap: -1 is not in 0..10000"},
        {"model.score.kind=softmax_total\nmodel.score.total=0", "test:1: model.score.total: 0 is not in 0.001..1000"},
        {"model.score.gamma=0",
         "test:1: model.score.gamma counts only with model.score.kind: clipped_softmax (it is softmax)"},
    };
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Built b;
        Error err = {""};
        assert_int_equal(try_build(19, cases[c].lines, &b, &err), STATUS_INPUT);
        assert_string_equal(err.text, cases[c].text);
        unbuild(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_the_definition),
        cmocka_unit_test(test_softmax_one_of_zeros),
        cmocka_unit_test(test_entmax_is_what_sorting_finds),
        cmocka_unit_test(test_what_relu_divides_by),
        cmocka_unit_test(test_empty_rows),
        cmocka_unit_test(test_the_bias_of_a_sigmoid),
        cmocka_unit_test(test_what_equals_softmax),
        cmocka_unit_test(test_a_zero_slot_is_softmax_one),
        cmocka_unit_test(test_a_sink_logit_takes_what_it_says),
        cmocka_unit_test(test_scale_temperature_and_cap),
        cmocka_unit_test(test_bad_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
