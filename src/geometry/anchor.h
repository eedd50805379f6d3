/* Anchors: keys that draw attention from all over the sequence, each held against what its position alone would draw.
 *
 * An anchor has importance from afar > 0.1 and > 3 times its baseline, the larger of what uniform and what
 * position-only attention give it from there. Afar is a quarter of the sequence: a head that looks a few tokens back,
 * with a taste for some, gives late keys of a causal sequence a large mean over few queries, all of them near. A key
 * must be eligible: at least max(8, T/4) queries see it from afar. Where fewer than three keys are, none is: three
 * anchors are what tells a distributed frame from the others. frame/ applies the same rule to stored importances;
 * tests/frame holds the two together.
 */
#ifndef REFFRAME_GEOMETRY_ANCHOR_H
#define REFFRAME_GEOMETRY_ANCHOR_H

#include "base/arena.h"
#include "geometry/view.h"

#define ANCHOR_AFAR    1    /* of DISTANCES: a quarter of the sequence */
#define ANCHOR_LEAST   0.1  /* a tenth of the average query's attention */
#define ANCHOR_RATIO   3.0  /* times the baseline */
#define ANCHOR_QUERIES 8    /* queries that must see a key from afar, */
#define ANCHOR_SHARE   0.25 /* and as a share of T */
#define ANCHOR_KEYS    3    /* eligible keys that a sequence must have */

typedef struct {
    int n;             /* anchors */
    int top;           /* the one with the largest importance from afar (the first such), -1 without any */
    double importance; /* that */
    double effective;  /* exp of the entropy of the normalised max(0, importance - baseline) of eligible keys; NaN
                          without any anchor */
} Anchors;

/* Whether key k may be an anchor, and how many keys may. */
int anchor_is_eligible(const View *view, int k);
int anchor_n_eligible(const View *view);

/* Anchor importance a_k (DEFINITIONS.md): mean of A_ik over the queries other than k that see k and are not empty, NaN
 * when there are none, for every layer, head and key: (L,H,T) float32. The same over the queries that stand at least
 * 1 + d eighths of the sequence away: (L,H,DISTANCES,T). The classifier works on these alone. Either may be NULL. */
void anchor_importance(const View *view, float *ret_importance, float *ret_afar);

/* The larger of the uniform and the position-only importance from afar of every layer, head and key, (L,H,T): a View's
 * baseline. `rows` are step 0's, since what is learned is part of what is measured; NULL: uniform alone. */
void anchor_baseline(const View *shape, const PositionRows *rows, Arena *scratch, double *ret_baseline);

/* A position other than 0, drawn from the tokens (from the length alone without them), layer and head: where anchor
 * statistics are taken again as their null. Eligible as an anchor, the same for the same sequence; -1 if there is none.
 * `salt` tells several draws for one head apart. */
int anchor_null_position(const View *view, int layer, int head, int salt);

/* The same, but none of n `taken` places. */
int anchor_null_position_beside(const View *view, int layer, int head, int salt, const int *taken, int n);

/* What one search after another works in. */
typedef struct {
    double *uniform; /* (T,) baseline where the view has none */
    float *afar;     /* (DISTANCES,T) where the view has none */
} AnchorDesk;

AnchorDesk anchor_desk(const View *view, Arena *arena);

/* The anchors of one head. */
void anchors_find(const View *view, int layer, int head, const AnchorDesk *desk, Anchors *ret_anchors);

/* The keys that interventions hide: position 0; the key with the largest a_k among the anchors of all heads (of the
 * first such head, the smallest); a null position. -1 where there is none. Takes a desk and nothing else. */
void ablation_keys(const View *view, Arena *scratch, int ret_keys[N_ABLATIONS]);

#endif
