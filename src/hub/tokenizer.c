/* Tokenizers in the words of the library tokenizers: what cuts a text, a vocabulary, what puts it together again.
 *
 * Characters: every character is a word of its own, and one that the run's text did not have is refused, as here.
 * Bytes: each stands for itself as a printable character, in the order that GPT-2's byte pairs gave them, and pairs
 * there are none. Reserved ids are words that no cut leaves; tokenizer_config.json names them as special.
 */
#include "hub/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "hub/tokenize/bytes.h"

enum { N_BYTES = 256 };

/* ---- the vocabulary ---------------------------------------------------------------------------------------------- */

static void add_bytes(JsonWriter *json, const Vocabulary *vocabulary)
{
    Text character = {0};
    for (int b = 0; b < N_BYTES && TOKEN_CONTENT + b < vocabulary->size; b++) {
        text_clear(&character);
        text_add_utf8(&character, byte_stand_in(b));
        json_put_number(json, text_string(&character), TOKEN_CONTENT + b);
    }
    text_free(&character);
}

/* Control characters are shown as <0x07>: here they are themselves. A NUL, which no string here holds, is left out. */
static void add_characters(JsonWriter *json, const Vocabulary *vocabulary)
{
    for (int id = TOKEN_CONTENT; id < vocabulary->size; id++) {
        const char *shown = vocabulary->strings[id];
        const int is_control = strlen(shown) == strlen("<0x07>") && strncmp(shown, "<0x", 3) == 0;
        const char control[2] = {is_control ? (char)strtol(shown + 3, NULL, 16) : '\0', '\0'};
        if (!is_control || control[0])
            json_put_number(json, is_control ? control : shown, id);
    }
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

static void put_split(JsonWriter *json)
{
    json_key(json, "pre_tokenizer");
    json_open_object(json);
    json_put_string(json, "type", "Split");
    json_key(json, "pattern");
    json_open_object(json);
    json_put_string(json, "Regex", "[\\s\\S]");
    json_close_object(json);
    json_put_string(json, "behavior", "Isolated");
    json_put_bool(json, "invert", 0);
    json_close_object(json);
    json_key(json, "decoder");
    json_open_object(json);
    json_put_string(json, "type", "Fuse");
    json_close_object(json);
}

static void put_words(JsonWriter *json)
{
    json_put_string(json, "type", "WordLevel");
    json_put_string(json, "unk_token", "<unk>"); /* of which there is none: an unknown character is an error */
}

static void put_byte_level(JsonWriter *json, const char *key)
{
    json_key(json, key);
    json_open_object(json);
    json_put_string(json, "type", "ByteLevel");
    json_put_bool(json, "add_prefix_space", 0);
    json_put_bool(json, "trim_offsets", 0);
    json_put_bool(json, "use_regex", 0);
    json_close_object(json);
}

static void put_byte_levels(JsonWriter *json)
{
    put_byte_level(json, "pre_tokenizer");
    put_byte_level(json, "decoder");
}

static void put_pairs(JsonWriter *json)
{
    json_put_string(json, "type", "BPE");
    json_put_strings(json, "merges", 0, NULL);
}

static const struct {
    const char *name;
    void (*put_cuts)(JsonWriter *json);
    void (*put_model)(JsonWriter *json);
    void (*add_vocabulary)(JsonWriter *json, const Vocabulary *vocabulary);
} kinds[] = {{"character", put_split, put_words, add_characters}, {"byte", put_byte_levels, put_pairs, add_bytes}};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

static int kind_of(const Data *data)
{
    const Corpus *corpus = data ? data_corpus(data) : NULL;
    int k = 0;
    while (k < N_KINDS && !(corpus && strcmp(corpus->tokenizer->variant.name, kinds[k].name) == 0))
        k++;
    return k;
}

int tokenizer_can_be_written(const Data *data)
{
    return kind_of(data) < N_KINDS;
}

/* ---- what stands around a text ----------------------------------------------------------------------------------- */

static const char *const reserved[TOKEN_CONTENT] = {
    [TOKEN_BOS] = "<bos>", [TOKEN_EOS] = "<eos>", [TOKEN_MASK] = "<mask>"};

static int is_set(const Settings *settings, const char *key, const char *value)
{
    return settings_find(settings, key) && strcmp(settings_text(settings, key), value) == 0;
}

static int has_bos(const ModelSettings *model)
{
    return is_set(model->settings, "data.bos", "always") &&
           (!settings_find(model->settings, "data.first") || is_set(model->settings, "data.first", "bos"));
}

static int has_eos(const ModelSettings *model)
{
    return is_set(model->settings, "data.eos", "always") && is_set(model->settings, "model.mask.kind", "full");
}

/* {"SpecialToken": {"id": "<bos>", "type_id": 0}} */
static void put_piece(JsonWriter *json, const char *kind, const char *id)
{
    json_open_object(json);
    json_key(json, kind);
    json_open_object(json);
    json_put_string(json, "id", id);
    json_put_number(json, "type_id", 0);
    json_close_object(json);
    json_close_object(json);
}

static void put_template(JsonWriter *json, const ModelSettings *model, const char *key, int n_texts)
{
    json_key(json, key);
    json_open_array(json);
    if (has_bos(model))
        put_piece(json, "SpecialToken", reserved[TOKEN_BOS]);
    put_piece(json, "Sequence", "A");
    if (n_texts > 1)
        put_piece(json, "Sequence", "B");
    if (has_eos(model))
        put_piece(json, "SpecialToken", reserved[TOKEN_EOS]);
    json_close_array(json);
}

static void put_frame(JsonWriter *json, const ModelSettings *model)
{
    json_key(json, "post_processor");
    json_open_object(json);
    json_put_string(json, "type", "TemplateProcessing");
    put_template(json, model, "single", 1);
    put_template(json, model, "pair", 2);
    json_key(json, "special_tokens");
    json_open_object(json);
    for (int id = TOKEN_BOS; id <= TOKEN_EOS; id++) {
        const double number = id;
        json_key(json, reserved[id]);
        json_open_object(json);
        json_put_string(json, "id", reserved[id]);
        json_put_numbers(json, "ids", 1, &number);
        json_put_strings(json, "tokens", 1, &reserved[id]);
        json_close_object(json);
    }
    json_close_object(json);
    json_close_object(json);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

void tokenizer_add(Text *text, const HubModel *model)
{
    const int k = kind_of(model->data);
    JsonWriter json;
    json_start(&json, text, 2);
    json_open_object(&json);
    json_put_string(&json, "version", "1.0");
    json_put_string(&json, "truncation", NULL);
    json_put_string(&json, "padding", NULL);
    json_put_strings(&json, "added_tokens", 0, NULL);
    json_put_string(&json, "normalizer", NULL);
    kinds[k].put_cuts(&json);
    put_frame(&json, model_settings(model->model));
    json_key(&json, "model");
    json_open_object(&json);
    kinds[k].put_model(&json);
    json_key(&json, "vocab");
    json_open_object(&json);
    for (int id = 0; id < TOKEN_CONTENT; id++)
        json_put_number(&json, reserved[id], id);
    kinds[k].add_vocabulary(&json, &data_corpus(model->data)->vocabulary);
    json_close_object(&json);
    json_close_object(&json);
    json_close_object(&json);
    text_add(text, "\n");
}

void tokenizer_add_config(Text *text, const HubModel *model)
{
    JsonWriter json;
    json_start(&json, text, 2);
    json_open_object(&json);
    json_put_string(&json, "tokenizer_class", "PreTrainedTokenizerFast");
    json_put_string(&json, "bos_token", reserved[TOKEN_BOS]);
    json_put_string(&json, "eos_token", reserved[TOKEN_EOS]);
    json_put_string(&json, "mask_token", reserved[TOKEN_MASK]);
    json_put_bool(&json, "split_special_tokens", 1); /* a text that says <bos> says five characters */
    json_put_bool(&json, "clean_up_tokenization_spaces", 0);
    json_put_number(&json, "model_max_length", model_settings(model->model)->context_length);
    json_close_object(&json);
    text_add(text, "\n");
}
