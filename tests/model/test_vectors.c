/* Models that read or give vectors: what the stream begins with, what the answer is, and the loss by its definition.
 *
 * Were it deleted, vectors could be read transposed, an identity could pass through a head, a mean could be a sum, and
 * a model could be built for ids that it is never given. It runs in both precisions.
 */
#include "support.h"

#include <math.h>
#include <string.h>

static const double close_enough = sizeof(real) == 4 ? 1e-5 : 1e-13;

/* Every pair of what is read and what is given, with the objective that takes it. */
static const char *const ways[] = {
    "model.input=identity\nmodel.output=identity\nobjective.kind=regression",
    "model.input=identity\nobjective.kind=regression",
    "model.input=identity\nobjective.kind=labelled",
    "model.input=linear\nmodel.output=identity\nobjective.kind=regression",
    "model.input=linear\nobjective.kind=regression",
    "model.input=linear\nobjective.kind=labelled",
    "model.output=identity\nobjective.kind=regression",
    "objective.kind=regression",
};
enum { N_WAYS = sizeof ways / sizeof *ways };

static Built build_way(int w, const char *more)
{
    Built b = build(19, "%smodel.position.kind=none\nmodel.bias=true\n%s\n%s", model_sizes, ways[w], more);
    disturb(&b, 0.3, 2);
    return b;
}

static const real *tensor(const Built *b, const char *name)
{
    const Parameters *table = model_parameters(b->model);
    const int t = parameters_find(table, name);
    return t < 0 ? NULL : b->parameters + table->tensors[t].offset;
}

/* Column o of x W + b. */
static double mapped(const real *x, int in, const real *weight, const real *bias, int out, int o)
{
    double sum = (double)bias[o];
    for (int c = 0; c < in; c++)
        sum += (double)x[c] * (double)weight[c * out + o];
    return sum;
}

/* What stands in a capture of one sequence, and what the model gives of it. */
typedef struct {
    real *first, *normed, *losses, *outputs;
} Seen;

static Seen look(const Built *b, const Given *given)
{
    const int T = b->shape.context_length, C = b->shape.d_model, L = b->shape.n_layers;
    Seen seen = {.first = ARENA_ARRAY(b->arena, real, (L + 1) * T * C),
                 .normed = ARENA_ARRAY(b->arena, real, T * C),
                 .losses = ARENA_ARRAY(b->arena, real, T),
                 .outputs = ARENA_ARRAY(b->arena, real, T * model_output_width(&b->shape))};
    Workspace *w = workspace_new(b->arena, b->model, 1, 0, NULL);
    const Capture capture = {.residual = seen.first, .normed = seen.normed, .losses = seen.losses};
    model_capture_given(b->model, b->parameters, given, 1, T, w, &capture);
    model_outputs(b->model, b->parameters, given, T, w, seen.outputs);
    return seen;
}

static void check_input(const Built *b, const Given *given, const Seen *seen)
{
    const ModelSettings *s = &b->shape;
    const int C = s->d_model;
    const real *weight = tensor(b, "embedding.input.weight"), *bias = tensor(b, "embedding.input.bias");
    assert_int_equal(weight != NULL, s->input == INPUT_LINEAR);
    assert_int_equal(tensor(b, "embedding.token") != NULL, s->input == INPUT_EMBEDDING);
    if (s->input == INPUT_IDENTITY)
        ASSERT_SAME_BITS(seen->first, given->vectors, s->context_length * C);
    for (int i = 0; i < s->context_length && s->input == INPUT_LINEAR; i++)
        for (int c = 0; c < C; c++) {
            const double x = mapped(given->vectors + i * s->vector_width, s->vector_width, weight, bias, C, c);
            assert_true(fabs((double)seen->first[i * C + c] - x) < 10 * close_enough);
        }
}

static void check_output(const Built *b, const Seen *seen)
{
    const ModelSettings *s = &b->shape;
    const int C = s->d_model, O = model_output_width(s);
    const real *weight = tensor(b, "head.weight"), *bias = tensor(b, "head.bias");
    assert_int_equal(weight != NULL, s->output == OUTPUT_LINEAR);
    assert_int_equal(tensor(b, "head.norm.gain") != NULL, s->output == OUTPUT_LINEAR);
    if (s->output == OUTPUT_IDENTITY)
        ASSERT_SAME_BITS(seen->outputs, seen->first + s->n_layers * s->context_length * C, s->context_length * C);
    for (int i = 0; i < s->context_length && weight; i++)
        for (int o = 0; o < O; o++) {
            const double z = mapped(seen->normed + i * C, C, weight, bias, O, o);
            assert_true(fabs((double)seen->outputs[i * O + o] - z) < 10 * close_enough);
        }
}

/* A row's loss by the definition of mean squared error; 0 without a target. */
static void check_loss(const Built *b, const Given *given, const Seen *seen)
{
    const int O = b->shape.goal_width;
    for (int i = 0; i < b->shape.context_length && O > 0; i++) {
        double sum = 0;
        for (int o = 0; o < O; o++)
            sum += pow((double)seen->outputs[i * O + o] - (double)given->goals[i * O + o], 2);
        const double loss = given->targets[i] >= 0 ? sum / O : 0;
        assert_true(fabs((double)seen->losses[i] - loss) <= close_enough * (1 + loss));
    }
}

static void test_definitions(void **state)
{
    (void)state;
    for (int w = 0; w < N_WAYS; w++) {
        Built b = build_way(w, "");
        const Batch batch = random_batch(&b, 2, 0.6, 5);
        for (int s = 0; s < 2; s++) {
            const Given given = model_given(b.model, &batch, s);
            const Seen seen = look(&b, &given);
            check_input(&b, &given, &seen);
            check_output(&b, &seen);
            check_loss(&b, &given, &seen);
        }
        unbuild(&b);
    }
}

/* A step's losses and its gradient are those of its parts, a capture's losses are its own, to the bit, and a first step
 * leaves of a full block what a step makes of an empty one. */
static void test_steps(void **state)
{
    (void)state;
    enum { N = 3 };
    for (int w = 0; w < N_WAYS; w++)
        for (int has_targets = 0; has_targets < 2; has_targets++) {
            Built b = build_way(w, "");
            const int T = b.shape.context_length;
            const Batch batch = random_batch(&b, N, 0.6 * has_targets, 6);
            const Parameters *table = model_parameters(b.model);
            Workspace *workspace = workspace_new(b.arena, b.model, N, 1, NULL);
            real *losses = ARENA_ARRAY(b.arena, real, N * T), *parts = ARENA_ARRAY(b.arena, real, N * T);
            real *first = ARENA_ARRAY(b.arena, real, b.n_values);
            for (size_t i = 0; i < b.n_values; i++)
                first[i] = (real)NAN;
            const double loss = model_step(b.model, b.parameters, &batch, 0, N, workspace, b.gradient, losses);
            assert_true(model_first_step(b.model, b.parameters, &batch, 0, N, workspace, first, parts) == loss);
            for (int t = 0; t < table->n_tensors; t++)
                ASSERT_SAME_BITS(first + table->tensors[t].offset, b.gradient + table->tensors[t].offset,
                                 table->tensors[t].rows * table->tensors[t].cols);
            assert_int_equal(loss > 0, has_targets);
            for (int s = 0; s < N; s++) {
                const Given given = model_given(b.model, &batch, s);
                ASSERT_SAME_BITS(look(&b, &given).losses, losses + s * T, T);
                model_step(b.model, b.parameters, &batch, s, 1, workspace, NULL, parts + s * T);
            }
            ASSERT_SAME_BITS(parts, losses, N * T);
            unbuild(&b);
        }
}

/* Under a causal mask a later vector changes no earlier answer, and a hidden key no loss but those that see it. */
static void test_visibility(void **state)
{
    (void)state;
    for (int w = 0; w < N_WAYS; w++) {
        Built b = build_way(w, "model.mask.kind=causal");
        const int T = b.shape.context_length, O = model_output_width(&b.shape), last = T - 3;
        Batch batch = random_batch(&b, 1, 1, 7);
        const Given given = model_given(b.model, &batch, 0);
        const Seen before = look(&b, &given);
        real *hidden = ARENA_ARRAY(b.arena, real, T);
        Workspace *workspace = workspace_new(b.arena, b.model, 1, 0, NULL);
        model_ablated_losses_given(b.model, b.parameters, &given, T, last, workspace, hidden);
        ASSERT_SAME_BITS(hidden, before.losses, last);
        assert_true(hidden[T - 1] != before.losses[T - 1]);
        batch.inputs[last] = TOKEN_CONTENT + (batch.inputs[last] + 1 - TOKEN_CONTENT) % 16;
        for (int c = 0; c < b.shape.vector_width; c++)
            batch.vectors[last * b.shape.vector_width + c] += 1;
        const Seen after = look(&b, &given);
        ASSERT_SAME_BITS(before.outputs, after.outputs, last * O);
        assert_true(memcmp(before.outputs + last * O, after.outputs + last * O, sizeof(real) * (size_t)O) != 0);
        unbuild(&b);
    }
}

/* What cannot go together is refused in one line that names its key. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        InputKind input;
        OutputKind output;
        int tied_head, vector_width, goal_width;
        const char *key;
    } cases[] = {
        {INPUT_LINEAR, OUTPUT_LINEAR, 0, 0, 0, "model.input"},
        {INPUT_IDENTITY, OUTPUT_LINEAR, 0, 0, 8, "model.input"},
        {INPUT_EMBEDDING, OUTPUT_LINEAR, 0, 8, 0, "model.input"},
        {INPUT_IDENTITY, OUTPUT_LINEAR, 0, 7, 0, "model.input"},
        {INPUT_EMBEDDING, OUTPUT_IDENTITY, 0, 0, 0, "model.output"},
        {INPUT_EMBEDDING, OUTPUT_IDENTITY, 0, 0, 9, "model.output"},
        {INPUT_EMBEDDING, OUTPUT_LINEAR, 1, 0, 8, "model.tied_head"},
        {INPUT_LINEAR, OUTPUT_LINEAR, 1, 8, 0, "model.tied_head"},
        {INPUT_IDENTITY, OUTPUT_IDENTITY, 0, 8, 8, NULL},
        {INPUT_LINEAR, OUTPUT_LINEAR, 0, 5, 3, NULL},
        {INPUT_EMBEDDING, OUTPUT_LINEAR, 0, 0, 3, NULL},
        {INPUT_EMBEDDING, OUTPUT_LINEAR, 1, 0, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Built b = build(9, "model.d_model=8\n");
        Settings settings = b.settings;
        ModelSettings shape = b.shape;
        Error err = {""};
        shape.vector_width = cases[i].vector_width, shape.goal_width = cases[i].goal_width;
        shape.input = cases[i].input, shape.output = cases[i].output, shape.tied_head = cases[i].tied_head;
        shape.settings = &settings;
        const int status = model_check_vectors(&shape, &err);
        assert_int_equal(status, cases[i].key ? STATUS_INPUT : STATUS_OK);
        assert_true(!cases[i].key || strstr(err.text, cases[i].key));
        unbuild(&b);
    }
}

/* The map of vectors starts from its own fan-in, or from init.weight_std; it decays as a weight does. */
static void test_initial_values(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        double std;
    } cases[] = {{"model.init.weight=fan_in", 0.44721359549995793}, /* 5^-1/2 */
                 {"model.init.weight=constant\nmodel.init.weight_std=0.3", 0.3}};
    for (int k = 0; k < 2; k++) {
        Built b = build(9, "model.d_model=512\nmodel.input=linear\nobjective.kind=labelled\n%s", cases[k].lines);
        const Parameters *table = model_parameters(b.model);
        const Tensor *input = &table->tensors[parameters_find(table, "embedding.input.weight")];
        double squares = 0;
        for (int i = 0; i < input->rows * input->cols; i++)
            squares += pow((double)b.parameters[input->offset + (size_t)i], 2);
        const double std = sqrt(squares / (input->rows * input->cols));
        assert_true(input->rows == 5 && input->cols == 512 && input->decays && input->group == TENSOR_EMBEDDING);
        assert_true(fabs(std / cases[k].std - 1) < 4 / sqrt(2.0 * input->rows * input->cols));
        unbuild(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions), cmocka_unit_test(test_steps),          cmocka_unit_test(test_visibility),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_initial_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
