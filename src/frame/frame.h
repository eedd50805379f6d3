/* The frame classifier (rules version FRAME_RULES): which kind of reference frame a head, a layer or a model forms.
 *
 * A pure function of importances from afar and tokens over a measuring set, so that rules can change without
 * retraining. There is no published rule; ours is declared here, its thresholds stand in one table in rules.c with the
 * reason beside each. Rules in order: not available, none, bidirectional (where a mask lets a query see a later key),
 * centralized, dual, distributed, other; once by position (an anchor's identity is its place) and once by token (as
 * published: its token id).
 */
#ifndef REFFRAME_FRAME_FRAME_H
#define REFFRAME_FRAME_FRAME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/visible.h"

#define FRAME_RULES 2 /* raised when a rule or threshold changes */

typedef enum {
    FRAME_NONE,
    FRAME_CENTRALIZED,
    FRAME_DISTRIBUTED,
    FRAME_BIDIRECTIONAL,
    FRAME_DUAL,
    FRAME_OTHER,
    FRAME_COUNT, /* not available */
    FRAME_LABELS /* what a label may be: a type, or not available */
} FrameType;

const char *frame_name(FrameType type); /* "none", "centralized", ...; "not available" for FRAME_COUNT */
int frame_by_name(const char *name);    /* FrameType or -1 */

/* One measuring set: N sequences of T tokens; or, ragged, of up to T, each row then filled as far as it goes.
 * Importances are those of geometry/anchor.h at D = DISTANCES distances. */
typedef struct {
    int n, n_layers, n_heads, length;
    int is_ragged;          /* then visible is (N,), the baseline (N,L,H,D,T), and there is no second set */
    const Visible *visible; /* what the mask shows of T tokens; ragged: of each sequence's own */
    const float *afar;      /* (N,L,H,D,T) importances from afar; NULL: no label is available */
    const float *baseline;  /* (L,H,D,T) the larger of uniform and position-only ones */
    const int32_t *tokens;  /* (N,T); NULL: by_token is not available */
    /* the set of length T/2, for telling start-relative from end-relative places; half_visible NULL: there is none */
    int half_n;
    const Visible *half_visible;
    const float *half_afar;     /* (half_n,L,H,D,T/2) */
    const float *half_baseline; /* (L,H,D,T/2) */
    const int32_t *half_tokens;
    int first, stride; /* sequences first, first+stride, ... of both sets: 0,1 all; 0,2 even; 1,2 odd */
} FrameInput;

/* How firmly a label stands. */
typedef struct {
    double least; /* the least distance of a statistic from its threshold, of those whose crossing alone would change
                   * the label (an effective number counts as its inverse); NaN where no label is available */
    int nearest;  /* that threshold, a RuleIndex; -1 without one */
    double agreement; /* share of the sequences that, each alone, have the scope's label; NaN likewise */
} FrameMargin;

/* Shares of excess are over the anchors of all sequences and of those heads of the scope that are not
 * none themselves. */
typedef struct {
    FrameType by_position, by_token; /* FRAME_COUNT: not available */
    FrameMargin position_margin, token_margin;
    double n_anchors;                  /* mean over sequences and heads, those without any included */
    double effective_anchors;          /* exp(entropy of what the heads' eligible keys have above their baseline), mean
                                          over sequences with an anchor; NaN if there is none */
    double start_share, end_share;     /* share of the summed excess on position 0 and T-1; NaN if there is none */
    double place_excess, token_excess; /* share of the summed excess on the modal place, the modal token */
    double n_places, n_tokens;         /* effective number of places, of tokens: exp(entropy of the summed excess) */
    double place_share, token_share;   /* share of (sequence, head) pairs whose top anchor (largest a_k) is that one */
    int place;                         /* the modal place: >= 0 start-relative, < 0 end-relative (-1 = last) */
    int32_t token;                     /* the modal token, -1 if unknown */
    int place_checked;                 /* 0: neither an end of the sequence nor decided by sequences of other lengths */
} Frame;

/* Classifies one head (layer, head >= 0), one layer (head < 0) or the model (layer < 0). Scratch from arena. */
void frame_classify(Arena *arena, const FrameInput *input, int layer, int head, Frame *ret_frame);

/* How many of the scope's sequences, each classified alone, agree with its labels: into both margins of `frame`, which
 * frame_classify has filled. Takes as long again as that. */
void frame_agree(const FrameInput *input, int layer, int head, Frame *frame);

/* What a scope's anchors are, from which its labels follow: places, or tokens. */
typedef enum { FRAME_BY_PLACE, FRAME_BY_TOKEN } FrameIdentity;

/* One of them; shares as in Frame. */
typedef struct {
    int32_t identity; /* a place as in Frame.place, or a token id */
    int is_checked;   /* of a place, as in Frame.place_checked; 1 of a token */
    int n_anchors;    /* anchors that have it, over all sequences and heads */
    double share;     /* of the summed excess */
    double top_share; /* of the (sequence, head) pairs that have an anchor, those whose top anchor has it */
} FrameAnchor;

/* The identities of a scope's anchors, the largest share first, ties by place from the start or by id. Returns their
 * number; 0 where the scope is none, and by token where tokens are unknown. */
int frame_anchors(Arena *arena, const FrameInput *input, int layer, int head, FrameIdentity identity,
                  FrameAnchor **ret_anchors);

/* The thresholds. Within [low, high], the others as they stand, planted maps are still told apart (tests/frame). */
typedef enum {
    RULE_AFAR,
    RULE_ANCHOR_LEAST,
    RULE_ANCHOR_RATIO,
    RULE_ANCHOR_QUERIES,
    RULE_ANCHOR_LATER,
    RULE_PRESENT,
    RULE_PAIR,
    RULE_PAIR_SIDE,
    RULE_ONE,
    RULE_TWO,
    RULE_TWO_SIDE,
    RULE_MANY,
    RULE_COUNT,
} RuleIndex;

typedef struct {
    const char *name;
    double value, low, high;
    const char *reason;
} FrameRule;

extern const FrameRule frame_rules[RULE_COUNT];

/* frame_classify with other values in place of the table's: for sensitivity sweeps. */
void frame_classify_by(Arena *arena, const FrameInput *input, int layer, int head, const double values[RULE_COUNT],
                       Frame *ret_frame);

/* The thresholds and their reasons, for docs and the report: {"version": N, "rules": [...]}. */
void frame_rules_json(JsonWriter *json);

#endif
