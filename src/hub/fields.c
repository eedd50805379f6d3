/* Fields of config.json, by an architecture's table. */
#include "hub/fields.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "hub/names.h"

typedef struct {
    Arena *arena;
    const char *path;
    const Json *config;
    Fields *fields;
    Error *err;
} Reader;

/* Which change no logit of a model that is not being trained: a dropout is off then, and a summary is another head's.
 */
static const char *const idle[] = {
    "architectures",
    "model_type",
    "vocab_size",
    "torch_dtype",
    "dtype",
    "use_cache",
    "transformers_version",
    "initializer_range",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "attention_dropout",
    "hidden_dropout",
    "resid_pdrop",
    "embd_pdrop",
    "attn_pdrop",
    "classifier_dropout",
    "_name_or_path",
    HUB_ORIGIN,
    "is_decoder",
    "summary_type",
    "summary_use_proj",
    "summary_activation",
    "summary_proj_to_labels",
    "summary_first_dropout",
};
static const char *const of_rope[] = {"rope_parameters", "rope_scaling",          "rope_theta",
                                      "rotary_pct",      "partial_rotary_factor", "rotary_emb_base"};
static const char *const within_rope[] = {"rope_type",        "type",
                                          "rope_theta",       "partial_rotary_factor",
                                          "factor",           "low_freq_factor",
                                          "high_freq_factor", "original_max_position_embeddings"};

#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof *(names))

static int is_among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return 0;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* As a setting's text; NULL where there is none, or null. */
static const char *text_of(Arena *arena, const Json *value)
{
    char digits[32];
    if (!value || value->type == JSON_NULL)
        return NULL;
    if (value->type == JSON_BOOL)
        return value->number != 0 ? "true" : "false";
    if (value->type == JSON_NUMBER)
        return arena_strdup(arena, text_number(value->number, digits));
    return value->type == JSON_STRING ? value->string : "a list or an object";
}

static int refuse(const Reader *r, const char *field, const char *text, const char *wanted)
{
    return error_set(r->err, STATUS_INPUT, "%s: %s: \"%.60s\" is not what is read here: %s", r->path, field, text,
                     wanted);
}

static void assign(const Reader *r, const char *key, const char *text)
{
    r->fields->assignments[r->fields->n_assignments++] =
        (Assignment){.key = key, .text = text, .file = r->path, .line = 0};
}

/* Their name of an activation as ours. */
static int assign_activation(const Reader *r, const char *field, const char *text)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {{"gelu_new", "gelu"}, {"gelu_pytorch_tanh", "gelu"}, {"gelu", "gelu_exact"}, {"relu", "relu"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].theirs) == 0) {
            assign(r, "model.activation", names[i].ours);
            return STATUS_OK;
        }
    return refuse(r, field, text, "gelu_new, gelu_pytorch_tanh, gelu or relu");
}

static int read_field(const Reader *r, const FieldRow *row)
{
    const char *said = text_of(r->arena, json_get(r->config, row->theirs)), *text = said ? said : row->initial;
    if (!text)
        return error_set(r->err, STATUS_INPUT, "%s: has no %s", r->path, row->theirs);
    if (!row->ours)
        return row->is && strcmp(text, row->is) != 0 ? refuse(r, row->theirs, text, row->is) : STATUS_OK;
    if (strcmp(row->ours, "model.activation") == 0)
        return assign_activation(r, row->theirs, text);
    assign(r, row->ours, text);
    return STATUS_OK;
}

/* ---- rope -------------------------------------------------------------------------------------------------------- */

/* A member of the object, or else a field of one of two names, or else `initial`. */
static const char *rope_text(const Reader *r, const Json *object, const char *name, const char *other,
                             const char *initial)
{
    const Json *value = json_get(object, name);
    if (!value)
        value = json_get(r->config, name);
    if (!value && other)
        value = json_get(r->config, other);
    const char *text = text_of(r->arena, value);
    return text ? text : initial;
}

static int read_scaling(const Reader *r, const Json *object)
{
    static const char *const numbers[][2] = {{"low_freq_factor", "model.position.low_freq_factor"},
                                             {"high_freq_factor", "model.position.high_freq_factor"},
                                             {"original_max_position_embeddings", "model.position.original_length"}};
    const char *type = text_of(r->arena, json_get(object, "rope_type"));
    if (!type)
        type = text_of(r->arena, json_get(object, "type"));
    if (!type || strcmp(type, "default") == 0)
        return STATUS_OK;
    const int is_llama3 = strcmp(type, "llama3") == 0;
    const char *factor = text_of(r->arena, json_get(object, "factor"));
    if (!is_llama3 && strcmp(type, "linear") != 0)
        return refuse(r, "rope_type", type, "default, linear or llama3");
    if (!factor)
        return error_set(r->err, STATUS_INPUT, "%s: rope_type %s has no factor", r->path, type);
    assign(r, "model.position.scaling", type);
    assign(r, "model.position.scaling_factor", factor);
    for (int i = 0; is_llama3 && i < 3; i++) {
        const char *text = text_of(r->arena, json_get(object, numbers[i][0]));
        if (!text)
            return error_set(r->err, STATUS_INPUT, "%s: rope_type llama3 has no %s", r->path, numbers[i][0]);
        assign(r, numbers[i][1], text);
    }
    return STATUS_OK;
}

static int read_rope(const Reader *r)
{
    char digits[32];
    const Json *object = json_get(r->config, "rope_parameters");
    if (!object || object->type != JSON_OBJECT)
        object = json_get(r->config, "rope_scaling");
    for (int i = 0; object && object->type == JSON_OBJECT && i < object->n_items; i++)
        if (!IS_AMONG(object->items[i]->key, within_rope))
            return error_set(r->err, STATUS_INPUT, "%s: rope: \"%.60s\" is not known here, and may change numbers",
                             r->path, object->items[i]->key);
    text_number(r->fields->architecture->rope_share, digits);
    assign(r, "model.position.theta", rope_text(r, object, "rope_theta", "rotary_emb_base", "10000"));
    assign(r, "model.position.fraction",
           rope_text(r, object, "partial_rotary_factor", "rotary_pct", arena_strdup(r->arena, digits)));
    return read_scaling(r, object);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static int find_architecture(const Reader *r)
{
    const char *type = json_get_string(r->config, "model_type", "");
    const Architecture *architecture = architecture_find(type);
    const char *read = "";
    if (architecture && architecture->n_fields > 0) {
        r->fields->architecture = architecture;
        return STATUS_OK;
    }
    for (int a = 0; architecture_registry[a]; a++)
        if (architecture_registry[a]->n_fields > 0)
            read = arena_format(r->arena, "%s%s%s", read, *read ? ", " : "", architecture_registry[a]->variant.name);
    return refuse(r, "model_type", type, read);
}

static int is_known(const Architecture *architecture, const char *name)
{
    for (int f = 0; f < architecture->n_fields; f++)
        if (strcmp(architecture->fields[f].theirs, name) == 0)
            return 1;
    return IS_AMONG(name, idle) || (architecture->rope_share > 0 && IS_AMONG(name, of_rope));
}

static int read_all(const Reader *r)
{
    const double vocab_size = json_get_number(r->config, "vocab_size", 0);
    int status = find_architecture(r);
    if (status != STATUS_OK)
        return status;
    const Architecture *architecture = r->fields->architecture;
    for (int i = 0; i < r->config->n_items; i++)
        if (!is_known(architecture, r->config->items[i]->key))
            return error_set(r->err, STATUS_INPUT, "%s: \"%.60s\" is not known here, and may change numbers", r->path,
                             r->config->items[i]->key);
    if (!(vocab_size >= 1 && vocab_size <= 1e7))
        return error_set(r->err, STATUS_INPUT, "%s: vocab_size: %g is not from 1 to 10000000", r->path, vocab_size);
    r->fields->vocab_size = (int)vocab_size;
    for (int s = 0; architecture->shape[s]; s += 2)
        assign(r, architecture->shape[s], architecture->shape[s + 1]);
    for (int f = 0; f < architecture->n_fields && status == STATUS_OK; f++)
        status = read_field(r, &architecture->fields[f]);
    return status == STATUS_OK && architecture->rope_share > 0 ? read_rope(r) : status;
}

int fields_read(Arena *arena, const char *path, Fields *ret_fields, Error *err)
{
    Fields fields = {0};
    Json *config;
    char *bytes;
    size_t n;
    int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = json_parse(arena, path, bytes, n, &config, err);
    if (status == STATUS_OK && config->type != JSON_OBJECT)
        status = error_set(err, STATUS_INPUT, "%s: is no object", path);
    if (status == STATUS_OK)
        status = read_all(&(Reader){arena, path, config, &fields, err});
    if (status == STATUS_OK)
        *ret_fields = fields;
    return status;
}
