/* Loss, logits and gradients against an independent implementation: PyTorch in double precision, by
 * fixtures/make_reference.py, make_heads.py and make_scores.py, whose outcome is committed.
 *
 * Central differences show that the backward pass belongs to the forward pass; only this file shows that the forward
 * pass is the model of the papers (a transposed weight, a pairing of rope's channels, the tanh in GELU). Every tensor's
 * ||g - g'|| / (||g|| + ||g'||) must be at most 1e-4 in float32, and near the fixture's rounding in double.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = sizeof(real) == 4 ? 1e-4 : 2e-7;

enum { KIND_TEXT, KIND_FLOAT, KIND_INT, MAX_NAME = 96 };

typedef struct {
    char name[MAX_NAME];
    uint32_t kind, n;
    char *data; /* NUL behind it */
} Record;

/* The next record of the file; 0 at its end. The caller frees data. */
static int read_record(FILE *file, Record *ret)
{
    uint32_t length, head[2];
    if (fread(&length, 4, 1, file) != 1)
        return 0;
    assert_true(length < MAX_NAME && fread(ret->name, 1, length, file) == length);
    ret->name[length] = 0;
    assert_int_equal(fread(head, 4, 2, file), 2);
    ret->kind = head[0];
    ret->n = head[1];
    size_t bytes = (size_t)ret->n * (ret->kind == KIND_TEXT ? 1 : 4);
    ret->data = calloc(bytes + 1, 1);
    assert_int_equal(fread(ret->data, 1, bytes, file), bytes);
    return 1;
}

static void check_close(const char *what, size_t n, const real *ours, const float *reference)
{
    double apart = 0, a = 0, b = 0;
    for (size_t i = 0; i < n; i++) {
        apart += pow((double)ours[i] - (double)reference[i], 2);
        a += pow((double)ours[i], 2);
        b += pow((double)reference[i], 2);
    }
    /* A key bias has no gradient without rotation: both sides then are rounding errors. */
    if (!(sqrt(apart) <= tolerance * (sqrt(a) + sqrt(b)) + 1e-7))
        fail_msg("%s: |ours| %.9g, |reference| %.9g, apart by %.3g", what, sqrt(a), sqrt(b), sqrt(apart));
}

enum { MAX_RECORDS = 128 };

typedef struct {
    Record records[MAX_RECORDS];
    int n;
} Case;

static const Record *find(const Case *c, const char *prefix, const char *name)
{
    char full[MAX_NAME + 16];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->records[i].name, full) == 0)
            return &c->records[i];
    fail_msg("the fixture has no %s", full);
    return NULL;
}

/* Vectors or goals, of which the batch has n values, if any. */
static int copy_reals(const Case *c, const char *name, int n, real *ret_values)
{
    for (int i = 0; i < n; i++)
        ret_values[i] = ((const float *)find(c, "", name)->data)[i];
    return n > 0;
}

/* One case: its settings are the first record. */
static void check_case(const Case *c)
{
    enum { V = 13 };
    Built built = build(V, "%s", c->records[0].data);
    const Parameters *table = model_parameters(built.model);
    const ModelSettings *s = &built.shape;
    const int T = s->context_length, O = model_output_width(s);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *tensor = &table->tensors[t];
        const Record *record = find(c, "parameters/", tensor->name);
        assert_int_equal(record->n, tensor->rows * tensor->cols);
        for (uint32_t i = 0; i < record->n; i++)
            built.parameters[tensor->offset + i] = ((const float *)record->data)[i];
    }

    Batch batch = random_batch(&built, (int)find(c, "", "tokens")->n / T, 0, 1);
    memcpy(batch.inputs, find(c, "", "tokens")->data, sizeof(int32_t) * (size_t)(batch.n * T));
    memcpy(batch.targets, find(c, "", "targets")->data, sizeof(int32_t) * (size_t)(batch.n * T));
    const int n_more = copy_reals(c, "vectors", batch.n * T * s->vector_width, batch.vectors) +
                       copy_reals(c, "goals", batch.n * T * s->goal_width, batch.goals);
    assert_int_equal(c->n, 5 + n_more + 2 * table->n_tensors);
    for (int i = 0; i < batch.n * T; i++)
        batch.n_targets += batch.targets[i] >= 0;
    Workspace *w = workspace_new(built.arena, built.model, batch.n, 1, NULL);
    real loss = (real)(model_step(built.model, built.parameters, &batch, 0, batch.n, w, built.gradient, NULL) /
                       batch.n_targets);
    check_close("loss", 1, &loss, (const float *)find(c, "", "loss")->data);

    real *outputs = ARENA_ARRAY(built.arena, real, T * O);
    for (int i = 0; i < batch.n; i++) {
        const Given given = model_given(built.model, &batch, i);
        model_outputs(built.model, built.parameters, &given, T, w, outputs);
        check_close("logits", (size_t)T * O, outputs, (const float *)find(c, "", "logits")->data + i * T * O);
    }
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *tensor = &table->tensors[t];
        check_close(tensor->name, (size_t)tensor->rows * (size_t)tensor->cols, built.gradient + tensor->offset,
                    (const float *)find(c, "gradients/", tensor->name)->data);
    }
    unbuild(&built);
}

static void check_fixture(const char *path, int expected)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static Case c;
    int n_cases = 0, more = 1;
    Record record;
    while (more) {
        more = read_record(file, &record);
        if (c.n > 0 && (!more || strcmp(record.name, "settings") == 0)) {
            check_case(&c);
            n_cases++;
            while (c.n > 0)
                free(c.records[--c.n].data);
        }
        assert_true(c.n < MAX_RECORDS);
        if (more)
            c.records[c.n++] = record;
    }
    fclose(file);
    assert_int_equal(n_cases, expected);
}

static void test_reference(void **state)
{
    (void)state;
    check_fixture(FIXTURES "/reference.bin", 18);
}

static void test_heads(void **state)
{
    (void)state;
    check_fixture(FIXTURES "/heads.bin", 14);
}

static void test_masks_and_biases(void **state)
{
    (void)state;
    check_fixture(FIXTURES "/masks_and_biases.bin", 13);
}

/* Every score function, with the keys that all of them have. */
static void test_scores(void **state)
{
    (void)state;
    check_fixture(FIXTURES "/scores.bin", 19);
}

static void test_blocks(void **state)
{
    (void)state;
    check_fixture(FIXTURES "/blocks.bin", 16);
}

/* Models that read and give vectors, by NumPy and gradients by hand (fixtures/make_vectors.py). */
static void test_vectors(void **state)
{
    (void)state;
    check_fixture(FIXTURES "/vectors.bin", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_heads),  cmocka_unit_test(test_masks_and_biases),
        cmocka_unit_test(test_scores),    cmocka_unit_test(test_blocks), cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
