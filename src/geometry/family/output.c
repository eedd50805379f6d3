/* What a head adds to the residual stream (HONOR's head-output norm).
 *
 *   o_i = (what the head gives, sum_j A_ij v_j) W,  W the head's slice of W_O;   head_output_norm = mean_i ||o_i||;
 *   head_output_share = that over its sum over the layer's heads
 *
 * A head that parks its attention on a drained token writes little: its norm falls while its map looks busy.
 */
#include <math.h>

#include "geometry/metric.h"
#include "num/kernels.h"

enum { NORM, SHARE };

typedef struct {
    real *matmul;  /* MATMUL_SCRATCH */
    real *written; /* (T,C) */
    double *norms; /* (T,) */
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t T = (size_t)view->length;
    Desk desk;
    desk.matmul = ARENA_ARRAY(arena, real, MATMUL_SCRATCH);
    desk.written = ARENA_ARRAY(arena, real, T * view->d_model);
    desk.norms = ARENA_ARRAY(arena, double, T);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

/* Over queries that attend to something. */
static double mean_norm(const View *view, const real *map, const double *norms)
{
    const int T = view->length;
    double sum = 0;
    int n = 0;
    for (int i = 0; i < T; i++)
        if (!view_row_is_empty(view, map + (size_t)i * T)) {
            sum += norms[i];
            n++;
        }
    return n ? sum / n : (double)NAN;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length, D = view->d_head, C = view->d_model, H = view->n_heads;
    const Kernels *kernels = view->kernels;
    const Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++) {
        double sum = 0;
        for (int h = 0; h < H; h++) {
            const real *weight = view->output_weight[l] + (size_t)h * D * C, *map = view_map(view, l, h);
            kernels->matmul(MATMUL_NN, T, C, D, 1, view_rows(view, view->heads, l, h), D, weight, C, 0, desk.written, C,
                            desk.matmul);
            row_norms(kernels, T, C, desk.written, desk.norms);
            const double norm = mean_norm(view, map, desk.norms);
            ret_columns[NORM][l * H + h] = norm;
            sum += isnan(norm) ? 0 : norm;
        }
        for (int h = 0; h < H && sum > 0; h++)
            ret_columns[SHARE][l * H + h] = ret_columns[NORM][l * H + h] / sum;
    }
}

static const MetricColumn columns[] = {
    [NORM] = {.name = "head_output_norm",
              .unit = "norm",
              .level = LEVEL_HEAD,
              .min = 0,
              .max = INFINITY,
              .summary = "mean norm of what the head adds to the residual stream",
              .source = "HONOR",
              .weakness = "its scale drifts with the weights: compare heads of a layer by their share"},
    [SHARE] = {.name = "head_output_share",
               .unit = "share",
               .level = LEVEL_HEAD,
               .min = 0,
               .max = 1,
               .summary = "head_output_norm over its sum in the layer",
               .source = "HONOR",
               .weakness = "heads may write against each other, which norms do not see"},
};

const MetricFamily family_output = {
    .variant = {.name = "output", .summary = "how much each head writes", .source = "HONOR"},
    .needs = NEEDS_MAPS | NEEDS_QKV | NEEDS_WEIGHTS,
    .cost = "O(L H T D (T + C))",
    .sequences = 16,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
