/* Statistics over the measuring set, and the metric members of a snapshot. */
#include "train/snapshot.h"

#include <math.h>

#include "data/sequence.h"

Pooled snapshot_pooled(const Pass *pass, const Layout *layout, const Place *place, int index, int part)
{
    static const struct {
        int first, step;
    } parts[N_PARTS] = {{0, 1}, {0, 2}, {1, 2}};
    return pool_values(place->column->pool, pass->n, pass->values + place->offset + index, (size_t)layout->n_values,
                       parts[part].first, parts[part].step);
}

Pass pass_of_targets(const Pass *pass)
{
    Pass targets = *pass;
    targets.values = pass->target_values;
    return targets;
}

void snapshot_add_metric(NpzWriter *npz, Arena *arena, const char *prefix, const Layout *layout, const Place *place,
                         const Pass *pass)
{
    const char *name = place->column->name;
    const int64_t shape[] = {N_PARTS, layout->n_layers, layout->n_heads};
    const int n_dims = 1 + (place->column->level != LEVEL_MODEL) + (place->column->level == LEVEL_HEAD);
    double *values = ARENA_ARRAY(arena, double, N_PARTS * place->size);
    double *sds = ARENA_ARRAY(arena, double, N_PARTS * place->size);
    int32_t *counts = ARENA_ARRAY(arena, int32_t, N_PARTS * place->size);
    for (int i = 0; i < place->size; i++)
        for (int part = 0; part < N_PARTS; part++) {
            const Pooled pooled = snapshot_pooled(pass, layout, place, i, part);
            values[part * place->size + i] = pooled.value;
            sds[part * place->size + i] = pooled.sd;
            counts[part * place->size + i] = pooled.n;
        }
    npz_add(npz, arena_format(arena, "%s%s", prefix, name), NPY_FLOAT64, n_dims, shape, values);
    npz_add(npz, arena_format(arena, "%ssd/%s", prefix, name), NPY_FLOAT64, n_dims, shape, sds);
    npz_add(npz, arena_format(arena, "%sn/%s", prefix, name), NPY_INT32, n_dims, shape, counts);
}

void snapshot_losses(const Pass *pass, int n_groups, double *ret_losses)
{
    double all = 0, n_all = 0;
    for (int g = 0; g < n_groups; g++) {
        double sum = 0, n = 0;
        for (int s = 0; s < pass->n; s++) {
            sum += pass->losses[s * MAX_LOSS_GROUPS + g];
            n += pass->counts[s * MAX_LOSS_GROUPS + g];
        }
        ret_losses[1 + g] = n > 0 ? sum / n : NAN;
        all += sum, n_all += n;
    }
    ret_losses[0] = n_all > 0 ? all / n_all : NAN;
}
