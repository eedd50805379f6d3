#include "hub/tokenize/model.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { SHOWN_BYTES = 40 };

void encoding_add(Encoding *encoding, int32_t id)
{
    encoding->ids =
        arena_widen(encoding->arena, encoding->ids, sizeof *encoding->ids, encoding->n + 1, &encoding->capacity);
    encoding->ids[encoding->n++] = id;
}

void *encoding_scratch(Encoding *encoding, size_t bytes)
{
    if (bytes > encoding->n_scratch) {
        encoding->n_scratch = 2 * bytes;
        encoding->scratch = arena_alloc(encoding->arena, encoding->n_scratch);
    }
    return encoding->scratch;
}

int token_is_missing(const char *text, size_t n, Error *err)
{
    Text shown = {0};
    size_t end = 0;
    while (end < n && end < SHOWN_BYTES) {
        const int length = text_utf8_decode(text + end, n - end, NULL);
        end += length > 0 ? (size_t)length : 1;
    }
    text_add_visible(&shown, text, end);
    error_set(err, STATUS_INPUT, "\"%s%s\" is no token, and there is none for the unknown", text_string(&shown),
              end < n ? "..." : "");
    text_free(&shown);
    return STATUS_INPUT;
}

int32_t token_of_byte(const Words *words, unsigned char byte)
{
    char name[8];
    snprintf(name, sizeof name, "<0x%02X>", byte);
    return words_id(words, name);
}

static const struct {
    const char *type;
    const char *sign; /* the field that files of old are known by, which say no type */
    int (*read)(const Part *part, TokenModel *ret_model);
} kinds[] = {
    {"BPE", "merges", bpe_read},
    {"WordPiece", "max_input_chars_per_word", word_piece_read},
    {"Unigram", "unk_id", unigram_read},
    {"WordLevel", "unk_token", word_level_read},
};

int token_model_read(Arena *arena, const char *path, const Json *json, TokenModel *ret_model, Error *err)
{
    Part part = {arena, path, "model", NULL, json, err};
    if (!json || json->type != JSON_OBJECT)
        return part_refuse(&part, "it is no object");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds && !json_get(json, "type") && !part.type; k++)
        if (json_get(json, kinds[k].sign))
            part.type = kinds[k].type;
    const int status = part.type ? STATUS_OK : part_type(&part);
    if (status != STATUS_OK)
        return status;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(part.type, kinds[k].type) == 0)
            return kinds[k].read(&part, ret_model);
    return part_refuse(&part, "not one that refframe knows");
}
