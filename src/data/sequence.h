/* One drawn sequence, before an objective makes inputs and targets of it; and a batch, after.
 *
 * Ids: BOS 0, EOS 1, MASK 2, content from 3 (reserved in every run, whether used or not); vocab_size counts all.
 *
 * A source may give vectors: a position then has one of C_in reals, which the model reads, and, where the source says
 * so, another of C_out reals, which is what the model is to give there. Its id is the class of the position. Sources of
 * ids leave both arrays NULL.
 */
#ifndef REFFRAME_DATA_SEQUENCE_H
#define REFFRAME_DATA_SEQUENCE_H

#include <stdint.h>

#include "num/real.h"

enum { TOKEN_BOS = 0, TOKEN_EOS = 1, TOKEN_MASK = 2, TOKEN_CONTENT = 3 };

/* Flags of a position. */
enum {
    FLAG_IDLE = 1, /* as a query it has nothing to fetch (backcopy: not a trigger) */
    FLAG_END = 2,  /* the end marker: EOS, or the last position of a source that marks it as such */
    FLAG_GIVEN = 4 /* a content id that is no content (data.first): like BOS never a target, never hidden */
};

/* Loss groups: a source may split its targets ("bigram", "copy"); group 0 is everything when it does not. */
#define MAX_LOSS_GROUPS 4

typedef struct {
    int length;      /* T; arrays marked (T+1) hold one more, so that `next` has a target for position T-1 */
    int32_t *ids;    /* (T+1) ids[T] is -1 when nothing may be predicted there (after EOS, sources without a next) */
    int32_t *labels; /* (T) what objective `labelled` predicts at i, or -1; with goals: -1 where there is none */
    uint8_t *flags;  /* (T) */
    uint8_t *groups; /* (T+1) loss group of the token at that position, when it is a target */
    real *vectors;   /* (T,C_in) or NULL */
    real *goals;     /* (T,C_out) what the model is to give, or NULL */
} Sequence;

/* Whether the token at i, up to `length`, may be a target, and be hidden to make it one. */
static inline int sequence_asks(const Sequence *seq, int i)
{
    return seq->ids[i] >= TOKEN_CONTENT && (i == seq->length || !(seq->flags[i] & FLAG_GIVEN));
}

/* Sequences of up to T positions, one behind the other: what is shorter than T is followed by the next one, and what is
 * left of the arrays is read by nobody. */
typedef struct {
    int n, length;    /* sequences, T */
    int *starts;      /* (n+1) sequence b has rows [starts[b], starts[b+1]); NULL: all have T */
    int32_t *inputs;  /* (n,T) */
    int32_t *targets; /* (n,T), -1 = no loss; BOS, EOS and MASK never are targets; with goals: where one counts */
    int n_targets;    /* targets != -1 in the whole batch: what every loss and gradient divides by */
    real *vectors;    /* (n,T,C_in) or NULL */
    real *goals;      /* (n,T,C_out) or NULL */
} Batch;

/* The first row of sequence b, and behind the last one: rows in all. */
static inline int batch_start(const Batch *batch, int b)
{
    return batch->starts ? batch->starts[b] : b * batch->length;
}

#endif
