/* Without this, an architecture could pass for the home of a model that it computes otherwise: for each setting that
 * has none, the line that says so, with the key; and every variant and choice that changes logits is refused, or
 * changes what is written.
 */
#include "cases.h"

#include "hub/config.h"
#include "hub/tensors.h"
#include "../testing.h"

static const struct {
    const char *lines, *refusal;
} homeless[] = {
    {"model.score.kind=relu", "test:1: model.score.kind: relu has no place in Hugging Face's architectures"},
    {"model.score.kind=sink_logit",
     "test:1: model.score.kind: sink_logit has no place in gpt2, the nearest of Hugging Face's architectures"},
    {"model.score.kind=softmax_one",
     "test:1: model.score.kind: softmax_one has no place in Hugging Face's architectures"},
    {"model.score.scale=none", "test:1: model.score.scale: none has no place in Hugging Face's architectures"},
    {"model.score.temperature=2", "test:1: model.score.temperature: 2 has no place in Hugging Face's architectures"},
    {"model.score.softcap=30", "test:1: model.score.softcap: 30 has no place in Hugging Face's architectures"},
    {"model.slot.kind=zero", "test:1: model.slot.kind: zero has no place in Hugging Face's architectures"},
    {"model.gate.kind=head", "test:1: model.gate.kind: head has no place in Hugging Face's architectures"},
    {"model.position.kind=kerple", "test:1: model.position.kind: kerple has no place in Hugging Face's architectures"},
    {"model.mask.kind=window", "test:1: model.mask.kind: window has no place in Hugging Face's architectures"},
    {"model.norm=none", "test:1: model.norm: none has no place in Hugging Face's architectures"},
    {"model.norm_placement=sandwich",
     "test:1: model.norm_placement: sandwich has no place in Hugging Face's architectures"},
    {"model.mlp=false", "test:1: model.mlp: false has no place in gpt2, the nearest of Hugging Face's architectures"},
    {"model.attention_residual=false",
     "test:1: model.attention_residual: false has no place in Hugging Face's architectures"},
    {"model.head_layers=3", "test:1: model.head_layers: 3 has no place in Hugging Face's architectures"},
    {"model.token_types=2", "test:1: model.token_types: 2 has no place in Hugging Face's architectures"},
    {"model.input=linear", "test:1: model.input: linear has no place in Hugging Face's architectures"},
    {"objective.kind=regression", "data.source.kind: this has no place in Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.norm_placement=post",
     "test:1: model.norm_placement: post has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.mask.kind=full",
     "test:1: model.mask.kind: full has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.position.skip_every=2",
     "test:1: model.position.skip_every: 2 has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.n_kv_heads=2",
     "test:1: model.n_kv_heads: 2 has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.d_head=6",
     "test:1: model.d_head: 6 has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.qk_norm=true",
     "test:1: model.qk_norm: true has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.token_type=true",
     "test:1: model.token_type: true has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.bias_head=true",
     "test:1: model.bias_head: true has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.embedding_norm=true",
     "test:1: model.embedding_norm: true has no place in gpt_neox, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.norm=rmsnorm\nmodel.activation=swiglu\nmodel.position.fraction=0.5",
     "test:1: model.position.fraction: 0.5 has no place in llama, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.norm=rmsnorm\nmodel.activation=swiglu\nmodel.parallel_residual=true",
     "test:1: model.parallel_residual: true has no place in llama, the nearest of Hugging Face's architectures"},
    {"model.position.kind=absolute\nmodel.parallel_residual=true",
     "test:1: model.parallel_residual: true has no place in gpt2, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.norm=rmsnorm\nmodel.activation=swiglu\nmodel.qk_norm=true\nmodel.bias_mlp=true",
     "test:1: model.bias_mlp: true has no place in qwen3, the nearest of Hugging Face's architectures"},
    {"model.position.kind=absolute\nmodel.activation=swiglu",
     "test:1: model.activation: swiglu has no place in gpt2, the nearest of Hugging Face's architectures"},
    {"model.position.kind=absolute\nmodel.norm_placement=post\nmodel.mask.kind=full",
     "test: model.embedding_norm (not set, false by default): false has no place in bert, the nearest of Hugging "
     "Face's "
     "architectures"},
    {"model.position.kind=rope\nmodel.norm=rmsnorm\nmodel.activation=swiglu\nmodel.score.kind=sink_logit",
     "test: model.mlp (not set, true by default): true has no place in gpt_oss, the nearest of Hugging Face's "
     "architectures"},
    {"model.position.kind=rope\nmodel.norm=rmsnorm\nmodel.mlp=false\nmodel.score.kind=sink_logit\nmodel.qk_norm=true",
     "test:1: model.qk_norm: true has no place in gpt_oss, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.norm=rmsnorm\nmodel.mlp=false\nmodel.score.kind=sink_logit\nmodel.d_model=18\n"
     "model.d_head=4",
     "test:1: model.d_model: 18 has no place in gpt_oss, the nearest of Hugging Face's architectures"},
    {"model.position.kind=rope\nmodel.norm=rmsnorm\nmodel.mlp=false",
     "test: model.score.kind (not set, softmax by default): softmax has no place in gpt_oss, the nearest of Hugging "
     "Face's architectures"},
    {"model.position.kind=alibi\nmodel.embedding_norm=true\nmodel.position.slopes=[1, 0.5, 0.25, 0.125]",
     "test:1: model.position.slopes: this has no place in bloom, the nearest of Hugging Face's architectures"},
    {"model.position.kind=alibi\nmodel.embedding_norm=true\nmodel.activation=gelu_exact",
     "test:1: model.activation: gelu_exact has no place in bloom, the nearest of Hugging Face's architectures"},
    {"model.position.kind=alibi\nmodel.embedding_norm=true\nmodel.d_ff=48",
     "test:1: model.d_ff: 48 has no place in bloom, the nearest of Hugging Face's architectures"},
    {"model.position.kind=alibi",
     "test: model.embedding_norm (not set, false by default): false has no place in bloom, "
     "the nearest of Hugging Face's architectures"},
};

static Built build_lines(const char *lines)
{
    return build(CASE_VOCAB, "model.n_layers=2\nmodel.n_heads=4\nmodel.d_model=16\nmodel.context_length=12\n%s", lines);
}

static void test_refusals(void **state)
{
    const Scratch *scratch = *state;
    const char *folder = scratch_path(scratch, "out");
    for (size_t h = 0; h < sizeof homeless / sizeof *homeless; h++) {
        Built built = build_lines(homeless[h].lines);
        const HubModel model = {built.model, built.parameters, NULL, "run", 0};
        HubSummary summary;
        Error err;
        assert_refused(hub_write(&model, folder, &summary, &err), STATUS_INPUT, homeless[h].refusal, &err);
        assert_false(file_exists(folder));
        unbuild(&built);
    }
}

/* ---- nothing is passed over -------------------------------------------------------------------------------------- */

/* The bytes of an export: config.json, then names, shapes and values of the tensors. */
static Text export_of(const Built *built, const Architecture *architecture)
{
    const HubModel model = {built->model, built->parameters, NULL, "run", 0};
    SafeTensor *tensors;
    Text text = {0};
    int n;
    config_add(&text, architecture, &model);
    tensors_of(built->arena, architecture, &model, &tensors, &n);
    for (int t = 0; t < n; t++) {
        text_addf(&text, "%s %d\n", tensors[t].name, tensors[t].n_dims);
        text_add_bytes(&text, tensors[t].data, tensors[t].n_bytes);
    }
    return text;
}

static int is_same(const Text *a, const Text *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* A case that has its home, and its export. */
typedef struct {
    const Case *c;
    Built built;
    Text export;
} Housed;

static void check_logits(const Housed *before, const Built *after, const char *change)
{
    real a[CASE_LENGTH * CASE_VOCAB], b[CASE_LENGTH * CASE_VOCAB];
    case_logits(&before->built, a), case_logits(after, b);
    if (memcmp(a, b, sizeof a) != 0)
        fail_msg("%s: %s changes logits, and not the export", before->c->name, change);
}

/* 1 where the changed model has a home; it then is another export, or gives the same logits. */
static int check_change(const Housed *before, const char *change)
{
    const char *lines = arena_format(before->built.arena, "%s\nmodel.n_layers=2\nmodel.context_length=12\n%s",
                                     before->c->lines, change);
    const Architecture *home;
    Built after;
    Error err;
    int has_home = try_build(CASE_VOCAB, lines, &after, &err) == STATUS_OK;
    has_home = has_home && hub_find(model_settings(after.model), &home, &err) == STATUS_OK;
    if (has_home) {
        disturb(&after, CASE_STD, CASE_SEED);
        Text export = export_of(&after, home);
        if (is_same(&before->export, &export))
            check_logits(before, &after, change);
        text_free(&export);
    }
    unbuild(&after);
    return has_home;
}

/* The plainest case of each architecture, with every value of every axis. */
static void test_nothing_is_passed_over(void **state)
{
    Arena *arena = arena_new();
    Axis *axes = ARENA_ARRAY(arena, Axis, MOST_AXES);
    const int n_axes = all_axes(arena, axes);
    int n_homes = 0, n = 0;
    (void)state;
    for (int i = 0; i < n_cases; i++) {
        if (strcmp(cases[i].name, cases[i].architecture) != 0)
            continue;
        Housed before = {&cases[i], build_case(&cases[i]), {0}};
        const Architecture *home;
        Error err;
        assert_ok(hub_find(model_settings(before.built.model), &home, &err), &err);
        before.export = export_of(&before.built, home);
        for (int a = 0; a < n_axes; a++)
            for (int v = 0; v < axes[a].n; v++)
                n_homes += check_change(&before, axes[a].values[v]), n++;
        text_free(&before.export);
        unbuild(&before.built);
    }
    assert_in_range(n_homes, 100, n / 2);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refusals, scratch_set_up, scratch_tear_down),
        cmocka_unit_test(test_nothing_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
