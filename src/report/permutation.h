/* Permutation tests within blocks: how often labels that are dealt at random look at least as ordered as those found.
 *
 * A cell is one run. It stands in a block (a seed, or a seed of one set-up), belongs to a slot (an arm) and has a
 * label. Null hypothesis: which of a block's cells has which of its labels says nothing; every way to deal the block's
 * labels among its cells is equally likely, and blocks are independent. What a block's labels are is taken as it is, so
 * a seed in which everything is one type speaks neither for nor against.
 *
 * p is the share of deals whose statistic is at least the observed one. Up to PERMUTATION_DRAWS + 1 different deals are
 * all counted, and p is exact; else so many are drawn, the observed one counts as one more, and p is never 0 (Phipson &
 * Smyth 2010, "Permutation P-values Should Never Be Zero", SAGMB 9, 39). The draws are one fixed stream (pcg.h),
 * statistics are integers: the same p everywhere.
 */
#ifndef REFFRAME_REPORT_PERMUTATION_H
#define REFFRAME_REPORT_PERMUTATION_H

#include <stdint.h>

#include "base/arena.h"

#define PERMUTATION_DRAWS 9999

typedef struct {
    int n_cells, n_slots, n_labels;
    const int *blocks; /* (n_cells,) ascending */
    const int *slots;  /* (n_cells,) in [0, n_slots) */
    const int *labels; /* (n_cells,) in [0, n_labels) */
} Deal;

/* Of how many cells each slot has with each label: counts (n_slots,n_labels). */
typedef int64_t (*DealStatistic)(int n_slots, int n_labels, const int *counts);

typedef struct {
    double p;    /* NaN: there was nothing to test */
    int n_deals; /* different deals when exact, else draws and the observed one */
    int is_exact;
} Permutation;

void permutation_test(Arena *arena, const Deal *deal, DealStatistic statistic, Permutation *ret_permutation);

#endif
