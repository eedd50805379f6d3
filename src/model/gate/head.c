/* A factor for each head (Qiu et al. 2025, arXiv 2505.06708, section 2.2, head-specific and headwise):
 *
 *   y = sigmoid(h W) x,   W (C,H), x a head's output (their G1) or, W (C,H_kv), its values (their G2)
 *
 * With a bias it is the gated attention of Bondarenko et al. 2023 (arXiv 2306.12929, section 4.2), and `initial` says
 * how far open a gate starts.
 */
#include "model/gate/gate.h"

static const SchemaRow params[] = {GATE_ROWS};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.gate", ROWS(params), sizeof(GateKeys));
    return STATUS_OK;
}

const Gate gate_head = {
    .variant = {.name = "head",
                .summary = "one factor a head and position, sigmoid(h W)",
                .source = "Qiu et al. 2025, arXiv 2505.06708, section 2.2",
                PARAMS(params)},
    .prepare = prepare,
    .forward = gate_sigmoid_forward,
    .backward = gate_sigmoid_backward,
};
