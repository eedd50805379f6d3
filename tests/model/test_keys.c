/* Without this, a key of a variant could be taken, checked, listed and hashed into a run's id, and yet change nothing
 * but the id.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

enum { V = 19, T = 24 };

static const char *const sizes = "model.n_layers=2\nmodel.n_heads=2\nmodel.d_model=16\nmodel.context_length=24\n";

/* Whether two models start from other tensors, or, with every tensor moved by the same draws, say other things. */
static int differ(Built *a, Built *b)
{
    const Parameters *x = model_parameters(a->model), *y = model_parameters(b->model);
    if (x->n_tensors != y->n_tensors || a->n_values != b->n_values)
        return 1;
    for (int t = 0; t < x->n_tensors; t++)
        if (strcmp(x->tensors[t].name, y->tensors[t].name) != 0 || x->tensors[t].rows != y->tensors[t].rows ||
            x->tensors[t].decays != y->tensors[t].decays)
            return 1;
    if (memcmp(a->parameters, b->parameters, a->n_values * sizeof(real)) != 0)
        return 1;
    int32_t tokens[T];
    real logits[2][T * V];
    Built *const both[] = {a, b};
    for (int i = 0; i < T; i++)
        tokens[i] = TOKEN_CONTENT + i * i % (V - TOKEN_CONTENT);
    for (int i = 0; i < 2; i++) {
        disturb(both[i], 0.3, 2);
        model_logits(both[i]->model, both[i]->parameters, tokens, T,
                     workspace_new(both[i]->arena, both[i]->model, 1, 0, NULL), logits[i]);
    }
    return memcmp(logits[0], logits[1], sizeof logits[0]) != 0;
}

/* Whether a row's other values, `around` what else is set, change anything. */
static int has_effect(Arena *arena, const char *around, const char *group, const SchemaRow *row)
{
    Axis others = {.n = 0};
    int changes = 0;
    other_values(arena, "", group, row, &others);
    for (int v = 0; v < others.n && !changes; v++) {
        Built a = build(V, "%s%s", sizes, around), b = build(V, "%s%s\n%s", sizes, around, others.values[v]);
        changes = differ(&a, &b);
        unbuild(&a);
        unbuild(&b);
    }
    return changes;
}

/* Some keys act only where another one of their rows, a choice or a flag, says so. */
static void check_rows(const char *kind, const char *name, const char *group, const SchemaRow *rows, int n_rows)
{
    Arena *arena = arena_new();
    for (int r = 0; r < n_rows; r++) {
        if (rows[r].type == VALUE_FILE) /* read by train/ (tests/train/test_initial.c) */
            continue;
        int acts = has_effect(arena, kind, group, &rows[r]);
        for (int c = 0; c < n_rows && !acts; c++) {
            Axis choices = {.n = 0};
            if (c != r && (rows[c].type == VALUE_CHOICE || rows[c].type == VALUE_BOOL))
                other_values(arena, kind, group, &rows[c], &choices);
            for (int v = 0; v < choices.n && !acts; v++)
                acts = has_effect(arena, choices.values[v], group, &rows[r]);
        }
        if (!acts)
            fail_msg("%s: the key %s.%s changes nothing", name, group, rows[r].key);
    }
    arena_free(arena);
}

static void check_variant(const char *group, const Variant *variant)
{
    char kind[96];
    snprintf(kind, sizeof kind, "%s.kind=%s\n", group, variant->name);
    check_rows(kind, variant->name, group, variant->params, variant->n_params);
}

static void test_every_key_of_a_variant_changes_something(void **state)
{
    (void)state;
    for (int i = 0; any_position(i); i++)
        check_variant("model.position", &any_position(i)->variant);
    for (int i = 0; any_mask(i); i++)
        check_variant("model.mask", &any_mask(i)->variant);
    for (int i = 0; any_score(i); i++)
        check_variant("model.score", &any_score(i)->variant);
    for (int i = 0; any_slot(i); i++)
        check_variant("model.slot", &any_slot(i)->variant);
    for (int i = 0; any_gate(i); i++)
        check_variant("model.gate", &any_gate(i)->variant);
}

/* init.position_std is asked for by those encodings alone that draw vectors. */
static void test_every_key_of_the_model_changes_something(void **state)
{
    (void)state;
    check_rows("model.position.kind=absolute\n", "model", "model", model_rows, model_n_rows);
    for (int i = 0; any_score(i); i++) {
        char kind[96];
        snprintf(kind, sizeof kind, "model.score.kind=%s\n", any_score(i)->variant.name);
        check_rows(kind, any_score(i)->variant.name, "model.score", model_score_rows, model_n_score_rows);
    }
}

/* What app/conditions.c says of model's keys: without what they count with, no value of theirs changes anything. */
static void test_keys_without_what_they_count_with_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *without, *group, *key;
    } cases[] = {
        {"model.mlp=false", "model", "activation"},
        {"model.mlp=false", "model", "d_ff"},
        {"model.mlp=false", "model", "parallel_residual"},
        {"model.mlp=false", "model", "bias_mlp"},
        {"model.mlp=false", "model", "init.up_std"},
        {"model.mlp=false", "model", "init.down_std"},
        {"model.norm=none", "model", "norm_placement"},
        {"model.norm=none", "model", "embedding_norm"},
        {"model.norm=none", "model", "norm_epsilon"},
        {"model.init.weight=own_fan_in", "model", "init.weight_std"},
        {"model.gate.kind=head\nmodel.gate.bias=false", "model.gate", "initial"},
    };
    Arena *arena = arena_new();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const int is_of_gate = strcmp(cases[c].group, "model.gate") == 0;
        const SchemaRow *rows = is_of_gate ? gate_find("head")->variant.params : model_rows;
        const int n_rows = is_of_gate ? gate_find("head")->variant.n_params : model_n_rows;
        int r = 0;
        while (r < n_rows && strcmp(rows[r].key, cases[c].key) != 0)
            r++;
        assert_true(r < n_rows);
        if (has_effect(arena, cases[c].without, cases[c].group, &rows[r]))
            fail_msg("%s: %s.%s changes something", cases[c].without, cases[c].group, cases[c].key);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_of_a_variant_changes_something),
        cmocka_unit_test(test_every_key_of_the_model_changes_something),
        cmocka_unit_test(test_keys_without_what_they_count_with_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
