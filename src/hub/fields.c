/* Fields of config.json, by an architecture's table. */
#include "hub/fields.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "hub/document.h"
#include "hub/names.h"

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
    "_model_name_or_path", /* of a GGUF that transformers has read */
    "_num_labels",
    "_attn_implementation",
    "attn_implementation",
    "attention_probs_dropout_prob",
    "hidden_dropout_prob",
    "gradient_checkpointing",
    "chunk_size_feed_forward",
    "id2label",
    "label2id",
    "num_labels",
    "problem_type",
    "finetuning_task",
    "task_specific_params",
    "tokenizer_class",
    "prefix",
    "sep_token_id",
    "unk_token_id",
    "decoder_start_token_id",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "return_dict",
    "use_return_dict",
    "transformers.js_config",
    HUB_ORIGIN,
    "is_decoder",
    "summary_type",
    "summary_use_proj",
    "summary_activation",
    "summary_proj_to_labels",
    "summary_first_dropout",
};

/* ---- values ------------------------------------------------------------------------------------------------------ */

const char *field_text(Arena *arena, const Json *value)
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

int field_refuse(const FieldReader *r, const char *field, const char *text, const char *wanted)
{
    return error_set(r->err, STATUS_INPUT, "%s: %s: \"%.60s\" is not what is read here: %s", r->path, field, text,
                     wanted);
}

void field_assign(const FieldReader *r, const char *key, const char *text)
{
    assert(r->fields->n_assignments < MOST_FIELDS);
    r->fields->assignments[r->fields->n_assignments++] =
        (Assignment){.key = key, .text = text, .file = r->path, .line = 0};
}

void field_assign_list(const FieldReader *r, const char *key, const char **items, int n)
{
    field_assign(r, key, NULL);
    Assignment *last = &r->fields->assignments[r->fields->n_assignments - 1];
    last->items = items, last->n_items = n;
}

/* Their name of an activation as ours. */
static int assign_activation(const FieldReader *r, const char *field, const char *text)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {{"gelu_new", "gelu"}, {"gelu_pytorch_tanh", "gelu"}, {"gelu", "gelu_exact"}, {"relu", "relu"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].theirs) == 0) {
            field_assign(r, "model.activation", names[i].ours);
            return STATUS_OK;
        }
    return field_refuse(r, field, text, "gelu_new, gelu_pytorch_tanh, gelu or relu");
}

int field_whole(const FieldReader *r, const char *field, int initial, int low, int high, int *ret_value)
{
    const Json *value = json_get(r->config, field);
    if (!value || value->type == JSON_NULL) {
        *ret_value = initial;
        return STATUS_OK;
    }
    if (value->type != JSON_NUMBER || !(value->number >= low && value->number <= high) ||
        value->number != (int)value->number)
        return error_set(r->err, STATUS_INPUT, "%s: %s: %.60s is not a whole number from %d to %d", r->path, field,
                         field_text(r->arena, value), low, high);
    *ret_value = (int)value->number;
    return STATUS_OK;
}

/* What must be just this; of a list, each item. A list whose items nobody has read says nothing. */
static int check_is(const FieldReader *r, const FieldRow *row, const Json *value, const char *text)
{
    if (!value || value->type != JSON_ARRAY)
        return strcmp(text, row->is) == 0 ? STATUS_OK : field_refuse(r, row->theirs, text, row->is);
    if (value->n_items == 0)
        return field_refuse(r, row->theirs, text, row->is);
    for (int i = 0; i < value->n_items; i++) {
        const char *item = field_text(r->arena, value->items[i]);
        if (!item || strcmp(item, row->is) != 0)
            return field_refuse(r, row->theirs, item ? item : "null", row->is);
    }
    return STATUS_OK;
}

static int read_positions(const FieldReader *r, const FieldRow *row)
{
    int64_t initial = 0;
    const int is_number = text_parse_whole(row->initial, &initial) == 0;
    assert(is_number);
    (void)is_number;
    return field_whole(r, row->theirs, (int)initial, 2, 1000000000, &r->fields->n_positions);
}

static int read_field(const FieldReader *r, const FieldRow *row)
{
    const Json *value = json_get(r->config, row->theirs);
    const char *said = field_text(r->arena, value), *text = said ? said : row->initial;
    if (!text)
        return error_set(r->err, STATUS_INPUT, "%s: has no %s", r->path, row->theirs);
    if (!row->ours)
        return row->is ? check_is(r, row, value, text) : STATUS_OK;
    if (strcmp(row->ours, "model.context_length") == 0)
        return read_positions(r, row);
    if (strcmp(row->ours, "model.activation") == 0)
        return assign_activation(r, row->theirs, text);
    field_assign(r, row->ours, text);
    return STATUS_OK;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static int find_architecture(const FieldReader *r)
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
    return field_refuse(r, "model_type", type, read);
}

static int is_known(const Architecture *architecture, const char *name)
{
    for (int f = 0; f < architecture->n_fields; f++)
        if (strcmp(architecture->fields[f].theirs, name) == 0)
            return 1;
    return text_is_among(name, idle, sizeof idle / sizeof *idle) ||
           (architecture->rope_share > 0 && field_is_rope(name));
}

static int read_vocabulary(const FieldReader *r, double vocab_size)
{
    if (!(vocab_size >= 1 && vocab_size <= 1e7 && vocab_size == (int)vocab_size))
        return error_set(r->err, STATUS_INPUT, "%s: vocab_size: %g is not from 1 to 10000000", r->path, vocab_size);
    r->fields->vocab_size = (int)vocab_size;
    return STATUS_OK;
}

static int read_all(const FieldReader *r, double vocab_size)
{
    const Architecture *architecture = r->fields->architecture;
    for (int i = 0; i < r->config->n_items; i++)
        if (!is_known(architecture, r->config->items[i]->key))
            return error_set(r->err, STATUS_INPUT, "%s: \"%.60s\" is not known here, and may change numbers", r->path,
                             r->config->items[i]->key);
    int status = read_vocabulary(r, vocab_size);
    for (int s = 0; architecture->shape[s]; s += 2)
        field_assign(r, architecture->shape[s], architecture->shape[s + 1]);
    for (int f = 0; f < architecture->n_fields && status == STATUS_OK; f++)
        status = read_field(r, &architecture->fields[f]);
    if (status == STATUS_OK && architecture->describe)
        status = architecture->describe(r);
    const int has_rope = architecture->rope_share > 0 && !r->fields->has_no_rope;
    return status == STATUS_OK && has_rope ? field_read_rope(r) : status;
}

int fields_read(Arena *arena, const char *path, Fields *ret_fields, Error *err)
{
    Fields fields = {.path = path, .said_by = HUB_CONFIG, .padding = -1, .n_types = 1};
    Json *config = NULL;
    int status = document_read(arena, path, &config, err);
    const FieldReader r = {arena, path, config, &fields, err};
    if (status == STATUS_OK)
        status = find_architecture(&r);
    if (status == STATUS_OK)
        status = read_all(&r, json_get_number(config, "vocab_size", 0));
    if (status == STATUS_OK)
        *ret_fields = fields;
    return status;
}

int fields_of(Arena *arena, const char *path, const Json *object, const FieldSource *source, Fields *ret_fields,
              Error *err)
{
    Fields fields = {
        .architecture = source->architecture, .path = path, .said_by = source->said_by, .padding = -1, .n_types = 1};
    const FieldReader r = {arena, path, object, &fields, err};
    const int status = read_all(&r, source->vocab_size);
    field_assign(&r, "model.tied_head", source->is_tied ? "true" : "false");
    if (status == STATUS_OK)
        *ret_fields = fields;
    return status;
}

/* ---- settings ---------------------------------------------------------------------------------------------------- */

int fields_most_positions(const Fields *fields)
{
    const int n = fields->n_positions - fields->first_position;
    return n < MOST_POSITIONS ? n : MOST_POSITIONS;
}

int fields_resolve(Arena *arena, const Fields *fields, const Schema *schema, int length, Settings *ret_settings,
                   Error *err)
{
    Fields all = *fields;
    const FieldReader r = {.arena = arena, .path = fields->path, .fields = &all};
    const int n = length > 0 ? length : fields_most_positions(fields);
    field_assign(&r, "model.context_length", arena_format(arena, "%d", n));
    if (fields->window > 0 && fields->window < n) { /* one as wide as the sequence hides nothing */
        field_assign(&r, "model.mask.kind", "window");
        field_assign(&r, "model.mask.width", arena_format(arena, "%d", fields->window));
    }
    return settings_resolve(arena, schema, all.assignments, all.n_assignments, ret_settings, NULL, err);
}
