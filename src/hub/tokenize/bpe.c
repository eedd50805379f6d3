/* Byte pair encoding (Sennrich et al. 2016): the characters of a piece, of which the pair that was learned first is put
 * together until none is left that was learned; of equal ones the leftmost.
 *
 * Symbols are a list in which merged ones are skipped; pairs that may be merged lie in a heap by (rank, place), so a
 * piece of n characters takes n log n. An entry of the heap whose pair is no more gives another merge, or none, and is
 * passed over.
 */
#include <string.h>

#include "base/text.h"
#include "hub/tokenize/model.h"

typedef struct {
    PairTable merges;
    const char *prefix, *suffix; /* of a character that is not the first, of the last */
    const char *unknown;         /* NULL: there is none, and unknown characters go */
    int fuses_unknown, falls_back_to_bytes, ignores_merges;
} Bpe;

typedef struct {
    int32_t id; /* -1: it is part of another by now */
    int32_t before, behind;
} Symbol;

typedef struct {
    int32_t rank, at, id;
} Merge;

/* A piece on its way. */
typedef struct {
    const TokenModel *model;
    const Bpe *bpe;
    Symbol *symbols;
    Merge *heap;
    int32_t n_symbols, n_heap;
} Piecing;

/* ---- the heap ---- */

static int comes_before(const Merge *a, const Merge *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(Piecing *p, Merge merge)
{
    int32_t at = p->n_heap++;
    for (int32_t up = (at - 1) / 2; at > 0 && comes_before(&merge, &p->heap[up]); up = (at - 1) / 2) {
        p->heap[at] = p->heap[up];
        at = up;
    }
    p->heap[at] = merge;
}

static Merge pop(Piecing *p)
{
    const Merge top = p->heap[0], last = p->heap[--p->n_heap];
    int32_t at = 0;
    for (int32_t down = 1; down < p->n_heap; down = 2 * at + 1) {
        down += down + 1 < p->n_heap && comes_before(&p->heap[down + 1], &p->heap[down]);
        if (!comes_before(&p->heap[down], &last))
            break;
        p->heap[at] = p->heap[down];
        at = down;
    }
    p->heap[at] = last;
    return top;
}

/* ---- merging ---- */

/* What the symbol at a place and the one behind it become; NULL: nothing. */
static const PairValue *merge_at(const Piecing *p, int32_t at)
{
    const int32_t behind = at < 0 ? -1 : p->symbols[at].behind;
    return behind < 0 ? NULL : pairs_find(&p->bpe->merges, p->symbols[at].id, p->symbols[behind].id);
}

static void push_at(Piecing *p, int32_t at)
{
    const PairValue *value = merge_at(p, at);
    if (value)
        push(p, (Merge){value->rank, at, value->id});
}

static void merge_all(Piecing *p)
{
    for (int32_t s = 0; s < p->n_symbols; s++)
        push_at(p, s);
    while (p->n_heap > 0) {
        const Merge merge = pop(p);
        Symbol *left = &p->symbols[merge.at];
        const PairValue *value = left->id < 0 ? NULL : merge_at(p, merge.at);
        if (!value || value->id != merge.id)
            continue;
        Symbol *right = &p->symbols[left->behind];
        left->id = merge.id, left->behind = right->behind, right->id = -1;
        if (left->behind >= 0)
            p->symbols[left->behind].before = merge.at;
        push_at(p, left->before);
        push_at(p, merge.at);
    }
}

/* ---- characters ---- */

static void add_symbol(Piecing *p, int32_t id)
{
    const int32_t s = p->n_symbols++;
    p->symbols[s] = (Symbol){id, s - 1, -1};
    if (s > 0)
        p->symbols[s - 1].behind = s;
}

/* Whether a character could be said as bytes, each of which is a token. */
static int add_bytes(Piecing *p, const char *text, size_t n)
{
    const Words *words = &p->model->words;
    for (size_t i = 0; i < n; i++)
        if (token_of_byte(words, (unsigned char)text[i]) < 0)
            return 0;
    for (size_t i = 0; i < n; i++)
        add_symbol(p, token_of_byte(words, (unsigned char)text[i]));
    return 1;
}

static int add_characters(Piecing *p, const char *text, size_t n, Error *err)
{
    const Bpe *bpe = p->bpe;
    const int is_plain = !*bpe->prefix && !*bpe->suffix;
    int unknown = 0, status = STATUS_OK; /* unknown: one is still to be said */
    Text made = {0};
    for (size_t at = 0, length; at < n && status == STATUS_OK; at += length) {
        const int decoded = text_utf8_decode(text + at, n - at, NULL);
        length = decoded > 0 ? (size_t)decoded : 1;
        const char *word = text + at;
        size_t n_word = length;
        if (!is_plain) {
            text_clear(&made);
            text_add(&made, at > 0 ? bpe->prefix : "");
            text_add_bytes(&made, text + at, length);
            text_add(&made, at + length == n ? bpe->suffix : "");
            word = text_string(&made), n_word = made.size;
        }
        const int32_t id = words_find(&p->model->words.table, word, n_word);
        if (id >= 0) {
            if (unknown)
                add_symbol(p, words_id(&p->model->words, bpe->unknown));
            unknown = 0;
            add_symbol(p, id);
        } else if (!(bpe->falls_back_to_bytes && add_bytes(p, word, n_word)) && bpe->unknown) {
            const int32_t unknown_id = words_id(&p->model->words, bpe->unknown);
            if (unknown_id < 0)
                status = token_is_missing(text + at, length, err);
            else if (unknown && !bpe->fuses_unknown)
                add_symbol(p, unknown_id);
            unknown = 1;
        }
    }
    if (unknown && status == STATUS_OK)
        add_symbol(p, words_id(&p->model->words, bpe->unknown));
    text_free(&made);
    return status;
}

static int encode(const TokenModel *model, const char *text, size_t n, Encoding *encoding, Error *err)
{
    const Bpe *bpe = model->state;
    const int32_t whole = bpe->ignores_merges ? words_find(&model->words.table, text, n) : -1;
    if (whole >= 0) {
        encoding_add(encoding, whole);
        return STATUS_OK;
    }
    /* A character is one symbol, or as bytes as many as it has with prefix and suffix; a merge puts two in the heap. */
    const size_t most = n * (1 + strlen(bpe->prefix)) + strlen(bpe->suffix);
    if (most > INT32_MAX / 4)
        return error_set(err, STATUS_INPUT, "a piece of %zu bytes is longer than refframe cuts", n);
    Piecing p = {.model = model, .bpe = bpe};
    p.symbols = encoding_scratch(encoding, most * (sizeof *p.symbols + 3 * sizeof *p.heap));
    p.heap = (Merge *)(p.symbols + most);
    const int status = add_characters(&p, text, n, err);
    if (status != STATUS_OK)
        return status;
    merge_all(&p);
    for (int32_t s = 0; s < p.n_symbols; s++)
        if (p.symbols[s].id >= 0)
            encoding_add(encoding, p.symbols[s].id);
    return STATUS_OK;
}

/* ---- reading ---- */

/* "a b", or ["a", "b"]: both as strings in arena; 0: it is neither. */
static int split_merge(Arena *arena, const Json *json, const char **ret_a, const char **ret_b)
{
    if (json->type == JSON_ARRAY && json->n_items == 2 && json->items[0]->type == JSON_STRING &&
        json->items[1]->type == JSON_STRING) {
        *ret_a = json->items[0]->string, *ret_b = json->items[1]->string;
        return 1;
    }
    const char *blank = json->type == JSON_STRING ? strchr(json->string, ' ') : NULL;
    if (!blank || strchr(blank + 1, ' '))
        return 0;
    *ret_a = arena_strndup(arena, json->string, (size_t)(blank - json->string));
    *ret_b = blank + 1;
    return 1;
}

static int read_merge(const Part *part, const Json *json, int rank, const Words *words, Text *made, Bpe *bpe)
{
    const char *a = NULL, *b = NULL;
    if (!split_merge(part->arena, json, &a, &b))
        return part_refuse(part, "\"merges\": number %d is neither \"a b\" nor [\"a\", \"b\"]", rank);
    const size_t n_prefix = strlen(bpe->prefix);
    if (strlen(b) < n_prefix)
        return part_refuse(part, "\"merges\": number %d: \"%.100s\" does not begin with \"%.100s\"", rank, b,
                           bpe->prefix);
    text_clear(made);
    text_add(made, a);
    text_add(made, b + n_prefix);
    const char *const parts[] = {a, b, text_string(made)};
    int32_t ids[3];
    for (int i = 0; i < 3; i++)
        if ((ids[i] = words_id(words, parts[i])) < 0)
            return part_refuse(part, "\"merges\": number %d: \"%.100s\" is no token", rank, parts[i]);
    pairs_set(&bpe->merges, ids[0], ids[1], (PairValue){rank, ids[2]});
    return STATUS_OK;
}

static int read_merges(const Part *part, const Words *words, Bpe *bpe)
{
    const Json *merges = NULL;
    Text made = {0};
    int rank = 0, status = part_items(part, "merges", JSON_ARRAY, &merges);
    bpe->merges.arena = part->arena;
    for (int i = 0; status == STATUS_OK && merges && i < merges->n_items; i++) {
        const Json *merge = merges->items[i];
        if (merge->type != JSON_STRING || strncmp(merge->string, "#version", 8) != 0)
            status = read_merge(part, merge, rank++, words, &made, bpe);
    }
    text_free(&made);
    return status;
}

int bpe_read(const Part *part, TokenModel *ret_model)
{
    Bpe *bpe = ARENA_ARRAY(part->arena, Bpe, 1);
    Words words = {0};
    const Json *dropout = json_get(part->json, "dropout");
    int status = part_has_only(part, "vocab merges dropout unk_token continuing_subword_prefix end_of_word_suffix "
                                     "fuse_unk byte_fallback ignore_merges");
    if (status == STATUS_OK && dropout && dropout->type != JSON_NULL &&
        (dropout->type != JSON_NUMBER || dropout->number != 0))
        status = part_refuse(part, "\"dropout\" is not 0; merges that are left out by chance have no ids to compare");
    if (status == STATUS_OK)
        status = part_string(part, "unk_token", NULL, &bpe->unknown);
    if (status == STATUS_OK)
        status = part_string(part, "continuing_subword_prefix", "", &bpe->prefix);
    if (status == STATUS_OK)
        status = part_string(part, "end_of_word_suffix", "", &bpe->suffix);
    if (status == STATUS_OK)
        status = part_flag(part, "fuse_unk", 0, &bpe->fuses_unknown);
    if (status == STATUS_OK)
        status = part_flag(part, "byte_fallback", 0, &bpe->falls_back_to_bytes);
    if (status == STATUS_OK)
        status = part_flag(part, "ignore_merges", 0, &bpe->ignores_merges);
    if (status == STATUS_OK)
        status = words_read(part, &words);
    if (status == STATUS_OK)
        status = read_merges(part, &words, bpe);
    if (status == STATUS_OK)
        *ret_model = (TokenModel){.words = words, .state = bpe, .encode = encode};
    return status;
}
