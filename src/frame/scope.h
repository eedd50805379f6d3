/* The anchors of a scope (a head, a layer, the model), pooled by what they are: what labels follow from (frame.c).
 *
 * An anchor's excess is e_k = a_k - baseline_k. A head whose sequences mostly lack anchors is none and adds nothing to
 * its layer or to the model; the others' excesses are pooled over sequences and heads:
 *
 *   P(x) = sum of e over anchors with identity x / sum of all e,   x a position, or a token id
 *
 * Where sequences differ in length, places are laid over those of the longest, once from the start and once from the
 * end, the ends always on its ends; the way that gives one place the larger share is taken.
 *
 * `values` are the thresholds (RULE_COUNT). Everything lies in the arena given.
 */
#ifndef REFFRAME_FRAME_SCOPE_H
#define REFFRAME_FRAME_SCOPE_H

#include "frame/frame.h"

typedef struct {
    int unit; /* its (sequence, head) pair */
    int32_t place, token;
    double importance, excess;
} Anchor;

typedef struct {
    Anchor *items; /* by sequence, then head, then place */
    int n;
} Anchors;

typedef enum { FROM_START, FROM_END } Alignment;

typedef struct {
    int n_sequences;  /* that are long enough to tell frames apart */
    double n_anchors; /* mean over these and heads; NaN without sequences */
    double present;   /* the largest share of these in which a head has an anchor */
    int *heads;       /* (n_heads,) those that are not none */
    int n_heads;
    Anchors anchors;     /* of those heads */
    Alignment alignment; /* of their places, with several lengths */
    int is_decided;      /* the other one is not as good */
    int sees_later;      /* the mask lets some query see a later key: a start and an end may both be anchors */
} Scope;

/* Places are those of the longest sequence here, from its start. */
typedef struct {
    FrameAnchor *items; /* the largest share first, ties by identity: the first is the mode */
    int n;
    double effective; /* exp(entropy of the shares) */
    double top_share; /* of the summed excess that each pair's own largest identity holds */
} Pool;

/* layer, head as in frame_classify. */
Scope scope_of(Arena *arena, const FrameInput *input, int layer, int head, const double *values);

/* At least one anchor. */
Pool scope_pool(Arena *arena, const Anchors *anchors, FrameIdentity identity);

/* exp(entropy of max(0, excess)) of a sequence, the heads' excesses added; its mean over sequences with an anchor. */
double scope_effective(Arena *arena, const FrameInput *input, const Scope *scope, const double *values);

/* A place made start- or end-relative, as the set of length T/2 has more excess at the one or at the other, or as the
 * sequences' own lengths have decided. */
int scope_place(Arena *arena, const FrameInput *input, const Scope *scope, int place, const double *values,
                int *ret_checked);

#endif
