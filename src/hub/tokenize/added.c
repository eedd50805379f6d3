#include "hub/tokenize/added.h"

#include <string.h>

#include "base/text.h"
#include "hub/tokenize/unicode.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The id that the library gives a token: its own among the model's, or the next one behind all. */
static int32_t id_of(const Words *words, int32_t n_of_model, int32_t last_added, const char *content)
{
    const int32_t known = words_id(words, content);
    return known >= 0 ? known : last_added >= n_of_model ? last_added + 1 : n_of_model;
}

/* What a text must hold for it to be found, into its trie. */
static int add_to_trie(const Part *part, const Normalizer *normalizer, int is_normalized, int t, AddedTokens *added)
{
    const char *content = added->tokens[t].content;
    Trie *trie = is_normalized ? &added->normalized : &added->as_written;
    Text text = {0};
    text_add(&text, content);
    const int failed = is_normalized && normalize(normalizer, content, strlen(content), &text) != 0;
    const size_t n = text.size;
    if (n > 0 && !failed) {
        const int32_t node = trie_add(trie, text_string(&text), n);
        if (trie->numbers[node] < 0) /* of two that are alike the first is found */
            trie->numbers[node] = t;
    }
    text_free(&text);
    return n > 0 && !failed ? STATUS_OK : part_refuse(part, "\"%.100s\" is nothing, once it is normalised", content);
}

static int read_token(Part *part, AddedToken *token, int *ret_is_special, int *ret_is_normalized)
{
    int64_t id = -1;
    int status = part->json->type == JSON_OBJECT ? STATUS_OK : part_refuse(part, "one is no object");
    if (status == STATUS_OK)
        status = part_required_string(part, "content", &token->content);
    part->type = status == STATUS_OK ? token->content : NULL;
    if (status == STATUS_OK)
        status = part_has_only(part, "id content single_word lstrip rstrip normalized special");
    if (status == STATUS_OK)
        status = part_count(part, "id", -1, WORDS_MOST - 1, &id);
    if (status == STATUS_OK && id < 0)
        status = part_refuse(part, "it has no \"id\"");
    if (status == STATUS_OK)
        status = part_flag(part, "special", 0, ret_is_special);
    if (status == STATUS_OK)
        status = part_flag(part, "single_word", 0, &token->single_word);
    if (status == STATUS_OK)
        status = part_flag(part, "lstrip", 0, &token->lstrip);
    if (status == STATUS_OK)
        status = part_flag(part, "rstrip", 0, &token->rstrip);
    if (status == STATUS_OK)
        status = part_flag(part, "normalized", !*ret_is_special, ret_is_normalized);
    if (status == STATUS_OK && token->single_word)
        status = part_needs_unicode(part);
    if (status == STATUS_OK && !*token->content)
        status = part_refuse(part, "it is empty");
    token->id = (int32_t)id;
    return status;
}

/* Special ones are looked for before others that are written alike, so they go first. */
static int add_tries(const Part *part, const Normalizer *normalizer, const unsigned char *is_special,
                     const unsigned char *is_normalized, AddedTokens *added)
{
    int status = STATUS_OK;
    for (int special = 1; special >= 0; special--)
        for (int t = 0; t < added->n_tokens && status == STATUS_OK; t++)
            if (is_special[t] == special)
                status = add_to_trie(part, normalizer, is_normalized[t], t, added);
    return status;
}

int added_read(Arena *arena, const char *path, const Json *json, const Normalizer *normalizer, Words *words,
               AddedTokens *ret_added, Error *err)
{
    const int n = json && json->type == JSON_ARRAY ? json->n_items : 0;
    const int32_t n_of_model = words->n_words;
    Part part = {arena, path, "added_tokens", NULL, json, err};
    AddedTokens added = {.tokens = ARENA_ARRAY(arena, AddedToken, n + 1)};
    unsigned char *is_special = ARENA_ARRAY(arena, unsigned char, n + 1),
                  *is_normalized = ARENA_ARRAY(arena, unsigned char, n + 1);
    int32_t last = -1;
    if (json && json->type != JSON_NULL && json->type != JSON_ARRAY)
        return part_refuse(&part, "it is no array");
    trie_start(&added.as_written, arena);
    trie_start(&added.normalized, arena);
    for (int i = 0; i < n; i++) {
        AddedToken *token = &added.tokens[added.n_tokens++];
        int special = 0, normalized = 0;
        part.json = json->items[i], part.type = NULL;
        const int status = read_token(&part, token, &special, &normalized);
        if (status != STATUS_OK)
            return status;
        const int32_t id = id_of(words, n_of_model, last, token->content);
        if (id != token->id)
            return part_refuse(&part, "its \"id\" is %d, and behind those before it, it would be %d", token->id, id);
        if (words_id(words, token->content) < 0 && !words_put(words, arena, token->content, id))
            return part_refuse(&part, "its \"id\" %d belongs to \"%.100s\"", id, words->names[id]);
        last = id > last ? id : last;
        is_special[i] = (unsigned char)special;
        is_normalized[i] = (unsigned char)normalized;
    }
    part.type = NULL;
    const int status = add_tries(&part, normalizer, is_special, is_normalized, &added);
    if (status == STATUS_OK)
        *ret_added = added;
    return status;
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

/* The character that ends before a place; 0 at the start. */
static uint32_t character_before(const char *text, size_t at, size_t *ret_start)
{
    uint32_t code = 0;
    size_t start = at;
    while (start > 0) {
        start--;
        if (((unsigned char)text[start] & 0xc0) != 0x80)
            break;
    }
    if (start < at)
        text_utf8_decode(text + start, at - start, &code);
    *ret_start = start;
    return code;
}

static uint32_t character_at(const char *text, size_t n, size_t at, size_t *ret_end)
{
    uint32_t code = 0;
    const int length = at < n ? text_utf8_decode(text + at, n - at, &code) : 0;
    *ret_end = at + (size_t)length;
    return code;
}

static int is_within_word(const char *text, size_t n, size_t start, size_t end)
{
    size_t other;
    return (start > 0 && unicode_is_word(character_before(text, start, &other))) ||
           (end < n && unicode_is_word(character_at(text, n, end, &other)));
}

/* White space around a token that takes it along, back to `least` at most. */
static void take_spaces(const AddedToken *token, const char *text, size_t n, size_t least, size_t *start, size_t *end)
{
    size_t next;
    while (token->lstrip && *start > least && unicode_is_space(character_before(text, *start, &next)))
        *start = next;
    while (token->rstrip && *end < n && unicode_is_space(character_at(text, n, *end, &next)))
        *end = next;
}

static void put_text(const Piece *piece, size_t start, size_t end, Pieces *pieces)
{
    if (start < end)
        pieces_add(pieces, (Piece){piece->text + start, end - start, -1, piece->is_first && start == 0});
}

void added_cut(const AddedTokens *added, const Trie *trie, const Piece *piece, Pieces *pieces)
{
    size_t done = 0;
    for (size_t at = 0, next; at < piece->n; at = next) {
        int32_t t = -1;
        const size_t length = trie_longest(trie, TRIE_ROOT, piece->text + at, piece->n - at, &t);
        next = at + (length > 0 ? length : 1);
        if (length == 0 || (added->tokens[t].single_word && is_within_word(piece->text, piece->n, at, next)))
            continue;
        size_t start = at, end = next;
        take_spaces(&added->tokens[t], piece->text, piece->n, done, &start, &end);
        put_text(piece, done, start, pieces);
        pieces_add(pieces, (Piece){piece->text + start, end - start, added->tokens[t].id, 0});
        done = end;
    }
    put_text(piece, done, piece->n, pieces);
}
