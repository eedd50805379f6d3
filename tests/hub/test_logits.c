/* Without this, an export could load and be another model: a transposed weight, rope's other pairs, the other GELU, an
 * epsilon that is theirs. Logits of every case are those of Hugging Face's transformers, read from what is exported
 * here (fixtures/make_fixtures.py, in float32 by its plainest attention), within 1e-5 of the largest.
 *
 * With HUB_LEAVE=FOLDER the exports stay there, with our logits beside them: what the fixtures are made of, and what
 * end_to_end/long_hub.py compares anew.
 */
#include "cases.h"

#include <math.h>

#include "store/npy.h"
#include "../testing.h"

static const double tolerance = 1e-5;

static void leave(Arena *arena, const char *path, const NpyArray *array)
{
    Text text = {0};
    Error err;
    npy_add(&text, array);
    assert_ok(file_write(path, text_string(&text), text.size, &err), &err);
    text_free(&text);
    (void)arena;
}

/* The largest difference from the fixture's, over its largest logit. */
static double apart(Arena *arena, const Case *c, const real *logits)
{
    NpyArray theirs;
    Error err;
    assert_ok(npy_read(arena, arena_format(arena, "%s/%s.npy", FIXTURES, c->name), &theirs, &err), &err);
    assert_int_equal(theirs.type, NPY_FLOAT32);
    assert_int_equal(theirs.n_items, CASE_LENGTH * CASE_VOCAB);
    double most = 0, largest = 0;
    for (size_t i = 0; i < theirs.n_items; i++) {
        const double logit = (double)((const float *)theirs.data)[i];
        assert_true(isfinite(logit));
        most = fmax(most, fabs((double)logits[i] - logit));
        largest = fmax(largest, fabs(logit));
    }
    assert_true(largest > 0.1);
    return most / largest;
}

static void test_logits_are_theirs(void **state)
{
    const Scratch *scratch = *state;
    const char *left = getenv("HUB_LEAVE"), *folder = left ? left : scratch->folder;
    for (int i = 0; i < n_cases; i++) {
        const Case *c = &cases[i];
        Built built = build_case(c);
        const HubModel model = {built.model, built.parameters, NULL, c->name, 0};
        real logits[CASE_LENGTH * CASE_VOCAB];
        HubSummary summary;
        Error err;
        assert_ok(hub_write(&model, file_join(scratch->arena, folder, c->name), &summary, &err), &err);
        assert_string_equal(summary.architecture->variant.name, c->architecture);
        assert_false(summary.has_tokenizer);
        case_logits(&built, logits);
        if (left)
            leave(scratch->arena, arena_format(scratch->arena, "%s/%s.npy", folder, c->name),
                  &(NpyArray){.type = NPY_FLOAT32, .n_dims = 2, .shape = {CASE_LENGTH, CASE_VOCAB}, .data = logits});
        else if (!(apart(scratch->arena, c, logits) <= tolerance))
            fail_msg("%s: logits are %.3g of the largest apart", c->name, apart(scratch->arena, c, logits));
        unbuild(&built);
    }
    if (left)
        leave(scratch->arena, file_join(scratch->arena, left, "ids.npy"),
              &(NpyArray){.type = NPY_INT32, .n_dims = 1, .shape = {CASE_LENGTH}, .data = case_ids});
}

static void test_every_architecture_has_a_case(void **state)
{
    (void)state;
    for (int a = 0; architecture_registry[a]; a++) {
        int n = architecture_registry[a]->configure == NULL; /* only read back: test_theirs.c */
        for (int i = 0; i < n_cases; i++)
            n += strcmp(cases[i].architecture, architecture_registry[a]->variant.name) == 0;
        assert_true(n > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_logits_are_theirs, scratch_set_up, scratch_tear_down),
        cmocka_unit_test(test_every_architecture_has_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
