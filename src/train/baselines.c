/* The computed baselines: uniform and position-only attention, measured like any other. */
#include <string.h>

#include "geometry/anchor.h"
#include "train/measurer.h"

static const char *const prefixes[] = {"uniform", "position"};

View measurer_lay_computed(Measurer *measurer, const Set *set, int s, int is_position, Worker *worker)
{
    const Capture maps = {.maps = worker->capture.maps};
    View view = measurer_sequence_view(measurer, set, s, &maps, 0, 0);
    if (!is_position) {
        view_uniform_maps(&view, worker->capture.maps);
        return view;
    }
    const PositionOnly position = measurer_position_only(measurer, set, s);
    const PositionRows rows = measurer_position_rows(&position);
    view_position_maps(&view, &rows, measurer->row, worker->capture.maps);
    return view;
}

/* Importances of all keys, (L,H,T), and from afar; where lengths vary of each sequence's, (N,L,H,T). */
static void add_baseline_importance(Measurer *measurer, NpzWriter *npz, Arena *arena, const char *prefix,
                                    const Set *set, int is_position)
{
    const int64_t L = measurer->layout.n_layers, H = measurer->layout.n_heads, n = set->varies ? set->n : 1;
    const int64_t shape[] = {n, L, H, set->length}, afar_shape[] = {n, L, H, DISTANCES, set->length};
    const size_t keys = (size_t)(L * H * set->length);
    const char *behind = set == &measurer->half ? "_half" : "";
    float *importance = ARENA_ARRAY(arena, float, (size_t)n *keys);
    float *afar = ARENA_ARRAY(arena, float, (size_t)n *keys *DISTANCES);
    for (int s = 0; s < n; s++) {
        const View view = measurer_lay_computed(measurer, set, s, is_position, &measurer->worker[0]);
        float *own = importance + (size_t)s * keys, *own_afar = afar + (size_t)s * keys * DISTANCES;
        anchor_importance(&view, own, own_afar);
        widen_rows((size_t)(L * H), view.length, set->length, own);
        widen_rows((size_t)(L * H * DISTANCES), view.length, set->length, own_afar);
    }
    npz_add(npz, arena_format(arena, "%s/importance%s", prefix, behind), NPY_FLOAT32, set->varies ? 4 : 3,
            shape + !set->varies, importance);
    npz_add(npz, arena_format(arena, "%s/importance_afar%s", prefix, behind), NPY_FLOAT32, set->varies ? 5 : 4,
            afar_shape + !set->varies, afar);
}

/* The set's values of every attention-only column that the computed maps have, each name behind `prefix`. */
static void add_baseline_columns(const Measurer *measurer, NpzWriter *npz, Arena *arena, const char *prefix,
                                 const Pass *pass, int is_of_targets)
{
    const Layout *layout = &measurer->layout;
    for (int f = 0; family_registry[f]; f++) {
        const MetricFamily *family = family_registry[f];
        const Place *places = layout_family(layout, family);
        for (int c = 0; c < family->n_columns && (!is_of_targets || family->is_by_query); c++) {
            const Place *place = &places[c];
            if (!place->is_attention_only)
                continue;
            double *values = ARENA_ARRAY(arena, double, place->size);
            for (int i = 0; i < place->size; i++)
                values[i] = snapshot_pooled(pass, layout, place, i, 0).value;
            npz_add(npz, arena_format(arena, "%s%s", prefix, place->column->name), NPY_FLOAT64,
                    (place->column->level != LEVEL_MODEL) + (place->column->level == LEVEL_HEAD),
                    (int64_t[]){layout->n_layers, layout->n_heads}, values);
        }
    }
}

/* The computed maps of sequence s and what follows from them. */
static void lay_maps(Measurer *measurer, int s, int is_position, Worker *worker)
{
    const View view = measurer_lay_computed(measurer, &measurer->full, s, is_position, worker);
    if (worker->layer_maps)
        view_average_heads(&view, worker->layer_maps);
}

/* On every sequence, since tokens, idle queries, targets and drawn positions differ. Maps are laid anew only for
 * another length. */
static void measure_computed(Measurer *measurer, LanePart part, int is_position, int is_corrupted, Worker *worker)
{
    const Set *set = &measurer->full;
    const size_t n_values = (size_t)measurer->layout.n_values;
    const int has_targets = measurer_has_targets(measurer, is_corrupted);
    const Pass *pass = &measurer->pass;
    const Capture maps = {.maps = worker->capture.maps};
    for (int s = part.first; s < part.end; s++) {
        if (s == part.first || set->lengths[s] != set->lengths[s - 1])
            lay_maps(measurer, s, is_position, worker);
        View view = measurer_sequence_view(measurer, set, s, &maps, 0, is_corrupted);
        view.layer_maps = worker->layer_maps;
        view.output_weight = NULL;
        measurer_measure_view(measurer, &view, s, worker, pass->values + (size_t)s * n_values);
        if (has_targets)
            measurer_measure_targets(measurer, &view, s, worker, pass->target_values + (size_t)s * n_values);
        measurer_count(measurer, worker);
    }
}

void measurer_measure_computed(Measurer *measurer, int is_position, int is_corrupted)
{
    measurer->is_baseline = 1;
    measure_computed(measurer, (LanePart){0, measurer->full.n}, is_position, is_corrupted, &measurer->worker[0]);
    measurer->is_baseline = 0;
}

static void uniform_lane(void *context, int lane, int thread)
{
    Measurer *measurer = context;
    measure_computed(measurer, measurer_lane_part(measurer, lane), 0, 0, measurer_worker(measurer, lane, thread));
}

void measurer_measure_uniform(Measurer *measurer)
{
    measurer->is_baseline = 1;
    lanes_run(measurer->lanes, measurer_n_lanes(measurer), uniform_lane, measurer);
    measurer->is_baseline = 0;
}

static void add_baseline_metrics(Measurer *measurer, NpzWriter *npz, Arena *arena, int is_position, int is_corrupted)
{
    const Pass *pass = &measurer->pass;
    measurer_measure_computed(measurer, is_position, is_corrupted);
    const char *behind = arena_format(arena, "%s/%s", prefixes[is_position], is_corrupted ? "corrupted/" : "");
    add_baseline_columns(measurer, npz, arena, behind, pass, 0);
    if (!measurer_has_targets(measurer, is_corrupted))
        return;
    const Pass targets = pass_of_targets(pass);
    add_baseline_columns(measurer, npz, arena, arena_format(arena, "%stargets/", behind), &targets, 1);
}

/* Beside corrupted sequences, too, where there are some. */
int write_baselines(Measurer *measurer, const Lock *lock, const char *path, Error *err)
{
    Arena *arena = arena_new();
    NpzWriter *npz = npz_new(arena);
    for (int b = 0; b < 2; b++) {
        add_baseline_importance(measurer, npz, arena, prefixes[b], &measurer->full, b);
        if (measurer->half.n > 0)
            add_baseline_importance(measurer, npz, arena, prefixes[b], &measurer->half, b);
        for (int is_corrupted = 0; is_corrupted <= measurer->settings->objective->corrupts; is_corrupted++)
            add_baseline_metrics(measurer, npz, arena, b, is_corrupted);
    }
    int status = lock_check(lock, err); /* computing them may have taken a while */
    if (status == STATUS_OK)
        status = npz_write(npz, path, err);
    arena_free(arena);
    return status;
}
