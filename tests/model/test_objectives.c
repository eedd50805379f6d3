/* Inputs and targets of every objective: special and given tokens are never targets, never hidden, never put in; the
 * masked objective's frequencies; which objectives go with which mask and source.
 *
 * Were it deleted, a model could be trained to predict BOS, or to see the token that it predicts.
 */
#include "support.h"

#include <math.h>
#include <string.h>

enum { T = 64, V = 23, GIVEN = V - 1 };

typedef struct {
    Sequence seq;
    int32_t ids[T + 1], labels[T], inputs[T], targets[T];
    uint8_t flags[T], groups[T + 1], target_groups[T];
} Drawn;

/* A framed sequence: BOS, content, EOS, nothing after. */
static void draw(Drawn *d, uint64_t seed)
{
    Pcg pcg = pcg_new(seed, 11);
    memset(d, 0, sizeof *d);
    for (int i = 0; i < T; i++) {
        d->ids[i] = TOKEN_CONTENT + (int32_t)pcg_below(&pcg, V - TOKEN_CONTENT);
        d->labels[i] = i % 3 == 1 ? TOKEN_CONTENT + i % 5 : -1;
        d->groups[i] = (uint8_t)(i % 2);
    }
    d->ids[0] = TOKEN_BOS;
    d->ids[T - 1] = TOKEN_EOS;
    d->ids[T] = -1;
    d->seq = (Sequence){.length = T, .ids = d->ids, .labels = d->labels, .flags = d->flags, .groups = d->groups};
}

/* A token that is given, the only one of its id. */
static void give(Drawn *d)
{
    for (int i = 0; i < T; i++)
        d->ids[i] = d->ids[i] == GIVEN ? TOKEN_CONTENT : d->ids[i];
    d->ids[2] = GIVEN;
    d->flags[2] = FLAG_GIVEN;
}

static void make(const Objective *objective, const Built *built, Drawn *d, Pcg *pcg)
{
    objective->make(objective_state(built, objective), V, &d->seq, pcg, d->inputs, d->targets, d->target_groups);
}

static void test_special_tokens(void **state)
{
    (void)state;
    for (int o = 0; any_objective(o); o++) {
        const Objective *objective = any_objective(o);
        Built b = build(V, "objective.kind=%s", objective->variant.name);
        Pcg pcg = pcg_named(1, "mask");
        int n_targets = 0, n_changed = 0;
        for (uint64_t seed = 0; seed < 200; seed++) {
            Drawn d;
            draw(&d, seed);
            give(&d);
            make(objective, &b, &d, &pcg);
            assert_int_equal(d.inputs[2], GIVEN);
            for (int i = 0; i < T; i++) {
                assert_true(d.targets[i] != GIVEN);
                assert_true(d.targets[i] == -1 || (d.targets[i] >= TOKEN_CONTENT && d.targets[i] < V));
                assert_true(d.target_groups[i] < MAX_LOSS_GROUPS);
                n_targets += d.targets[i] >= 0;
                if (d.inputs[i] != d.ids[i]) {
                    n_changed++;
                    assert_true(d.ids[i] >= TOKEN_CONTENT && d.targets[i] == d.ids[i]);
                    assert_true(d.inputs[i] == TOKEN_MASK || (d.inputs[i] >= TOKEN_CONTENT && d.inputs[i] < V));
                }
            }
        }
        assert_int_equal(objective->corrupts, n_changed > 0);
        double share = n_targets / (200.0 * T);
        assert_true(share > 0 && share < objective->target_share(objective_state(&b, objective)) * 1.05);
        unbuild(&b);
    }
}

/* The same stream and sequence give the same draws; so does a sequence after any other of the same form. */
static void test_draws_follow_the_sequence(void **state)
{
    (void)state;
    for (int o = 0; any_objective(o); o++) {
        Built b = build(V, "objective.kind=%s", any_objective(o)->variant.name);
        Drawn x, y;
        Pcg pcg = pcg_named(3, "mask"), again = pcg;
        draw(&x, 1);
        draw(&y, 1);
        make(any_objective(o), &b, &x, &pcg);
        make(any_objective(o), &b, &y, &again);
        assert_memory_equal(x.inputs, y.inputs, sizeof x.inputs);
        assert_memory_equal(x.targets, y.targets, sizeof x.targets);
        assert_memory_equal(&pcg, &again, sizeof pcg);
        unbuild(&b);
    }
}

static void test_next(void **state)
{
    (void)state;
    Built b = build(V, "objective.kind=next");
    Drawn d;
    Pcg pcg = pcg_named(1, "mask");
    draw(&d, 5);
    make(objective_find("next"), &b, &d, &pcg);
    assert_memory_equal(d.inputs, d.ids, sizeof d.inputs);
    for (int i = 0; i < T; i++) {
        assert_int_equal(d.targets[i], i < T - 2 ? d.ids[i + 1] : -1); /* EOS and what follows it are no targets */
        assert_int_equal(d.target_groups[i], d.groups[i + 1]);
    }
    unbuild(&b);
}

static void test_labelled(void **state)
{
    (void)state;
    Built b = build(V, "objective.kind=labelled");
    Drawn d;
    Pcg pcg = pcg_named(1, "mask");
    draw(&d, 6);
    make(objective_find("labelled"), &b, &d, &pcg);
    assert_memory_equal(d.inputs, d.ids, sizeof d.inputs);
    assert_memory_equal(d.targets, d.labels, sizeof d.targets);
    unbuild(&b);
}

/* |observed - expected| within four standard deviations of a binomial share. */
static void check_share(double successes, double trials, double expected)
{
    assert_true(fabs(successes / trials - expected) < 4 * sqrt(expected * (1 - expected) / trials));
}

/* All of the source's targets, or of them a share that a higher one contains. */
static void test_regression(void **state)
{
    (void)state;
    Built all = build(V, "objective.kind=regression"), half = build(V, "objective.kind=regression\nobjective.rate=0.5");
    Built few = build(V, "objective.kind=regression\nobjective.rate=0.1");
    Built *const built[] = {&all, &half, &few};
    Pcg pcg[3];
    int n[3] = {0};
    for (int b = 0; b < 3; b++)
        pcg[b] = pcg_named(1, "mask");
    for (uint64_t seed = 0; seed < 400; seed++) {
        Drawn d[3];
        for (int b = 0; b < 3; b++) {
            draw(&d[b], seed);
            make(objective_find("regression"), built[b], &d[b], &pcg[b]);
            assert_memory_equal(d[b].inputs, d[b].ids, sizeof d[b].inputs);
            assert_memory_equal(d[b].target_groups, d[b].groups, sizeof d[b].target_groups);
            for (int i = 0; i < T; i++) {
                assert_true(d[b].targets[i] == -1 || d[b].targets[i] == d[b].labels[i]);
                assert_true(b == 0 || d[b].targets[i] == -1 || d[b - 1].targets[i] >= 0);
                n[b] += d[b].targets[i] >= 0;
            }
        }
        assert_memory_equal(d[0].targets, d[0].labels, sizeof d[0].targets);
    }
    check_share(n[1], n[0], 0.5);
    check_share(n[2], n[0], 0.1);
    for (int b = 0; b < 3; b++)
        unbuild(built[b]);
}

/* 80 % MASK, 10 % another token, 10 % the same; replacements uniform over content. */
static void test_masked_frequencies(void **state)
{
    (void)state;
    const double rate = 0.3;
    Built b = build(V, "objective.kind=masked\nobjective.rate=0.3");
    Pcg pcg = pcg_named(1, "mask");
    double n_content = 0, n_targets = 0, n_masked = 0, n_other = 0, of_id[V] = {0};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        Drawn d;
        draw(&d, seed);
        make(objective_find("masked"), &b, &d, &pcg);
        for (int i = 0; i < T; i++) {
            n_content += d.ids[i] >= TOKEN_CONTENT;
            if (d.targets[i] < 0)
                continue;
            n_targets++;
            n_masked += d.inputs[i] == TOKEN_MASK;
            if (d.inputs[i] != TOKEN_MASK && d.inputs[i] != d.ids[i]) {
                n_other++;
                of_id[d.inputs[i]]++;
            }
        }
    }
    const int n_ids = V - TOKEN_CONTENT;
    check_share(n_targets, n_content, rate);
    check_share(n_masked, n_targets, 0.8);
    check_share(n_other, n_targets, 0.1 * (n_ids - 1) / n_ids);
    for (int id = TOKEN_CONTENT; id < V; id++)
        check_share(of_id[id], n_other, 1.0 / n_ids);
    unbuild(&b);
}

/* A lower rate chooses a part of what a higher one chooses, with the same corruption. */
static void test_masked_rates_nest(void **state)
{
    (void)state;
    Built low = build(V, "objective.kind=masked\nobjective.rate=0.15");
    Built high = build(V, "objective.kind=masked\nobjective.rate=0.4");
    Drawn x, y;
    Pcg a = pcg_named(1, "mask"), c = a;
    for (uint64_t seed = 0; seed < 20; seed++) {
        draw(&x, seed);
        draw(&y, seed);
        make(objective_find("masked"), &low, &x, &a);
        make(objective_find("masked"), &high, &y, &c);
        for (int i = 0; i < T; i++)
            if (x.targets[i] >= 0)
                assert_true(y.targets[i] == x.targets[i] && y.inputs[i] == x.inputs[i]);
    }
    unbuild(&low);
    unbuild(&high);
}

/* Only what cannot mean anything is refused, with the key in the message. */
static void test_combinations(void **state)
{
    (void)state;
    for (int o = 0; any_objective(o); o++)
        for (int m = 0; any_mask(m); m++)
            for (int has_labels = 0; has_labels < 2; has_labels++) {
                const Objective *objective = any_objective(o);
                Built b = build(V, "objective.kind=%s\nmodel.mask.kind=%s", objective->variant.name,
                                any_mask(m)->variant.name);
                Error err = {""};
                int refused = (objective->needs_hidden_future && b.shape.visible->sees_later) ||
                              (objective->needs_labels && !has_labels);
                int status = objective_check(objective, &b.shape, has_labels, &err);
                assert_int_equal(status, refused ? STATUS_INPUT : STATUS_OK);
                if (refused)
                    assert_non_null(strstr(err.text, "objective.kind"));
                if (objective->needs_hidden_future && b.shape.visible->sees_later)
                    assert_non_null(strstr(
                        err.text, arena_format(b.arena,
                                               "objective '%s' needs a model.mask that shows no later key; under "
                                               "'%s' a position sees its target",
                                               objective->variant.name, any_mask(m)->variant.name)));
                unbuild(&b);
            }
    assert_true(objective_find("next")->needs_hidden_future);
}

/* Ids and vectors: every pair of what a source gives and asks for, with every objective. */
static void test_vectors(void **state)
{
    (void)state;
    for (int o = 0; any_objective(o); o++)
        for (int in = 0; in < 2; in++)
            for (int out = 0; out < 2; out++) {
                const Objective *objective = any_objective(o);
                const int is_squared = objective->loss == LOSS_SQUARED_ERROR;
                Built b = build(V, "objective.kind=%s", objective->variant.name);
                Error err = {""};
                ModelSettings shape = b.shape;
                shape.vector_width = in ? 5 : 0, shape.goal_width = out ? 7 : 0;
                const int refused = is_squared != out || (in && !objective->takes_vectors);
                assert_int_equal(objective_check(objective, &shape, 1, &err), refused ? STATUS_INPUT : STATUS_OK);
                if (refused)
                    assert_non_null(strstr(err.text, "objective.kind"));
                unbuild(&b);
            }
    assert_false(objective_find("next")->takes_vectors);
    assert_false(objective_find("masked")->takes_vectors);
    assert_int_equal(objective_find("regression")->loss, LOSS_SQUARED_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_tokens),
        cmocka_unit_test(test_draws_follow_the_sequence),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_labelled),
        cmocka_unit_test(test_masked_frequencies),
        cmocka_unit_test(test_masked_rates_nest),
        cmocka_unit_test(test_combinations),
        cmocka_unit_test(test_regression),
        cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
