/* See norms.h. */
#include "geometry/norms.h"

NormDesk norm_desk(const View *view, Arena *arena)
{
    NormDesk desk;
    desk.matmul = ARENA_ARRAY(arena, real, MATMUL_SCRATCH);
    desk.written = ARENA_ARRAY(arena, real, (size_t)view->length * view->d_model);
    desk.norms = ARENA_ARRAY(arena, double, view->length);
    return desk;
}

static void take(const View *view, NormsOf kind, int layer, int head, const NormDesk *desk, double *ret_norms)
{
    const int T = view->length, D = view->d_head, C = view->d_model;
    const real *const rows[] = {[NORMS_OF_Q] = view->q, [NORMS_OF_K] = view->k, [NORMS_OF_V] = view->v};
    if (kind != NORMS_OF_WRITTEN) {
        row_norms(view->kernels, T, D, view_rows(view, rows[kind], layer, head), ret_norms);
        return;
    }
    view->kernels->matmul(MATMUL_NN, T, C, D, 1, view_rows(view, view->v, layer, head), D,
                          view->output_weight[layer] + (size_t)head * D * C, C, 0, desk->written, C, desk->matmul);
    row_norms(view->kernels, T, C, desk->written, ret_norms);
}

static size_t place_of(const View *view, NormsOf kind, int layer, int head)
{
    return (((size_t)kind * view->n_layers + layer) * view->n_heads + head) * view->length;
}

const double *norms_of(const View *view, NormsOf kind, int layer, int head, const NormDesk *desk)
{
    if (view->norms)
        return view->norms + place_of(view, kind, layer, head);
    take(view, kind, layer, head, desk, desk->norms);
    return desk->norms;
}

void norms_take(const View *view, const NormDesk *desk, double *ret_norms)
{
    for (int kind = 0; kind < N_NORMS; kind++)
        for (int l = 0; l < view->n_layers; l++)
            for (int h = 0; h < view->n_heads; h++)
                take(view, (NormsOf)kind, l, h, desk, ret_norms + place_of(view, (NormsOf)kind, l, h));
}
