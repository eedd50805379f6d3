/* A model's tensors as they are written. Values are moved, never computed: an export's weights are a run's, to the bit.
 */
#include "hub/tensors.h"

#include "hub/laid.h"

/* Its values, (rows,cols). Of what the model lacks zeros, or the positions that are not learned. */
static const real *values_of(Arena *arena, const HubModel *model, const char *ours, const Laid *laid)
{
    const Parameters *parameters = model_parameters(model->model);
    const int t = parameters_find(parameters, ours);
    if (t >= 0)
        return model->parameters + parameters->tensors[t].offset;
    real *values = ARENA_ARRAY(arena, real, (size_t)laid->rows * (size_t)laid->cols);
    if (laid_ends_with(ours, ".position"))
        model_positions(model->model, model->parameters, laid->rows, values);
    return values;
}

static SafeTensor write_out(Arena *arena, const HubModel *model, const Laid *laid)
{
    const size_t n = laid_values(laid);
    float *theirs = ARENA_ARRAY(arena, float, n);
    for (int p = 0; p < laid->n_parts; p++) {
        const real *ours = values_of(arena, model, laid->parts[p], laid);
        for (int i = 0; i < laid->rows; i++)
            for (int o = 0; o < laid->cols; o++)
                theirs[laid_place(laid, (size_t)p, (size_t)i, (size_t)o)] =
                    ours[(size_t)i * (size_t)laid->cols + (size_t)o];
    }
    return (SafeTensor){.name = laid->name,
                        .type = "F32",
                        .n_dims = laid->n_dims,
                        .shape = {laid->shape[0], laid->shape[1], laid->shape[2]},
                        .data = theirs,
                        .n_bytes = n * sizeof *theirs};
}

void tensors_of(Arena *arena, const Architecture *architecture, const HubModel *model, SafeTensor **ret_tensors,
                int *ret_n)
{
    Laid *laid;
    const int n = laid_all(arena, architecture, model->model, &laid);
    SafeTensor *tensors = ARENA_ARRAY(arena, SafeTensor, n);
    for (int t = 0; t < n; t++)
        tensors[t] = write_out(arena, model, &laid[t]);
    *ret_tensors = tensors, *ret_n = n;
}
