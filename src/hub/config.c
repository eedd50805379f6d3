/* config.json, with numbers as they are: an epsilon that is not written is theirs, and another than ours. */
#include "hub/config.h"

#include <math.h>
#include <string.h>

#include "data/sequence.h"

static const char *const activations[] = {
    [ACTIVATION_GELU] = "gelu_new",
    [ACTIVATION_RELU] = "relu",
    [ACTIVATION_SWIGLU] = "silu",
    [ACTIVATION_GELU_EXACT] = "gelu",
};

const char *config_activation(const ModelSettings *model)
{
    return activations[model->activation];
}

void config_put_zeros(JsonWriter *json, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        json_put_number(json, names[i], 0);
}

void config_put_sizes(JsonWriter *json, const ModelSettings *model)
{
    json_put_number(json, "hidden_size", model->d_model);
    json_put_number(json, "num_hidden_layers", model->n_layers);
    json_put_number(json, "num_attention_heads", model->n_heads);
    json_put_number(json, "intermediate_size", model->d_ff);
    json_put_number(json, "max_position_embeddings", model->context_length);
}

void config_put_llama(JsonWriter *json, const ModelSettings *model)
{
    config_put_sizes(json, model);
    json_put_number(json, "num_key_value_heads", model->n_kv_heads);
    json_put_number(json, "head_dim", model->d_head);
    json_put_string(json, "hidden_act", config_activation(model));
    json_put_number(json, "rms_norm_eps", model->norm_epsilon);
    json_put_number(json, "attention_dropout", 0);
}

/* ---- rope -------------------------------------------------------------------------------------------------------- */

/* With `ntk` the base grows, and nothing else changes (model/position/rope.c). */
static double theta_of(const ModelSettings *model, int width)
{
    const Settings *s = model->settings;
    const double theta = settings_number(s, "model.position.theta");
    if (strcmp(settings_text(s, "model.position.scaling"), "ntk") != 0 || width == 2)
        return theta;
    return theta * pow(settings_number(s, "model.position.scaling_factor"), width / (width - 2.0));
}

static void put_llama3(JsonWriter *json, const Settings *settings)
{
    json_put_number(json, "low_freq_factor", settings_number(settings, "model.position.low_freq_factor"));
    json_put_number(json, "high_freq_factor", settings_number(settings, "model.position.high_freq_factor"));
    json_put_number(json, "original_max_position_embeddings",
                    (double)settings_int(settings, "model.position.original_length"));
}

static int is_scaling(const Settings *settings, const char *scaling)
{
    return strcmp(settings_text(settings, "model.position.scaling"), scaling) == 0;
}

static int is_scaled(const Settings *settings)
{
    return is_scaling(settings, "linear") || is_scaling(settings, "llama3");
}

/* "rope_type": "llama3" and its keys; of frequencies as they are, `default` alone. */
static void put_scaling(JsonWriter *json, const Settings *settings)
{
    json_put_string(json, "rope_type",
                    is_scaled(settings) ? settings_text(settings, "model.position.scaling") : "default");
    if (is_scaled(settings))
        json_put_number(json, "factor", settings_number(settings, "model.position.scaling_factor"));
    if (is_scaling(settings, "llama3"))
        put_llama3(json, settings);
}

/* Theirs is cut to whole channels, ours rounded: a share that is cut to just as many. */
static double share_of(const ModelSettings *model, int width)
{
    const double share = (double)width / model->d_head;
    return (int)(model->d_head * share) == width ? share : nextafter(share, 1);
}

/* One object for both generations. */
static void put_rope(JsonWriter *json, const char *key, const Rope *rope, const Settings *settings)
{
    json_key(json, key);
    json_open_object(json);
    put_scaling(json, settings);
    json_put_number(json, "rope_theta", rope->theta);
    if (rope->share != 1)
        json_put_number(json, "partial_rotary_factor", rope->share);
    json_close_object(json);
}

Rope config_put_rope(JsonWriter *json, const ModelSettings *model, RopeScaling scaling)
{
    const Settings *s = model->settings;
    const int width = (int)lround(settings_number(s, "model.position.fraction") * model->d_head);
    const Rope rope = {theta_of(model, width), share_of(model, width)};
    put_rope(json, "rope_parameters", &rope, s);
    json_put_number(json, "rope_theta", rope.theta);
    if (scaling == ROPE_ALWAYS_SCALED || is_scaled(s))
        put_rope(json, "rope_scaling", &rope, s);
    return rope;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void put_origin(JsonWriter *json, const HubModel *model)
{
    json_key(json, "refframe");
    json_open_object(json);
    json_put_string(json, "version", REFFRAME_VERSION);
    json_put_string(json, "run", model->run);
    json_put_number(json, "step", (double)model->step);
    json_close_object(json);
}

void config_add(Text *text, const Architecture *architecture, const HubModel *model)
{
    const ModelSettings *s = model_settings(model->model);
    JsonWriter json;
    json_start(&json, text, 2);
    json_open_object(&json);
    json_put_strings(&json, "architectures", 1, &architecture->class);
    json_put_string(&json, "model_type", architecture->variant.name);
    json_put_number(&json, "vocab_size", s->vocab_size);
    architecture->configure(s, &json);
    json_put_bool(&json, "tie_word_embeddings", s->tied_head);
    json_put_number(&json, "bos_token_id", TOKEN_BOS);
    json_put_number(&json, "eos_token_id", TOKEN_EOS);
    json_put_string(&json, "pad_token_id", NULL);
    json_put_string(&json, "torch_dtype", "float32");
    put_origin(&json, model);
    json_close_object(&json);
    text_add(text, "\n");
}
