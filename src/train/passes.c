/* The model over the measuring sets, lane by lane: capture, View, families, importances, losses, mean maps. */
#include "train/measurer.h"

#include <math.h>
#include <string.h>

#include "geometry/anchor.h"
#include "geometry/norms.h"

int measurer_n_lanes(const Measurer *measurer)
{
    const Shape s = measurer_shape(measurer->model);
    const int group = measurer->full.varies ? 1 : measurer_group(&s);
    return measurer->given ? (measurer->full.n + group - 1) / group : MEASURE_LANES;
}

LanePart measurer_lane_part(const Measurer *measurer, int lane)
{
    const int n = measurer->full.n, n_lanes = measurer_n_lanes(measurer);
    return (LanePart){(int)((int64_t)lane * n / n_lanes), (int)((int64_t)(lane + 1) * n / n_lanes)};
}

void measurer_count(Measurer *measurer, const Worker *worker)
{
    const GivenSet *given = measurer->given;
    if (!given || !given->on_sequence)
        return;
    const int n = atomic_fetch_add(&measurer->n_done, 1) + 1;
    if (worker == &measurer->worker[0])
        given->on_sequence(given->context, n);
}

int measurer_includes(const Measurer *measurer, int family, int s)
{
    const Cadence *cadence = &measurer->settings->measure.families[family];
    const int is_one_enough =
        measurer->is_baseline && !measurer->full.varies && !measurer->given && family_registry[family]->every > 1;
    const int n = is_one_enough ? 1 : cadence->n_sequences;
    if ((family_registry[family]->needs & NEEDS_SLOTS) && model_n_slots(measurer->model) == 0)
        return 0;
    return s < n && family_is_due(measurer->settings, family, measurer->step);
}

void measurer_measure_view(const Measurer *measurer, const View *view, int s, Worker *worker, double *row)
{
    for (int i = 0; i < measurer->layout.n_values; i++)
        row[i] = (double)NAN;
    const void *const *states = measurer->settings->measure.states;
    for (int f = 0; family_registry[f]; f++)
        if (measurer_includes(measurer, f, s))
            layout_measure(&measurer->layout, family_registry[f], states[f], view, worker->columns, worker->scratch,
                           row);
}

int measurer_half_is_due(const Measurer *measurer)
{
    return measurer->half.n > 0 && half_is_due(measurer->settings, measurer->step);
}

int measurer_has_targets(const Measurer *measurer, int is_corrupted)
{
    return measurer->settings->measure.targets && is_corrupted == measurer->settings->objective->corrupts;
}

/* Rows of zeros leave every mean over queries, so the families need not know. */
void measurer_measure_targets(const Measurer *measurer, const View *view, int s, Worker *worker, double *row)
{
    const int32_t *targets = measurer->full.targets + (size_t)s * measurer->full.length;
    const size_t T = (size_t)view->length, n_rows = (size_t)(view->n_layers * view->n_heads) * T;
    View own = *view;
    for (size_t r = 0; r < n_rows; r++)
        if (targets[r % T] >= 0)
            memcpy(worker->target_maps + r * T, view->maps + r * T, T * sizeof(real));
        else
            memset(worker->target_maps + r * T, 0, T * sizeof(real));
    own.maps = worker->target_maps, own.afar = NULL;
    for (int i = 0; i < measurer->layout.n_values; i++)
        row[i] = (double)NAN;
    int n_targets = 0;
    for (size_t i = 0; i < T; i++)
        n_targets += targets[i] >= 0;
    for (int f = 0; n_targets > 0 && family_registry[f]; f++)
        if (measurer_includes(measurer, f, s) && family_registry[f]->is_by_query)
            layout_measure(&measurer->layout, family_registry[f], measurer->settings->measure.states[f], &own,
                           worker->columns, worker->scratch, row);
}

void measurer_group_losses(const Set *set, int s, const real *losses, double *ret_sums, double *ret_counts)
{
    for (int g = 0; g < MAX_LOSS_GROUPS; g++) {
        ret_sums[g] = 0;
        if (ret_counts)
            ret_counts[g] = 0;
    }
    for (int i = 0; i < set->lengths[s]; i++) {
        size_t cell = (size_t)s * set->length + i;
        if (set->targets[cell] < 0)
            continue;
        ret_sums[set->groups[cell]] += losses[i];
        if (ret_counts)
            ret_counts[set->groups[cell]] += 1;
    }
}

/* Where sequence `at` begins in an array of a capture, which may not be there. */
static const real *part_of(const real *array, int at, size_t size)
{
    return array ? array + (size_t)at * size : NULL;
}

Given measurer_given(const Measurer *measurer, const Set *set, int s)
{
    const ModelSettings *m = model_settings(measurer->model);
    const size_t row = (size_t)s * (size_t)set->length;
    return (Given){.tokens = (measurer->uses_corrupted ? set->corrupted : set->inputs) + row,
                   .targets = set->targets + row,
                   .vectors = set->vectors ? set->vectors + row * (size_t)m->vector_width : NULL,
                   .goals = set->goals ? set->goals + row * (size_t)m->goal_width : NULL};
}

View measurer_sequence_view(const Measurer *measurer, const Set *set, int s, const Capture *capture, int at,
                            int is_corrupted)
{
    Shape shape = measurer_shape(measurer->model);
    const int is_full = set == &measurer->full;
    View view = measurer_blank_view(measurer->model, set_visible(set, s), measurer->kernels);
    const uint8_t *idle = is_corrupted ? set->unmasked : set->idle;
    const size_t heads = (size_t)shape.L * shape.H, T = (size_t)view.length, rows = heads * T * shape.D;
    view.maps = part_of(capture->maps, at, heads * T * T);
    view.q = part_of(capture->q, at, rows), view.k = part_of(capture->k, at, rows),
    view.v = part_of(capture->v, at, rows), view.heads = part_of(capture->heads, at, rows);
    view.residual = part_of(capture->residual, at, (size_t)(shape.L + 1) * T * shape.C);
    view.normed = part_of(capture->normed, at, T * shape.C);
    view.slots = part_of(capture->slots, at, heads * T * (size_t)view.n_slots);
    view.bias = set->varies ? NULL : is_full ? measurer->bias : measurer->half_bias;
    view.baseline = is_full ? measurer->baseline + (set->varies ? (size_t)s * heads * (size_t)set->length : 0) : NULL;
    view.output_weight = measurer->output_weights;
    view.tokens = (is_corrupted ? set->corrupted : set->inputs) + (size_t)s * set->length;
    view.is_idle = measurer->has_idle ? idle + (size_t)s * set->length : NULL;
    view.end = set->ends[s];
    return view;
}

/* What the families that are due on sequence s need, all together. */
static unsigned needs_now(const Measurer *measurer, int s)
{
    unsigned needs = 0;
    for (int f = 0; family_registry[f]; f++)
        if (measurer_includes(measurer, f, s))
            needs |= family_registry[f]->needs;
    return needs;
}

/* The gradient of one sequence's mean loss, from the whole of it again: a capture keeps nothing to go back by. */
static void take_gradient(const Measurer *measurer, const Given *given, Worker *worker, View *view)
{
    Batch batch = {.n = 1,
                   .length = view->length,
                   .inputs = (int32_t *)(uintptr_t)given->tokens,
                   .targets = (int32_t *)(uintptr_t)given->targets,
                   .vectors = (real *)(uintptr_t)given->vectors,
                   .goals = (real *)(uintptr_t)given->goals};
    for (int i = 0; i < view->length; i++)
        batch.n_targets += given->targets[i] >= 0;
    if (batch.n_targets == 0)
        return;
    model_first_step(measurer->model, measurer->parameters, &batch, 0, 1, worker->backward, worker->gradient, NULL);
    view->gradients = worker->parts, view->n_gradients = worker->n_parts;
}

/* Losses with a key hidden, NaN where nothing is to be predicted. */
static void take_ablations(const Measurer *measurer, const Given *given, Worker *worker, View *view)
{
    const int T = view->length;
    arena_clear(worker->scratch);
    ablation_keys(view, worker->scratch, view->ablated);
    for (int a = 0; a < N_ABLATIONS; a++)
        if (view->ablated[a] >= 0)
            model_ablated_losses_given(measurer->model, measurer->parameters, given, T, view->ablated[a],
                                       worker->workspace, worker->ablated_losses + (size_t)a * T);
    for (int i = 0; i < T; i++)
        for (int a = 0; a < N_ABLATIONS && given->targets[i] < 0; a++)
            worker->ablated_losses[(size_t)a * T + (size_t)i] = (real)NAN;
    view->ablated_losses = worker->ablated_losses;
}

int measurer_has_losses(const Measurer *measurer)
{
    if (measurer->given)
        return measurer->given->targets != NULL;
    return measurer->uses_corrupted || !measurer->settings->objective->corrupts;
}

/* Whatever a View holds beyond one capture, as far as a family that is due asks for it. Losses belong to the inputs
 * that the objective makes: where it corrupts, clean inputs have neither gradient nor ablations. */
static void add_extras(const Measurer *measurer, const Set *set, int s, real *losses, Worker *worker, View *view)
{
    const Given given = measurer_given(measurer, set, s);
    const unsigned needs = needs_now(measurer, s);
    const int has_losses = measurer_has_losses(measurer);
    if (needs & NEEDS_LAYER_MAPS) {
        view_average_heads(view, worker->layer_maps);
        view->layer_maps = worker->layer_maps;
    }
    if (wants_norms(needs)) {
        arena_clear(worker->scratch);
        const NormDesk desk = norm_desk(view, worker->scratch);
        norms_take(view, &desk, worker->norms);
        view->norms = worker->norms;
    }
    if ((needs & NEEDS_GRADIENT) && has_losses)
        take_gradient(measurer, &given, worker, view);
    const unsigned both = NEEDS_INTERVENTION | NEEDS_INTERVENED;
    for (int i = 0; (needs & both) && has_losses && i < view->length; i++)
        losses[i] = given.targets[i] < 0 ? (real)NAN : losses[i];
    if ((needs & both) && has_losses)
        view->losses = losses;
    if ((needs & NEEDS_INTERVENTION) && has_losses)
        take_ablations(measurer, &given, worker, view);
    if ((needs & NEEDS_INTERVENED) && has_losses)
        take_interventions(measurer, s, &given, worker, view,
                           measurer->pass.intervened + (size_t)s * N_INTERVENTIONS * 2 * MAX_LOSS_GROUPS);
}

void widen_rows(size_t n, int length, int wide, float *rows)
{
    while (n-- > 0 && length < wide) { /* the last row first, as each moves back */
        memmove(rows + n * (size_t)wide, rows + n * (size_t)length, (size_t)length * sizeof *rows);
        for (int k = length; k < wide; k++)
            rows[n * (size_t)wide + (size_t)k] = (float)NAN;
    }
}

/* A sequence's maps (heads,length,length) into those of the set's length: added to their sum, and, where ret_maps is
 * not NULL, copied, not a number where the sequence has no such query or key. */
static void put_maps(const View *view, size_t heads, size_t T, real *map_sum, real *ret_maps)
{
    const size_t length = (size_t)view->length;
    for (size_t i = 0; ret_maps && length < T && i < heads * T * T; i++)
        ret_maps[i] = (real)NAN;
    for (size_t r = 0; r < heads * length; r++) {
        const real *row = view->maps + r * length;
        const size_t at = (r / length * T + r % length) * T;
        for (size_t j = 0; j < length; j++)
            map_sum[at + j] += row[j];
        if (ret_maps)
            memcpy(ret_maps + at, row, length * sizeof *row);
    }
}

static int is_finite(size_t n, const real *x)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

/* Notes the first of what a model computed that is no finite number, in the order in which it did: each layer's
 * attention, then what the layer gives, then the final norm. Whether there is none. */
static int check_given(Measurer *measurer, int n, const View *view)
{
    const size_t square = (size_t)view->length * (size_t)view->length;
    const size_t stream = (size_t)view->length * (size_t)view->d_model;
    for (int l = 0; l < view->n_layers; l++) {
        for (int h = 0; h < view->n_heads; h++)
            if (!is_finite(square, view_map(view, l, h))) {
                measurer->bad_heads[n] = 1 + l * view->n_heads + h;
                return 0;
            }
        if (view->residual && !is_finite(stream, view->residual + (size_t)(l + 1) * stream)) {
            measurer->bad_layers[n] = 1 + l;
            return 0;
        }
    }
    if (!is_finite(stream, view->normed)) {
        measurer->bad_layers[n] = 1 + view->n_layers;
        return 0;
    }
    return 1;
}

/* Keeps the maps of a given sequence where they are asked for. Weights may be finite, and what they compute not: then
 * there is nothing to measure. */
static int take_given(Measurer *measurer, int n, const View *view)
{
    const size_t maps = (size_t)view->n_layers * (size_t)view->n_heads * (size_t)view->length * (size_t)view->length;
    if (measurer->given->maps)
        memcpy(measurer->given->maps[n], view->maps, maps * sizeof(real));
    return check_given(measurer, n, view);
}

/* One sequence that was captured as number `at`: families, importances, losses, maps. */
static void measure_sequence(Measurer *measurer, int n, int at, Worker *worker, real *map_sum)
{
    const Set *set = &measurer->full;
    Pass *pass = &measurer->pass;
    real *losses = worker->capture.losses + (size_t)at * (size_t)set->lengths[n];
    const size_t heads = (size_t)measurer->layout.n_layers * measurer->layout.n_heads;
    const size_t map = heads * (size_t)set->length * (size_t)set->length;
    View view = measurer_sequence_view(measurer, set, n, &worker->capture, at, measurer->uses_corrupted);
    const size_t keys = (size_t)n * heads * (size_t)set->length;
    if (measurer->given && !take_given(measurer, n, &view))
        return;
    if (set->varies) {
        model_position_bias(measurer->model, measurer->parameters, view.length, worker->bias);
        view.bias = worker->bias;
    }
    anchor_importance(&view, pass->importance + keys, pass->afar + keys * DISTANCES);
    view.afar = pass->afar + keys * DISTANCES;
    measurer_group_losses(set, n, losses, pass->losses + (size_t)n * MAX_LOSS_GROUPS,
                          pass->counts + (size_t)n * MAX_LOSS_GROUPS);
    add_extras(measurer, set, n, losses, worker, &view);
    measurer_measure_view(measurer, &view, n, worker, pass->values + (size_t)n * measurer->layout.n_values);
    if (measurer_has_targets(measurer, measurer->uses_corrupted))
        measurer_measure_targets(measurer, &view, n, worker,
                                 pass->target_values + (size_t)n * measurer->layout.n_values);
    if (map_sum)
        put_maps(&view, heads, (size_t)set->length, map_sum, n < pass->n_maps ? pass->maps + (size_t)n * map : NULL);
    widen_rows(heads, view.length, set->length, pass->importance + keys);
    widen_rows(heads * DISTANCES, view.length, set->length, pass->afar + keys * DISTANCES);
}

static void full_lane(void *context, int index, int thread)
{
    Measurer *measurer = context;
    const Set *set = &measurer->full;
    const Shape s = measurer_shape(measurer->model);
    Worker *worker = measurer_worker(measurer, index, thread);
    const LanePart part = measurer_lane_part(measurer, index);
    const int group = set->varies ? 1 : measurer_group(&s);
    const size_t map = (size_t)s.L * s.H * s.T * s.T;
    real *map_sum = measurer->pass.map_sum ? measurer->pass.map_sum + (size_t)index * map : NULL;
    if (map_sum)
        memset(map_sum, 0, map * sizeof *map_sum);
    for (int first = part.first; first < part.end; first += group) {
        const int n = part.end - first < group ? part.end - first : group;
        const Given given = measurer_given(measurer, set, first);
        model_capture_given(measurer->model, measurer->parameters, &given, n, set->lengths[first], worker->workspace,
                            &worker->capture);
        for (int at = 0; at < n; at++) {
            measure_sequence(measurer, first + at, at, worker, map_sum);
            measurer_count(measurer, worker);
        }
    }
}

static void half_lane(void *context, int index, int thread)
{
    Measurer *measurer = context;
    const Set *set = &measurer->half;
    const Shape s = measurer_shape(measurer->model);
    Worker *worker = measurer_worker(measurer, index, thread);
    const size_t heads = (size_t)s.L * s.H;
    const int end = (index + 1) * set->n / MEASURE_LANES, group = measurer_group(&s);
    const Pass *pass = &measurer->half_pass;
    Capture maps_only = {.maps = worker->capture.maps};
    for (int first = index * set->n / MEASURE_LANES; first < end; first += group) {
        const int n = end - first < group ? end - first : group;
        const Given given = measurer_given(measurer, set, first);
        model_capture_given(measurer->model, measurer->parameters, &given, n, set->length, worker->workspace,
                            &maps_only);
        for (int at = 0; at < n; at++) {
            View view = measurer_sequence_view(measurer, set, first + at, &maps_only, at, measurer->uses_corrupted);
            const size_t keys = (size_t)(first + at) * heads * (size_t)set->length;
            anchor_importance(&view, pass->importance + keys, pass->afar + keys * DISTANCES);
        }
    }
}

static void pack(void *context, int index, int thread)
{
    (void)thread;
    const Measurer *measurer = context;
    model_pack(measurer->model, measurer->parameters, index, measurer->panels);
}

static void pack_all(Measurer *measurer)
{
    lanes_run(measurer->lanes, measurer->n_packs, pack, measurer);
}

void measurer_prepare(Measurer *measurer, const real *parameters, int64_t step)
{
    const Shape s = measurer_shape(measurer->model);
    measurer->parameters = parameters, measurer->step = step;
    for (int w = 0; w < measurer->n_workers; w++)
        measurer->worker[w].surgery.is_copied = 0;
    if (!measurer->full.varies) /* else each sequence has its own */
        model_position_bias(measurer->model, parameters, s.T, measurer->bias);
    if (measurer->half.n > 0)
        model_position_bias(measurer->model, parameters, s.T / 2, measurer->half_bias);
    for (int l = 0; l < s.L; l++)
        measurer->output_weights[l] = model_output_weight(measurer->model, parameters, l);
    pack_all(measurer);
}

/* Sums become means over the sequences that have a query and a key; where none has they are not a number. */
static void divide_maps(Measurer *measurer)
{
    const size_t T = (size_t)measurer->pass.length,
                 n_rows = (size_t)(measurer->layout.n_layers * measurer->layout.n_heads) * T;
    double *count = measurer->row;
    for (size_t i = 0; i < T; i++)
        count[i] = set_count(&measurer->full, (int)i);
    for (size_t r = 0; r < n_rows; r++)
        for (size_t i = r % T, j = 0; j < T; j++)
            measurer->pass.map_sum[r * T + j] /= (real)count[i > j ? i : j];
}

void measurer_run_passes(Measurer *measurer, int is_corrupted)
{
    Pass *pass = &measurer->pass;
    size_t map = (size_t)measurer->layout.n_layers * measurer->layout.n_heads * pass->length * pass->length;
    measurer->uses_corrupted = is_corrupted;
    lanes_run(measurer->lanes, measurer_n_lanes(measurer), full_lane, measurer);
    if (!pass->map_sum)
        return;
    if (measurer_half_is_due(measurer))
        lanes_run(measurer->lanes, MEASURE_LANES, half_lane, measurer);
    for (int lane = 1; lane < MEASURE_LANES; lane++)
        for (size_t i = 0; i < map; i++)
            pass->map_sum[i] += pass->map_sum[(size_t)lane * map + i];
    divide_maps(measurer);
}
