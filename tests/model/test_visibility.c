/* What a query can and cannot see, whatever a model's weights: keys that are there, nothing of the future where the
 * mask hides it, nothing of a key that an intervention hides.
 *
 * Were it deleted, a leak from the future would look like a better model. It runs in both precisions; "to the bit"
 * means equality of every bit.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "testing.h"

/* Every query of every sequence sees something, and nothing that is not there. */
static void test_masks_show_keys_that_are_there(void **state)
{
    (void)state;
    for (int m = 0; any_mask(m); m++) {
        Built b = build(19, "%smodel.mask.kind=%s", model_sizes, any_mask(m)->variant.name);
        Error err = {""};
        for (int length = 1; length <= b.shape.context_length; length++)
            if (visible_check(model_mask_rule(b.model), length, &err) != STATUS_OK)
                fail_msg("%s", err.text);
        unbuild(&b);
    }
}

/* A mask that is wrong at the model's length, or only at the half of it that is measured, makes no model. */
static void test_a_wrong_mask_is_refused(void **state)
{
    (void)state;
    static const struct {
        int length;
        const char *text; /* NULL: right at both */
    } cases[] = {
        {19, "mask broken: query 18 of 19 sees keys [0, 20) and [0, 0): none, or some that are not there"},
        {20, "mask broken: query 9 of 10 sees keys [0, 11) and [0, 0): none, or some that are not there"},
        {39, "mask broken: query 18 of 19 sees keys [0, 20) and [0, 0): none, or some that are not there"},
        {40, NULL},
    };
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Built b;
        Error err = {""};
        char lines[64];
        snprintf(lines, sizeof lines, "model.context_length=%d\nmodel.mask.kind=broken", cases[c].length);
        assert_int_equal(try_build(19, lines, &b, &err), cases[c].text ? STATUS_FAILED : STATUS_OK);
        assert_string_equal(err.text, cases[c].text ? cases[c].text : "");
        unbuild(&b);
    }
}

/* The sum of products' sizes in the score of query and key 0, which all scores share: what rounding is relative to. */
static double score_size(const Capture *capture, int map, int T, int D)
{
    double size = 0;
    for (int d = 0; d < D; d++)
        size += fabs((double)capture->q[map * T * D + d] * (double)capture->k[map * T * D + d]);
    return size / sqrt(D);
}

/* One repeated token under no encoding: every score of a row is the same, so attention is one over the visible keys.
 * Slots leave a share of it that differs from query to query, so that the second layer's tokens differ. */
static void test_repeated_token_is_uniform(void **state)
{
    (void)state;
    for (int m = 0; any_mask(m); m++)
        for (int c = 0; any_choice(c); c++) {
            Built b = build_choice(position_find("none"), any_mask(m), score_find("softmax"), any_choice(c));
            const int T = b.shape.context_length, H = b.shape.n_heads, L = b.shape.n_layers, D = b.shape.d_head;
            int32_t *tokens = ARENA_ARRAY(b.arena, int32_t, T);
            for (int i = 0; i < T; i++)
                tokens[i] = TOKEN_CONTENT + 4;
            Capture capture = {.maps = ARENA_ARRAY(b.arena, real, L * H * T * T),
                               .q = ARENA_ARRAY(b.arena, real, L * H * T * D),
                               .k = ARENA_ARRAY(b.arena, real, L * H * T * D)};
            model_capture(b.model, b.parameters, tokens, NULL, 1, T, workspace_new(b.arena, b.model, 1, 0, NULL),
                          &capture);
            for (int map = 0; map < (model_n_slots(b.model) > 0 ? 1 : L) * H; map++) {
                const double tolerance = 1e-6 + 4 * (double)REAL_EPSILON * score_size(&capture, map, T, D);
                for (int i = 0; i < T; i++) {
                    const KeyRanges *keys = &model_visible(b.model)->keys[i];
                    const real *row = capture.maps + (map * T + i) * T;
                    double mass = 0;
                    for (int j = 0; j < T; j++)
                        mass += (double)row[j];
                    assert_true(model_n_slots(b.model) > 0 ? mass < 1 : fabs(mass - 1) <= 1e-5);
                    for (int j = 0; j < T; j++) {
                        double expected = keys_include(keys, j) ? mass / keys_count(keys) : 0;
                        if (!(fabs((double)row[j] - expected) <= tolerance))
                            fail_msg("%s, %s: query %d gives key %d %g", any_mask(m)->variant.name, any_choice(c), i, j,
                                     (double)row[j]);
                    }
                }
            }
            unbuild(&b);
        }
}

/* Whether a query before a key sees it. */
static int is_foreseen(const Visible *visible, int key)
{
    for (int i = 0; i < key; i++)
        if (keys_include(&visible->keys[i], key))
            return 1;
    return 0;
}

/* Of some tokens in turn, how many another query may foresee, and how many change what was said before them. */
typedef struct {
    int n_foreseen, n_seen;
} Sight;

static Sight change_tokens(const Built *b)
{
    const int T = b->shape.context_length, V = b->shape.vocab_size;
    Workspace *w = workspace_new(b->arena, b->model, 1, 0, NULL);
    Batch batch = random_batch(b, 1, 1, 4);
    Sight sight = {0, 0};
    real *before = ARENA_ARRAY(b->arena, real, T * V), *after = ARENA_ARRAY(b->arena, real, T * V);
    model_logits(b->model, b->parameters, batch.inputs, T, w, before);
    for (int changed = 1; changed < T; changed += 13) {
        int32_t kept = batch.inputs[changed];
        batch.inputs[changed] = kept == TOKEN_CONTENT ? TOKEN_CONTENT + 1 : TOKEN_CONTENT;
        model_logits(b->model, b->parameters, batch.inputs, T, w, after);
        batch.inputs[changed] = kept;
        const int has_changed = memcmp(before, after, sizeof(real) * (size_t)(changed * V)) != 0;
        const int may_change = is_foreseen(model_visible(b->model), changed);
        if (has_changed && !may_change)
            fail_msg("%s, %s, %s: the token at %d changes something that was said before it",
                     b->shape.position->variant.name, b->shape.mask->variant.name, b->shape.score->variant.name,
                     changed);
        sight.n_foreseen += may_change, sight.n_seen += has_changed;
        assert_memory_not_equal(before + changed * V, after + changed * V, sizeof(real) * (size_t)V);
    }
    return sight;
}

/* A later token changes no earlier logit, to the bit, where the mask shows it to no earlier query; and some do where it
 * shows them. A score function may leave a token out, and under small weights every one: then larger ones decide. */
static void test_the_future_is_hidden(void **state)
{
    (void)state;
    Mix mix;
    for (int i = 0; any_mix(i, &mix); i++) {
        Built b = build_mix(&mix);
        Sight sight = change_tokens(&b);
        if (sight.n_foreseen > 0 && sight.n_seen == 0) {
            disturb(&b, 0.5, 6);
            sight = change_tokens(&b);
        }
        if (sight.n_foreseen > 0 && sight.n_seen == 0)
            fail_msg("%s, %s, %s, %s: no token changes what was said before it", b.shape.position->variant.name,
                     b.shape.mask->variant.name, b.shape.score->variant.name, mix.choice);
        unbuild(&b);
    }
}

/* Nothing of a hidden key reaches the other queries: whatever token stands there, their losses are the same to the bit;
 * and where nothing is hidden they are not. A query that sees nothing else keeps its key. */
static void test_a_hidden_key_reaches_nobody(void **state)
{
    (void)state;
    Mix mix;
    for (int i_mix = 0; any_mix(i_mix, &mix); i_mix++) {
        Built b = build_choice(mix.position, mix.mask, score_find("softmax"), mix.choice);
        const int T = b.shape.context_length;
        Workspace *workspace = workspace_new(b.arena, b.model, 1, 0, NULL);
        Batch batch = random_batch(&b, 1, 1, 5);
        real *first = ARENA_ARRAY(b.arena, real, T), *second = ARENA_ARRAY(b.arena, real, T);
        int n_changed = 0;
        for (int hidden = 0; hidden < T - 1; hidden += 13) {
            if (batch.inputs[hidden] < TOKEN_CONTENT) /* a mark would move the types of tokens behind it */
                batch.inputs[hidden] = TOKEN_CONTENT + 2;
            for (int is_hidden = 0; is_hidden < 2; is_hidden++) {
                const int key = is_hidden ? hidden : -1;
                const int32_t kept = batch.inputs[hidden];
                model_ablated_losses(b.model, b.parameters, batch.inputs, batch.targets, T, key, workspace, first);
                batch.inputs[hidden] = kept == TOKEN_CONTENT ? TOKEN_CONTENT + 1 : TOKEN_CONTENT;
                model_ablated_losses(b.model, b.parameters, batch.inputs, batch.targets, T, key, workspace, second);
                batch.inputs[hidden] = kept;
                for (int i = 0; i < T; i++) {
                    const KeyRanges *keys = &model_visible(b.model)->keys[i];
                    if (i == hidden || (keys_include(keys, hidden) && keys_count(keys) == 1))
                        continue;
                    if (is_hidden)
                        assert_true(first[i] == second[i]);
                    else
                        n_changed += first[i] != second[i];
                }
            }
        }
        assert_true(n_changed > 0);
        /* and the workspace forgets it */
        Capture capture = {.losses = first};
        model_capture(b.model, b.parameters, batch.inputs, batch.targets, 1, T, workspace, &capture);
        model_ablated_losses(b.model, b.parameters, batch.inputs, batch.targets, T, -1, workspace, second);
        ASSERT_SAME_BITS(first, second, T);
        unbuild(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_show_keys_that_are_there), cmocka_unit_test(test_a_wrong_mask_is_refused),
        cmocka_unit_test(test_repeated_token_is_uniform),      cmocka_unit_test(test_the_future_is_hidden),
        cmocka_unit_test(test_a_hidden_key_reaches_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
