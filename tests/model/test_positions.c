/* What single encodings promise beyond what every one must pass (test_properties.c, test_gradients.c): T5's buckets.
 *
 * Were it deleted, distances could share the wrong bias, and a paper's name would stand over another encoding.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- relative ---------------------------------------------------------------------------------------------------- */

static const int distances[] = {0, 1, 7, 8, 11, 12, 15, 16, 17, 22, 23, 31, 32, 45, 46, 63, 64, 90, 91, 127, 128, 500};

enum { N_DISTANCES = sizeof distances / sizeof *distances, LONG = 512 };

/* The buckets that a model uses are told by a table in which every bias is its bucket's number. */
static void check_buckets(const char *lines, const int *behind, const int *ahead)
{
    Built b = build(9, "model.n_layers=1\nmodel.n_heads=2\nmodel.d_model=4\nmodel.context_length=%d\n"
                       "model.position.kind=relative\n%s", LONG, lines);
    const Parameters *table = model_parameters(b.model);
    const Tensor *tensor = &table->tensors[parameters_find(table, "embedding.relative")];
    for (int i = 0; i < tensor->rows * tensor->cols; i++)
        b.parameters[tensor->offset + (size_t)i] = (real)(i % 2 ? -(i / 2) : i / 2); /* (n_buckets, 2) */
    for (int length = LONG; length > 0; length /= 8) { /* shorter sequences take the middle of it */
        const int width = 2 * length - 1;
        real *bias = ARENA_ARRAY(b.arena, real, 2 * width);
        model_position_bias(b.model, b.parameters, length, bias);
        for (int d = 0; d < N_DISTANCES && distances[d] < length; d++) {
            const int past = length - 1 + distances[d], future = length - 1 - distances[d];
            assert_true(bias[past] == behind[d] && bias[width + past] == -behind[d]);
            if (ahead)
                assert_true(bias[future] == ahead[d] && bias[width + future] == -ahead[d]);
        }
    }
    unbuild(&b);
}

/* By _relative_position_bucket of the authors' code for the distances above. */
static void test_buckets_are_the_published_ones(void **state)
{
    (void)state;
    static const int decoder[] = {0, 1, 7, 8, 11, 12, 15, 16, 16, 18, 18, 21, 21, 23, 24, 26, 26, 29, 29, 31, 31, 31};
    static const int behind[] = {0, 1, 7, 8, 8, 9, 9, 10, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 15, 15};
    static const int ahead[] = {0, 17, 23, 24, 24, 25, 25, 26, 26, 26, 27, 27, 28, 28, 29, 29, 30, 30, 31, 31, 31, 31};
    static const int few[] = {0, 1, 5, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    check_buckets("model.mask.kind=causal", decoder, NULL);
    check_buckets("model.mask.kind=full", behind, ahead);
    check_buckets("model.mask.kind=causal\nmodel.position.n_buckets=8\nmodel.position.max_distance=16", few, NULL);
}

/* Before anything is learned there is no bias: the same bits as without an encoding. */
static void test_relative_starts_as_none(void **state)
{
    (void)state;
    Built none = build(19, "model.position.kind=none\nmodel.context_length=41");
    Built relative = build(19, "model.position.kind=relative\nmodel.context_length=41");
    Batch batch = random_batch(&none, 2, 0.8, 3);
    assert_true(model_step(none.model, none.parameters, &batch, 0, 2, workspace_new(none.arena, none.model, 2, 0), NULL,
                           NULL) == model_step(relative.model, relative.parameters, &batch, 0, 2,
                                               workspace_new(relative.arena, relative.model, 2, 0), NULL, NULL));
    unbuild(&none);
    unbuild(&relative);
}

/* ---- what does not fit ------------------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *message;
    } cases[] = {
        {"relative\nmodel.position.n_buckets=31", "31; a causal mask wants an even number from 2 on"},
        {"relative\nmodel.mask.kind=full\nmodel.position.n_buckets=2", "2; a full mask wants an even number from 4 on"},
        {"relative\nmodel.position.max_distance=16", "16 must be above 16, the distances that have a bucket of their own"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Error err;
        Built built;
        char lines[256];
        snprintf(lines, sizeof lines, "model.position.kind=%s", cases[c].lines);
        assert_int_equal(try_build(9, lines, &built, &err), STATUS_INPUT);
        if (!strstr(err.text, cases[c].message))
            fail_msg("%s", err.text);
        unbuild(&built);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets_are_the_published_ones),
        cmocka_unit_test(test_relative_starts_as_none),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
