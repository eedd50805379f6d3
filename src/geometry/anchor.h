/* Anchors: keys that draw attention from every query, each held against what its position alone would draw.
 *
 * An anchor has importance a_k > 0.1 and > 3 times the larger baseline of its position, the uniform one or the
 * position-only one. Under a causal mask only keys with at least max(12, T/4) later queries are eligible: the last
 * keys' means run over so few queries that a previous-token head would give them 0.4. frame/ applies the same rule to
 * stored importances; tests/frame holds the two together.
 */
#ifndef REFFRAME_GEOMETRY_ANCHOR_H
#define REFFRAME_GEOMETRY_ANCHOR_H

#include "base/arena.h"
#include "geometry/view.h"

#define ANCHOR_LEAST   0.1  /* a_k: a tenth of the average query's attention */
#define ANCHOR_RATIO   3.0  /* times the baseline */
#define ANCHOR_QUERIES 12   /* later queries that a causal key needs, */
#define ANCHOR_SHARE   0.25 /* and as a share of T */

typedef struct {
    int n;             /* anchors */
    int top;           /* the one with the largest a_k (the first such), -1 without any */
    double importance; /* its a_k */
    double
        effective; /* exp of the entropy of max(0, a_k - baseline_k) over eligible keys, normalised; NaN without any */
} Anchors;

/* Keys [0, end) are eligible; end is 0 for a causal sequence that is too short. */
int anchor_eligible_end(const View *view);

/* a_k of one head, (T,): mean of A_ik over queries i > k (causal) or i != k (full) that are not empty; NaN if none. */
void anchor_importance_of(const View *view, int layer, int head, float *ret_importance);

/* The larger of the uniform and the position-only importance of one head's keys, (T,), the latter from step 0's bias: a
 * learned one is part of what is measured. `scratch`: 3T doubles. */
void anchor_baseline_of(const View *view, int layer, int head, double *scratch, double *ret_baseline);

/* What one search after another works in. */
typedef struct {
    double *baseline, *work; /* (T,), (3T,) */
    float *importance;       /* (T,) */
} AnchorDesk;

AnchorDesk anchor_desk(const View *view, Arena *arena);

/* The anchors of one head. */
void anchors_find(const View *view, int layer, int head, const AnchorDesk *desk, Anchors *ret_anchors);

/* The keys that interventions hide: position 0; the key with the largest a_k among the anchors of all heads (of the
 * first such head, the smallest); a null position. -1 where there is none. Takes a desk and nothing else. */
void ablation_keys(const View *view, Arena *scratch, int ret_keys[N_ABLATIONS]);

#endif
