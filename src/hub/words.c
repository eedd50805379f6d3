/* See words.h. The file is the library tokenizers' (huggingface.co/docs/tokenizers): `model.vocab` holds ids by word
 * (WordLevel, WordPiece, BPE) or pairs of word and score, in the order of their ids (Unigram). A decoder says how words
 * become text: ByteLevel, GPT-2's printable characters for bytes; others mark a space by U+2581.
 */
#include "hub/words.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "hub/names.h"

enum { N_STAND_INS = 512 }; /* code points, of which 256 stand for bytes */

/* The byte that a code point stands for, or -1: printable ones of Latin-1 for themselves, the others from U+0100 on. */
static void lay_stand_ins(int ret_bytes[N_STAND_INS])
{
    int next = 256;
    for (int code = 0; code < N_STAND_INS; code++)
        ret_bytes[code] = -1;
    for (int byte = 0; byte < 256; byte++) {
        const int is_printable = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
        ret_bytes[is_printable ? byte : next++] = byte;
    }
}

/* Whether a decoder, or one of a sequence of them, is of a type. */
static int has_type(const Json *decoder, const char *type)
{
    const Json *members = json_get(decoder, "decoders");
    for (int d = 0; members && members->type == JSON_ARRAY && d < members->n_items; d++)
        if (strcmp(json_get_string(members->items[d], "type", ""), type) == 0)
            return 1;
    return strcmp(json_get_string(decoder, "type", ""), type) == 0;
}

/* A word as text: its characters' bytes, or with spaces for their marks. */
static const char *decoded(Arena *arena, const char *word, const int *bytes)
{
    const size_t n = strlen(word);
    Text text = {0};
    for (size_t i = 0, length; i < n; i += length) {
        uint32_t code;
        length = (size_t)text_utf8_decode(word + i, n - i, &code); /* JSON strings are UTF-8: at least 1 */
        if (bytes && code < N_STAND_INS && bytes[code] > 0)
            text_add_bytes(&text, &(char){(char)bytes[code]}, 1);
        else if (!bytes && code == 0x2581)
            text_add(&text, " ");
        else
            text_add_bytes(&text, word + i, length);
    }
    const char *shown = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return shown;
}

static void put_word(double id, const char *word, int n, const char **words)
{
    if (id >= 0 && id < n && word)
        words[(int)id] = word;
}

/* Whether the vocabulary was of a kind that is known. */
static int read_vocabulary(Arena *arena, const Json *vocabulary, const int *bytes, int n, const char **words)
{
    if (!vocabulary || (vocabulary->type != JSON_OBJECT && vocabulary->type != JSON_ARRAY))
        return 0;
    for (int i = 0; i < vocabulary->n_items; i++) {
        const Json *item = vocabulary->items[i];
        if (vocabulary->type == JSON_OBJECT && item->type == JSON_NUMBER)
            put_word(item->number, decoded(arena, item->key, bytes), n, words);
        else if (item->type == JSON_ARRAY && item->n_items > 0 && item->items[0]->type == JSON_STRING)
            put_word(i, decoded(arena, item->items[0]->string, bytes), n, words);
    }
    return 1;
}

int hub_words(Arena *arena, const char *folder, int n, const char *const **ret_words, Error *err)
{
    const char *path = file_join(arena, folder, HUB_TOKENIZER);
    const char **words = ARENA_ARRAY(arena, const char *, n);
    int stand_ins[N_STAND_INS];
    char *text;
    size_t size;
    Json *file;
    if (!file_exists(path)) {
        *ret_words = NULL;
        return STATUS_OK;
    }
    int status = file_read(arena, path, &text, &size, err);
    if (status == STATUS_OK)
        status = json_parse(arena, path, text, size, &file, err);
    if (status != STATUS_OK)
        return status;
    lay_stand_ins(stand_ins);
    const Json *added = json_get(file, "added_tokens");
    const int is_byte_level = has_type(json_get(file, "decoder"), "ByteLevel");
    const Json *vocabulary = json_get(json_get(file, "model"), "vocab");
    const int is_known = read_vocabulary(arena, vocabulary, is_byte_level ? stand_ins : NULL, n, words);
    for (int i = 0; added && added->type == JSON_ARRAY && i < added->n_items; i++)
        put_word(json_get_number(added->items[i], "id", -1), json_get_string(added->items[i], "content", NULL), n,
                 words);
    *ret_words = is_known ? words : NULL;
    return STATUS_OK;
}
