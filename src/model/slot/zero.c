/* Slots with a key and a value of zero (Miller 2023, Attention Is Off By One):
 *
 *   p_j = exp(s_j) / (n + sum_k exp(s_k)),   as softmax over n more logits of 0, whose values add nothing
 */
#include "model/slot/slot.h"

static const SchemaRow params[] = {SLOT_ROWS};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    *ret_state = settings_read_new(arena, model->settings, "model.slot", ROWS(params), sizeof(SlotKeys));
    return STATUS_OK;
}

const Slot slot_zero = {
    .variant = {.name = "zero",
                .summary = "a key and a value of zero: one more logit of 0 that adds nothing",
                .source = "Miller 2023, Attention Is Off By One",
                PARAMS(params)},
    .prepare = prepare,
};
