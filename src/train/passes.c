/* The model over the measuring sets, lane by lane: capture, View, families, importances, losses, mean maps. */
#include "train/measurer.h"

#include <math.h>
#include <string.h>

#include "model/mask/mask.h"

void measurer_measure_view(const Layout *layout, const View *view, Lane *lane, int maps_only, double *row)
{
    const Place *place = layout->places;
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        for (int c = 0; c < (*family)->n_columns; c++, place++) {
            lane->columns[c] = row + place->offset;
            for (int i = 0; i < place->size; i++)
                lane->columns[c][i] = NAN;
        }
        if (family_sees_maps_only(*family) || !maps_only)
            (*family)->measure(view, lane->columns, lane->scratch);
    }
}

static void add_losses(const Set *set, int s, const real *losses, Pass *pass)
{
    double *sums = pass->losses + (size_t)s * MAX_LOSS_GROUPS, *counts = pass->counts + (size_t)s * MAX_LOSS_GROUPS;
    memset(sums, 0, MAX_LOSS_GROUPS * sizeof *sums);
    memset(counts, 0, MAX_LOSS_GROUPS * sizeof *counts);
    for (int i = 0; i < set->length; i++) {
        size_t cell = (size_t)s * set->length + i;
        if (set->targets[cell] < 0)
            continue;
        sums[set->groups[cell]] += losses[i];
        counts[set->groups[cell]] += 1;
    }
}

View measurer_sequence_view(const Measurer *measurer, const Set *set, int s, const Capture *capture, int is_corrupted)
{
    Shape shape = measurer_shape(measurer->model);
    View view = measurer_blank_view(&shape, set->length, model_settings(measurer->model)->mask->is_causal);
    const uint8_t *idle = is_corrupted ? set->unmasked : set->idle;
    view.maps = capture->maps, view.q = capture->q, view.k = capture->k, view.v = capture->v;
    view.residual = capture->residual;
    view.bias = set == &measurer->full ? measurer->bias : measurer->half_bias;
    view.output_weight = measurer->output_weights;
    view.tokens = (is_corrupted ? set->corrupted : set->inputs) + (size_t)s * set->length;
    view.is_idle = measurer->has_idle ? idle + (size_t)s * set->length : NULL;
    view.end = set->ends[s];
    return view;
}

static void full_lane(void *context, int index, int thread)
{
    (void)thread;
    Measurer *measurer = context;
    const Set *set = &measurer->full;
    Lane *lane = &measurer->lane[index];
    Pass *pass = &measurer->pass;
    Shape s = measurer_shape(measurer->model);
    size_t heads = (size_t)s.L * s.H, map = heads * s.T * s.T;
    real *map_sum = pass->map_sum + (size_t)index * map;
    memset(map_sum, 0, map * sizeof *map_sum);
    int first = index * set->n / MEASURE_LANES, end = (index + 1) * set->n / MEASURE_LANES;
    for (int n = first; n < end; n++) {
        const int32_t *targets = set->targets + (size_t)n * s.T;
        View view = measurer_sequence_view(measurer, set, n, &lane->capture, measurer->uses_corrupted);
        model_capture(measurer->model, measurer->parameters, view.tokens, targets, s.T, lane->workspace, &lane->capture);
        measurer_measure_view(&measurer->layout, &view, lane, 0, pass->values + (size_t)n * measurer->layout.n_values);
        anchor_importance(&view, pass->importance + (size_t)n * heads * s.T);
        add_losses(set, n, lane->capture.losses, pass);
        for (size_t i = 0; i < map; i++)
            map_sum[i] += lane->capture.maps[i];
        if (n < pass->n_maps)
            memcpy(pass->maps + (size_t)n * map, lane->capture.maps, map * sizeof(real));
    }
}

static void half_lane(void *context, int index, int thread)
{
    (void)thread;
    Measurer *measurer = context;
    const Set *set = &measurer->half;
    Lane *lane = &measurer->lane[index];
    size_t heads = (size_t)measurer->layout.n_layers * measurer->layout.n_heads;
    Capture maps_only = {.maps = lane->capture.maps};
    int first = index * set->n / MEASURE_LANES, end = (index + 1) * set->n / MEASURE_LANES;
    for (int n = first; n < end; n++) {
        View view = measurer_sequence_view(measurer, set, n, &maps_only, measurer->uses_corrupted);
        model_capture(measurer->model, measurer->parameters, view.tokens, NULL, set->length, lane->workspace, &maps_only);
        anchor_importance(&view, measurer->half_pass.importance + (size_t)n * heads * set->length);
    }
}

void measurer_run_passes(Measurer *measurer, int is_corrupted)
{
    Pass *pass = &measurer->pass;
    size_t map = (size_t)measurer->layout.n_layers * measurer->layout.n_heads * pass->length * pass->length;
    measurer->uses_corrupted = is_corrupted;
    lanes_run(measurer->lanes, MEASURE_LANES, full_lane, measurer);
    lanes_run(measurer->lanes, MEASURE_LANES, half_lane, measurer);
    for (int lane = 1; lane < MEASURE_LANES; lane++)
        for (size_t i = 0; i < map; i++)
            pass->map_sum[i] += pass->map_sum[(size_t)lane * map + i];
    for (size_t i = 0; i < map; i++)
        pass->map_sum[i] /= (real)pass->n;
}
