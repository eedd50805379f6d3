/* Snapshots: their members in the order of results/README.md, and the computed baselines. */
#include "train/measure.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "geometry/anchor.h"
#include "geometry/interventions.h"
#include "store/run.h"
#include "train/measurer.h"

static void add_importance(NpzWriter *npz, Arena *arena, const char *prefix, const Measurer *measurer)
{
    const Pass *passes[] = {&measurer->pass, &measurer->half_pass};
    const int64_t L = measurer->layout.n_layers, H = measurer->layout.n_heads;
    for (int is_half = 0; is_half <= measurer_half_is_due(measurer); is_half++) {
        const Pass *pass = passes[is_half];
        const char *behind = is_half ? "_half" : "";
        npz_add(npz, arena_format(arena, "%simportance%s", prefix, behind), NPY_FLOAT32, 4,
                (int64_t[]){pass->n, L, H, pass->length}, pass->importance);
        npz_add(npz, arena_format(arena, "%simportance_afar%s", prefix, behind), NPY_FLOAT32, 5,
                (int64_t[]){pass->n, L, H, DISTANCES, pass->length}, pass->afar);
    }
}

static void add_loss_groups(NpzWriter *npz, const Data *data)
{
    const char *names[MAX_LOSS_GROUPS];
    int n = data_n_groups(data);
    for (int g = 0; g < n; g++)
        names[g] = data_group_name(data, g);
    npz_add_strings(npz, "loss_groups", n, names);
}

/* Said only where it is no cross-entropy, which all snapshots' losses once were. */
static void add_loss_kind(NpzWriter *npz, const Measurer *measurer)
{
    const int32_t is_squared_error = measurer->settings->objective->loss == LOSS_SQUARED_ERROR;
    if (is_squared_error)
        npz_add(npz, "loss_is_squared_error", NPY_INT32, 1, (int64_t[]){1}, &is_squared_error);
}

static void add_tokens(NpzWriter *npz, Arena *arena, const Measurer *measurer)
{
    const Set *full = &measurer->full, *half = &measurer->half;
    int n_strings = data_vocab_size(measurer->data);
    const char **strings = ARENA_ARRAY(arena, const char *, n_strings);
    for (int id = 0; id < n_strings; id++)
        strings[id] = data_token_text(measurer->data, id);
    npz_add(npz, "tokens", NPY_INT32, 2, (int64_t[]){full->n, full->length}, full->inputs);
    if (half->n > 0)
        npz_add(npz, "tokens_half", NPY_INT32, 2, (int64_t[]){half->n, half->length}, half->inputs);
    npz_add_strings(npz, "token_strings", n_strings, strings);
}

/* What held_out_loss asks: `target_groups` counts the names of loss_groups, -1 where there is no target. */
static void add_targets(NpzWriter *npz, Arena *arena, const Measurer *measurer)
{
    const Set *full = &measurer->full;
    const int64_t shape[] = {full->n, full->length};
    const size_t cells = (size_t)full->n * (size_t)full->length;
    int32_t *groups = ARENA_ARRAY(arena, int32_t, cells);
    for (size_t i = 0; i < cells; i++)
        groups[i] = full->targets[i] < 0 ? -1 : full->groups[i];
    npz_add(npz, "targets", NPY_INT32, 2, shape, full->targets);
    npz_add(npz, "target_groups", NPY_INT32, 2, shape, groups);
    if (full->corrupted)
        npz_add(npz, "corrupted/tokens", NPY_INT32, 2, shape, full->corrupted);
}

/* Vectors in and asked for: the same in every snapshot and no smaller when compressed, so only beside the weights,
 * without which nothing can be computed from them. */
static void add_vectors(NpzWriter *npz, const Measurer *measurer)
{
    const Set *full = &measurer->full;
    const ModelSettings *m = model_settings(measurer->model);
    if (full->vectors)
        npz_add(npz, "vectors", NPY_FLOAT32, 3, (int64_t[]){full->n, full->length, m->vector_width}, full->vectors);
    if (full->goals)
        npz_add(npz, "goals", NPY_FLOAT32, 3, (int64_t[]){full->n, full->length, m->goal_width}, full->goals);
}

static void add_maps(NpzWriter *npz, const Measurer *measurer)
{
    const Layout *layout = &measurer->layout;
    const Pass *pass = &measurer->pass;
    const int64_t L = layout->n_layers, H = layout->n_heads, T = pass->length;
    npz_add(npz, "map_mean", NPY_FLOAT32, 4, (int64_t[]){L, H, T, T}, pass->map_sum);
    if (pass->n_maps)
        npz_add(npz, "map", NPY_FLOAT32, 5, (int64_t[]){pass->n_maps, L, H, T, T}, pass->maps);
}

/* Each sequence's length, and what the mask shows of it. */
static void add_lengths(NpzWriter *npz, Arena *arena, const Set *set)
{
    const size_t T = (size_t)set->length;
    KeyRanges *keys = ARENA_ARRAY(arena, KeyRanges, (size_t)set->n * T);
    for (int s = 0; s < set->n; s++)
        memcpy(keys + (size_t)s * T, set->visible[s].keys, (size_t)set->lengths[s] * sizeof *keys);
    npz_add(npz, "lengths", NPY_INT32, 1, (int64_t[]){set->n}, set->lengths);
    npz_add(npz, "visible_each", NPY_INT32, 4, (int64_t[]){set->n, set->length, KEY_RANGES, 2}, keys);
}

/* What a reader of maps must know of the model: which keys each query sees, and what its weights sum to. */
static void add_mask(NpzWriter *npz, Arena *arena, const Measurer *measurer)
{
    const Model *model = measurer->model;
    const Visible *visible = model_visible(model), *half = measurer->half.visible;
    const int32_t rows_sum_to_one = model_rows_sum_to_one(model);
    npz_add(npz, "visible", NPY_INT32, 3, (int64_t[]){visible->length, KEY_RANGES, 2}, visible->keys);
    if (half)
        npz_add(npz, "visible_half", NPY_INT32, 3, (int64_t[]){half->length, KEY_RANGES, 2}, half->keys);
    if (measurer->full.varies)
        add_lengths(npz, arena, &measurer->full);
    npz_add(npz, "rows_sum_to_one", NPY_INT32, 1, (int64_t[]){1}, &rows_sum_to_one);
}

static void add_weights(NpzWriter *npz, Arena *arena, const Measurer *measurer)
{
    const Parameters *parameters = model_parameters(measurer->model);
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        npz_add(npz, arena_format(arena, "weights/%s", tensor->name), NPY_FLOAT32, 2,
                (int64_t[]){tensor->rows, tensor->cols}, measurer->parameters + tensor->offset);
    }
}

const Place *measurer_sink_place(const Measurer *measurer)
{
    return layout_find(&measurer->layout, measurer->has_idle ? "sink_mass_idle" : "sink_mass");
}

static double largest_sink(const Measurer *measurer)
{
    const Place *place = measurer_sink_place(measurer);
    double largest = NAN;
    for (int i = 0; i < place->size; i++)
        largest = fmax(largest, snapshot_pooled(&measurer->pass, &measurer->layout, place, i, 0).value);
    return largest;
}

/* Metrics over target queries, behind "targets/". */
static void add_target_metrics(NpzWriter *npz, Arena *arena, const Measurer *measurer, const char *prefix)
{
    const Pass targets = pass_of_targets(&measurer->pass);
    const char *behind = arena_format(arena, "%stargets/", prefix);
    for (int f = 0; family_registry[f]; f++) {
        const MetricFamily *family = family_registry[f];
        for (int c = 0; measurer_includes(measurer, f, 0) && family->is_by_query && c < family->n_columns; c++)
            snapshot_add_metric(npz, arena, behind, &measurer->layout, layout_family(&measurer->layout, family) + c,
                                &targets);
    }
}

/* The loss under each intervention, at the place and at a drawn one: over all targets, then by group; of the sequences
 * that are intervened on. */
static void add_intervened_losses(NpzWriter *npz, Arena *arena, const char *prefix, const Measurer *measurer, int f)
{
    const Pass *pass = &measurer->pass;
    const int n_groups = data_n_groups(measurer->data);
    double losses[2 * (1 + MAX_LOSS_GROUPS)], *sums = ARENA_ARRAY(arena, double, (size_t)pass->n *MAX_LOSS_GROUPS);
    Pass of_one = {.losses = sums, .counts = pass->counts};
    while (of_one.n < pass->n && measurer_includes(measurer, f, of_one.n))
        of_one.n++;
    for (int k = 0; k < N_INTERVENTIONS; k++) {
        for (int null = 0; null < 2; null++) {
            for (int s = 0; s < of_one.n; s++)
                memcpy(sums + (size_t)s * MAX_LOSS_GROUPS,
                       pass->intervened + ((size_t)(s * N_INTERVENTIONS + k) * 2 + (size_t)null) * MAX_LOSS_GROUPS,
                       MAX_LOSS_GROUPS * sizeof *sums);
            snapshot_losses(&of_one, n_groups, losses + null * (1 + n_groups));
        }
        npz_add(npz, arena_format(arena, "%sloss@%s", prefix, intervention_names[k]), NPY_FLOAT64, 2,
                (int64_t[]){2, 1 + n_groups}, losses);
    }
}

/* One pass and its members: the corrupted inputs' behind "corrupted/", the clean ones' bare. */
static void add_pass(NpzWriter *npz, Arena *arena, Measurer *measurer, const char *prefix, int is_corrupted)
{
    const Layout *layout = &measurer->layout;
    measurer_run_passes(measurer, is_corrupted);
    for (int f = 0; family_registry[f]; f++) {
        const MetricFamily *family = family_registry[f];
        const Place *place = layout_family(layout, family);
        const int needs_losses = (family->needs & (NEEDS_GRADIENT | NEEDS_INTERVENTION | NEEDS_INTERVENED)) != 0;
        if (!measurer_includes(measurer, f, 0) || (needs_losses && !measurer_has_losses(measurer)))
            continue;
        for (int c = 0; c < family->n_columns; c++)
            snapshot_add_metric(npz, arena, prefix, layout, &place[c], &measurer->pass);
        if (family->needs & NEEDS_INTERVENED)
            add_intervened_losses(npz, arena, prefix, measurer, f);
    }
    if (measurer_has_targets(measurer, is_corrupted))
        add_target_metrics(npz, arena, measurer, prefix);
    add_importance(npz, arena, prefix, measurer);
}

int measure_snapshot(Measurer *measurer, const real *parameters, const Lock *lock, const char *run_folder, int64_t step,
                     int64_t tokens, int64_t targets, MeasureSummary *ret_summary, Error *err)
{
    Arena *arena = arena_new();
    NpzWriter *npz = npz_new(arena);
    int n_groups = data_n_groups(measurer->data), status = STATUS_OK;
    double losses[1 + MAX_LOSS_GROUPS];
    const char *baselines = file_join(arena, run_folder, RUN_BASELINES);
    measurer_prepare(measurer, parameters, 0); /* at step 0, of which baselines are, everything is due */
    if (step == 0 || !file_exists(baselines))
        status = write_baselines(measurer, lock, baselines, err);
    measurer->step = step;

    npz_add(npz, "step", NPY_INT64, 1, (int64_t[]){1}, &step);
    npz_add(npz, "tokens_seen", NPY_INT64, 1, (int64_t[]){1}, &tokens);
    npz_add(npz, "targets_seen", NPY_INT64, 1, (int64_t[]){1}, &targets);
    int corrupts = measurer->settings->objective->corrupts;
    if (corrupts) { /* the loss is that of the corrupted inputs: targets are what was hidden */
        add_pass(npz, arena, measurer, "corrupted/", 1);
        snapshot_losses(&measurer->pass, n_groups, losses);
    }
    add_pass(npz, arena, measurer, "", 0);
    if (!corrupts)
        snapshot_losses(&measurer->pass, n_groups, losses);
    npz_add(npz, "held_out_loss", NPY_FLOAT64, 1, (int64_t[]){1 + n_groups}, losses);
    add_loss_groups(npz, measurer->data);
    add_loss_kind(npz, measurer);
    add_tokens(npz, arena, measurer);
    add_targets(npz, arena, measurer);
    add_mask(npz, arena, measurer);
    add_maps(npz, measurer);
    if (measurer->settings->snapshot.weights) {
        add_vectors(npz, measurer);
        add_weights(npz, arena, measurer);
    }

    if (status == STATUS_OK) /* measuring may have taken minutes */
        status = lock_check(lock, err);
    if (status == STATUS_OK)
        status = npz_write(npz, run_snapshot_path(arena, run_folder, step), err);
    if (status == STATUS_OK)
        *ret_summary = (MeasureSummary){losses[0], largest_sink(measurer)};
    arena_free(arena);
    return status;
}
