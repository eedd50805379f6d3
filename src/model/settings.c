/* Schema rows of `model` and their reading: one row per key, in the order in which `check` prints them.
 *
 * The kinds of position encoding, mask and score function are keys of their own (model.position.kind), whose choices
 * are the registries.
 */
#include "model/settings.h"

#include <string.h>

#include "model/mask/mask.h"
#include "model/position/position.h"
#include "model/score/score.h"

static const char *const norm_names[] = {"layernorm", "rmsnorm", NULL};
static const char *const placement_names[] = {"pre", "post", "sandwich", NULL};
static const char *const activation_names[] = {"gelu", "relu", "swiglu", NULL};
static const char *const weight_names[] = {"fan_in", "constant", NULL};
static const char *const residual_names[] = {"scaled", "plain", NULL};

const SchemaRow model_rows[] = {
    {"n_layers", VALUE_INT, "2", 1, 256, NULL, "transformer blocks, L"},
    {"n_heads", VALUE_INT, "2", 1, 256, NULL, "attention heads of a block, H"},
    {"d_model", VALUE_INT, "128", 1, 16384, NULL, "width of the residual stream, C"},
    {"d_head", VALUE_INT, "0", 0, 4096, NULL, "width of a head, D; 0: d_model / n_heads"},
    {"d_ff", VALUE_INT, "0", 0, 65536, NULL,
     "width of the MLP, F; 0: 4 d_model, or with swiglu 8/3 d_model rounded up to a multiple of 8, as many weights"},
    {"context_length", VALUE_INT, "64", 2, 16384, NULL, "positions of a sequence, T; every source wants at least 8"},
    {"norm", VALUE_CHOICE, "layernorm", 0, 0, norm_names, "layernorm: gain and shift; rmsnorm: gain"},
    {"norm_placement", VALUE_CHOICE, "pre", 0, 0, placement_names,
     "of a branch f: x + f(norm(x)); post: norm(x + f(x)), no final norm; sandwich: x + norm(f(norm(x)))"},
    {"norm_epsilon", VALUE_NUMBER, "1e-5", 1e-12, 1, NULL, "added to the variance"},
    {"activation", VALUE_CHOICE, "gelu", 0, 0, activation_names,
     "of the MLP; gelu in its tanh form; swiglu: a third matrix gates"},
    {"qk_norm", VALUE_BOOL, "false", 0, 0, NULL,
     "RMSNorm of q and k per head, before rotation, with a gain per channel"},
    {"bias", VALUE_BOOL, "false", 0, 0, NULL, "biases of the linear layers"},
    {"tied_head", VALUE_BOOL, "false", 0, 0, NULL, "the head is the token embedding; wants a small embedding_std"},
    {"init.embedding_std", VALUE_NUMBER, "1.0", 0, 100, NULL, "token embedding: standard deviation at step 0"},
    {"init.position_std", VALUE_NUMBER, "1.0", 0, 100, NULL, "learned position vectors: standard deviation at step 0"},
    {"init.weight", VALUE_CHOICE, "fan_in", 0, 0, weight_names, "std of matrices: d_model^-1/2, or weight_std"},
    {"init.weight_std", VALUE_NUMBER, "0.02", 0, 100, NULL, "std of matrices with init.weight: constant"},
    {"init.residual", VALUE_CHOICE, "scaled", 0, 0, residual_names,
     "matrices that write into the residual stream: divided by sqrt(2 n_layers), or plain"},
    {"init.head_std", VALUE_NUMBER, "0.02", 0, 100, NULL, "head: standard deviation at step 0"},
};
const int model_n_rows = sizeof model_rows / sizeof *model_rows;

/* The index of a choice's text in its list; the schema has checked that it is there. */
static int choice(const Settings *settings, const char *key, const char *const *names)
{
    const char *text = settings_text(settings, key);
    int i = 0;
    while (strcmp(names[i], text) != 0)
        i++;
    return i;
}

int model_settings_read(const Settings *settings, int vocab_size, ModelSettings *ret_model, Error *err)
{
    ModelSettings m = {
        .n_layers = (int)settings_int(settings, "model.n_layers"),
        .n_heads = (int)settings_int(settings, "model.n_heads"),
        .d_model = (int)settings_int(settings, "model.d_model"),
        .d_head = (int)settings_int(settings, "model.d_head"),
        .d_ff = (int)settings_int(settings, "model.d_ff"),
        .context_length = (int)settings_int(settings, "model.context_length"),
        .vocab_size = vocab_size,
        .norm = (NormKind)choice(settings, "model.norm", norm_names),
        .norm_placement = (NormPlacement)choice(settings, "model.norm_placement", placement_names),
        .norm_epsilon = settings_number(settings, "model.norm_epsilon"),
        .activation = (ActivationKind)choice(settings, "model.activation", activation_names),
        .bias = settings_bool(settings, "model.bias"),
        .qk_norm = settings_bool(settings, "model.qk_norm"),
        .tied_head = settings_bool(settings, "model.tied_head"),
        .position = position_find(settings_text(settings, "model.position.kind")),
        .mask = mask_find(settings_text(settings, "model.mask.kind")),
        .score = score_find(settings_text(settings, "model.score.kind")),
        .init =
            {
                .embedding_std = settings_number(settings, "model.init.embedding_std"),
                .position_std = settings_number(settings, "model.init.position_std"),
                .weight_std = settings_number(settings, "model.init.weight_std"),
                .head_std = settings_number(settings, "model.init.head_std"),
                .weight = (WeightRule)choice(settings, "model.init.weight", weight_names),
                .residual = (ResidualRule)choice(settings, "model.init.residual", residual_names),
            },
        .settings = settings,
    };
    if (m.d_head == 0) {
        if (m.d_model % m.n_heads != 0)
            return settings_error(settings, "model.n_heads", err,
                                  "%d heads do not divide model.d_model %d; choose another number, or set model.d_head",
                                  m.n_heads, m.d_model);
        m.d_head = m.d_model / m.n_heads;
    }
    if (m.d_ff == 0)
        m.d_ff = m.activation == ACTIVATION_SWIGLU ? 8 * ((m.d_model + 2) / 3) : 4 * m.d_model;
    *ret_model = m;
    return STATUS_OK;
}
