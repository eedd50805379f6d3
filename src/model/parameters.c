/* The parameter table: names, shapes and initial distributions in the order in which the tensors lie in their block.
 *
 * Offsets are multiples of 16 reals, so that every tensor starts on a cache line; the padding stays zero for ever
 * (its gradient is zero), which lets sums and optimizers run over the block as a whole.
 */
#include "model/parameters.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/pcg.h"

enum { OFFSET_UNIT = 16 };

size_t parameters_add(Arena *arena, Parameters *parameters, Tensor tensor)
{
    assert(tensor.rows > 0 && tensor.cols > 0 && parameters_find(parameters, tensor.name) < 0);
    if (parameters->n_tensors == parameters->capacity) {
        int capacity = parameters->capacity ? 2 * parameters->capacity : 32;
        Tensor *tensors = ARENA_ARRAY(arena, Tensor, capacity);
        if (parameters->n_tensors > 0)
            memcpy(tensors, parameters->tensors, sizeof(Tensor) * (size_t)parameters->n_tensors);
        parameters->tensors = tensors;
        parameters->capacity = capacity;
    }
    const size_t n = (size_t)tensor.rows * (size_t)tensor.cols;
    tensor.name = arena_strdup(arena, tensor.name);
    tensor.offset = parameters->n_values;
    parameters->tensors[parameters->n_tensors++] = tensor;
    parameters->n_values += (n + OFFSET_UNIT - 1) / OFFSET_UNIT * OFFSET_UNIT;
    parameters->n_parameters += n;
    return tensor.offset;
}

const size_t *parameters_add_to_layers(Arena *arena, Parameters *parameters, int n_layers, Tensor tensor)
{
    const char *name = tensor.name;
    size_t *offsets = ARENA_ARRAY(arena, size_t, n_layers);
    for (int l = 0; l < n_layers; l++) {
        char full[96];
        const int n = snprintf(full, sizeof full, "blocks.%d.%s", l, name);
        assert(n > 0 && (size_t)n < sizeof full);
        (void)n;
        tensor.name = full, tensor.layer = l;
        offsets[l] = parameters_add(arena, parameters, tensor);
    }
    return offsets;
}

int parameters_find(const Parameters *parameters, const char *name)
{
    for (int i = 0; i < parameters->n_tensors; i++)
        if (strcmp(parameters->tensors[i].name, name) == 0)
            return i;
    return -1;
}

static double draw_initial(const Tensor *tensor, Pcg *pcg)
{
    if (tensor->initial_std > 0)
        return tensor->initial_std * pcg_normal(pcg);
    if (tensor->initial_bound > 0)
        return tensor->initial_bound * (2 * pcg_uniform(pcg) - 1);
    return tensor->initial_value;
}

void parameters_initialise(const Parameters *parameters, uint64_t seed, real *block)
{
    memset(block, 0, sizeof(real) * parameters->n_values);
    for (int i = 0; i < parameters->n_tensors; i++) {
        const Tensor *tensor = &parameters->tensors[i];
        size_t n = (size_t)tensor->rows * (size_t)tensor->cols;
        real *values = block + tensor->offset;
        char stream[128];
        int length = snprintf(stream, sizeof stream, "init/%s", tensor->name);
        assert(length > 0 && (size_t)length < sizeof stream);
        (void)length;
        Pcg pcg = pcg_named(seed, stream);
        for (size_t j = 0; j < n; j++)
            values[j] = (real)draw_initial(tensor, &pcg);
    }
}
