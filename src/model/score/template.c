/* Template of a score function; the tests compile it and hold it to everything that a registered one must pass. As an
 * example, softplus without normalisation, divided by the width of 16 keys: a head may attend to nothing.
 *
 *   p_j = log(1 + exp s_j) / 16;   ds_j = dp_j / (16 (1 + exp -s_j)) = dp_j (1 - exp(-16 p_j)) / 16
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/score' in src/meson.build.
 */
#include <math.h>

#include "model/score/score.h"

static const double width_unit = 16;

/* 2. In place over whole rows. Hidden keys hold -INFINITY and must become exactly 0. row_state keeps one number a row
 *    for backward (softmax: the log of its sum); leave it alone if you need none. */
static void forward(const Kernels *kernels, int n_rows, int width, int ld, real *s, real *row_state)
{
    (void)kernels;
    (void)row_state;
    for (int r = 0; r < n_rows; r++)
        for (int j = 0; j < width; j++) {
            double score = s[(size_t)r * ld + j];
            double softplus = score > 0 ? score + log1p(exp(-score)) : log1p(exp(score));
            s[(size_t)r * ld + j] = (real)(softplus / width_unit);
        }
}

/* 3. From p as forward left it and dp, in place, to ds; 0 for hidden keys. */
static void backward(const Kernels *kernels, int n_rows, int width, int ld, const real *p, const real *row_state,
                     real *dp)
{
    (void)kernels;
    (void)row_state;
    for (int r = 0; r < n_rows; r++)
        for (int j = 0; j < width; j++) {
            size_t at = (size_t)r * ld + j;
            dp[at] = (real)(-(double)dp[at] * expm1(-width_unit * p[at]) / width_unit);
        }
}

/* 4. The strategy itself: the list in meson.build finds it as score_NAME. */
extern const Score score_template;
const Score score_template = {
    .variant = {.name = "template",
                .summary = "softplus of each score by itself; rows sum to anything",
                .source = "after Wortsman et al. 2023, arXiv 2309.08586"},
    .rows_sum_to_one = 0,
    .forward = forward,
    .backward = backward,
};
