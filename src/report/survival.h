/* Time to onset as censored data. A run in which nothing formed has not formed it by its last step: it is censored
 * there (a right-censored time), neither dropped nor given a time.
 *
 * The curve is the product-limit estimate (Kaplan & Meier, Nonparametric estimation from incomplete observations,
 * 1958): the share formed by t is 1 - product over t_i <= t of (1 - d_i / n_i), d_i formed at t_i of n_i that had not
 * before. The log-rank statistic (Mantel 1966; Peto & Peto 1972) sums, over the times at which something formed, d_a -
 * n_a d / n and divides by the root of the hypergeometric variance.
 *
 * Times are those of snapshots: an onset in (after, by] counts at `by`. Arms that are compared have the same snapshots,
 * so this is the test for grouped times, and rounding up moves no order; where snapshots differ it can.
 */
#ifndef REFFRAME_REPORT_SURVIVAL_H
#define REFFRAME_REPORT_SURVIVAL_H

#include "report/results.h"

typedef struct {
    double time;    /* step by which it formed, or the last one of a run in which it did not */
    int has_formed; /* 0: censored */
} Survival;

typedef struct {
    double time;
    int at_risk, formed; /* runs in which it had not formed before; in which it did now */
    double share;        /* formed by this time */
} SurvivalStep;

/* What an onset in a run says. */
Survival survival_of(const ReportRun *run, const Onset *onset);

/* A step for each distinct time, ascending; memory for n of them goes to ret_steps. Returns their number. */
int survival_curve(Arena *arena, int n, const Survival *runs, SurvivalStep **ret_steps);

/* Z of n_a against n_b runs, positive where a's form earlier than b's; 0 where nothing formed or all at once. */
double logrank_statistic(Arena *arena, int n_a, const Survival *a, int n_b, const Survival *b);

/* Two-sided p of Z for n pairs (the same seed in both arms), by exchanging the two within pairs: all 2^n exchanges of
 * at most 13 pairs, else 9,999 drawn ones, the same everywhere, and the one that was seen (Phipson & Smyth 2010). */
double logrank_p(Arena *arena, int n, const Survival *a, const Survival *b);

#endif
