/* Learned keys with a value of zero (Gu et al. 2025, arXiv 2410.10781, section 5: K biases):
 *
 *   p = softmax([q k*' / sqrt(D), S]),   o = p [0, v],   k* learned for each head
 */
#include "model/slot/slot.h"

static const SchemaRow params[] = {SLOT_TABLE_ROWS};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)err;
    SlotTables *tables = settings_read_new(arena, model->settings, "model.slot", ROWS(params), sizeof(SlotTables));
    tables->d_head = model->d_head;
    tables->keys = slot_declare(arena, model, parameters, tables, "attention.slot.key");
    *ret_state = tables;
    return STATUS_OK;
}

const Slot slot_key = {
    .variant = {.name = "key",
                .summary = "a learned key with a value of zero",
                .source = "Gu et al. 2025, arXiv 2410.10781, section 5, K biases",
                PARAMS(params)},
    .prepare = prepare,
    .has_keys = 1,
    .forward = slot_tables_forward,
    .backward = slot_tables_backward,
};
