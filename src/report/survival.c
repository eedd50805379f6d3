/* See survival.h. */
#include "report/survival.h"

#include <math.h>
#include <stdlib.h>

#include "base/pcg.h"

enum { EXACT_PAIRS = 13, DRAWS = 9999 };

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Survival survival_of(const ReportRun *run, const Onset *onset)
{
    const int has_formed = onset->kind != ONSET_NEVER;
    return (Survival){has_formed ? onset->by : run->steps[run->n_snapshots - 1], has_formed};
}

/* The distinct times of two lists, ascending; returns their number. */
static int distinct_times(Arena *arena, int n_a, const Survival *a, int n_b, const Survival *b, double **ret_times)
{
    double *times = ARENA_ARRAY(arena, double, n_a + n_b + 1);
    int n = 0;
    for (int i = 0; i < n_a + n_b; i++)
        times[i] = i < n_a ? a[i].time : b[i - n_a].time;
    qsort(times, (size_t)(n_a + n_b), sizeof *times, ascending);
    for (int i = 0; i < n_a + n_b; i++)
        if (i == 0 || times[i] != times[i - 1])
            times[n++] = times[i];
    *ret_times = times;
    return n;
}

static int place_of(int n, const double *times, double time)
{
    int low = 0, high = n - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (times[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int survival_curve(Arena *arena, int n, const Survival *runs, SurvivalStep **ret_steps)
{
    double *times;
    const int n_times = distinct_times(arena, n, runs, 0, NULL, &times);
    SurvivalStep *steps = ARENA_ARRAY(arena, SurvivalStep, n_times + 1);
    int *left = ARENA_ARRAY(arena, int, n_times + 1); /* runs that end here, either way */
    for (int i = 0; i < n; i++) {
        const int t = place_of(n_times, times, runs[i].time);
        left[t]++;
        steps[t].formed += runs[i].has_formed != 0;
    }
    double without = 1;
    int at_risk = n;
    for (int t = 0; t < n_times; t++) {
        without *= 1 - (double)steps[t].formed / at_risk;
        steps[t].time = times[t];
        steps[t].at_risk = at_risk;
        steps[t].share = 1 - without;
        at_risk -= left[t];
    }
    *ret_steps = steps;
    return n_times;
}

/* ---- log-rank ---- */

/* Where each run of two lists stands among their distinct times, and the counts behind Z. */
typedef struct {
    int n_times, n_a, n_b;
    int *place;                /* (n_a + n_b,) */
    unsigned char *has_formed; /* likewise */
    int *left, *formed;        /* (n_times,) of both lists: they stay, whoever belongs where */
    int *left_a, *formed_a;    /* of the first alone */
} Ranked;

static Ranked rank(Arena *arena, int n_a, const Survival *a, int n_b, const Survival *b)
{
    double *times;
    Ranked own = {.n_times = distinct_times(arena, n_a, a, n_b, b, &times), .n_a = n_a, .n_b = n_b};
    int *counts = ARENA_ARRAY(arena, int, 4 * own.n_times + 1);
    own.place = ARENA_ARRAY(arena, int, n_a + n_b + 1);
    own.has_formed = ARENA_ARRAY(arena, unsigned char, n_a + n_b + 1);
    own.left = counts;
    own.formed = counts + own.n_times;
    own.left_a = counts + 2 * own.n_times;
    own.formed_a = counts + 3 * own.n_times;
    for (int i = 0; i < n_a + n_b; i++) {
        const Survival *run = i < n_a ? &a[i] : &b[i - n_a];
        own.place[i] = place_of(own.n_times, times, run->time);
        own.has_formed[i] = run->has_formed != 0;
        own.left[own.place[i]]++;
        own.formed[own.place[i]] += own.has_formed[i];
    }
    return own;
}

/* What was seen less what was expected of the first list, and its variance. */
static double surplus(const Ranked *own, double *ret_variance)
{
    int n = own->n_a + own->n_b, n_a = own->n_a;
    double sum = 0, variance = 0;
    for (int t = 0; t < own->n_times; t++) {
        const double d = own->formed[t], share = n > 0 ? (double)n_a / n : 0;
        sum += own->formed_a[t] - d * share;
        if (n > 1)
            variance += d * share * (1 - share) * (n - d) / (n - 1);
        n -= own->left[t];
        n_a -= own->left_a[t];
    }
    *ret_variance = variance;
    return sum;
}

static void add_to_first(Ranked *own, int run, int by)
{
    own->left_a[own->place[run]] += by;
    own->formed_a[own->place[run]] += own->has_formed[run] ? by : 0;
}

double logrank_statistic(Arena *arena, int n_a, const Survival *a, int n_b, const Survival *b)
{
    Ranked own = rank(arena, n_a, a, n_b, b);
    double variance;
    for (int i = 0; i < n_a; i++)
        add_to_first(&own, i, 1);
    const double sum = surplus(&own, &variance);
    return variance > 0 ? sum / sqrt(variance) : 0;
}

static double squared_z(const Ranked *own)
{
    double variance;
    const double sum = surplus(own, &variance);
    return variance > 0 ? sum * sum / variance : 0;
}

double logrank_p(Arena *arena, int n, const Survival *a, const Survival *b)
{
    Ranked own = rank(arena, n, a, n, b);
    unsigned char *is_exchanged = ARENA_ARRAY(arena, unsigned char, n + 1);
    for (int i = 0; i < n; i++)
        add_to_first(&own, i, 1);
    const double seen = squared_z(&own) * (1 - 1e-9); /* exchanging all gives the same but for rounding */
    const int is_exact = n <= EXACT_PAIRS, n_trials = is_exact ? 1 << n : DRAWS;
    Pcg pcg = pcg_named(0, "report/logrank");
    int n_extreme = 0;
    for (int trial = 0; trial < n_trials; trial++) {
        for (int i = 0; i < n; i++) {
            const int exchange = is_exact ? trial >> i & 1 : (int)(pcg_next(&pcg) >> 31);
            if (exchange == is_exchanged[i])
                continue;
            add_to_first(&own, i, exchange ? -1 : 1);
            add_to_first(&own, n + i, exchange ? 1 : -1);
            is_exchanged[i] = (unsigned char)exchange;
        }
        n_extreme += squared_z(&own) >= seen;
    }
    return is_exact ? (double)n_extreme / n_trials : (n_extreme + 1.0) / (n_trials + 1.0);
}
