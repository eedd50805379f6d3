/* Lookups that tokenizers live on: words to numbers, pairs to numbers, and a trie. Each is open addressing (at most
 * half full) in an arena, and takes no longer for many entries than for few. */
#ifndef REFFRAME_HUB_TOKENIZE_LOOKUP_H
#define REFFRAME_HUB_TOKENIZE_LOOKUP_H

#include <stdint.h>

#include "base/arena.h"

/* ---- strings, as they stand in the caller's memory, to numbers from 0 on ---- */
typedef struct {
    Arena *arena;
    struct WordSlot *slots; /* (n_slots), a power of two */
    size_t n_slots, n;
} WordTable;

/* Whether it was not there before; one that was keeps its number. */
int words_add(WordTable *table, const char *word, size_t n, int32_t number);
/* -1: it is not there. */
int32_t words_find(const WordTable *table, const char *word, size_t n);

/* ---- pairs of numbers from 0 on ---- */
typedef struct {
    Arena *arena;
    struct PairSlot *slots;
    size_t n_slots, n;
} PairTable;

typedef struct {
    int32_t rank, id;
} PairValue;

void pairs_set(PairTable *table, int32_t a, int32_t b, PairValue value);
/* NULL: it is not there. */
const PairValue *pairs_find(const PairTable *table, int32_t a, int32_t b);

/* ---- a trie of bytes ---- */
typedef struct {
    PairTable edges;
    int32_t *numbers; /* (n_nodes) what ends at a node; -1: nothing */
    int32_t n_nodes;
    size_t capacity;
} Trie;

enum { TRIE_ROOT = 0 };

void trie_start(Trie *trie, Arena *arena);
/* The node that a word leads to, made if need be. */
int32_t trie_add(Trie *trie, const char *word, size_t n);
/* The node behind `node` at a byte; -1: none. */
int32_t trie_step(const Trie *trie, int32_t node, unsigned char byte);
/* The bytes of the longest word that a text begins with behind `node` (-1: behind none), and its number; 0: there is
 * none. */
size_t trie_longest(const Trie *trie, int32_t node, const char *text, size_t n, int32_t *ret_number);

#endif
