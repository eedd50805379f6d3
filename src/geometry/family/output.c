/* What a head adds to the residual stream (HONOR's head-output norm).
 *
 *   o_i = (sum_j A_ij v_j) W,  W the head's slice of W_O;   head_output_norm = mean_i ||o_i||;
 *   head_output_share = that over its sum over the layer's heads
 *
 * A head that parks its attention on a drained token writes little: its norm falls while its map looks busy.
 */
#include <math.h>

#include "geometry/metric.h"
#include "num/kernels.h"

enum { NORM, SHARE };

/* Over queries that attend to something. */
static double mean_norm(const Kernels *kernels, const View *view, const real *map, const real *written)
{
    const int T = view->length, C = view->d_model;
    double sum = 0;
    int n = 0;
    for (int i = 0; i < T; i++)
        if (!view_row_is_empty(view, map + (size_t)i * T)) {
            sum += vector_norm(kernels, C, written + (size_t)i * C);
            n++;
        }
    return n ? sum / n : (double)NAN;
}

static void measure(const View *view, double *const *ret_columns, void *scratch)
{
    const int T = view->length, D = view->d_head, C = view->d_model, H = view->n_heads;
    const Kernels *kernels = kernels_best();
    real *matmul = scratch, *mixed = matmul + MATMUL_SCRATCH, *written = mixed + (size_t)T * D;
    for (int l = 0; l < view->n_layers; l++) {
        double sum = 0;
        for (int h = 0; h < H; h++) {
            const real *weight = view->output_weight[l] + (size_t)h * D * C;
            kernels->matmul(MATMUL_NN, T, D, T, 1, view_map(view, l, h), T, view_rows(view, view->v, l, h), D, 0, mixed,
                            D, matmul);
            kernels->matmul(MATMUL_NN, T, C, D, 1, mixed, D, weight, C, 0, written, C, matmul);
            const double norm = mean_norm(kernels, view, view_map(view, l, h), written);
            ret_columns[NORM][l * H + h] = norm;
            sum += isnan(norm) ? 0 : norm;
        }
        for (int h = 0; h < H && sum > 0; h++)
            ret_columns[SHARE][l * H + h] = ret_columns[NORM][l * H + h] / sum;
    }
}

static size_t scratch_bytes(const View *view)
{
    return (MATMUL_SCRATCH + (size_t)view->length * (view->d_head + view->d_model)) * sizeof(real);
}

static const MetricColumn columns[] = {
    [NORM] = {.name = "head_output_norm",
              .unit = "norm",
              .level = LEVEL_HEAD,
              .min = 0,
              .max = INFINITY,
              .direction = DIRECTION_NONE,
              .threshold = NAN,
              .ratio = 1,
              .summary = "mean norm of what the head adds to the residual stream",
              .source = "HONOR",
              .weakness = "its scale drifts with the weights: compare heads of a layer by their share"},
    [SHARE] = {.name = "head_output_share",
               .unit = "share",
               .level = LEVEL_HEAD,
               .min = 0,
               .max = 1,
               .direction = DIRECTION_NONE,
               .threshold = NAN,
               .ratio = 1,
               .summary = "head_output_norm over its sum in the layer",
               .source = "HONOR",
               .weakness = "heads may write against each other, which norms do not see"},
};

const MetricFamily family_output = {
    .name = "output",
    .summary = "how much each head writes",
    .source = "HONOR",
    .needs = NEEDS_MAPS | NEEDS_QKV | NEEDS_WEIGHTS,
    .cost = "O(L H T D (T + C))",
    .sequences = 16,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .scratch_bytes = scratch_bytes,
};
