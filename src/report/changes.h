/* Changes: how often moving one switch moves the frame. Within one seed, the share of pairs of arms that agree on every
 * axis but one and end with different labels of the model. It answers "does the encoding decide the type, or does the
 * mask?" on one scale for every axis of a sweep: 0, the switch never matters; 1, it always does.
 *
 * Seeds are independent, so a switch's shares over seeds are too, and their interval is as good as any. What the seed
 * alone changes (pairs of seeds of one arm) stands beside them as the floor; a pair of seeds counts for both, so those
 * shares are not independent, and their interval is a description.
 */
#ifndef REFFRAME_REPORT_CHANGES_H
#define REFFRAME_REPORT_CHANGES_H

#include "report/results.h"
#include "report/statistics.h"

enum { CHANGES_OF_SEED = -1, CHANGES_ALL = -1 };

typedef struct {
    int axis;     /* of the report, or CHANGES_OF_SEED: pairs of seeds of one arm */
    int from, to; /* the two values that are compared, CHANGES_ALL for each two */
} Switch;

/* Of one seed: the share of pairs of runs whose final labels differ; NaN without a pair, or when a run of one is not
 * finished: what the rest would say is not what was asked (pairs of seeds, which only describe, are left out then). The
 * pairs go to *ret_pairs. `selection` (NULL: every arm) says which arms count. */
double changes_in_seed(const Report *report, const Term *selection, const Switch *which, int by_token, uint64_t seed,
                       int *ret_pairs);

/* Over all seeds whose share is known; *ret_pairs is the most that one has. */
void changes_over_seeds(Arena *arena, const Report *report, const Term *selection, const Switch *which, int by_token,
                        int *ret_pairs, Interval *ret_interval);

/* What changes.csv and the page list: every axis, each two of its values if it has more than two, and last the seed. */
int changes_list(Arena *arena, const Report *report, Switch **ret_switches);

int report_find_axis(const Report *report, const char *name); /* -1 if absent */

#endif
