/* Score functions: from a row of scaled, biased, masked scores to attention weights. One file each, with a
 * const Score. */
#ifndef REFFRAME_MODEL_SCORE_H
#define REFFRAME_MODEL_SCORE_H

#include "base/variant.h"
#include "model/settings.h"
#include "num/kernels.h"

struct Score {
    Variant variant; /* keys below model.score */
    int rows_sum_to_one;
    /* A block of n_rows whole rows, leading dimension ld; row r has its visible keys in s[r*ld + first[r] .. end[r])
     * and -INFINITY (forward, turned into 0) elsewhere within [0, width). row_state (n_rows,) is kept for backward. */
    void (*forward)(const Kernels *kernels, int n_rows, int width, int ld, real *s, real *row_state);
    /* p as forward left it, dp in place becomes ds. */
    void (*backward)(const Kernels *kernels, int n_rows, int width, int ld, const real *p, const real *row_state,
                     real *dp);
};

REGISTRY(Score, score);

#endif
