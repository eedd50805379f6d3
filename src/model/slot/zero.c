/* Slots with a key and a value of zero (Miller 2023, Attention Is Off By One):
 *
 *   p_j = exp(s_j) / (n + sum_k exp(s_k)),   as softmax over n more logits of 0, whose values add nothing
 */
#include <string.h>

#include "model/slot/slot.h"

typedef struct {
    SlotKeys common;
    int d_head;
} Zero;

static const SchemaRow params[] = {SLOT_ROWS};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters, (void)err;
    Zero *zero = settings_read_new(arena, model->settings, "model.slot", ROWS(params), sizeof(Zero));
    zero->d_head = model->d_head;
    *ret_state = zero;
    return STATUS_OK;
}

static void forward(const void *state, const real *parameters, int layer, int head, real *ret_keys, real *ret_values)
{
    const Zero *zero = state;
    const size_t bytes = sizeof(real) * (size_t)zero->common.n * (size_t)zero->d_head;
    (void)parameters, (void)layer, (void)head;
    memset(ret_keys, 0, bytes);
    memset(ret_values, 0, bytes);
}

const Slot slot_zero = {
    .variant = {.name = "zero",
                .summary = "a key and a value of zero: one more logit of 0 that adds nothing",
                .source = "Miller 2023, Attention Is Off By One",
                PARAMS(params)},
    .prepare = prepare,
    .forward = forward,
};
