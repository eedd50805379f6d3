/* Gates in the model: the layer that makes the factors, and the product (model/gate/gate.h).
 *
 *   g = f(h W + b);   y = g x,   x head outputs or values
 *   dg = dy x, summed over the channels that share a factor;   dx = g dy;   dz = f'(g) dg
 *
 * g and x are kept for backward. y is one array for all blocks and is made again: one pass over near memory.
 */
#include "model/internal.h"

static int is_on(const Call *call, GatePlace place)
{
    const GateKeys *keys = call->model->gate_state;
    return keys && keys->on == place;
}

void gate_factors(const Call *call, const Block *block, const real *h, const BlockActs *acts)
{
    const Model *model = call->model;
    if (!model->gate_state)
        return;
    linear_forward(call, &block->head_gate, h, NULL, acts->factors);
    model->settings.gate->forward(model->gate_state, model->kernels, (size_t)call->rows * (size_t)block->head_gate.out,
                                  acts->factors);
}

void gate_forward(const Call *call, GatePlace place, const BlockActs *acts)
{
    const ModelSettings *s = &call->model->settings;
    const int is_output = place == GATE_OUTPUT, D = s->d_head;
    const size_t n = (size_t)call->rows * (size_t)(is_output ? s->n_heads : s->n_kv_heads); /* rows of (n,D) */
    const real *g = acts->factors, *x = is_output ? acts->heads_raw : acts->v_raw;
    real *y = is_output ? acts->heads : acts->v;
    if (!is_on(call, place))
        return;
    for (size_t i = 0; i < n * (size_t)D && s->gate->by_channel; i++)
        y[i] = g[i] * x[i];
    for (size_t r = 0; r < n && !s->gate->by_channel; r++, x += D, y += D)
        for (int d = 0; d < D; d++)
            y[d] = g[r] * x[d];
}

void gate_backward(const Call *call, GatePlace place, const BlockActs *acts, real *dy)
{
    const ModelSettings *s = &call->model->settings;
    const int is_output = place == GATE_OUTPUT, D = s->d_head, by_channel = s->gate->by_channel;
    const size_t n = (size_t)call->rows * (size_t)(is_output ? s->n_heads : s->n_kv_heads);
    const real *g = acts->factors, *x = is_output ? acts->heads_raw : acts->v_raw;
    real *dg = call->w->dfactors;
    if (!is_on(call, place))
        return;
    for (size_t i = 0; i < n * (size_t)D && by_channel; i++) {
        dg[i] = dy[i] * x[i];
        dy[i] *= g[i];
    }
    for (size_t r = 0; r < n && !by_channel; r++, x += D, dy += D) {
        real sum = 0;
        for (int d = 0; d < D; d++)
            sum += dy[d] * x[d];
        for (int d = 0; d < D; d++)
            dy[d] *= g[r];
        dg[r] = sum;
    }
    s->gate->backward(call->model->gate_state, by_channel ? n * (size_t)D : n, g, dg);
}
