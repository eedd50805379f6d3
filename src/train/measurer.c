/* What the measuring driver holds: its memory, and what position alone gives. */
#include "train/measurer.h"

#include <math.h>
#include <string.h>

#include "geometry/anchor.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "train/initial.h"

Shape measurer_shape(const Model *model)
{
    const ModelSettings *m = model_settings(model);
    return (Shape){m->n_layers, m->n_heads, m->d_model, m->d_head, m->context_length};
}

View measurer_blank_view(const Model *model, const Visible *visible, const Kernels *kernels)
{
    const Shape s = measurer_shape(model);
    View view = view_shape(s.L, s.H, s.C, s.D, visible, kernels);
    view.bias_by_query = model_settings(model)->position->bias_by_query;
    view.logit = model_settings(model)->logit;
    view.n_slots = model_n_slots(model);
    return view;
}

/* The most that a family needs: perhaps for a shorter sequence, as one that gives up beyond some length does. */
static size_t family_scratch(const TrainSettings *settings, const Model *model, int least)
{
    size_t most = 0;
    for (int length = least; length <= measurer_shape(model).T; length++) {
        const Visible sized = {.length = length};
        const View view = measurer_blank_view(model, &sized, NULL);
        const size_t bytes = layout_scratch_bytes(settings->measure.states, &view);
        most = bytes > most ? bytes : most;
    }
    return most;
}

int measurer_group(const Shape *shape)
{
    return shape->T < CAPTURE_ROWS ? CAPTURE_ROWS / shape->T : 1;
}

/* What the families that are ever measured need, all together. */
static unsigned needs_of(const TrainSettings *settings)
{
    unsigned needs = 0;
    for (int f = 0; family_registry[f]; f++)
        if (settings->measure.families[f].every > 0)
            needs |= family_registry[f]->needs;
    return needs;
}

/* Gains and the head belong to no group. */
static void list_gradient_parts(const Parameters *parameters, Worker *worker)
{
    static const GradientGroup groups[] = {
        [TENSOR_EMBEDDING] = GRADIENT_EMBEDDING, [TENSOR_ATTENTION] = GRADIENT_ATTENTION, [TENSOR_MLP] = GRADIENT_MLP};
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        if (tensor->group == TENSOR_NORM || tensor->group == TENSOR_HEAD)
            continue;
        worker->parts[worker->n_parts++] =
            (GradientPart){groups[tensor->group], tensor->layer, (size_t)tensor->rows * tensor->cols,
                           worker->gradient + tensor->offset};
    }
}

/* ---- memory: laid out on an arena, or counted on one that has none ---- */

static void lay_extras(Arena *arena, unsigned needs, const Model *model, const real *panels, Worker *worker)
{
    const Shape s = measurer_shape(model);
    const size_t layer_maps = (size_t)s.L * s.T * s.T;
    const Parameters *parameters = model_parameters(model);
    if (needs & NEEDS_LAYER_MAPS)
        worker->layer_maps = ARENA_ARRAY(arena, double, layer_maps);
    if (wants_norms(needs))
        worker->norms = ARENA_ARRAY(arena, double, (size_t)N_NORMS *s.L *s.H *s.T);
    if (needs & NEEDS_INTERVENED)
        lay_interventions(arena, model, &worker->surgery);
    if (needs & NEEDS_INTERVENTION)
        worker->ablated_losses = ARENA_ARRAY(arena, real, (size_t)N_ABLATIONS * s.T);
    if (!(needs & NEEDS_GRADIENT))
        return;
    worker->gradient = ARENA_ARRAY(arena, real, parameters->n_values);
    worker->parts = ARENA_ARRAY(arena, GradientPart, parameters->n_tensors);
    worker->backward = workspace_new(arena, model, 1, 1, panels);
    if (worker->parts)
        list_gradient_parts(parameters, worker);
}

static void lay_worker(Arena *arena, const TrainSettings *settings, const Model *model, int least, const real *panels,
                       Worker *worker)
{
    Shape s = measurer_shape(model);
    size_t n = (size_t)measurer_group(&s), heads = n * (size_t)s.L * s.H, rows = heads * s.T * s.D;
    worker->capture.maps = ARENA_ARRAY(arena, real, heads * s.T * s.T);
    worker->capture.q = ARENA_ARRAY(arena, real, rows);
    worker->capture.k = ARENA_ARRAY(arena, real, rows);
    worker->capture.v = ARENA_ARRAY(arena, real, rows);
    worker->capture.heads = ARENA_ARRAY(arena, real, rows);
    worker->capture.residual = ARENA_ARRAY(arena, real, n * (size_t)(s.L + 1) * s.T * s.C);
    worker->capture.normed = ARENA_ARRAY(arena, real, n * (size_t)s.T * s.C);
    worker->capture.losses = ARENA_ARRAY(arena, real, n * (size_t)s.T);
    if (model_n_slots(model) > 0 && (needs_of(settings) & NEEDS_SLOTS))
        worker->capture.slots = ARENA_ARRAY(arena, real, heads * s.T * model_n_slots(model));
    worker->target_maps = settings->measure.targets ? ARENA_ARRAY(arena, real, (size_t)s.L * s.H * s.T * s.T) : NULL;
    worker->bias = least < s.T ? ARENA_ARRAY(arena, real, model_bias_size(model, s.T)) : NULL;
    lay_extras(arena, needs_of(settings), model, panels, worker);
    worker->scratch = arena_within(arena, family_scratch(settings, model, least));
    worker->columns = ARENA_ARRAY(arena, double *, layout_most_columns());
    worker->workspace = workspace_new(arena, model, (int)n, 0, panels);
    worker->sequence = sequence_new(arena, s.T);
}

static void lay_passes(Arena *arena, const TrainSettings *settings, const Model *model, Measurer *measurer)
{
    const Shape s = measurer_shape(model);
    const size_t n = settings->measure.n_sequences, keys = (size_t)s.L * s.H * s.T, map = keys * s.T;
    const size_t importances = n * keys, half_importances = (size_t)measurer->half.n * keys / s.T * (s.T / 2);
    const size_t losses = n * MAX_LOSS_GROUPS;
    Pass *pass = &measurer->pass, *half = &measurer->half_pass;
    pass->n = measurer->full.n, half->n = measurer->half.n;
    pass->length = s.T, half->length = s.T / 2;
    pass->n_maps = settings->snapshot.maps;
    pass->values = ARENA_ARRAY(arena, double, n * measurer->layout.n_values);
    pass->target_values = settings->measure.targets ? ARENA_ARRAY(arena, double, n * measurer->layout.n_values) : NULL;
    pass->importance = ARENA_ARRAY(arena, float, importances);
    pass->afar = ARENA_ARRAY(arena, float, importances *DISTANCES);
    pass->map_sum = measurer->given ? NULL : ARENA_ARRAY(arena, real, MEASURE_LANES * map);
    pass->maps = pass->n_maps ? ARENA_ARRAY(arena, real, pass->n_maps * map) : NULL;
    pass->losses = ARENA_ARRAY(arena, double, losses);
    pass->intervened =
        needs_of(settings) & NEEDS_INTERVENED ? ARENA_ARRAY(arena, double, losses * 2 * N_INTERVENTIONS) : NULL;
    pass->counts = ARENA_ARRAY(arena, double, losses);
    half->importance = ARENA_ARRAY(arena, float, half_importances);
    half->afar = ARENA_ARRAY(arena, float, half_importances *DISTANCES);
}

/* Where neither encoding nor score function learns, position alone gives the same at all steps. */
static int position_is_learned(const Model *model)
{
    return model_settings(model)->position->bias_backward || model_settings(model)->score->prepare;
}

static void lay_biases(Arena *arena, const Model *model, Measurer *measurer)
{
    const Shape s = measurer_shape(model);
    const size_t full = model_bias_size(model, s.T), half = measurer->half.n > 0 ? model_bias_size(model, s.T / 2) : 0;
    measurer->bias = measurer->start_bias = ARENA_ARRAY(arena, real, full);
    measurer->half_bias = measurer->start_half_bias = ARENA_ARRAY(arena, real, half);
    if (!position_is_learned(model))
        return;
    measurer->start_bias = ARENA_ARRAY(arena, real, full);
    measurer->start_half_bias = ARENA_ARRAY(arena, real, half);
}

void measurer_lay(Arena *arena, const TrainSettings *settings, const Model *model, Measurer *measurer)
{
    static const real counted; /* stands for the panels where there is no memory */
    Worker counted_worker = {0};
    const Shape s = measurer_shape(model);
    const size_t keys = (size_t)s.L * s.H * s.T;
    const int least = measurer->least, with_backward = (needs_of(settings) & NEEDS_GRADIENT) != 0;
    measurer->layout = layout_new(arena, s.L, s.H);
    measurer->panels = ARENA_ARRAY(arena, real, model_panels(model, with_backward));
    measurer->n_packs = model_n_packs(model, with_backward);
    lay_set(arena, settings, model, least, s.T, &measurer->full);
    if (!measurer->full.varies && !measurer->given)
        lay_set(arena, settings, model, s.T / 2, s.T / 2, &measurer->half);
    measurer->worker = ARENA_ARRAY(arena, Worker, measurer->n_workers);
    for (int w = 0; w < measurer->n_workers; w++)
        lay_worker(arena, settings, model, least, measurer->panels ? measurer->panels : &counted,
                   measurer->worker ? &measurer->worker[w] : &counted_worker);
    lay_passes(arena, settings, model, measurer);
    measurer->baseline = ARENA_ARRAY(arena, double, keys *(measurer->full.varies ? measurer->full.n : 1));
    measurer->row = ARENA_ARRAY(arena, double, s.T);
    measurer->work = ARENA_ARRAY(arena, double, model_n_slots(model) + s.T);
    lay_biases(arena, model, measurer);
    measurer->output_weights = ARENA_ARRAY(arena, const real *, s.L);
}

static int count_workers(int threads)
{
    return threads < MEASURE_LANES ? threads : MEASURE_LANES;
}

Worker *measurer_worker(Measurer *measurer, int lane, int thread)
{
    return &measurer->worker[lanes_threads(measurer->lanes) <= measurer->n_workers ? thread : lane];
}

size_t measurer_bytes(const TrainSettings *settings, const Model *model, const Data *data, int threads)
{
    Arena *counting = arena_new_counting();
    Measurer measurer = {.n_workers = count_workers(threads), .least = data_least(data)};
    arena_alloc(counting, sizeof measurer);
    measurer_lay(counting, settings, model, &measurer);
    if (position_is_learned(model))
        arena_alloc(counting, model_parameters(model)->n_values * sizeof(real));
    const size_t bytes = arena_used(counting);
    arena_free(counting);
    return bytes;
}

PositionOnly measurer_position_only(const Measurer *measurer, const Set *set, int s)
{
    real *bias = set == &measurer->full ? measurer->start_bias : measurer->start_half_bias;
    if (set->varies)
        model_position_bias(measurer->model, measurer->start, set->lengths[s], bias);
    return (PositionOnly){measurer, bias, set_visible(set, s)};
}

static void position_weights(const void *context, int layer, int head, int i, double *ret_weights)
{
    const PositionOnly *position = context;
    const Measurer *measurer = position->measurer;
    model_position_weights(measurer->model, measurer->start, position->bias, position->visible, layer, head, i,
                           measurer->work, ret_weights);
}

PositionRows measurer_position_rows(const PositionOnly *position)
{
    return (PositionRows){position, position_weights};
}

/* Of the keys of sequence s of the full set, and so of all of its length. */
static void fill_baseline(Measurer *measurer, Arena *scratch, int s)
{
    const Set *set = &measurer->full;
    const Shape shape = measurer_shape(measurer->model);
    const size_t keys = (size_t)shape.L * shape.H * shape.T;
    double *baseline = measurer->baseline + (size_t)s * keys;
    for (int before = 0; before < s; before++)
        if (set->lengths[before] == set->lengths[s]) {
            memcpy(baseline, measurer->baseline + (size_t)before * keys, keys * sizeof *baseline);
            return;
        }
    const View view = measurer_blank_view(measurer->model, set_visible(set, s), NULL);
    const PositionOnly position = measurer_position_only(measurer, set, s);
    const PositionRows rows = measurer_position_rows(&position);
    anchor_baseline(&view, &rows, scratch, baseline);
}

/* What position alone gave at step 0, from the weights' seed and from given weights: who resumes a run, or measures it
 * again, has later parameters only. */
static int make_start(Arena *arena, Measurer *measurer, Error *err)
{
    const Model *model = measurer->model;
    if (!position_is_learned(model))
        return STATUS_OK;
    real *start = ARENA_ARRAY(arena, real, model_parameters(model)->n_values);
    measurer->start = start;
    parameters_initialise(model_parameters(model), measurer->settings->init_seed, start);
    return initial_load(model_settings(model)->settings, model_parameters(model), start, err);
}

void measurer_begin(Measurer *measurer)
{
    const Model *model = measurer->model;
    const int T = model_settings(model)->context_length;
    if (!measurer->full.varies)
        model_position_bias(model, measurer->start, T, measurer->start_bias);
    if (measurer->half.n > 0)
        model_position_bias(model, measurer->start, T / 2, measurer->start_half_bias);
    Arena *scratch = arena_new();
    for (int s = 0; s < (measurer->full.varies ? measurer->full.n : 1); s++)
        fill_baseline(measurer, scratch, s);
    arena_free(scratch);
    const size_t n_cells = (size_t)measurer->full.n * (size_t)measurer->full.length;
    for (size_t i = 0; i < n_cells; i++)
        measurer->has_idle |= measurer->full.idle[i];
}

double measurer_oracle_loss(const Measurer *measurer)
{
    return measurer->oracle_loss;
}

int measurer_new(Arena *arena, const TrainSettings *settings, const Model *model, const Data *data,
                 const Kernels *kernels, Lanes *lanes, Measurer **ret_measurer, Error *err)
{
    Measurer *measurer = arena_alloc(arena, sizeof *measurer);
    measurer->settings = settings, measurer->model = model, measurer->data = data;
    measurer->kernels = kernels, measurer->lanes = lanes;
    measurer->n_workers = count_workers(lanes_threads(lanes));
    measurer->least = data_least(data);
    measurer_lay(arena, settings, model, measurer);
    draw_set(measurer, "measure/half", &measurer->half);
    draw_set(measurer, "measure/full", &measurer->full); /* last: the oracle loss is this set's */
    const int status = make_start(arena, measurer, err);
    if (status != STATUS_OK)
        return status;
    measurer_begin(measurer);
    *ret_measurer = measurer;
    return STATUS_OK;
}
