/* What single masks promise beyond what every one must pass (test_visibility.c): what their papers draw, and the masks
 * that they become at the ends of their ranges.
 *
 * Were it deleted, a window could be a key too narrow, or an isolated token see its neighbours, under a paper's name.
 */
#include "support.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "testing.h"

enum { T = 41 };

/* ---- what they show ---------------------------------------------------------------------------------------------- */

/* The definitions once more, for one query and key; `a` and `b` are what a case sets. */
static int window(int i, int j, int a, int b)
{
    return j <= i && (i - j < a || j < b);
}

static int symmetric(int i, int j, int a, int b)
{
    return (i - j < a && j - i < a) || j < b;
}

static int prefix(int i, int j, int a, int b)
{
    (void)b;
    return j <= i || (i < a && j < a);
}

static int isolate(int i, int j, int a, int b)
{
    (void)b;
    return i == a ? j == i : j <= i;
}

/* The mask of some settings shows what `shows` says of (query, key, a, b). */
__attribute__((format(printf, 4, 5))) static void check_shown(int (*shows)(int, int, int, int), int a, int b,
                                                              const char *format, ...)
{
    char lines[128];
    va_list args;
    va_start(args, format);
    vsnprintf(lines, sizeof lines, format, args);
    va_end(args);
    Built built = build(9, "%smodel.mask.kind=%s", model_sizes, lines);
    KeyRanges keys[T];
    for (int length = 1; length <= T; length++) {
        visible_lay(model_mask_rule(built.model), length, keys);
        for (int i = 0; i < length; i++)
            for (int j = 0; j < length; j++)
                if (keys_include(&keys[i], j) != shows(i, j, a, b))
                    fail_msg("%s: query %d, key %d of %d", lines, i, j, length);
    }
    unbuild(&built);
}

static void test_masks_show_what_they_say(void **state)
{
    (void)state;
    static const int values[] = {1, 2, 3, 7, 20, 40, 41, 42, 16000};
    for (size_t a = 0; a < N_TESTS(values); a++) {
        for (int first = 0; first < 50; first = 3 * first + 1) {
            check_shown(window, values[a], first, "window\nmodel.mask.width=%d\nmodel.mask.first=%d", values[a], first);
            check_shown(symmetric, values[a], first,
                        "window\nmodel.mask.width=%d\nmodel.mask.first=%d\nmodel.mask.symmetric=true", values[a],
                        first);
        }
        check_shown(prefix, values[a], 0, "prefix\nmodel.mask.length=%d", values[a]);
        check_shown(isolate, values[a], 0, "isolate\nmodel.mask.token=%d", values[a]);
    }
    check_shown(isolate, 0, 0, "isolate\nmodel.mask.token=%d", 0);
}

/* ---- the masks that they become ---------------------------------------------------------------------------------- */

typedef struct {
    double loss;
    real *gradient, *losses, *maps;
} Outcome;

static Outcome outcome_of(Built *b)
{
    const int n_maps = 2 * b->shape.n_layers * b->shape.n_heads * T * T;
    const Batch batch = random_batch(b, 2, 0.8, 3);
    Workspace *w = workspace_new(b->arena, b->model, 2, 1, NULL);
    Outcome outcome = {.gradient = b->gradient,
                       .losses = ARENA_ARRAY(b->arena, real, 2 * T),
                       .maps = ARENA_ARRAY(b->arena, real, n_maps)};
    outcome.loss = model_step(b->model, b->parameters, &batch, 0, 2, w, outcome.gradient, outcome.losses);
    model_capture(b->model, b->parameters, batch.inputs, NULL, 2, T, w, &(Capture){.maps = outcome.maps});
    return outcome;
}

static void test_limits_are_other_masks(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *other;
        int is_same;
    } cases[] = {
        {"window\nmodel.mask.width=41", "causal", 1},
        {"window\nmodel.mask.width=40", "causal", 0},
        {"window\nmodel.mask.width=40\nmodel.mask.first=1", "causal", 1},
        {"window\nmodel.mask.width=1\nmodel.mask.first=41", "causal", 1},
        {"window\nmodel.mask.width=41\nmodel.mask.symmetric=true", "full", 1},
        {"window\nmodel.mask.width=40\nmodel.mask.symmetric=true", "full", 0},
        {"prefix\nmodel.mask.length=1", "causal", 1},
        {"prefix\nmodel.mask.length=2", "causal", 0},
        {"prefix\nmodel.mask.length=40", "full", 0},
        {"prefix\nmodel.mask.length=41", "full", 1},
        {"isolate\nmodel.mask.token=41", "causal", 1},
        {"isolate\nmodel.mask.token=40", "causal", 0},
        {"isolate\nmodel.mask.token=0", "causal", 1},
    };
    for (int p = 0; any_position(p); p++)
        for (size_t c = 0; c < N_TESTS(cases); c++) {
            const char *const lines[] = {cases[c].lines, cases[c].other};
            Built built[2];
            Outcome outcomes[2];
            for (int o = 0; o < 2; o++) {
                built[o] = build(19, "%smodel.position.kind=%s\nmodel.mask.kind=%s", model_sizes,
                                 any_position(p)->variant.name, lines[o]);
                disturb(&built[o], 0.3, 2);
                outcomes[o] = outcome_of(&built[o]);
            }
            const size_t n_maps = (size_t)(2 * built[0].shape.n_layers * built[0].shape.n_heads * T * T);
            assert_int_equal(built[0].n_values, built[1].n_values);
            if (cases[c].is_same) {
                assert_true(outcomes[0].loss == outcomes[1].loss);
                ASSERT_SAME_BITS(outcomes[0].losses, outcomes[1].losses, 2 * T);
                ASSERT_SAME_BITS(outcomes[0].gradient, outcomes[1].gradient, built[0].n_values);
            }
            const int are_same = memcmp(outcomes[0].maps, outcomes[1].maps, n_maps * sizeof(real)) == 0;
            if (are_same != cases[c].is_same)
                fail_msg("%s and %s are %s", cases[c].lines, cases[c].other, are_same ? "the same" : "two");
            unbuild(&built[0]);
            unbuild(&built[1]);
        }
}

/* What is measured at half length under a mask that lies behind it is measured under the causal one. */
static void test_what_lies_behind_half_the_context(void **state)
{
    (void)state;
    static const char *const cases[] = {"isolate\nmodel.mask.token=20", "window\nmodel.mask.width=20"};
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Built built = build(9, "%smodel.mask.kind=%s", model_sizes, cases[c]);
        KeyRanges keys[T / 2];
        visible_lay(model_mask_rule(built.model), T / 2, keys);
        for (int i = 0; i < T / 2; i++)
            assert_true(keys[i].range[0].first == 0 && keys_count(&keys[i]) == i + 1);
        unbuild(&built);
    }
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void test_bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *message;
    } cases[] = {
        {"window\nmodel.mask.width=0", "model.mask.width: 0 is not in 1..16384"},
        {"window\nmodel.mask.first=-1", "model.mask.first: -1 is not in 0..16384"},
        {"prefix\nmodel.mask.length=0", "model.mask.length: 0 is not in 1..16384"},
        {"isolate\nmodel.mask.token=-1", "model.mask.token: -1 is not in 0..16383"},
    };
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        char lines[128];
        Error err = {""};
        Built built;
        snprintf(lines, sizeof lines, "model.mask.kind=%s", cases[c].lines);
        assert_int_equal(try_build(9, lines, &built, &err), STATUS_INPUT);
        if (!strstr(err.text, cases[c].message))
            fail_msg("%s", err.text);
        unbuild(&built);
    }
}

/* An objective whose targets are the next tokens goes with those keys of a mask that show none of them. */
static void test_keys_decide_what_the_next_token_goes_with(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        int status;
    } cases[] = {
        {"window", STATUS_OK},
        {"window\nmodel.mask.first=3", STATUS_OK},
        {"window\nmodel.mask.symmetric=true", STATUS_INPUT},
        {"window\nmodel.mask.width=1\nmodel.mask.symmetric=true", STATUS_OK},
        {"window\nmodel.mask.width=1\nmodel.mask.symmetric=true\nmodel.mask.first=2", STATUS_INPUT},
        {"prefix\nmodel.mask.length=1", STATUS_OK},
        {"prefix\nmodel.mask.length=2", STATUS_INPUT},
        {"isolate", STATUS_OK},
    };
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Error err = {""};
        Built built = build(9, "%sobjective.kind=next\nmodel.mask.kind=%s", model_sizes, cases[c].lines);
        if (objective_check(objective_find("next"), &built.shape, 0, &err) != cases[c].status)
            fail_msg("%s: %s", cases[c].lines, err.text);
        unbuild(&built);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_show_what_they_say),
        cmocka_unit_test(test_limits_are_other_masks),
        cmocka_unit_test(test_what_lies_behind_half_the_context),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_keys_decide_what_the_next_token_goes_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
