#include "cases.h"

static const char *const sizes = "model.n_layers=2\nmodel.context_length=12";

#define FOUR "model.n_heads=4\nmodel.d_model=16\n"

#define LLAMA "model.norm=rmsnorm\nmodel.activation=swiglu\nmodel.position.kind=rope\n"
#define NONE  "model.norm=rmsnorm\nmodel.activation=swiglu\nmodel.position.kind=none\n"
#define GPT2  "model.position.kind=absolute\n"
#define BERT                                                                                                           \
    "model.mask.kind=full\nmodel.position.kind=absolute\nmodel.norm_placement=post\nmodel.embedding_norm=true\n"
#define OSS   "model.norm=rmsnorm\nmodel.position.kind=rope\nmodel.score.kind=sink_logit\nmodel.mlp=false\n"
#define BLOOM "model.position.kind=alibi\nmodel.embedding_norm=true\n"

const Case cases[] = {
    {"llama", "llama", FOUR LLAMA},
    {"llama_all", "llama",
     FOUR LLAMA "model.n_kv_heads=2\nmodel.d_head=6\nmodel.bias=true\nmodel.bias_head=false\nmodel.tied_head=true\n"
                "model.norm_epsilon=0.01\nmodel.position.theta=500"},
    {"llama_qkv", "llama", FOUR LLAMA "model.bias_q=true\nmodel.bias_v=true\nmodel.d_ff=24"},
    {"llama_linear", "llama", FOUR LLAMA "model.position.scaling=linear\nmodel.position.scaling_factor=3"},
    {"llama_llama3", "llama",
     FOUR LLAMA "model.position.scaling=llama3\nmodel.position.scaling_factor=3\nmodel.position.original_length=24"},
    {"llama_ntk", "llama", FOUR LLAMA "model.position.scaling=ntk\nmodel.position.scaling_factor=3"},
    {"qwen3", "qwen3", FOUR LLAMA "model.qk_norm=true\nmodel.n_kv_heads=2\nmodel.d_head=6"},
    {"qwen3_all", "qwen3", FOUR LLAMA "model.qk_norm=true\nmodel.bias_k=true\nmodel.tied_head=true"},
    {"qwen3_odd", "qwen3", LLAMA "model.qk_norm=true\nmodel.n_heads=3\nmodel.d_head=4\nmodel.d_model=16"},
    {"smollm3", "smollm3", FOUR NONE},
    {"smollm3_skip", "smollm3",
     FOUR LLAMA "model.position.skip_every=2\nmodel.n_kv_heads=1\nmodel.bias=true\nmodel.bias_head=false\n"
                "model.tied_head=true"},
    {"smollm3_odd", "smollm3", NONE "model.n_heads=3\nmodel.d_head=4\nmodel.d_model=16"},
    {"gpt2", "gpt2", FOUR GPT2 "model.bias=true\nmodel.bias_head=false\nmodel.tied_head=true"},
    {"gpt2_bare", "gpt2", FOUR GPT2 "model.activation=gelu_exact\nmodel.norm_epsilon=0.01"},
    {"gpt2_relu", "gpt2", FOUR GPT2 "model.activation=relu\nmodel.bias_k=true\nmodel.d_ff=20"},
    {"gpt2_sinusoidal", "gpt2", FOUR GPT2 "model.position.table=sinusoidal"},
    {"gpt2_none", "gpt2", FOUR "model.position.kind=none"},
    {"gpt_neox", "gpt_neox", FOUR "model.position.kind=rope\nmodel.bias=true\nmodel.bias_head=false"},
    {"gpt_neox_part", "gpt_neox",
     FOUR
     "model.position.kind=rope\nmodel.position.fraction=0.5\nmodel.position.theta=300\nmodel.activation=gelu_exact\n"
     "model.tied_head=true"},
    {"gpt_neox_linear", "gpt_neox",
     FOUR "model.position.kind=rope\nmodel.position.fraction=0.5\nmodel.position.scaling=linear\n"
          "model.position.scaling_factor=3\nmodel.activation=relu"},
    {"gpt_neox_parallel", "gpt_neox",
     FOUR "model.position.kind=rope\nmodel.position.fraction=0.5\nmodel.activation=gelu_exact\nmodel.bias=true\n"
          "model.bias_head=false\nmodel.parallel_residual=true"},
    {"bert", "bert", FOUR BERT "model.bias=true\nmodel.token_type=true\nmodel.activation=gelu_exact"},
    {"bert_bare", "bert", FOUR BERT "model.tied_head=true\nmodel.norm_epsilon=0.01"},
    {"bloom", "bloom", FOUR BLOOM "model.bias=true\nmodel.bias_head=false\nmodel.tied_head=true"},
    {"bloom_six", "bloom",
     BLOOM "model.n_heads=6\nmodel.d_model=12\n"
           "model.position.slopes=[0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]"},
    {"gpt_oss", "gpt_oss", FOUR OSS "model.bias=true\nmodel.bias_head=false"},
    {"gpt_oss_all", "gpt_oss",
     OSS "model.n_heads=6\nmodel.d_model=16\nmodel.d_head=4\nmodel.n_kv_heads=2\nmodel.tied_head=true\n"
         "model.norm_epsilon=0.01\nmodel.position.theta=500\nmodel.position.scaling=linear\n"
         "model.position.scaling_factor=3"},
};
const int n_cases = sizeof cases / sizeof *cases;

const int32_t case_ids[CASE_LENGTH] = {0, 7, 3, 3, 10, 2, 9, 5, 4, 8, 6, 1};

Built build_case(const Case *c)
{
    Built built = build(CASE_VOCAB, "%s\n%s", sizes, c->lines);
    disturb(&built, CASE_STD, CASE_SEED);
    return built;
}

void case_logits(const Built *built, real *ret_logits)
{
    Workspace *workspace = workspace_new(built->arena, built->model, 1, 0, NULL);
    model_logits(built->model, built->parameters, case_ids, CASE_LENGTH, workspace, ret_logits);
}
