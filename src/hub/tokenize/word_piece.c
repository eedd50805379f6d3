/* WordPiece (Schuster and Nakajima 2012): from left to right the longest token that a word goes on with, those behind
 * the first marked by a prefix; a word that does not come out is unknown as a whole. WordLevel: a word is a token. */
#include <string.h>

#include "base/text.h"
#include "hub/tokenize/model.h"

typedef struct {
    Trie trie;
    const char *unknown;
    int32_t inner; /* the node behind the prefix; -1: no token has it */
    int64_t most_characters;
} WordPiece;

static int add_unknown(const TokenModel *model, const char *unknown, const char *text, size_t n, Encoding *encoding,
                       Error *err)
{
    const int32_t id = words_id(&model->words, unknown);
    if (id < 0)
        return token_is_missing(text, n, err);
    encoding_add(encoding, id);
    return STATUS_OK;
}

static int64_t count_characters(const char *text, size_t n)
{
    int64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static int encode_pieces(const TokenModel *model, const char *text, size_t n, Encoding *encoding, Error *err)
{
    const WordPiece *piece = model->state;
    const size_t before = encoding->n;
    int is_known = count_characters(text, n) <= piece->most_characters;
    for (size_t at = 0; at < n && is_known;) {
        int32_t id = -1;
        const size_t length = trie_longest(&piece->trie, at > 0 ? piece->inner : TRIE_ROOT, text + at, n - at, &id);
        is_known = length > 0;
        if (is_known)
            encoding_add(encoding, id);
        at += length;
    }
    if (is_known)
        return STATUS_OK;
    encoding->n = before;
    return add_unknown(model, piece->unknown, text, n, encoding, err);
}

int word_piece_read(const Part *part, TokenModel *ret_model)
{
    WordPiece *piece = ARENA_ARRAY(part->arena, WordPiece, 1);
    Words words = {0};
    const char *prefix = NULL;
    int status = part_has_only(part, "vocab unk_token continuing_subword_prefix max_input_chars_per_word");
    if (status == STATUS_OK)
        status = part_required_string(part, "unk_token", &piece->unknown);
    if (status == STATUS_OK)
        status = part_required_string(part, "continuing_subword_prefix", &prefix);
    if (status == STATUS_OK)
        status = part_count(part, "max_input_chars_per_word", 100, INT32_MAX, &piece->most_characters);
    if (status == STATUS_OK)
        status = words_read(part, &words);
    if (status != STATUS_OK || !prefix)
        return status;
    trie_start(&piece->trie, part->arena);
    for (int32_t id = 0; id < words.n_ids; id++)
        if (words.names[id]) {
            const int32_t node = trie_add(&piece->trie, words.names[id], strlen(words.names[id]));
            piece->trie.numbers[node] = id;
        }
    piece->inner = TRIE_ROOT;
    for (const char *c = prefix; *c && piece->inner >= 0; c++)
        piece->inner = trie_step(&piece->trie, piece->inner, (unsigned char)*c);
    *ret_model = (TokenModel){.words = words, .state = piece, .encode = encode_pieces};
    return STATUS_OK;
}

static int encode_word(const TokenModel *model, const char *text, size_t n, Encoding *encoding, Error *err)
{
    const int32_t id = words_find(&model->words.table, text, n);
    if (id < 0)
        return add_unknown(model, model->state, text, n, encoding, err);
    encoding_add(encoding, id);
    return STATUS_OK;
}

int word_level_read(const Part *part, TokenModel *ret_model)
{
    Words words = {0};
    const char *unknown = NULL;
    int status = part_has_only(part, "vocab unk_token");
    if (status == STATUS_OK)
        status = part_required_string(part, "unk_token", &unknown);
    if (status == STATUS_OK)
        status = words_read(part, &words);
    if (status == STATUS_OK)
        *ret_model = (TokenModel){.words = words, .state = unknown, .encode = encode_word};
    return status;
}
