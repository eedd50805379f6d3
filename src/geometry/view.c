/* What a View's mask shows, its two computed baselines, and its null positions. */
#include "geometry/view.h"

#include <math.h>
#include <string.h>

#include "base/pcg.h"
#include "geometry/anchor.h"

void view_visible(const View *view, int i, int *ret_first, int *ret_end)
{
    *ret_first = 0;
    *ret_end = view->is_causal ? i + 1 : view->length;
}

unsigned view_has(const View *view)
{
    return (view->maps ? NEEDS_MAPS : 0u) | (view->q && view->k && view->v ? NEEDS_QKV : 0u) |
           (view->residual && view->normed ? NEEDS_RESIDUAL : 0u) | (view->output_weight ? NEEDS_WEIGHTS : 0u) |
           (view->tokens ? NEEDS_TOKENS : 0u) | (view->layer_maps ? NEEDS_LAYER_MAPS : 0u) |
           (view->gradients ? NEEDS_GRADIENT : 0u) | (view->losses && view->ablated_losses ? NEEDS_INTERVENTION : 0u);
}

void view_average_heads(const View *view, double *ret_layer_maps)
{
    const int T = view->length;
    memset(ret_layer_maps, 0, (size_t)view->n_layers * T * T * sizeof *ret_layer_maps);
    for (int l = 0; l < view->n_layers; l++)
        for (int i = 0; i < T; i++, ret_layer_maps += T) {
            int first, end;
            view_visible(view, i, &first, &end);
            for (int h = 0; h < view->n_heads; h++) {
                const real *row = view_map(view, l, h) + (size_t)i * T;
                for (int j = first; j < end; j++)
                    ret_layer_maps[j] += row[j];
            }
            for (int j = first; j < end; j++)
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
        if (i == skipped || (is_counted && !is_counted[i]) || view_row_is_empty(view, row))
            continue;
        sum += row[k];
        n++;
    }
    return n > 0 ? sum / n : NAN;
}

/* FNV-1a (Fowler, Noll, Vo) over the tokens. */
static uint64_t hash_of(const View *view)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; view->tokens && i < view->length; i++)
        hash = (hash ^ (uint32_t)view->tokens[i]) * 0x100000001b3u;
    return hash;
}

int view_null_position(const View *view, int layer, int head, int salt)
{
    const int end = anchor_eligible_end(view);
    if (end < 2)
        return -1;
    Pcg pcg = pcg_new(hash_of(view), (uint64_t)(((int64_t)salt * view->n_layers + layer) * view->n_heads + head));
    return 1 + (int)pcg_below(&pcg, (uint32_t)(end - 1));
}

void view_uniform_maps(const View *shape, real *ret_maps)
{
    view_position_maps(shape, NULL, ret_maps);
}

void view_position_maps(const View *shape, const real *bias, real *ret_maps)
{
    const int T = shape->length, n_maps = shape->n_layers * shape->n_heads;
    memset(ret_maps, 0, (size_t)n_maps * T * T * sizeof *ret_maps);
    for (int m = 0; m < n_maps; m++)
        for (int i = 0; i < T; i++) {
            real *row = ret_maps + ((size_t)m * T + i) * T;
            const real *b = bias ? bias + (size_t)m * (2 * T - 1) + T - 1 + i : NULL; /* b[-j] is the bias at i - j */
            int first, end;
            view_visible(shape, i, &first, &end);
            double most = -INFINITY, sum = 0;
            for (int j = first; j < end; j++)
                most = fmax(most, b ? b[-j] : 0);
            for (int j = first; j < end; j++)
                sum += exp((b ? b[-j] : 0) - most);
            for (int j = first; j < end; j++)
                row[j] = (real)(exp((b ? b[-j] : 0) - most) / sum);
        }
}
