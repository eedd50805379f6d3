/* A factor for each channel of a head (Qiu et al. 2025, arXiv 2505.06708, section 2.2, elementwise):
 *
 *   y = sigmoid(h W) . x,   W (C,H D), x the head outputs side by side (their G1) or, W (C,H_kv D), values (their G2)
 */
#include "model/gate/gate.h"

static const SchemaRow params[] = {GATE_ROWS};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.gate", ROWS(params), sizeof(GateKeys));
    return STATUS_OK;
}

const Gate gate_element = {
    .variant = {.name = "element",
                .summary = "a factor for each channel of a head and position, sigmoid(h W)",
                .source = "Qiu et al. 2025, arXiv 2505.06708, section 2.2",
                PARAMS(params)},
    .prepare = prepare,
    .by_channel = 1,
    .forward = gate_sigmoid_forward,
    .backward = gate_sigmoid_backward,
};
