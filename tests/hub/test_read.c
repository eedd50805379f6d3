/* Without this, what was exported could come back as another model, or a field of config.json that changes the numbers
 * be passed over in silence.
 */
#include "cases.h"
#include "schema.h"

#include "hub/config.h"
#include "hub/names.h"
#include "store/safetensors.h"
#include "../testing.h"

/* For sequences as long as there are. */
static int read_back(Arena *arena, const char *folder, const Schema *schema, HubRead *ret_read, Error *err)
{
    HubFile file;
    const int status = hub_open(arena, folder, schema, kernels_best(), &file, err);
    return status == STATUS_OK ? hub_read(arena, &file, file.settings.context_length, ret_read, err) : status;
}

static const char *write_case(const Scratch *scratch, const Built *built, const char *name, HubSummary *ret_summary)
{
    const HubModel model = {built->model, built->parameters, NULL, "run", 5};
    const char *folder = scratch_path(scratch, name);
    Error err;
    assert_ok(hub_write(&model, folder, ret_summary, &err), &err);
    return folder;
}

/* A classifier of theirs is never tied: it comes back as a weight of its own. */
static int is_untied(const ModelSettings *ours, const ModelSettings *theirs)
{
    return ours->tied_head && !theirs->tied_head;
}

/* Our tensors to the bit; those that ours lacked are zeros, positions that were not learned, or what was tied. */
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
        const int is_tied =
            strcmp(b->name, "head.weight") == 0 && is_untied(model_settings(built->model), model_settings(read->model));
        if (parameters_find(ours, b->name) < 0 && strcmp(b->name, "embedding.position") != 0 && !is_tied)
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

/* Exported once more it is the same file; but config.json says so of a head that was tied. */
static void check_again(const Scratch *scratch, const Built *built, const HubRead *read, const char *first,
                        const char *name)
{
    const HubModel model = {read->model, read->parameters, NULL, "run", 5};
    const char *again = scratch_path(scratch, arena_format(scratch->arena, "%s-again", name));
    HubSummary summary;
    Error err;
    assert_ok(hub_write(&model, again, &summary, &err), &err);
    for (int f = is_untied(model_settings(built->model), model_settings(read->model)); f < 2; f++) {
        char a[65], b[65];
        assert_ok(file_sha256(file_join(scratch->arena, first, hub_names[f]), a, &err), &err);
        assert_ok(file_sha256(file_join(scratch->arena, again, hub_names[f]), b, &err), &err);
        assert_string_equal(a, b);
    }
}

static void test_what_was_exported_comes_back(void **state)
{
    const Scratch *scratch = *state;
    const Schema schema = hub_schema(scratch->arena);
    int n = 0;
    for (int i = 0; i < n_cases; i++) {
        Built built = build_case(&cases[i]);
        HubSummary summary;
        HubRead read;
        Error err;
        const char *folder = write_case(scratch, &built, cases[i].name, &summary);
        assert_true(hub_is_at(folder));
        if (summary.architecture->n_fields > 0) {
            assert_ok(read_back(built.arena, folder, &schema, &read, &err), &err);
            assert_ptr_equal(read.architecture, summary.architecture);
            check_tensors(&built, &read);
            check_logits(&built, &read);
            check_again(scratch, &built, &read, folder, cases[i].name);
            n++;
        }
        unbuild(&built);
    }
    assert_int_equal(n, n_cases);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *of, *from, *to, *refusal; /* a text of config.json, what takes its place, the line behind its path */
} wrongs[] = {
    {"gpt2", "\"model_type\": \"gpt2\"", "\"model_type\": \"t5\"",
     ": model_type: \"t5\" is not what is read here: llama, qwen3, smollm3, gpt2, gpt_neox, bert, bloom, gpt_oss, "
     "mistral, qwen2, roberta, xlm-roberta"},
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
    {"gpt_neox", "\"use_parallel_residual\": false", "\"use_parallel_residual\": \"both\"",
     ": model.parallel_residual: \"both\" is not true or false"},
    {"gpt_neox", "\"use_parallel_residual\": false", "\"use_parallel_residual\": true, \"parallel_attn\": true",
     ": \"parallel_attn\" is not known here, and may change numbers"},
    {"gpt_oss", "\"num_local_experts\": 1", "\"num_local_experts\": 32, \"quantization_config\": {}",
     ": num_local_experts: \"32\" is not what is read here: 1"},
    {"gpt_oss", "\"layer_types\"", "\"quantization_config\": {}, \"layer_types\"",
     ": quantization_config: \"a list or an object\" is not what is read here: none"},
    {"gpt_oss", "\"hidden_size\": 16", "\"hidden_size\": 18",
     ": hidden_size: \"18\" is not what is read here: a multiple of 4"},
    {"gpt_oss", "\"full_attention\"", "\"sliding_attention\"",
     ": layer_types: \"sliding_attention\" is not what is read here: full_attention"},
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
    const Schema schema = hub_schema(scratch->arena);
    for (size_t w = 0; w < sizeof wrongs / sizeof *wrongs; w++) {
        Built built = build_case(case_named(wrongs[w].of));
        HubSummary summary;
        HubRead read;
        Error err;
        const char *folder = write_case(scratch, &built, "wrong", &summary);
        const char *path = file_join(scratch->arena, folder, HUB_CONFIG);
        replace(scratch, path, wrongs[w].from, wrongs[w].to);
        assert_refused(read_back(built.arena, folder, &schema, &read, &err), STATUS_INPUT,
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
         ": config.json leaves no place for its tensor transformer.h.1.attn.c_attn.bias"},
        {"\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", ": has no tensor lm_head.weight"},
    };
    const Scratch *scratch = *state;
    const Schema schema = hub_schema(scratch->arena);
    for (size_t c = 0; c < sizeof changes / sizeof *changes; c++) {
        Built built = build_case(case_named("gpt2"));
        HubSummary summary;
        HubRead read;
        Error err;
        const char *folder = write_case(scratch, &built, "wrong", &summary);
        replace(scratch, file_join(scratch->arena, folder, HUB_CONFIG), changes[c].from, changes[c].to);
        assert_refused(
            read_back(built.arena, folder, &schema, &read, &err), STATUS_INPUT,
            arena_format(scratch->arena, "%s%s", file_join(scratch->arena, folder, HUB_WEIGHTS), changes[c].refusal),
            &err);
        unbuild(&built);
    }
}

/* A number of a tensor of the file. */
static void put_value(Arena *arena, const char *path, const char *tensor, float value)
{
    SafeTensors file;
    char *bytes;
    size_t n;
    Error err;
    assert_ok(safetensors_read_header(arena, path, &file, &err), &err);
    assert_ok(file_read(arena, path, &bytes, &n, &err), &err);
    for (int t = 0; t < file.n; t++)
        if (strcmp(file.tensors[t].name, tensor) == 0)
            memcpy(bytes + file.begins[t], &value, sizeof value);
    assert_ok(file_write(path, bytes, n, &err), &err);
}

/* A gpt_oss as transformers has written it, without a checksum of ours. */
static const char *copy_of_theirs(const Scratch *scratch)
{
    const char *folder = scratch_path(scratch, "copy"), *const names[] = {HUB_CONFIG, HUB_WEIGHTS};
    Error err;
    assert_ok(file_make_folder(folder, &err), &err);
    for (int i = 0; i < 2; i++) {
        char *bytes;
        size_t n;
        assert_ok(file_read(scratch->arena, file_join(scratch->arena, FIXTURES "/theirs/gpt_oss", names[i]), &bytes, &n,
                            &err),
                  &err);
        assert_ok(file_write(file_join(scratch->arena, folder, names[i]), bytes, n, &err), &err);
    }
    return folder;
}

/* What stands for no part of ours must be zero: each of those tensors. */
static void test_what_ours_lacks_is_zero(void **state)
{
    static const char *const tensors[] = {"post_attention_layernorm.weight",
                                          "mlp.router.weight",
                                          "mlp.router.bias",
                                          "mlp.experts.gate_up_proj",
                                          "mlp.experts.gate_up_proj_bias",
                                          "mlp.experts.down_proj",
                                          "mlp.experts.down_proj_bias"};
    const Scratch *scratch = *state;
    const Schema schema = hub_schema(scratch->arena);
    for (size_t t = 0; t < sizeof tensors / sizeof *tensors; t++) {
        const char *folder = copy_of_theirs(scratch), *path = file_join(scratch->arena, folder, HUB_WEIGHTS);
        const char *name = arena_format(scratch->arena, "model.layers.1.%s", tensors[t]);
        HubRead read;
        Error err;
        put_value(scratch->arena, path, name, -0.0f);
        assert_ok(read_back(scratch->arena, folder, &schema, &read, &err), &err);
        put_value(scratch->arena, path, name, 1e-30f);
        assert_refused(
            read_back(scratch->arena, folder, &schema, &read, &err), STATUS_INPUT,
            arena_format(scratch->arena, "%s: %s is not zero, and no model of ours has a place for it", path, name),
            &err);
    }
}

/* Their angles are yarn's where config.json says nothing. */
static void test_angles_that_are_not_said_are_refused(void **state)
{
    const Scratch *scratch = *state;
    const Schema schema = hub_schema(scratch->arena);
    const char *folder = copy_of_theirs(scratch), *path = file_join(scratch->arena, folder, HUB_CONFIG);
    HubRead read;
    Error err;
    replace(scratch, path, "\"rope_parameters\": {", "\"rope_parameters\": null, \"id2label\": {");
    assert_refused(read_back(scratch->arena, folder, &schema, &read, &err), STATUS_INPUT,
                   arena_format(scratch->arena,
                                "%s: rope_type: \"yarn\" is not what is read here: default, linear or llama3", path),
                   &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_exported_comes_back, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_fields_are_refused_by_name, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_what_ours_lacks_is_zero, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_angles_that_are_not_said_are_refused, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_tensors_are_refused_by_name, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
