/* Packed weights: where each linear layer's lie, and packing them. Products read a weight from panels, forward, and
 * transposed for backward; whoever runs many calls on one set of parameters packs once and lends (model.h).
 */
#include "model/internal.h"

void model_lay_panels(Arena *arena, Model *model)
{
    enum { PER_BLOCK = 8 };
    const int L = model->settings.n_layers;
    Linear *const ends[] = {&model->head, &model->input}; /* first: often the largest, and threads take turns */
    const int n_hidden = model->settings.head_layers - 1;
    model->linears = ARENA_ARRAY(arena, Linear *, L * PER_BLOCK + 2 + n_hidden);
    for (int i = 0; i < 2; i++)
        if (ends[i]->in > 0)
            model->linears[model->n_linears++] = ends[i];
    for (int i = 0; i < n_hidden; i++)
        model->linears[model->n_linears++] = &model->head_hidden[i];
    for (int l = 0; l < L; l++) {
        Block *block = &model->blocks[l];
        Linear *const linears[PER_BLOCK] = {&block->q,  &block->k,    &block->v,    &block->out,
                                            &block->up, &block->down, &block->gate, &block->head_gate};
        for (int i = 0; i < PER_BLOCK; i++)
            if (linears[i]->in > 0) /* gates are not in every model, nor is an MLP */
                model->linears[model->n_linears++] = linears[i];
    }

    size_t start = 0;
    for (int backward = 0; backward < 2; backward++) {
        for (int i = 0; i < model->n_linears; i++) {
            Linear *linear = model->linears[i];
            linear->panels[backward] = start;
            start += backward ? pack_size(linear->in, linear->out) : pack_size(linear->out, linear->in);
        }
        model->n_panels[backward] = backward ? start - model->n_panels[0] : start;
    }
}

size_t model_panels(const Model *model, int with_backward)
{
    return model->n_panels[0] + (with_backward ? model->n_panels[1] : 0);
}

int model_n_packs(const Model *model, int with_backward)
{
    return model->n_linears * (1 + with_backward);
}

void model_pack(const Model *model, const real *parameters, int index, real *ret_panels)
{
    const int backward = index >= model->n_linears;
    const Linear *linear = model->linears[index % model->n_linears];
    const int in = linear->in, out = linear->out,
              is_tied = linear->weight == ABSENT; /* then it is (out,in), transposed */
    const real *weight = parameters + (is_tied ? model->embedding : linear->weight);
    model->kernels->pack(backward == is_tied ? MATMUL_NN : MATMUL_NT, backward ? in : out, backward ? out : in, weight,
                         is_tied ? in : out, ret_panels + linear->panels[backward]);
}
