/* Statistics over the measuring set, and the metric members of a snapshot. */
#include "train/snapshot.h"

#include <math.h>

#include "data/sequence.h"

enum { N_PARTS = 3 }; /* all, even, odd */

static const struct {
    int first, stride;
} parts[N_PARTS] = {{0, 1}, {0, 2}, {1, 2}};

void snapshot_mean(const Pass *pass, int n_values, int index, double ret_mean[3], double ret_sd[3])
{
    for (int part = 0; part < N_PARTS; part++) {
        double sum = 0, squares = 0;
        int n = 0;
        for (int s = parts[part].first; s < pass->n; s += parts[part].stride) {
            double value = pass->values[(size_t)s * n_values + index];
            if (!isnan(value))
                sum += value, n++;
        }
        double mean = n ? sum / n : NAN;
        for (int s = parts[part].first; s < pass->n; s += parts[part].stride) {
            double value = pass->values[(size_t)s * n_values + index];
            if (!isnan(value))
                squares += (value - mean) * (value - mean);
        }
        ret_mean[part] = mean;
        ret_sd[part] = n > 1 ? sqrt(squares / (n - 1)) : NAN;
    }
}

void snapshot_add_metrics(NpzWriter *npz, Arena *arena, const char *prefix, const Layout *layout, const Pass *pass)
{
    for (int p = 0; p < layout->n_places; p++) {
        const Place *place = &layout->places[p];
        double *means = ARENA_ARRAY(arena, double, N_PARTS * place->size);
        double *sds = ARENA_ARRAY(arena, double, N_PARTS * place->size);
        for (int i = 0; i < place->size; i++) {
            double mean[N_PARTS], sd[N_PARTS];
            snapshot_mean(pass, layout->n_values, place->offset + i, mean, sd);
            for (int part = 0; part < N_PARTS; part++) {
                means[part * place->size + i] = mean[part];
                sds[part * place->size + i] = sd[part];
            }
        }
        int is_head = place->column->level == LEVEL_HEAD;
        const int64_t shape[] = {N_PARTS, layout->n_layers, layout->n_heads};
        npz_add(npz, arena_format(arena, "%s%s", prefix, place->column->name), NPY_FLOAT64, 2 + is_head, shape, means);
        npz_add(npz, arena_format(arena, "%ssd/%s", prefix, place->column->name), NPY_FLOAT64, 2 + is_head, shape, sds);
    }
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
