/* Seen: `seen(TYPE, SEL)` as the search that it is. It looks for a type through every arm that the selection holds, and
 * the arm with the most runs that show it speaks for all. The more arms are looked through, the more likely one of them
 * has many by chance, so what was looked through is counted, and beside the verdict (verdict.h) stands how much of its
 * best arm the search itself explains.
 *
 * Null hypothesis: *within a seed, which arm a run belongs to says nothing about whether it shows the type.* Statistic:
 * the most runs that show it in one arm; permutation.h deals "shown" and "not shown" among a seed's runs. A small p
 * says that arms differ: the best arm has more than the luckiest of as many equal arms. A large p does not say that the
 * type is absent: where every arm always shows it, p is 1.
 */
#ifndef REFFRAME_REPORT_SEEN_H
#define REFFRAME_REPORT_SEEN_H

#include "report/permutation.h"
#include "report/results.h"

/* The runs of one arm. Those that never had a label are no part of n_planned. */
typedef struct {
    int arm;
    int n_planned, n_finished;
    int n_seen, n_at_start; /* in which the type came to stay; of these, there at step 0 already */
} SeenArm;

typedef struct {
    int n_arms; /* that the selection holds */
    SeenArm *arms;
    int n_runs, n_runs_seen, n_arms_seen; /* finished runs, with a label */
    int n_unlabelled;                     /* finished runs that never had a label */
    Permutation test;                     /* p NaN without a run */
} Seen;

void seen_search(Arena *arena, const Report *report, const Term *term, Seen *ret_seen);

/* "seen in 7 of 72 runs, in 3 of 12 arms (rope 4/6, alibi 2/6, none 1/6); dealt among the arms, one has as many in 12 %
 * of 10,000 deals". */
const char *seen_text(Arena *arena, const Report *report, const Seen *seen);

#endif
