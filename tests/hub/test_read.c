/* Without this, what was exported could come back as another model, or a field of config.json that changes the numbers
 * be passed over in silence.
 */
#include "cases.h"

#include "data/data.h"
#include "hub/config.h"
#include "hub/names.h"
#include "../testing.h"

/* The program's schema as far as a model goes. */
#define PARTS(what, group_)                                                                                            \
    for (int i = 0; what##_registry[i]; i++)                                                                           \
        parts[n++] = (SchemaPart)                                                                                      \
        {                                                                                                              \
            group_, what##_registry[i]->variant.name, what##_registry[i]->variant.params,                              \
                what##_registry[i]->variant.n_params                                                                   \
        }

static Schema schema_new(Arena *arena)
{
    enum { MOST = 64 };
    SchemaPart *parts = ARENA_ARRAY(arena, SchemaPart, MOST);
    static const char *const positions[] = {"rope", "absolute", "none", NULL},
                             *const masks[] = {"causal", "full", NULL}, *const scores[] = {"softmax", NULL},
                             *const nones[] = {"none", NULL};
    static const SchemaRow kinds[] = {
        {"kind", VALUE_CHOICE, "rope", 0, 0, positions, "which", BY_HAND},
        {"kind", VALUE_CHOICE, "causal", 0, 0, masks, "which", BY_HAND},
        {"kind", VALUE_CHOICE, "softmax", 0, 0, scores, "which", BY_HAND},
        {"kind", VALUE_CHOICE, "none", 0, 0, nones, "which", BY_HAND},
    };
    static const char *const groups[] = {"model.position", "model.mask", "model.score", "model.slot", "model.gate"};
    int n = 0;
    parts[n++] = (SchemaPart){"model", NULL, model_rows, model_n_rows};
    parts[n++] = (SchemaPart){"model", NULL, model_vector_rows, model_n_vector_rows};
    parts[n++] = (SchemaPart){"model.score", NULL, model_score_rows, model_n_score_rows};
    for (int g = 0; g < 5; g++)
        parts[n++] = (SchemaPart){groups[g], NULL, &kinds[g < 3 ? g : 3], 1};
    PARTS(position, "model.position");
    assert_in_range(n, 1, MOST);
    return (Schema){.parts = parts, .n_parts = n};
}

static const char *write_case(const Scratch *scratch, const Built *built, const char *name, HubSummary *ret_summary)
{
    const HubModel model = {built->model, built->parameters, NULL, "run", 5};
    const char *folder = scratch_path(scratch, name);
    Error err;
    assert_ok(hub_write(&model, folder, ret_summary, &err), &err);
    return folder;
}

/* Our tensors to the bit; those that ours lacked are zeros, or positions that were not learned. */
static void check_tensors(const Built *built, const HubRead *read)
{
    const Parameters *ours = model_parameters(built->model), *theirs = model_parameters(read->model);
    for (int t = 0; t < ours->n_tensors; t++) {
        const Tensor *a = &ours->tensors[t];
        const int u = parameters_find(theirs, a->name);
        assert_true(u >= 0 && theirs->tensors[u].rows == a->rows && theirs->tensors[u].cols == a->cols);
        ASSERT_SAME_BITS(built->parameters + a->offset, read->parameters + theirs->tensors[u].offset,
                         a->rows * a->cols);
    }
    for (int t = 0; t < theirs->n_tensors; t++) {
        const Tensor *b = &theirs->tensors[t];
        if (parameters_find(ours, b->name) < 0 && strcmp(b->name, "embedding.position") != 0)
            for (int i = 0; i < b->rows * b->cols; i++)
                assert_true(read->parameters[b->offset + (size_t)i] == 0);
    }
}

static void check_logits(const Built *built, const HubRead *read)
{
    real a[CASE_LENGTH * CASE_VOCAB], b[CASE_LENGTH * CASE_VOCAB];
    Arena *arena = arena_new();
    case_logits(built, a);
    model_logits(read->model, read->parameters, case_ids, CASE_LENGTH, workspace_new(arena, read->model, 1, 0, NULL),
                 b);
    ASSERT_SAME_BITS(a, b, CASE_LENGTH * CASE_VOCAB);
    arena_free(arena);
}

/* Exported once more it is the same file. */
static void check_again(const Scratch *scratch, const HubRead *read, const char *first, const char *name)
{
    const HubModel model = {read->model, read->parameters, NULL, "run", 5};
    const char *again = scratch_path(scratch, arena_format(scratch->arena, "%s-again", name));
    HubSummary summary;
    Error err;
    assert_ok(hub_write(&model, again, &summary, &err), &err);
    for (int f = 0; f < 2; f++) {
        char a[65], b[65];
        assert_ok(file_sha256(file_join(scratch->arena, first, hub_names[f]), a, &err), &err);
        assert_ok(file_sha256(file_join(scratch->arena, again, hub_names[f]), b, &err), &err);
        assert_string_equal(a, b);
    }
}

static void test_what_was_exported_comes_back(void **state)
{
    const Scratch *scratch = *state;
    const Schema schema = schema_new(scratch->arena);
    int n = 0;
    for (int i = 0; i < n_cases; i++) {
        Built built = build_case(&cases[i]);
        HubSummary summary;
        HubRead read;
        Error err;
        const char *folder = write_case(scratch, &built, cases[i].name, &summary);
        assert_true(hub_is_at(folder));
        if (summary.architecture->n_fields > 0) {
            assert_ok(hub_read(built.arena, folder, &schema, kernels_best(), &read, &err), &err);
            assert_ptr_equal(read.architecture, summary.architecture);
            check_tensors(&built, &read);
            check_logits(&built, &read);
            check_again(scratch, &read, folder, cases[i].name);
            n++;
        }
        unbuild(&built);
    }
    assert_true(n >= 12);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *of, *from, *to, *refusal; /* a text of config.json, what takes its place, the line behind its path */
} wrongs[] = {
    {"gpt2", "\"model_type\": \"gpt2\"", "\"model_type\": \"bert\"",
     ": model_type: \"bert\" is not what is read here: llama, gpt2, gpt_neox"},
    {"gpt2", "\"n_layer\": 2,", "", ": has no n_layer"},
    {"gpt2", "\"n_layer\": 2", "\"n_layer\": 2, \"attn_logit_softcapping\": 3",
     ": \"attn_logit_softcapping\" is not known here, and may change numbers"},
    {"gpt2", "\"n_layer\": 2", "\"n_layer\": 2, \"scale_attn_weights\": false",
     ": scale_attn_weights: \"false\" is not what is read here: true"},
    {"gpt2", "\"gelu_new\"", "\"quick_gelu\"",
     ": activation_function: \"quick_gelu\" is not what is read here: gelu_new, gelu_pytorch_tanh, gelu or relu"},
    {"gpt2", "\"vocab_size\": 11", "\"vocab_size\": -1", ": vocab_size: -1 is not from 1 to 10000000"},
    {"gpt2", "\"n_head\": 4", "\"n_head\": 3",
     ": model.n_heads: 3 heads do not divide model.d_model 16; choose another number, or set model.d_head"},
    {"gpt2", "\"n_layer\": 2", "\"n_layer\": \"two\"", ": model.n_layers: \"two\" is not a whole number"},
    {"gpt_neox", "\"use_parallel_residual\": false", "\"use_parallel_residual\": true",
     ": use_parallel_residual: \"true\" is not what is read here: false"},
    {"gpt_neox", "\"use_parallel_residual\": false,", "",
     ": use_parallel_residual: \"true\" is not what is read here: "
     "false"},
    {"llama", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"",
     ": hidden_act: \"gelu\" is not what is read here: silu"},
    {"llama", "\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"",
     ": rope_type: \"yarn\" is not what is read here: default, linear or llama3"},
    {"llama", "\"rope_type\": \"default\"", "\"rope_type\": \"linear\"", ": rope_type linear has no factor"},
    {"llama", "\"rope_type\": \"default\"", "\"rope_type\": \"default\", \"mscale\": 2",
     ": rope: \"mscale\" is not known here, and may change numbers"},
};

static void replace(const Scratch *scratch, const char *path, const char *from, const char *to)
{
    char *bytes;
    size_t n;
    Error err;
    assert_ok(file_read(scratch->arena, path, &bytes, &n, &err), &err);
    const char *at = strstr(bytes, from);
    assert_non_null(at);
    const char *text = arena_format(scratch->arena, "%.*s%s%s", (int)(at - bytes), bytes, to, at + strlen(from));
    assert_ok(file_write(path, text, strlen(text), &err), &err);
}

static const Case *case_named(const char *name)
{
    for (int i = 0; i < n_cases; i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    fail_msg("there is no case %s", name);
    return NULL;
}

static void test_fields_are_refused_by_name(void **state)
{
    const Scratch *scratch = *state;
    const Schema schema = schema_new(scratch->arena);
    for (size_t w = 0; w < sizeof wrongs / sizeof *wrongs; w++) {
        Built built = build_case(case_named(wrongs[w].of));
        HubSummary summary;
        HubRead read;
        Error err;
        const char *folder = write_case(scratch, &built, "wrong", &summary);
        const char *path = file_join(scratch->arena, folder, HUB_CONFIG);
        replace(scratch, path, wrongs[w].from, wrongs[w].to);
        assert_refused(hub_read(built.arena, folder, &schema, kernels_best(), &read, &err), STATUS_INPUT,
                       arena_format(scratch->arena, "%s%s", path, wrongs[w].refusal), &err);
        unbuild(&built);
    }
}

static void test_tensors_are_refused_by_name(void **state)
{
    static const struct {
        const char *from, *to, *refusal;
    } changes[] = {
        {"\"n_inner\": 64", "\"n_inner\": 60",
         ": transformer.h.0.mlp.c_fc.weight has another shape than config.json says"},
        {"\"n_layer\": 2", "\"n_layer\": 3", ": has no tensor transformer.h.2.ln_1.weight"},
        {"\"n_layer\": 2", "\"n_layer\": 1",
         ": config.json leaves no place for its tensor transformer.h.1.ln_1.weight"},
        {"\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", ": has no tensor lm_head.weight"},
    };
    const Scratch *scratch = *state;
    const Schema schema = schema_new(scratch->arena);
    for (size_t c = 0; c < sizeof changes / sizeof *changes; c++) {
        Built built = build_case(case_named("gpt2"));
        HubSummary summary;
        HubRead read;
        Error err;
        const char *folder = write_case(scratch, &built, "wrong", &summary);
        replace(scratch, file_join(scratch->arena, folder, HUB_CONFIG), changes[c].from, changes[c].to);
        assert_refused(
            hub_read(built.arena, folder, &schema, kernels_best(), &read, &err), STATUS_INPUT,
            arena_format(scratch->arena, "%s%s", file_join(scratch->arena, folder, HUB_WEIGHTS), changes[c].refusal),
            &err);
        unbuild(&built);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_exported_comes_back, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_fields_are_refused_by_name, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_tensors_are_refused_by_name, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
