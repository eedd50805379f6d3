/* Score functions: from rows of scaled, biased, masked scores to attention weights. One file each, with a const Score
 * at its foot.
 *
 * A score function may learn (a sink logit a head, say): prepare declares the tensors, every function gets the
 * parameter block, and backward adds to the gradient block. It is stated twice: `weights` defines it for one row, in
 * double, and makes the baseline of what position alone gives; `forward` is what training runs. Tests hold the two
 * together.
 */
#ifndef REFFRAME_MODEL_SCORE_H
#define REFFRAME_MODEL_SCORE_H

#include "base/variant.h"
#include "base/visible.h"
#include "model/parameters.h"
#include "model/settings.h"
#include "num/kernels.h"

/* Whole rows of one head's scores: row r, that of a query, has `width` columns from s + r * ld on. */
typedef struct {
    const Kernels *kernels;
    const real *parameters;
    int layer, head;
    int n_rows, width, ld;
    int n_slots;           /* the first so many columns are slots, which every query sees beside its keys */
    int row;               /* the place of the first row's query in its sequence */
    const KeyRanges *keys; /* (n_rows) which keys each row's query sees: keys_count of them are not hidden */
} ScoreRows;

struct Score {
    Variant variant; /* keys below model.score */
    ModelPrepare *prepare;
    int (*rows_sum_to_one)(const void *state); /* whether those of every query do, always; NULL: no */
    int keeps_scores; /* backward wants the scores themselves, too; else its `s` is of no use, and may be NULL */

    /* The weights of query i: n scores, of what it sees alone: slots first, then keys. ret_weights may be scores. */
    void (*weights)(const void *state, const real *parameters, int layer, int head, int i, int n, const double *scores,
                    double *ret_weights);

    /* In place, scores to weights; hidden keys hold -INFINITY and become exactly 0. row_state (n_rows,) is kept for
     * backward: one number a row, for whatever it spares. */
    void (*forward)(const void *state, const ScoreRows *rows, real *s, real *row_state);
    /* p as forward left it, s as it found it; dp becomes ds in place, exactly 0 for hidden keys, where it is any finite
     * number before. */
    void (*backward)(const void *state, const ScoreRows *rows, const real *s, const real *p, const real *row_state,
                     real *dp, real *gradient);
};

REGISTRY(Score, score);

/* Of those that are made so. */
static inline int rows_always_sum_to_one(const void *state)
{
    (void)state;
    return 1;
}

#endif
