#include "hub/tokenize/post.h"

#include <string.h>

/* Those of a later processor stand around those of an earlier one. */
static int wrap(const Part *part, const Frames *outer, Frames *frames)
{
    Frames both = *outer;
    if (outer->n_front + frames->n_front > POST_MOST || outer->n_back + frames->n_back > POST_MOST)
        return part_refuse(part, "it adds more than %d tokens on a side", POST_MOST);
    for (int i = 0; i < frames->n_front; i++)
        both.front[both.n_front++] = frames->front[i];
    both.n_back = 0;
    for (int i = 0; i < frames->n_back; i++)
        both.back[both.n_back++] = frames->back[i];
    for (int i = 0; i < outer->n_back; i++)
        both.back[both.n_back++] = outer->back[i];
    *frames = both;
    return STATUS_OK;
}

static int add_id(const Part *part, const Json *json, int is_behind, Frames *frames)
{
    const int64_t id = json_whole(json, WORDS_MOST - 1);
    int *n = is_behind ? &frames->n_back : &frames->n_front;
    if (id < 0)
        return part_refuse(part, "the id of a token is no whole number from 0 to %d", WORDS_MOST - 1);
    if (*n == POST_MOST)
        return part_refuse(part, "it adds more than %d tokens on a side", POST_MOST);
    (is_behind ? frames->back : frames->front)[(*n)++] = (int32_t)id;
    return STATUS_OK;
}

/* {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}} */
static int add_special(const Part *part, const Json *tokens, const char *name, int is_behind, Frames *frames)
{
    const Json *ids = json_get(json_get(tokens, name), "ids");
    int status = STATUS_OK;
    if (!ids || ids->type != JSON_ARRAY)
        return part_refuse(part, "\"special_tokens\" has no ids of \"%.100s\"", name);
    for (int i = 0; i < ids->n_items && status == STATUS_OK; i++)
        status = add_id(part, ids->items[i], is_behind, frames);
    return status;
}

/* "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]; "pair" is for two texts. */
static int read_template(const Part *part, Frames *frames)
{
    const Json *single = NULL, *tokens = NULL;
    int n_texts = 0, status = part_has_only(part, "single pair special_tokens");
    if (status == STATUS_OK)
        status = part_items(part, "single", JSON_ARRAY, &single);
    if (status == STATUS_OK)
        status = part_items(part, "special_tokens", JSON_OBJECT, &tokens);
    if (status != STATUS_OK || !single)
        return status;
    Frames outer = {.n_front = 0};
    for (int i = 0; i < single->n_items && status == STATUS_OK; i++) {
        const char *name = json_get_string(json_get(single->items[i], "SpecialToken"), "id", NULL),
                   *text = json_get_string(json_get(single->items[i], "Sequence"), "id", NULL);
        if (text && strcmp(text, "A") == 0)
            n_texts++;
        else if (name)
            status = add_special(part, tokens, name, n_texts > 0, &outer);
        else
            status = part_refuse(part, "\"single\": number %d is neither a special token nor the sequence A", i);
    }
    if (status == STATUS_OK && n_texts != 1)
        status = part_refuse(part, "\"single\" has the text %d times, not once", n_texts);
    return status == STATUS_OK ? wrap(part, &outer, frames) : status;
}

/* "sep": ["</s>", 2], "cls": ["<s>", 0]; the other fields of RoBERTa's concern offsets. */
static int read_pair(const Part *part, Frames *frames)
{
    static const char *const names[] = {"cls", "sep"};
    Frames outer = {.n_front = 0};
    int status = part_has_only(
        part, strcmp(part->type, "BertProcessing") == 0 ? "cls sep" : "cls sep trim_offsets add_prefix_space");
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        const Json *pair = json_get(part->json, names[i]);
        if (!pair || pair->type != JSON_ARRAY || pair->n_items != 2)
            return part_refuse(part, "\"%s\" is not [\"token\", id]", names[i]);
        status = add_id(part, pair->items[1], i, &outer);
    }
    return status == STATUS_OK ? wrap(part, &outer, frames) : status;
}

/* Offsets alone. */
static int read_byte_level(const Part *part, Frames *frames)
{
    (void)frames;
    return part_has_only(part, "add_prefix_space trim_offsets use_regex");
}

static int read_one(Part part, Frames *frames);

static int read_sequence(const Part *part, Frames *frames)
{
    const Json *items = NULL;
    int status = part_has_only(part, "processors");
    if (status == STATUS_OK)
        status = part_items(part, "processors", JSON_ARRAY, &items);
    for (int i = 0; status == STATUS_OK && items && i < items->n_items; i++) {
        Part item = *part;
        item.json = items->items[i];
        status = read_one(item, frames);
    }
    return status;
}

static const struct {
    const char *type;
    int (*read)(const Part *part, Frames *frames);
} kinds[] = {
    {"Sequence", read_sequence},      {"TemplateProcessing", read_template}, {"BertProcessing", read_pair},
    {"RobertaProcessing", read_pair}, {"ByteLevel", read_byte_level},
};

static int read_one(Part part, Frames *frames)
{
    const int status = part_type(&part);
    if (status != STATUS_OK)
        return status;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(part.type, kinds[k].type) == 0)
            return kinds[k].read(&part, frames);
    return part_refuse(&part, "not one that refframe knows");
}

int post_read(Arena *arena, const char *path, const Json *json, Frames *ret_frames, Error *err)
{
    Frames frames = {.n_front = 0};
    int status = STATUS_OK;
    if (json && json->type != JSON_NULL)
        status = read_one((Part){arena, path, "post_processor", NULL, json, err}, &frames);
    if (status == STATUS_OK)
        *ret_frames = frames;
    return status;
}
