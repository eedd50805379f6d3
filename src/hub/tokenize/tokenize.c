#include "hub/tokenize/tokenize.h"

#include <string.h>

#include "base/file.h"
#include "hub/tokenize/added.h"
#include "hub/tokenize/post.h"
#include "hub/tokenize/pre_tokenize.h"

struct TextTokenizer {
    const char *path;
    AddedTokens added;
    Normalizer normalizer;
    PreTokenizer pre_tokenizer;
    TokenModel model;
    Frames frames;
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int check_fields(const Part *part)
{
    if (part->json->type != JSON_OBJECT)
        return error_set(part->err, STATUS_INPUT, "%s: it is no object", part->path);
    for (int i = 0; i < part->json->n_items; i++) {
        static const char *const known[] = {"version",       "truncation",     "padding", "added_tokens", "normalizer",
                                            "pre_tokenizer", "post_processor", "decoder", "model"};
        if (!text_is_among(part->json->items[i]->key, known, sizeof known / sizeof *known))
            return error_set(part->err, STATUS_INPUT, "%s: \"%.100s\" is no field of it that refframe knows",
                             part->path, part->json->items[i]->key);
    }
    return STATUS_OK;
}

static int read_all(const Part *part, TextTokenizer *tokenizer)
{
    const Json *json = part->json;
    int status = check_fields(part);
    if (status == STATUS_OK)
        status =
            normalize_read(part->arena, part->path, json_get(json, "normalizer"), &tokenizer->normalizer, part->err);
    if (status == STATUS_OK)
        status = pre_tokenize_read(part->arena, part->path, json_get(json, "pre_tokenizer"), &tokenizer->normalizer,
                                   &tokenizer->pre_tokenizer, part->err);
    if (status == STATUS_OK)
        status = token_model_read(part->arena, part->path, json_get(json, "model"), &tokenizer->model, part->err);
    if (status == STATUS_OK)
        status = added_read(part->arena, part->path, json_get(json, "added_tokens"), &tokenizer->normalizer,
                            &tokenizer->model.words, &tokenizer->added, part->err);
    if (status == STATUS_OK)
        status = post_read(part->arena, part->path, json_get(json, "post_processor"), &tokenizer->frames, part->err);
    return status;
}

int text_tokenizer_read(Arena *arena, const char *path, TextTokenizer **ret_tokenizer, Error *err)
{
    TextTokenizer *tokenizer = ARENA_ARRAY(arena, TextTokenizer, 1);
    char *bytes = NULL;
    size_t n = 0;
    Json *json = NULL;
    int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = json_parse(arena, path, bytes, n, &json, err);
    if (status != STATUS_OK)
        return status;
    tokenizer->path = arena_strdup(arena, path);
    status = read_all(&(Part){arena, tokenizer->path, NULL, NULL, json, err}, tokenizer);
    if (status == STATUS_OK)
        *ret_tokenizer = tokenizer;
    return status;
}

/* ---- a text ------------------------------------------------------------------------------------------------------ */

static int check_utf8(const char *text, size_t n, Error *err)
{
    for (size_t at = 0; at < n;) {
        const int length = text_utf8_decode(text + at, n - at, NULL);
        if (length == 0)
            return error_set(err, STATUS_INPUT, "byte %zu is no UTF-8", at);
        at += (size_t)length;
    }
    return STATUS_OK;
}

/* A piece as it was written: normalised, cut at the tokens that are found then, and by the pre-tokenizer. */
static int cut_text(const TextTokenizer *tokenizer, const Piece *piece, Pieces *pieces)
{
    Text text = {0};
    int status = normalize(&tokenizer->normalizer, piece->text, piece->n, &text);
    if (status == 0 && text.size > 0) {
        const Piece whole = {arena_strndup(pieces->arena, text_string(&text), text.size), text.size, -1,
                             piece->is_first};
        added_cut(&tokenizer->added, &tokenizer->added.normalized, &whole, pieces);
    }
    text_free(&text);
    return status;
}

static int cut_all(const TextTokenizer *tokenizer, const char *text, size_t n, Pieces *pieces)
{
    Pieces written = {.arena = pieces->arena};
    int status = 0;
    if (n > 0)
        added_cut(&tokenizer->added, &tokenizer->added.as_written, &(Piece){text, n, -1, 1}, &written);
    for (size_t p = 0; p < written.n && status == 0; p++)
        if (written.items[p].id >= 0)
            pieces_add(pieces, written.items[p]);
        else
            status = cut_text(tokenizer, &written.items[p], pieces);
    return status == 0 ? pre_tokenize(&tokenizer->pre_tokenizer, pieces) : status;
}

int text_tokenizer_ids(const TextTokenizer *tokenizer, Arena *arena, const char *text, size_t n, TokenIds *ret_ids,
                       Error *err)
{
    Arena *scratch = arena_new();
    Pieces pieces = {.arena = scratch};
    Encoding encoding = {.arena = scratch};
    int status = check_utf8(text, n, err);
    const int failed = status == STATUS_OK ? cut_all(tokenizer, text, n, &pieces) : 0;
    if (failed == NORMALIZE_TOO_MANY_MARKS)
        status = error_set(err, STATUS_INPUT, "%s: more than %d combining marks stand in a row in this text",
                           tokenizer->path, NORMALIZE_MARKS);
    else if (failed)
        status = error_set(err, STATUS_INPUT, "%s: a pattern takes too long on this text", tokenizer->path);
    for (size_t p = 0; p < pieces.n && status == STATUS_OK; p++)
        if (pieces.items[p].id >= 0)
            encoding_add(&encoding, pieces.items[p].id);
        else
            status =
                tokenizer->model.encode(&tokenizer->model, pieces.items[p].text, pieces.items[p].n, &encoding, err);
    if (status == STATUS_OK) {
        int32_t *ids = ARENA_ARRAY(arena, int32_t, encoding.n + 1);
        if (encoding.n > 0)
            memcpy(ids, encoding.ids, encoding.n * sizeof *ids);
        *ret_ids = (TokenIds){ids, encoding.n};
    }
    arena_free(scratch);
    return status;
}

TokenIds text_tokenizer_front(const TextTokenizer *tokenizer)
{
    return (TokenIds){tokenizer->frames.front, (size_t)tokenizer->frames.n_front};
}

TokenIds text_tokenizer_back(const TextTokenizer *tokenizer)
{
    return (TokenIds){tokenizer->frames.back, (size_t)tokenizer->frames.n_back};
}

int32_t text_tokenizer_find(const TextTokenizer *tokenizer, const char *word)
{
    return words_id(&tokenizer->model.words, word);
}

const char *text_tokenizer_word(const TextTokenizer *tokenizer, int32_t id)
{
    const Words *words = &tokenizer->model.words;
    return id >= 0 && id < words->n_ids ? words->names[id] : NULL;
}
