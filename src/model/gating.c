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

/* Channels of heads, or of values, that have one factor; and how many such runs of channels there are. */
static size_t channels_of(const ModelSettings *s)
{
    return s->gate->by_channel ? 1 : (size_t)s->d_head;
}

static size_t count_factors(const Call *call, GatePlace place)
{
    const ModelSettings *s = &call->model->settings;
    const size_t n_heads = (size_t)(place == GATE_OUTPUT ? s->n_heads : s->n_kv_heads);
    return (size_t)call->rows * n_heads * (size_t)s->d_head / channels_of(s);
}

void gate_forward(const Call *call, GatePlace place, const BlockActs *acts)
{
    const size_t n = count_factors(call, place), channels = channels_of(&call->model->settings);
    const real *g = acts->factors, *x = place == GATE_OUTPUT ? acts->heads_raw : acts->v_raw;
    real *y = place == GATE_OUTPUT ? acts->heads : acts->v;
    if (!is_on(call, place))
        return;
    for (size_t f = 0; f < n; f++)
        for (size_t c = f * channels; c < (f + 1) * channels; c++)
            y[c] = g[f] * x[c];
}

void gate_backward(const Call *call, GatePlace place, const BlockActs *acts, real *dy)
{
    const Model *model = call->model;
    const size_t n = count_factors(call, place), channels = channels_of(&model->settings);
    const real *g = acts->factors, *x = place == GATE_OUTPUT ? acts->heads_raw : acts->v_raw;
    real *dg = call->w->dfactors;
    if (!is_on(call, place))
        return;
    for (size_t f = 0; f < n; f++) {
        real sum = 0;
        for (size_t c = f * channels; c < (f + 1) * channels; c++) {
            sum += dy[c] * x[c];
            dy[c] *= g[f];
        }
        dg[f] = sum;
    }
    model->settings.gate->backward(model->gate_state, n, g, dg);
}
