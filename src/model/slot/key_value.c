/* Learned keys with learned values (Sun et al. 2024, arXiv 2402.17762, equation 3; the KV biases of Gu et al. 2025,
 * arXiv 2410.10781, section 5):
 *
 *   p = softmax([q k*' / sqrt(D), S]),   o = p [v*, v],   k*, v* learned for each head
 */
#include "model/slot/slot.h"

static const SchemaRow params[] = {SLOT_TABLE_ROWS};

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)err;
    SlotTables *tables = settings_read_new(arena, model->settings, "model.slot", ROWS(params), sizeof(SlotTables));
    tables->d_head = model->d_head;
    tables->keys = slot_declare(arena, model, parameters, tables, "attention.slot.key");
    tables->values = slot_declare(arena, model, parameters, tables, "attention.slot.value");
    *ret_state = tables;
    return STATUS_OK;
}

const Slot slot_key_value = {
    .variant = {.name = "key_value",
                .summary = "a learned key with a learned value",
                .source = "Sun et al. 2024, arXiv 2402.17762, equation 3",
                PARAMS(params)},
    .prepare = prepare,
    .has_keys = 1,
    .has_values = 1,
    .forward = slot_tables_forward,
    .backward = slot_tables_backward,
};
