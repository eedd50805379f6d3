/* Distributions over tokens as whole counts in sparse rows: a draw is exact, and so is what it costs him who knows
 * them. Beside them the counts of a text, and chains of order 0 and 1 (Shannon 1948, section 3).
 */
#ifndef REFFRAME_DATA_SOURCE_ROWS_H
#define REFFRAME_DATA_SOURCE_ROWS_H

#include "data/source/source.h"

/* Entries [starts[a], starts[a+1]) are row a's, in ascending order of their ids. */
typedef struct {
    int V;
    int *starts;    /* (rows+1,) */
    int32_t *ids;   /* (entries,) */
    uint32_t *sums; /* (entries,) running sum of counts within the row */
} Rows;

/* Compresses dense counts (n_rows, V); a row's sum must fit. */
Rows rows_new(Arena *arena, const uint32_t *counts, int n_rows, int V);

double rows_probability(const Rows *rows, int a, int k); /* of entry k of row a */
double rows_entropy(const Rows *rows, int a);            /* nats */
double rows_loss(const Rows *rows, int a, int32_t id);   /* -ln P(id), infinite where there is no entry */
int32_t rows_draw(const Rows *rows, int a, Pcg *pcg);

/* Of a corpus's training part, from an arena. */
typedef struct {
    int n_seen;        /* different tokens */
    uint32_t *unigram; /* (V,) */
    uint32_t *bigram;  /* (V,V) successors; a last token seen nowhere else gets the first one */
} Counts;

/* The table of pairs has the square of the vocabulary: refuses a larger one than it takes, naming the source. */
int counts_check(const Settings *settings, const Corpus *corpus, const char *source, Error *err);
Counts counts_of(Arena *arena, const Corpus *corpus);

/* x_0 ~ first;  x_i ~ next(x_{i-1}), or ~ first again with order 0. */
typedef struct {
    int order;
    Rows first, next; /* next: with order 1 alone */
    double *entropy;  /* (length,) E[entropy of x_i's distribution], nats */
} Chain;

/* Makes `entropy` of the rest: P(x_{i+1} = d) = sum_c P(x_i = c) next(c, d), position by position. */
void chain_propagate(Arena *arena, Chain *chain, int length);

/* The functions of a Source whose state is a Chain: every position is idle, as its own token is all it needs. */
void chain_next(const void *chain, Part part, int first, int length, Pcg *pcg, Sequence *seq);
double chain_oracle_loss(const void *chain, Part part, int length, int first_is_target, double *ret_groups);
double chain_ideal_loss(const void *chain, const Sequence *seq, int first, int i);

#endif
