/* What slots that learn have in common: tables of vectors, one for each layer and head of keys, or for each layer. */
#include "model/slot/slot.h"

#include <string.h>

const size_t *slot_declare(Arena *arena, const ModelSettings *model, Parameters *parameters, const SlotTables *tables,
                           const char *name)
{
    const Tensor tensor = {.name = name,
                           .group = TENSOR_ATTENTION,
                           .rows = tables->common.n * (tables->shared ? 1 : model->n_kv_heads),
                           .cols = model->d_head,
                           .initial_std = tables->std};
    return parameters_add_to_layers(arena, parameters, model->n_layers, tensor);
}

/* Reals of a head's slots; where they begin in a layer's tensor. */
static size_t size_of(const SlotTables *tables)
{
    return (size_t)tables->common.n * (size_t)tables->d_head;
}

static size_t start_of(const SlotTables *tables, int head)
{
    return tables->shared ? 0 : (size_t)head * size_of(tables);
}

static void read_table(const SlotTables *tables, const size_t *offsets, const real *parameters, int layer, int head,
                       real *ret_rows)
{
    if (offsets)
        memcpy(ret_rows, parameters + offsets[layer] + start_of(tables, head), sizeof(real) * size_of(tables));
}

void slot_tables_forward(const void *state, const real *parameters, int layer, int head, real *ret_keys,
                         real *ret_values)
{
    const SlotTables *tables = state;
    read_table(tables, tables->keys, parameters, layer, head, ret_keys);
    read_table(tables, tables->values, parameters, layer, head, ret_values);
}

static void add_to_table(const SlotTables *tables, const size_t *offsets, int layer, int head, const real *drows,
                         real *gradient)
{
    for (size_t i = 0; offsets && i < size_of(tables); i++)
        gradient[offsets[layer] + start_of(tables, head) + i] += drows[i];
}

void slot_tables_backward(const void *state, const real *parameters, int layer, int head, const real *dkeys,
                          const real *dvalues, real *gradient)
{
    const SlotTables *tables = state;
    (void)parameters;
    add_to_table(tables, tables->keys, layer, head, dkeys, gradient);
    add_to_table(tables, tables->values, layer, head, dvalues, gradient);
}
