/* See permutation.h. Blocks whose labels are all the same can be dealt in one way only: they are counted once, and the
 * rest is dealt again and again. */
#include "report/permutation.h"

#include <string.h>

#include "base/pcg.h"

/* Cells [start, end) of a block that has more than one label. */
typedef struct {
    int start, end;
} Mixed;

typedef struct {
    const Deal *deal;
    DealStatistic statistic;
    int *labels; /* (n_cells,) as dealt */
    int *fixed;  /* (n_slots,n_labels) of the cells that are not dealt */
    int *counts; /* (n_slots,n_labels) of all */
    Mixed *mixed;
    int n_mixed;
} Dealer;

static void count(const Deal *deal, const int *labels, int start, int end, int *counts)
{
    for (int i = start; i < end; i++)
        counts[deal->slots[i] * deal->n_labels + labels[i]]++;
}

static int64_t statistic_of(Dealer *own)
{
    const Deal *deal = own->deal;
    memcpy(own->counts, own->fixed, sizeof *own->counts * (size_t)deal->n_slots * (size_t)deal->n_labels);
    for (int b = 0; b < own->n_mixed; b++)
        count(deal, own->labels, own->mixed[b].start, own->mixed[b].end, own->counts);
    return own->statistic(deal->n_slots, deal->n_labels, own->counts);
}

/* In how many ways n labels can be dealt, n! / prod(count!), as a product of binomials; it may round, and overflow to
 * infinity, far above what is ever enumerated. */
static double ways_of(int n, const int *labels, int n_labels)
{
    double ways = 1;
    int before = 0;
    for (int label = 0; label < n_labels; label++) {
        int same = 0;
        for (int i = 0; i < n; i++)
            if (labels[i] == label)
                ways = ways * ++before / ++same;
    }
    return ways;
}

/* The next arrangement in lexical order (Knuth, TAOCP 7.2.1.2, algorithm L); 0 and the first one after the last. */
static int next_arrangement(int n, int *labels)
{
    int j = n - 2, k = n - 1, is_next = 1;
    while (j >= 0 && labels[j] >= labels[j + 1])
        j--;
    if (j < 0) {
        is_next = 0;
    } else {
        while (labels[j] >= labels[k])
            k--;
        const int label = labels[j];
        labels[j] = labels[k];
        labels[k] = label;
    }
    for (int a = j + 1, b = n - 1; a < b; a++, b--) {
        const int label = labels[a];
        labels[a] = labels[b];
        labels[b] = label;
    }
    return is_next;
}

static void sort_labels(int n, int *labels)
{
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && labels[j - 1] > labels[j]; j--) {
            const int label = labels[j];
            labels[j] = labels[j - 1];
            labels[j - 1] = label;
        }
}

/* Every deal once: the blocks' arrangements count like the digits of a number. */
static void test_all(Dealer *own, int64_t observed, Permutation *test)
{
    int n_reached = 0, b = 0;
    for (int i = 0; i < own->n_mixed; i++)
        sort_labels(own->mixed[i].end - own->mixed[i].start, own->labels + own->mixed[i].start);
    test->is_exact = 1;
    do {
        n_reached += statistic_of(own) >= observed;
        test->n_deals++;
        for (b = 0; b < own->n_mixed; b++)
            if (next_arrangement(own->mixed[b].end - own->mixed[b].start, own->labels + own->mixed[b].start))
                break;
    } while (b < own->n_mixed);
    test->p = (double)n_reached / test->n_deals;
}

static void test_drawn(Dealer *own, int64_t observed, Permutation *test)
{
    Pcg pcg = pcg_named(0, "report/permutation");
    int n_reached = 1;
    for (int draw = 0; draw < PERMUTATION_DRAWS; draw++) {
        for (int b = 0; b < own->n_mixed; b++) {
            int *labels = own->labels + own->mixed[b].start;
            for (int i = own->mixed[b].end - own->mixed[b].start - 1; i > 0; i--) { /* Fisher and Yates */
                const int j = (int)pcg_below(&pcg, (uint32_t)i + 1), label = labels[i];
                labels[i] = labels[j];
                labels[j] = label;
            }
        }
        n_reached += statistic_of(own) >= observed;
    }
    test->n_deals = PERMUTATION_DRAWS + 1;
    test->p = (double)n_reached / test->n_deals;
}

void permutation_test(Arena *arena, const Deal *deal, DealStatistic statistic, Permutation *ret_permutation)
{
    const int size = deal->n_slots * deal->n_labels;
    Dealer own = {deal,
                  statistic,
                  ARENA_ARRAY(arena, int, deal->n_cells + 1),
                  ARENA_ARRAY(arena, int, size + 1),
                  ARENA_ARRAY(arena, int, size + 1),
                  ARENA_ARRAY(arena, Mixed, deal->n_cells / 2 + 1),
                  0};
    Permutation test = {0};
    double ways = 1;
    for (int start = 0, end; start < deal->n_cells; start = end) {
        for (end = start + 1; end < deal->n_cells && deal->blocks[end] == deal->blocks[start];)
            end++;
        const double own_ways = ways_of(end - start, deal->labels + start, deal->n_labels);
        if (own_ways > 1)
            own.mixed[own.n_mixed++] = (Mixed){start, end};
        else
            count(deal, deal->labels, start, end, own.fixed);
        ways *= own_ways;
    }
    memcpy(own.labels, deal->labels, sizeof *own.labels * (size_t)deal->n_cells);
    const int64_t observed = statistic_of(&own);
    if (ways <= PERMUTATION_DRAWS + 1)
        test_all(&own, observed, &test);
    else
        test_drawn(&own, observed, &test);
    *ret_permutation = test;
}
