/* The angles of rope, in the words of transformers 5 (rope_parameters) and of those before (rope_scaling, and theta and
 * share as fields of their own).
 */
#include <string.h>

#include "base/text.h"
#include "hub/fields.h"

static const char *const of_rope[] = {"rope_parameters", "rope_scaling",          "rope_theta",
                                      "rotary_pct",      "partial_rotary_factor", "rotary_emb_base"};
static const char *const within_rope[] = {"rope_type",        "type",
                                          "rope_theta",       "partial_rotary_factor",
                                          "factor",           "low_freq_factor",
                                          "high_freq_factor", "original_max_position_embeddings"};

int field_is_rope(const char *name)
{
    return text_is_among(name, of_rope, sizeof of_rope / sizeof *of_rope);
}

/* A member of the object, or else a field of one of two names, or else `initial`. */
static const char *rope_text(const FieldReader *r, const Json *object, const char *name, const char *other,
                             const char *initial)
{
    const char *text = field_text(r->arena, json_get(object, name)); /* of null: none */
    if (!text)
        text = field_text(r->arena, json_get(r->config, name));
    if (!text && other)
        text = field_text(r->arena, json_get(r->config, other));
    return text ? text : initial;
}

static int read_scaling(const FieldReader *r, const Json *object)
{
    static const char *const numbers[][2] = {{"low_freq_factor", "model.position.low_freq_factor"},
                                             {"high_freq_factor", "model.position.high_freq_factor"},
                                             {"original_max_position_embeddings", "model.position.original_length"}};
    const char *type = field_text(r->arena, json_get(object, "rope_type"));
    const char *before = field_text(r->arena, json_get(object, "type")); /* as it was called once */
    if (type && before && strcmp(type, before) != 0)
        return error_set(r->err, STATUS_INPUT, "%s: rope: rope_type is \"%.60s\" and type is \"%.60s\"", r->path, type,
                         before);
    type = type ? type : before;
    if (!type || strcmp(type, "default") == 0)
        return STATUS_OK;
    const int is_llama3 = strcmp(type, "llama3") == 0;
    const char *factor = field_text(r->arena, json_get(object, "factor"));
    if (!is_llama3 && strcmp(type, "linear") != 0)
        return field_refuse(r, "rope_type", type, "default, linear or llama3");
    if (!factor)
        return error_set(r->err, STATUS_INPUT, "%s: rope_type %s has no factor", r->path, type);
    field_assign(r, "model.position.scaling", type);
    field_assign(r, "model.position.scaling_factor", factor);
    for (int i = 0; is_llama3 && i < 3; i++) {
        const char *text = field_text(r->arena, json_get(object, numbers[i][0]));
        if (!text)
            return error_set(r->err, STATUS_INPUT, "%s: rope_type llama3 has no %s", r->path, numbers[i][0]);
        field_assign(r, numbers[i][1], text);
    }
    return STATUS_OK;
}

/* What is said in two places is the same in both. */
static int check_agreement(const FieldReader *r, const Json *object, const Json *other)
{
    for (int i = 0; i < object->n_items; i++) {
        const char *name = object->items[i]->key, *one = field_text(r->arena, object->items[i]);
        const char *two = field_text(r->arena, json_get(other, name));
        if (one && two && strcmp(one, two) != 0)
            return error_set(r->err, STATUS_INPUT, "%s: %s is said twice, \"%.60s\" and \"%.60s\"", r->path, name, one,
                             two);
    }
    return STATUS_OK;
}

/* NULL where it is not there, or null. */
static int read_object(const FieldReader *r, const char *name, const Json **ret_object)
{
    const Json *object = json_get(r->config, name);
    *ret_object = object && object->type == JSON_OBJECT ? object : NULL;
    if (object && object->type != JSON_OBJECT && object->type != JSON_NULL)
        return field_refuse(r, name, field_text(r->arena, object), "an object");
    for (int i = 0; *ret_object && i < object->n_items; i++)
        if (!text_is_among(object->items[i]->key, within_rope, sizeof within_rope / sizeof *within_rope))
            return error_set(r->err, STATUS_INPUT, "%s: rope: \"%.60s\" is not known here, and may change numbers",
                             r->path, object->items[i]->key);
    return STATUS_OK;
}

int field_read_rope(const FieldReader *r)
{
    char share[32];
    const char *theta = r->fields->architecture->rope_theta;
    const Json *new, *old;
    int status = read_object(r, "rope_parameters", &new);
    if (status == STATUS_OK)
        status = read_object(r, "rope_scaling", &old);
    if (status == STATUS_OK && new)
        status = check_agreement(r, new, r->config);
    if (status == STATUS_OK && new &&old)
        status = check_agreement(r, new, old);
    if (status != STATUS_OK)
        return status;
    const Json *object = new ? new : old;
    text_number(r->fields->architecture->rope_share, share);
    field_assign(r, "model.position.theta",
                 rope_text(r, object, "rope_theta", "rotary_emb_base", theta ? theta : "10000"));
    field_assign(r, "model.position.fraction",
                 rope_text(r, object, "partial_rotary_factor", "rotary_pct", arena_strdup(r->arena, share)));
    return read_scaling(r, object);
}
