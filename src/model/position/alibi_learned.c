/* ALiBi whose slopes are learned, per layer and head (Press, Smith, Lewis 2021, arXiv 2108.12409, section 3, which
 * tried them and kept them fixed, as longer sequences than those of training then fared better).
 *
 *   s_ij += -(slope_h + w_h) |i - j|
 *
 * w starts at 0, where all is as with `alibi`, to the bit. An optimizer that treats all numbers alike moves slope + w
 * just as it would a slope. A slope may become negative: such a head prefers keys that are far away.
 */
#include <stdlib.h>

#include "model/position/alibi.h"

typedef struct {
    int n_heads;
    const double *slopes;  /* (H) at step 0 */
    const size_t *offsets; /* (L) of each layer's tensor (1,H): w */
} Learned;

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    const Tensor offset = {
        .name = "attention.slope_offset", .group = TENSOR_ATTENTION, .rows = 1, .cols = model->n_heads};
    Learned *learned = ARENA_ARRAY(arena, Learned, 1);
    const int status = alibi_slopes(arena, model, &learned->slopes, err);
    if (status < 0)
        return status;
    learned->n_heads = model->n_heads;
    learned->offsets = parameters_add_to_layers(arena, parameters, model->n_layers, offset);
    *ret_state = learned;
    return STATUS_OK;
}

static void bias_forward(const void *state, const real *parameters, int layer, int length, real *ret_table)
{
    const Learned *learned = state;
    const real *w = parameters + learned->offsets[layer];
    for (int h = 0; h < learned->n_heads; h++)
        alibi_fill(learned->slopes[h] + (double)w[h], length, ret_table + h * (2 * length - 1));
}

static void bias_backward(const void *state, const real *parameters, int layer, int length, const real *dtable,
                          real *gradient)
{
    (void)parameters;
    const Learned *learned = state;
    const int width = 2 * length - 1;
    real *dw = gradient + learned->offsets[layer];
    for (int h = 0; h < learned->n_heads; h++) {
        double sum = 0;
        for (int d = 0; d < width; d++)
            sum -= (double)dtable[h * width + d] * abs(d - (length - 1));
        dw[h] += (real)sum;
    }
}

static const SchemaRow params[] = {
    {"slopes", VALUE_LIST, "[]", 0, 1000, NULL, "at step 0, one per head; []: geometric, 2^(-8h/n_heads)", BY_HAND},
};

const Position position_alibi_learned = {
    .variant = {.name = "alibi_learned",
                .summary = "alibi with slopes that are learned in each layer",
                .source = "Press et al. 2021, arXiv 2108.12409, section 3",
                PARAMS(params)},
    .prepare = prepare,
    .bias_forward = bias_forward,
    .bias_backward = bias_backward,
};
