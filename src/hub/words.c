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
#include "hub/tokenize/bytes.h"
#include "hub/tokenize/words.h"

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
static const char *decoded(Arena *arena, const char *word, int is_byte_level)
{
    static const char mark[] = "\xE2\x96\x81"; /* U+2581 */
    Text text = {0};
    if (is_byte_level)
        bytes_add_original(&text, word);
    for (const char *at; !is_byte_level && *word; word = at) {
        const char *found = strstr(word, mark), *end = found ? found : word + strlen(word);
        text_add_bytes(&text, word, (size_t)(end - word));
        text_add(&text, found ? " " : "");
        at = end + (found ? sizeof mark - 1 : 0);
    }
    const char *shown = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return shown;
}

/* Whether the vocabulary was of a kind that is known. */
static int read_vocabulary(Arena *arena, const Json *vocabulary, int is_byte_level, int n, const char **words)
{
    if (!vocabulary || (vocabulary->type != JSON_OBJECT && vocabulary->type != JSON_ARRAY))
        return 0;
    for (int i = 0; i < vocabulary->n_items; i++) {
        const char *word = NULL;
        int32_t id = -1;
        if (words_item(vocabulary, i, &word, &id) && id >= 0 && id < n)
            words[id] = decoded(arena, word, is_byte_level);
    }
    return 1;
}

int hub_words(Arena *arena, const char *folder, int n, const char *const **ret_words, Error *err)
{
    const char *path = file_join(arena, folder, HUB_TOKENIZER);
    const char **words = ARENA_ARRAY(arena, const char *, n);
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
    const Json *added = json_get(file, "added_tokens");
    const int is_byte_level = has_type(json_get(file, "decoder"), "ByteLevel");
    const Json *vocabulary = json_get(json_get(file, "model"), "vocab");
    const int is_known = read_vocabulary(arena, vocabulary, is_byte_level, n, words);
    for (int i = 0; added && added->type == JSON_ARRAY && i < added->n_items; i++) {
        const Json *item = json_get(added->items[i], "id");
        const int64_t id = item ? json_whole(item, n - 1) : -1;
        const char *word = json_get_string(added->items[i], "content", NULL);
        if (id >= 0 && word)
            words[id] = word;
    }
    *ret_words = is_known ? words : NULL;
    return STATUS_OK;
}
