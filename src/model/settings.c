/* Schema rows of `model`: one row per key, in the order in which `check` prints them, with the member it is read into.
 *
 * The kinds of position encoding, mask, score function, slots and gate are keys of their own (model.position.kind),
 * whose choices are the registries.
 */
#include "model/settings.h"

#include <math.h>

#include "model/gate/gate.h"
#include "model/mask/mask.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "model/slot/slot.h"

static const char *const norm_names[] = {
    [NORM_LAYERNORM] = "layernorm", [NORM_RMSNORM] = "rmsnorm", [NORM_NONE] = "none", NULL};
static const char *const placement_names[] = {
    [PLACEMENT_PRE] = "pre", [PLACEMENT_POST] = "post", [PLACEMENT_SANDWICH] = "sandwich", NULL};
static const char *const activation_names[] = {[ACTIVATION_GELU] = "gelu",
                                               [ACTIVATION_RELU] = "relu",
                                               [ACTIVATION_SWIGLU] = "swiglu",
                                               [ACTIVATION_GELU_EXACT] = "gelu_exact",
                                               NULL};
static const char *const input_names[] = {
    [INPUT_EMBEDDING] = "embedding", [INPUT_LINEAR] = "linear", [INPUT_IDENTITY] = "identity", NULL};
static const char *const output_names[] = {[OUTPUT_LINEAR] = "linear", [OUTPUT_IDENTITY] = "identity", NULL};
static const char *const bias_names[] = {[BIAS_AUTO] = "auto", [BIAS_ON] = "true", [BIAS_OFF] = "false", NULL};
static const char *const weight_names[] = {[WEIGHT_FAN_IN] = "fan_in",
                                           [WEIGHT_CONSTANT] = "constant",
                                           [WEIGHT_OWN_FAN_IN] = "own_fan_in",
                                           [WEIGHT_UNIFORM] = "uniform_fan_in",
                                           NULL};
static const char *const bias_start_names[] = {[BIAS_ZERO] = "zero", [BIAS_UNIFORM] = "uniform_fan_in", NULL};
static const char *const residual_names[] = {[RESIDUAL_SCALED] = "scaled", [RESIDUAL_PLAIN] = "plain", NULL};

const SchemaRow model_rows[] = {
    {"n_layers", VALUE_INT, "2", 1, 256, NULL, "transformer blocks, L", FIELD(ModelSettings, n_layers)},
    {"n_heads", VALUE_INT, "2", 1, 256, NULL, "attention heads of a block, H", FIELD(ModelSettings, n_heads)},
    {"n_kv_heads", VALUE_INT, "0", 0, 256, NULL,
     "heads of keys and values, each read by n_heads / n_kv_heads heads of queries; 0: n_heads",
     FIELD(ModelSettings, n_kv_heads)},
    {"d_model", VALUE_INT, "128", 1, 16384, NULL, "width of the residual stream, C", FIELD(ModelSettings, d_model)},
    {"d_head", VALUE_INT, "0", 0, 4096, NULL, "width of a head, D; 0: d_model / n_heads", FIELD(ModelSettings, d_head)},
    {"d_ff", VALUE_INT, "0", 0, 65536, NULL,
     "width of the MLP, F; 0: 4 d_model, or with swiglu 8/3 d_model rounded up to a multiple of 8, as many weights",
     FIELD(ModelSettings, d_ff)},
    {"context_length", VALUE_INT, "64", 2, 16384, NULL, "positions of a sequence, T; every source wants at least 8",
     FIELD(ModelSettings, context_length)},
    {"norm", VALUE_CHOICE, "layernorm", 0, 0, norm_names,
     "layernorm: gain and shift; rmsnorm: gain; none: no norm anywhere but with qk_norm", FIELD(ModelSettings, norm)},
    {"norm_placement", VALUE_CHOICE, "pre", 0, 0, placement_names,
     "of a branch f: x + f(norm(x)); post: norm(x + f(x)), no final norm; sandwich: x + norm(f(norm(x)))",
     FIELD(ModelSettings, norm_placement)},
    {"norm_epsilon", VALUE_NUMBER, "1e-5", 1e-12, 1, NULL, "added to the variance", FIELD(ModelSettings, norm_epsilon)},
    {"activation", VALUE_CHOICE, "gelu", 0, 0, activation_names,
     "of the MLP; gelu in its tanh form, gelu_exact with the normal distribution; swiglu: a third matrix gates",
     FIELD(ModelSettings, activation)},
    {"mlp", VALUE_BOOL, "true", 0, 0, NULL, "false: blocks of attention alone", FIELD(ModelSettings, mlp)},
    {"attention_residual", VALUE_BOOL, "true", 0, 0, NULL,
     "false: attention's output replaces the residual stream instead of adding to it",
     FIELD(ModelSettings, attention_residual)},
    {"parallel_residual", VALUE_BOOL, "false", 0, 0, NULL,
     "true: attention and MLP side by side, both of them of the block's input (GPT-J, GPT-NeoX): x + f(norm x) + "
     "g(norm x)",
     FIELD(ModelSettings, parallel_residual)},
    {"embedding_norm", VALUE_BOOL, "false", 0, 0, NULL, "a norm behind the embeddings, before the first block",
     FIELD(ModelSettings, embedding_norm)},
    {"token_type", VALUE_BOOL, "false", 0, 0, NULL,
     "adds one learned vector at every place: the first of BERT's token types", FIELD(ModelSettings, token_type)},
    {"token_types", VALUE_INT, "0", 0, 512, NULL,
     "N token types: segment k adds the learned vector of type k, behind the last type the first again; EOS ends a "
     "segment, BOS begins one; 0: none",
     FIELD(ModelSettings, token_types)},
    {"qk_norm", VALUE_BOOL, "false", 0, 0, NULL,
     "RMSNorm of q and k per head, before rotation, with a gain per channel", FIELD(ModelSettings, qk_norm)},
    {"bias", VALUE_BOOL, "false", 0, 0, NULL, "biases of the linear layers", FIELD(ModelSettings, bias)},
    {"bias_q", VALUE_CHOICE, "auto", 0, 0, bias_names, "of the queries; auto: as bias", FIELD(ModelSettings, bias_q)},
    {"bias_k", VALUE_CHOICE, "auto", 0, 0, bias_names, "of the keys", FIELD(ModelSettings, bias_k)},
    {"bias_v", VALUE_CHOICE, "auto", 0, 0, bias_names, "of the values", FIELD(ModelSettings, bias_v)},
    {"bias_out", VALUE_CHOICE, "auto", 0, 0, bias_names, "of attention's output", FIELD(ModelSettings, bias_out)},
    {"bias_mlp", VALUE_CHOICE, "auto", 0, 0, bias_names, "of the MLP's layers", FIELD(ModelSettings, bias_mlp)},
    {"bias_head", VALUE_CHOICE, "auto", 0, 0, bias_names, "of the head", FIELD(ModelSettings, bias_head)},
    {"tied_head", VALUE_BOOL, "false", 0, 0, NULL, "the head is the token embedding; wants a small embedding_std",
     FIELD(ModelSettings, tied_head)},
    {"head_layers", VALUE_INT, "1", 1, 8, NULL,
     "linear layers of the head; a ReLU of d_model stands behind each but the last, so that 3 is an MLP of 3 layers",
     FIELD(ModelSettings, head_layers)},
    {"init.embedding_std", VALUE_NUMBER, "1.0", 0, 100, NULL, "token embedding: standard deviation at step 0",
     FIELD(ModelSettings, init.embedding_std)},
    {"init.position_std", VALUE_NUMBER, "1.0", 0, 100, NULL, "learned position vectors: standard deviation at step 0",
     FIELD(ModelSettings, init.position_std)},
    {"init.weight", VALUE_CHOICE, "fan_in", 0, 0, weight_names,
     "std of matrices: d_model^-1/2, weight_std, or own_fan_in: each matrix's own fan-in^-1/2; uniform_fan_in: drawn "
     "evenly within +-fan-in^-1/2, the head too",
     FIELD(ModelSettings, init.weight)},
    {"init.weight_std", VALUE_NUMBER, "0.02", 0, 100, NULL, "std of matrices with init.weight: constant",
     FIELD(ModelSettings, init.weight_std)},
    {"init.q_std", VALUE_NUMBER, "0", 0, 100, NULL, "W_q: std at step 0; 0: by init.weight",
     FIELD(ModelSettings, init.q_std)},
    {"init.k_std", VALUE_NUMBER, "0", 0, 100, NULL, "W_k; 0: by init.weight", FIELD(ModelSettings, init.k_std)},
    {"init.v_std", VALUE_NUMBER, "0", 0, 100, NULL, "W_v; 0: by init.weight", FIELD(ModelSettings, init.v_std)},
    {"init.out_std", VALUE_NUMBER, "0", 0, 100, NULL, "attention's W_out; 0: by init.weight and init.residual",
     FIELD(ModelSettings, init.out_std)},
    {"init.up_std", VALUE_NUMBER, "0", 0, 100, NULL, "the MLP's W_up and W_gate; 0: by init.weight",
     FIELD(ModelSettings, init.up_std)},
    {"init.down_std", VALUE_NUMBER, "0", 0, 100, NULL, "the MLP's W_down; 0: by init.weight and init.residual",
     FIELD(ModelSettings, init.down_std)},
    {"init.bias", VALUE_CHOICE, "zero", 0, 0, bias_start_names,
     "biases of the linear layers: 0, or drawn evenly within +-fan-in^-1/2, as PyTorch's nn.Linear does",
     FIELD(ModelSettings, init.bias)},
    {"init.residual", VALUE_CHOICE, "scaled", 0, 0, residual_names,
     "matrices that write into the residual stream: divided by sqrt(2 n_layers), or plain",
     FIELD(ModelSettings, init.residual)},
    {"init.head_std", VALUE_NUMBER, "0.02", 0, 100, NULL,
     "head: standard deviation at step 0; not with init.weight: uniform_fan_in", FIELD(ModelSettings, init.head_std)},
    {"init.from", VALUE_FILE, "", 0, 0, NULL,
     "safetensors file, another run's checkpoint for one, whose tensors take the place of the initial ones of their "
     "names; empty: none",
     BY_HAND},
};
const int model_n_rows = sizeof model_rows / sizeof *model_rows;

const SchemaRow model_vector_rows[] = {
    {"input", VALUE_CHOICE, "embedding", 0, 0, input_names,
     "embedding: of ids; of a source of vectors, a learned map of them, or identity: they are the stream",
     FIELD(ModelSettings, input)},
    {"output", VALUE_CHOICE, "linear", 0, 0, output_names,
     "linear: a norm and a head; identity, for a source with goals: the stream's end is the answer",
     FIELD(ModelSettings, output)},
};
const int model_n_vector_rows = sizeof model_vector_rows / sizeof *model_vector_rows;

static int check_width(const ModelSettings *model, const char *key, const char *what, int width, Error *err)
{
    if (width == model->d_model)
        return STATUS_OK;
    return settings_error(model->settings, key, err,
                          "identity wants model.d_model as wide as the source's %s: %d, and not %d", what, width,
                          model->d_model);
}

int model_check_vectors(const ModelSettings *model, Error *err)
{
    const Settings *settings = model->settings;
    if (model->vector_width == 0 && model->input != INPUT_EMBEDDING)
        return settings_error(settings, "model.input", err, "'%s' reads vectors, and this data.source.kind gives ids",
                              input_names[model->input]);
    if (model->vector_width > 0 && model->input == INPUT_EMBEDDING)
        return settings_error(settings, "model.input", err,
                              "'embedding' reads ids; this data.source.kind gives vectors, for 'linear' or 'identity'");
    if (model->goal_width == 0 && model->output == OUTPUT_IDENTITY)
        return settings_error(settings, "model.output", err,
                              "'identity' gives vectors, and this data.source.kind asks for ids");
    if (model->output == OUTPUT_IDENTITY && model->head_layers > 1)
        return settings_error(settings, "model.head_layers", err,
                              "`output: identity` has no head, and no layers of one");
    if (model->tied_head && (model->vector_width > 0 || model->goal_width > 0))
        return settings_error(settings, "model.tied_head", err,
                              "there is no token embedding to tie the head to: this data.source.kind gives vectors");
    int status = STATUS_OK;
    if (model->input == INPUT_IDENTITY)
        status = check_width(model, "model.input", "vectors", model->vector_width, err);
    if (status == STATUS_OK && model->output == OUTPUT_IDENTITY)
        status = check_width(model, "model.output", "goals", model->goal_width, err);
    return status;
}

static const char *const scale_names[] = {[SCALE_HEAD] = "head", [SCALE_NONE] = "none", NULL};

const SchemaRow model_score_rows[] = {
    {"scale", VALUE_CHOICE, "head", 0, 0, scale_names, "of q.k: divided by sqrt(d_head), or none",
     FIELD(ModelSettings, scale)},
    {"temperature", VALUE_NUMBER, "1", 1e-3, 1000, NULL, "scores, position bias included, are divided by it",
     FIELD(ModelSettings, logit.temperature)},
    {"softcap", VALUE_NUMBER, "0", 0, 1e4, NULL,
     "c: scores, bias included, become c tanh(s/c) before the mask (Gemma 2, arXiv 2408.00118); 0: none",
     FIELD(ModelSettings, logit.softcap)},
};
const int model_n_score_rows = sizeof model_score_rows / sizeof *model_score_rows;

int model_settings_read(const Settings *settings, int vocab_size, ModelSettings *ret_model, Error *err)
{
    ModelSettings m = {
        .vocab_size = vocab_size,
        .position = position_find(settings_text(settings, "model.position.kind")),
        .mask = mask_find(settings_text(settings, "model.mask.kind")),
        .score = score_find(settings_text(settings, "model.score.kind")),
        .slot = slot_find(settings_text(settings, "model.slot.kind")),
        .gate = gate_find(settings_text(settings, "model.gate.kind")),
        .settings = settings,
    };
    settings_read_rows(settings, "model", model_rows, model_n_rows, &m);
    settings_read_rows(settings, "model", model_vector_rows, model_n_vector_rows, &m);
    settings_read_rows(settings, "model.score", model_score_rows, model_n_score_rows, &m);
    if (m.d_head == 0) {
        if (m.d_model % m.n_heads != 0)
            return settings_error(settings, "model.n_heads", err,
                                  "%d heads do not divide model.d_model %d; choose another number, or set model.d_head",
                                  m.n_heads, m.d_model);
        m.d_head = m.d_model / m.n_heads;
    }
    if (m.logit.softcap > 0 && m.logit.softcap < 1e-3)
        return settings_error(settings, "model.score.softcap", err,
                              "%g leaves no scores apart; 0 is no cap, and 0.001 the least", m.logit.softcap);
    m.logit.divisor = m.scale == SCALE_HEAD ? sqrt((double)m.d_head) : 1;
    if (m.n_kv_heads == 0)
        m.n_kv_heads = m.n_heads;
    if (m.n_heads % m.n_kv_heads != 0)
        return settings_error(settings, "model.n_kv_heads", err,
                              "%d does not divide model.n_heads %d: each head of keys and values is read by as many "
                              "heads of queries",
                              m.n_kv_heads, m.n_heads);
    if (m.token_type && m.token_types > 0)
        return settings_error(settings, "model.token_type", err,
                              "adds the same type everywhere, and model.token_types gives each segment its own: one of "
                              "them");
    m.token_types = m.token_type ? 1 : m.token_types;
    if (m.norm == NORM_NONE) /* joins are plain, wherever a norm would stand */
        m.norm_placement = PLACEMENT_PRE;
    BiasRule *const biases[] = {&m.bias_q, &m.bias_k, &m.bias_v, &m.bias_out, &m.bias_mlp, &m.bias_head};
    for (size_t b = 0; b < sizeof biases / sizeof *biases; b++)
        if (*biases[b] == BIAS_AUTO)
            *biases[b] = m.bias ? BIAS_ON : BIAS_OFF;
    if (m.d_ff == 0)
        m.d_ff = m.activation == ACTIVATION_SWIGLU ? 8 * ((m.d_model + 2) / 3) : 4 * m.d_model;
    *ret_model = m;
    return STATUS_OK;
}
