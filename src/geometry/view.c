/* What a View has, means over its maps, and its two computed baselines. */
#include "geometry/view.h"

#include <math.h>
#include <string.h>

View view_shape(int n_layers, int n_heads, int d_model, int d_head, const Visible *visible, const Kernels *kernels)
{
    View view = {.n_layers = n_layers, .n_heads = n_heads, .d_model = d_model, .d_head = d_head, .end = -1};
    view.length = visible->length, view.visible = visible, view.kernels = kernels;
    view.logit = (Logit){.divisor = sqrt((double)d_head), .temperature = 1};
    for (int a = 0; a < N_ABLATIONS; a++)
        view.ablated[a] = -1;
    return view;
}

unsigned view_has(const View *view)
{
    return (view->maps ? NEEDS_MAPS : 0u) | (view->q && view->k && view->v && view->heads ? NEEDS_QKV : 0u) |
           (view->residual && view->normed ? NEEDS_RESIDUAL : 0u) | (view->output_weight ? NEEDS_WEIGHTS : 0u) |
           (view->tokens ? NEEDS_TOKENS : 0u) | (view->layer_maps ? NEEDS_LAYER_MAPS : 0u) |
           (view->gradients ? NEEDS_GRADIENT : 0u) | (view->losses && view->ablated_losses ? NEEDS_INTERVENTION : 0u) |
           (view->intervened ? NEEDS_INTERVENED : 0u) | (view->slots ? NEEDS_SLOTS : 0u);
}

void view_average_heads(const View *view, double *ret_layer_maps)
{
    const int T = view->length;
    memset(ret_layer_maps, 0, (size_t)view->n_layers * T * T * sizeof *ret_layer_maps);
    for (int l = 0; l < view->n_layers; l++)
        for (int i = 0; i < T; i++, ret_layer_maps += T) {
            const KeyRange *keys = view_keys(view, i);
            for (int h = 0; h < view->n_heads; h++) {
                const real *row = view_map(view, l, h) + (size_t)i * T;
                for (int r = 0; r < KEY_RANGES; r++)
                    for (int j = keys[r].first; j < keys[r].end; j++)
                        ret_layer_maps[j] += row[j];
            }
            for (int r = 0; r < KEY_RANGES; r++)
                for (int j = keys[r].first; j < keys[r].end; j++)
                    ret_layer_maps[j] /= view->n_heads;
        }
}

int view_row_is_empty(const View *view, const real *row)
{
    for (int j = 0; j < view->length; j++)
        if (row[j] != 0)
            return 0;
    return 1;
}

double view_mean_inflow(const View *view, const real *map, int k, int first, int skipped, const uint8_t *is_counted)
{
    const int T = view->length;
    double sum = 0;
    int n = 0;
    for (int i = first; i < T; i++) {
        const real *row = map + (size_t)i * T;
        if (i == skipped || !view_sees(view, i, k) || (is_counted && !is_counted[i]) || view_row_is_empty(view, row))
            continue;
        sum += row[k];
        n++;
    }
    return n > 0 ? sum / n : NAN;
}

double view_end_inflow(const View *view, const real *map)
{
    const int end = view->end >= 0 ? view->end : view->length - 1;
    for (int i = 0; i < end; i++)
        if (view_sees(view, i, end))
            return view_mean_inflow(view, map, end, 0, end, NULL);
    return NAN; /* nobody looks ahead at it */
}

void view_uniform_maps(const View *shape, real *ret_maps)
{
    const int T = shape->length, n_maps = shape->n_layers * shape->n_heads;
    memset(ret_maps, 0, (size_t)n_maps * T * T * sizeof *ret_maps);
    for (int m = 0; m < n_maps; m++)
        for (int i = 0; i < T; i++, ret_maps += T)
            for (int r = 0; r < KEY_RANGES; r++)
                for (int j = view_keys(shape, i)[r].first; j < view_keys(shape, i)[r].end; j++)
                    ret_maps[j] = (real)(1.0 / keys_count(&shape->visible->keys[i]));
}

void view_position_maps(const View *shape, const PositionRows *rows, double *row, real *ret_maps)
{
    const int T = shape->length;
    for (int l = 0; l < shape->n_layers; l++)
        for (int h = 0; h < shape->n_heads; h++)
            for (int i = 0; i < T; i++, ret_maps += T) {
                rows->weights(rows->context, l, h, i, row);
                for (int j = 0; j < T; j++)
                    ret_maps[j] = (real)row[j];
            }
}
