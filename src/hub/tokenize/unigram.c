/* Unigram (Kudo 2018): the cut of a piece into tokens whose scores sum to the most, by Viterbi's search from left to
 * right; of equal ones the first found. A character that is no token counts as the unknown, 10 below the lowest score;
 * unknown ones in a row are one. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "hub/tokenize/model.h"

static const double unknown_penalty = 10;

typedef struct {
    Trie trie;
    const double *scores; /* (n) by id */
    double unknown_score;
    int32_t unknown; /* -1: there is none */
    int falls_back_to_bytes;
} Unigram;

/* The best way to a place. */
typedef struct {
    double score;
    size_t from; /* SIZE_MAX: none is known */
    int32_t id;
} Best;

static void offer(Best *best, double score, size_t from, int32_t id)
{
    if (best->from == SIZE_MAX || score > best->score)
        *best = (Best){score, from, id};
}

static int search(const Unigram *unigram, const char *text, size_t n, Best *best, Error *err)
{
    for (size_t i = 0; i <= n; i++)
        best[i] = (Best){0, SIZE_MAX, -1};
    for (size_t at = 0; at < n;) {
        const int decoded = text_utf8_decode(text + at, n - at, NULL);
        const size_t length = decoded > 0 ? (size_t)decoded : 1;
        int has_single = 0;
        int32_t node = TRIE_ROOT;
        for (size_t end = at; end < n && (node = trie_step(&unigram->trie, node, (unsigned char)text[end])) >= 0;) {
            const int32_t id = unigram->trie.numbers[node];
            end++;
            if (id >= 0) {
                offer(&best[end], best[at].score + unigram->scores[id], at, id);
                has_single |= end - at == length;
            }
        }
        if (!has_single && unigram->unknown < 0)
            return token_is_missing(text + at, length, err);
        if (!has_single)
            offer(&best[at + length], best[at].score + unigram->unknown_score, at, unigram->unknown);
        at += length;
    }
    return STATUS_OK;
}

/* A token's id, or those of the bytes of what is none. */
static int add_found(const TokenModel *model, const char *text, size_t n, Encoding *encoding, Error *err)
{
    const Unigram *unigram = model->state;
    const int32_t id = words_find(&model->words.table, text, n);
    int can_be_bytes = unigram->falls_back_to_bytes && id < 0;
    for (size_t i = 0; i < n && can_be_bytes; i++)
        can_be_bytes = token_of_byte(&model->words, (unsigned char)text[i]) >= 0;
    if (!can_be_bytes && id < 0 && unigram->unknown < 0)
        return token_is_missing(text, n, err);
    if (!can_be_bytes)
        encoding_add(encoding, id >= 0 ? id : unigram->unknown);
    for (size_t i = 0; i < n && can_be_bytes; i++)
        encoding_add(encoding, token_of_byte(&model->words, (unsigned char)text[i]));
    return STATUS_OK;
}

static int encode(const TokenModel *model, const char *text, size_t n, Encoding *encoding, Error *err)
{
    const Unigram *unigram = model->state;
    Best *best = encoding_scratch(encoding, (n + 1) * sizeof *best);
    int status = search(unigram, text, n, best, err);
    if (status != STATUS_OK)
        return status;
    /* Links lead back; turned round, best[at].from is where the token ends that starts at `at`. */
    Best arriving = best[n];
    for (size_t end = n; end > 0;) {
        const size_t start = arriving.from;
        const Best next = best[start];
        best[start] = (Best){0, end, arriving.id};
        end = start, arriving = next;
    }
    for (size_t at = 0, end; at < n && status == STATUS_OK; at = end) {
        end = best[at].from;
        while (best[at].id == unigram->unknown && end < n && best[end].id == unigram->unknown)
            end = best[end].from;
        status = add_found(model, text + at, end - at, encoding, err);
    }
    return status;
}

/* [["a", -1.5], ...]: the place is the id */
static int read_pieces(const Part *part, Words *words, Unigram *unigram)
{
    const Json *pieces = NULL;
    const int status = part_items(part, "vocab", JSON_ARRAY, &pieces);
    if (status != STATUS_OK || !pieces)
        return status;
    double *scores = ARENA_ARRAY(part->arena, double, pieces->n_items + 1), least = INFINITY;
    trie_start(&unigram->trie, part->arena);
    words->table.arena = part->arena;
    for (int i = 0; i < pieces->n_items; i++) {
        const char *word = NULL;
        int32_t id = -1;
        if (!words_item(pieces, i, &word, &id))
            return part_refuse(part, "\"vocab\": number %d is not [\"token\", score]", i);
        if (!words_put(words, part->arena, word, id))
            return part_refuse(part, "\"vocab\": \"%.100s\" stands there twice, or behind %d others", word, WORDS_MOST);
        scores[i] = pieces->items[i]->items[1]->number;
        least = fmin(least, scores[i]);
        const int32_t node = trie_add(&unigram->trie, word, strlen(word));
        unigram->trie.numbers[node] = i;
    }
    unigram->scores = scores, unigram->unknown_score = least - unknown_penalty;
    return STATUS_OK;
}

int unigram_read(const Part *part, TokenModel *ret_model)
{
    Unigram *unigram = ARENA_ARRAY(part->arena, Unigram, 1);
    Words words = {0};
    int64_t unknown = -1;
    int status = part_has_only(part, "vocab unk_id byte_fallback");
    if (status == STATUS_OK)
        status = part_flag(part, "byte_fallback", 0, &unigram->falls_back_to_bytes);
    if (status == STATUS_OK)
        status = read_pieces(part, &words, unigram);
    if (status == STATUS_OK)
        status = part_count(part, "unk_id", -1, (int64_t)words.n_words - 1, &unknown);
    unigram->unknown = (int32_t)unknown;
    if (status == STATUS_OK)
        *ret_model = (TokenModel){.words = words, .state = unigram, .encode = encode};
    return status;
}
