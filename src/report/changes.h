/* Changes: how often moving one switch moves the frame. Within one seed, the share of pairs of arms that agree on every
 * axis but one and end with different labels of the model. It answers "does the encoding decide the type, or does the
 * mask?" on one scale for every axis of a sweep: 0, the switch never matters; 1, it always does.
 *
 * It is asked over all runs, where `none` is a label like any other (does the switch decide whether and which?), and
 * over pairs in which both have a frame (does it decide which, given that there is one?). A run whose label is not
 * available stands in no pair.
 *
 * A set-up of an axis is a combination of values of all other axes; pairs never leave one. So a switch can be read in
 * each set-up alone: pooled, one in which nothing forms hides what the others say.
 *
 * Seeds are independent, so a switch's shares over seeds are too, and their interval is as good as any. What the seed
 * alone changes stands beside them: `floor` is the share of pairs of seeds of one arm that differ, over the same runs;
 * a pair of seeds counts for both, so it is a description. The test (permutation.h) has for null hypothesis: *within a
 * seed and a set-up, which value a run has says nothing about its label.* Dealing labels among the values of a block
 * changes no pair of that block, so the share of changes itself cannot test it. What a switch that matters does, and
 * dealing undoes, is that runs of one value agree over seeds more than runs of different values do. The statistic is
 * the number of pairs of seeds of one arm that agree, added over set-ups: the floor, counted from above. As what all
 * pairs across two seeds agree in does not depend on the deal, it says the same as the difference between pairs of one
 * value and of two. `floor_dealt` is its mean over all deals; p the share of deals with as low a floor. Of framed
 * pairs, labels are dealt among the framed runs: whether a run has a frame is taken as it is.
 */
#ifndef REFFRAME_REPORT_CHANGES_H
#define REFFRAME_REPORT_CHANGES_H

#include "base/json.h"
#include "report/permutation.h"
#include "report/results.h"
#include "report/statistics.h"

enum { CHANGES_OF_SEED = -1, CHANGES_ALL = -1 };
enum { CHANGES_VALUES = 12 }; /* of an axis with more values, each two are not listed: their rows grow as the square */

typedef struct {
    int axis;     /* of the report, or CHANGES_OF_SEED: pairs of seeds of one arm */
    int from, to; /* the two values that are compared, CHANGES_ALL for each two */
    int setup;    /* of the axis, CHANGES_ALL for every one */
} Switch;

/* An axis' set-ups, in the plan's order of their first arms. */
typedef struct {
    int n;
    int *starts; /* (n+1,) into arms */
    int *arms;   /* (n_arms,) by set-up */
} Setups;

/* What every question asks again: made once, in time that grows like runs (and arms log arms, for the set-ups). */
typedef struct {
    const Report *report;
    Setups *setups; /* (n_axes,) */
    int *labels[2]; /* (n_arms,n_seeds) final labels [by position, by token]: FRAME_COUNT not available, or below 0 */
} Changes;

void changes_new(Arena *arena, const Report *report, Changes *ret_changes);

typedef struct {
    /* (n_seeds,) the share of a seed's pairs whose labels differ. NaN without a pair, or when a run of one is not
     * finished: what the rest would say is not what was asked (pairs of seeds, which only describe, are left out). */
    double *shares;
    Interval interval; /* of them */
    int n_pairs;       /* the most that a seed with a share has */
    int n_unlabelled;  /* runs that are left out because their label is not available */
    double floor;      /* share of pairs of seeds of one arm that differ, over the runs of the pairs; NaN without one */
    double floor_dealt; /* its mean when labels are dealt anew */
    Permutation test;   /* of a floor as low; p NaN without a pair of seeds */
    long n_read;        /* labels looked at for the shares */
} Changed;

/* `selection` (NULL: every arm) says which arms count. */
void changes_of(Arena *arena, const Changes *changes, const Term *selection, const Switch *which, int by_token,
                int is_framed, Changed *ret_changed);

/* What changes.csv lists: every axis, each two of its values if it has more than two (and at most CHANGES_VALUES), each
 * of its set-ups that has a pair if there are more than one, and last the seed. */
int changes_list(Arena *arena, const Changes *changes, Switch **ret_switches);

/* "task=causal_next, ends=both", as a selection is written; "" for every set-up. */
const char *changes_setup(Arena *arena, const Changes *changes, const Switch *which);

/* The same as a JSON array for the page; document.h lists its keys. */
void changes_json(const Report *report, JsonWriter *json);

/* For a terminal: a few lines an axis, over all set-ups and by position; nothing where no axis has a pair. */
void changes_text(const Report *report, int width, int use_colour, Text *text);

int report_find_axis(const Report *report, const char *name); /* -1 if absent */

#endif
