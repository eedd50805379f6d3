/* Learning byte pairs: which two tokens stand side by side most often, again and again.
 *
 *   merge k = argmax over pairs (left, right) of their count; ties: the smaller (left, right)
 *
 * Source: Sennrich, Haddow & Birch, arXiv 1508.07909, section 3.2, with its count over different words times how often
 * each stands. A count is of places, overlapping ones too ("aaa" holds (a, a) twice); merging goes from left to right.
 *
 * Every symbol of the different words is in the list of the one pair that starts at it, so a merge touches the places
 * of its pair and their neighbours, nothing else. Invariants: a pair's list holds all its places, ascending within a
 * word; all places of a pair come about in the step that makes the younger of its two tokens, so later its count only
 * falls, and an old count on the heap is an upper bound.
 */
#include "data/tokenizer/bpe.h"

#include <assert.h>
#include <string.h>

enum { NONE = -1, COUNT_MIN = 2 };

typedef struct {
    int32_t id, times;      /* how often its word stands in the text */
    int32_t before, after;  /* symbols of its word, or NONE */
    int32_t pair;           /* the one that starts here, or NONE */
    int32_t earlier, later; /* places in that pair's list, or NONE */
} Symbol;

typedef struct {
    int32_t left, right;
    int32_t first, last; /* its list */
    int64_t count;
} Pair;

typedef struct {
    int64_t count; /* when it was put here */
    int32_t pair;
} Candidate;

typedef struct {
    Arena *scratch;
    Symbol *symbols;
    int32_t n_symbols;
    PairMap index; /* of pairs in `pairs` */
    Pair *pairs;
    int32_t n_pairs, capacity;
    Candidate *heap; /* (n_pairs at most) the best at 0 */
    int32_t n_heap;
} Learner;

/* ---- words ---- */

typedef struct {
    const char *bytes;
    int32_t n, times;
} Word;

typedef struct {
    Word *words; /* open addressing; n = 0 is free */
    size_t capacity, n;
} Words;

static Word *word_find(const Words *words, const char *bytes, size_t n)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001B3u;
    size_t place = (size_t)(hash ^ hash >> 32) & (words->capacity - 1);
    for (;; place = (place + 1) & (words->capacity - 1)) {
        Word *word = &words->words[place];
        if (word->n == 0 || ((size_t)word->n == n && memcmp(word->bytes, bytes, n) == 0))
            return word;
    }
}

static Words words_larger(Arena *scratch, const Words *words)
{
    Words larger = {.capacity = 2 * words->capacity, .n = words->n};
    larger.words = ARENA_ARRAY(scratch, Word, larger.capacity);
    for (size_t i = 0; i < words->capacity; i++)
        if (words->words[i].n)
            *word_find(&larger, words->words[i].bytes, (size_t)words->words[i].n) = words->words[i];
    return larger;
}

/* The different pieces of the text; those of one byte have no pair and stay out. */
static Words collect_words(Arena *scratch, const char *text, size_t n)
{
    Words words = {.capacity = 1024};
    words.words = ARENA_ARRAY(scratch, Word, words.capacity);
    for (size_t at = 0, size; at < n; at += size) {
        size = bpe_piece(text + at, n - at);
        if (size == 1)
            continue;
        Word *word = word_find(&words, text + at, size);
        if (word->n == 0) {
            *word = (Word){text + at, (int32_t)size, 0};
            words.n++;
        }
        word->times++;
        if (2 * words.n > words.capacity)
            words = words_larger(scratch, &words);
    }
    return words;
}

/* ---- pairs and their places ---- */

static int32_t pair_of(Learner *learner, int32_t left, int32_t right)
{
    int32_t found = pair_map_find(&learner->index, left, right);
    if (found != NONE)
        return found;
    if (learner->n_pairs == learner->capacity) {
        assert(learner->capacity <= INT32_MAX / 2);
        Pair *pairs = ARENA_ARRAY(learner->scratch, Pair, 2 * (size_t)learner->capacity);
        Candidate *heap = ARENA_ARRAY(learner->scratch, Candidate, 2 * (size_t)learner->capacity);
        memcpy(pairs, learner->pairs, (size_t)learner->n_pairs * sizeof *pairs);
        memcpy(heap, learner->heap, (size_t)learner->n_heap * sizeof *heap);
        learner->pairs = pairs, learner->heap = heap;
        learner->capacity *= 2;
    }
    pair_map_add(&learner->index, left, right, learner->n_pairs);
    learner->pairs[learner->n_pairs] = (Pair){left, right, NONE, NONE, 0};
    return learner->n_pairs++;
}

/* Puts symbol i at the end of the list of the pair that starts there. */
static void enter(Learner *learner, int32_t i)
{
    Symbol *symbol = &learner->symbols[i];
    if (symbol->after == NONE)
        return;
    symbol->pair = pair_of(learner, symbol->id, learner->symbols[symbol->after].id);
    Pair *pair = &learner->pairs[symbol->pair];
    symbol->earlier = pair->last;
    symbol->later = NONE;
    *(pair->last == NONE ? &pair->first : &learner->symbols[pair->last].later) = i;
    pair->last = i;
    pair->count += symbol->times;
}

static void leave(Learner *learner, int32_t i)
{
    Symbol *symbol = &learner->symbols[i];
    if (symbol->pair == NONE)
        return;
    Pair *pair = &learner->pairs[symbol->pair];
    *(symbol->earlier == NONE ? &pair->first : &learner->symbols[symbol->earlier].later) = symbol->later;
    *(symbol->later == NONE ? &pair->last : &learner->symbols[symbol->later].earlier) = symbol->earlier;
    pair->count -= symbol->times;
    symbol->pair = NONE;
}

/* Replaces the pair by `id` wherever it stands. */
static void merge(Learner *learner, int32_t p, int32_t id)
{
    int32_t i;
    while ((i = learner->pairs[p].first) != NONE) {
        Symbol *left = &learner->symbols[i], *right = &learner->symbols[left->after];
        if (left->before != NONE)
            leave(learner, left->before);
        leave(learner, i);
        leave(learner, left->after);
        left->id = id;
        left->after = right->after;
        if (left->after != NONE)
            learner->symbols[left->after].before = i;
        if (left->before != NONE)
            enter(learner, left->before);
        enter(learner, i);
    }
}

/* ---- the best pair ---- */

static int is_better(const Learner *learner, const Candidate *a, const Candidate *b)
{
    const Pair *x = &learner->pairs[a->pair], *y = &learner->pairs[b->pair];
    if (a->count != b->count)
        return a->count > b->count;
    return x->left != y->left ? x->left < y->left : x->right < y->right;
}

static void heap_add(Learner *learner, int32_t pair)
{
    Candidate *heap = learner->heap, candidate = {learner->pairs[pair].count, pair};
    if (candidate.count < COUNT_MIN)
        return;
    int32_t i = learner->n_heap++;
    for (; i > 0 && is_better(learner, &candidate, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = candidate;
}

static Candidate heap_take(Learner *learner)
{
    Candidate *heap = learner->heap, best = heap[0], last = heap[--learner->n_heap];
    int32_t i = 0;
    for (int32_t child; (child = 2 * i + 1) < learner->n_heap; i = child) {
        if (child + 1 < learner->n_heap && is_better(learner, &heap[child + 1], &heap[child]))
            child++;
        if (!is_better(learner, &heap[child], &last))
            break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return best;
}

/* The most frequent pair, or NONE. A candidate whose count has fallen since goes back to its new place. */
static int32_t take_best(Learner *learner)
{
    while (learner->n_heap > 0) {
        Candidate best = heap_take(learner);
        if (best.count == learner->pairs[best.pair].count)
            return best.pair;
        heap_add(learner, best.pair);
    }
    return NONE;
}

/* ---- all of it ---- */

static Learner learner_new(Arena *scratch, const Words *words)
{
    enum { N_PAIRS = 4096 };
    size_t n_symbols = 0;
    for (size_t w = 0; w < words->capacity; w++)
        n_symbols += (size_t)words->words[w].n;
    Learner learner = {.scratch = scratch, .capacity = N_PAIRS, .index = pair_map_new(scratch, N_PAIRS)};
    learner.symbols = ARENA_ARRAY(scratch, Symbol, n_symbols);
    learner.pairs = ARENA_ARRAY(scratch, Pair, N_PAIRS);
    learner.heap = ARENA_ARRAY(scratch, Candidate, N_PAIRS);
    for (size_t w = 0; w < words->capacity; w++) {
        const Word *word = &words->words[w];
        for (int32_t k = 0; k < word->n; k++) {
            int32_t i = learner.n_symbols++;
            learner.symbols[i] = (Symbol){.id = TOKEN_CONTENT + (unsigned char)word->bytes[k],
                                          .times = word->times,
                                          .before = k > 0 ? i - 1 : NONE,
                                          .after = k + 1 < word->n ? i + 1 : NONE,
                                          .pair = NONE};
        }
    }
    for (int32_t i = 0; i < learner.n_symbols; i++)
        enter(&learner, i);
    return learner;
}

int bpe_learn(const char *text, size_t n, int n_wanted, Merge *ret_merges, size_t *ret_taken)
{
    Arena *scratch = arena_new();
    Words words = collect_words(scratch, text, n);
    Learner learner = learner_new(scratch, &words);
    int n_merges = 0;
    int32_t best, n_known = 0; /* pairs that are, or were, on the heap */
    while (n_merges < n_wanted) {
        for (; n_known < learner.n_pairs; n_known++)
            heap_add(&learner, n_known);
        best = take_best(&learner);
        if (best == NONE)
            break;
        const Pair *pair = &learner.pairs[best];
        ret_merges[n_merges] = (Merge){pair->left, pair->right, pair->count};
        merge(&learner, best, BPE_MERGED + n_merges++);
    }
    *ret_taken = arena_used(scratch);
    arena_free(scratch);
    return n_merges;
}
