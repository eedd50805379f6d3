#include "hub/tokenize/lookup.h"

#include <string.h>

struct WordSlot {
    const char *word; /* NULL: free */
    size_t n;
    uint64_t hash;
    int32_t number;
};

struct PairSlot {
    uint64_t key; /* of the pair, plus one; 0: free */
    PairValue value;
};

enum { FIRST_SLOTS = 64 };

/* FNV-1a (Fowler, Noll, Vo), 64 bits, its halves folded: the low bits choose a slot. */
static uint64_t hash_of(const char *word, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)word[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

static struct WordSlot *word_slot(const WordTable *table, const char *word, size_t n, uint64_t hash)
{
    size_t i = (size_t)hash & (table->n_slots - 1);
    while (table->slots[i].word && !(table->slots[i].hash == hash && table->slots[i].n == n &&
                                     (n == 0 || memcmp(table->slots[i].word, word, n) == 0)))
        i = (i + 1) & (table->n_slots - 1);
    return &table->slots[i];
}

static void widen_words(WordTable *table)
{
    const WordTable old = *table;
    table->n_slots = old.n_slots ? 2 * old.n_slots : FIRST_SLOTS;
    table->slots = ARENA_ARRAY(table->arena, struct WordSlot, table->n_slots);
    for (size_t i = 0; i < old.n_slots; i++)
        if (old.slots[i].word)
            *word_slot(table, old.slots[i].word, old.slots[i].n, old.slots[i].hash) = old.slots[i];
}

int words_add(WordTable *table, const char *word, size_t n, int32_t number)
{
    if (2 * table->n >= table->n_slots)
        widen_words(table);
    const uint64_t hash = hash_of(word, n);
    struct WordSlot *slot = word_slot(table, word, n, hash);
    if (slot->word)
        return 0;
    *slot = (struct WordSlot){word, n, hash, number};
    table->n++;
    return 1;
}

int32_t words_find(const WordTable *table, const char *word, size_t n)
{
    if (table->n == 0)
        return -1;
    const struct WordSlot *slot = word_slot(table, word, n, hash_of(word, n));
    return slot->word ? slot->number : -1;
}

static uint64_t key_of(int32_t a, int32_t b)
{
    return ((uint64_t)(uint32_t)a << 32 | (uint32_t)b) + 1;
}

/* Knuth's multiplicative hash: the high half of the product depends on every bit. */
static struct PairSlot *pair_slot(const PairTable *table, uint64_t key)
{
    size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (table->n_slots - 1);
    while (table->slots[i].key && table->slots[i].key != key)
        i = (i + 1) & (table->n_slots - 1);
    return &table->slots[i];
}

void pairs_set(PairTable *table, int32_t a, int32_t b, PairValue value)
{
    if (2 * table->n >= table->n_slots) {
        const PairTable old = *table;
        table->n_slots = old.n_slots ? 2 * old.n_slots : FIRST_SLOTS;
        table->slots = ARENA_ARRAY(table->arena, struct PairSlot, table->n_slots);
        for (size_t i = 0; i < old.n_slots; i++)
            if (old.slots[i].key)
                *pair_slot(table, old.slots[i].key) = old.slots[i];
    }
    struct PairSlot *slot = pair_slot(table, key_of(a, b));
    table->n += slot->key == 0;
    *slot = (struct PairSlot){key_of(a, b), value};
}

const PairValue *pairs_find(const PairTable *table, int32_t a, int32_t b)
{
    if (table->n == 0)
        return NULL;
    const struct PairSlot *slot = pair_slot(table, key_of(a, b));
    return slot->key ? &slot->value : NULL;
}

static int32_t new_node(Trie *trie)
{
    trie->numbers = arena_widen(trie->edges.arena, trie->numbers, sizeof *trie->numbers, (size_t)trie->n_nodes + 1,
                                &trie->capacity);
    trie->numbers[trie->n_nodes] = -1;
    return trie->n_nodes++;
}

void trie_start(Trie *trie, Arena *arena)
{
    *trie = (Trie){.edges = {.arena = arena}};
    new_node(trie); /* TRIE_ROOT */
}

int32_t trie_step(const Trie *trie, int32_t node, unsigned char byte)
{
    const PairValue *edge = pairs_find(&trie->edges, node, byte);
    return edge ? edge->id : -1;
}

int32_t trie_add(Trie *trie, const char *word, size_t n)
{
    int32_t node = TRIE_ROOT;
    for (size_t i = 0; i < n; i++) {
        int32_t next = trie_step(trie, node, (unsigned char)word[i]);
        if (next < 0) {
            next = new_node(trie);
            pairs_set(&trie->edges, node, (unsigned char)word[i], (PairValue){0, next});
        }
        node = next;
    }
    return node;
}

size_t trie_longest(const Trie *trie, int32_t node, const char *text, size_t n, int32_t *ret_number)
{
    size_t found = 0;
    for (size_t i = 0; i < n && node >= 0; i++) {
        node = trie_step(trie, node, (unsigned char)text[i]);
        if (node >= 0 && trie->numbers[node] >= 0)
            *ret_number = trie->numbers[node], found = i + 1;
    }
    return found;
}
