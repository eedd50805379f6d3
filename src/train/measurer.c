/* What the measuring driver holds: its memory, counted and taken by the same lines, and the measuring sets. */
#include "train/measurer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "geometry/anchor.h"
#include "model/position/position.h"
#include "model/score/score.h"

Shape measurer_shape(const Model *model)
{
    const ModelSettings *m = model_settings(model);
    return (Shape){m->n_layers, m->n_heads, m->d_model, m->d_head, m->context_length};
}

View measurer_blank_view(const Shape *shape, const Visible *visible, const Kernels *kernels)
{
    return view_shape(shape->L, shape->H, shape->C, shape->D, visible, kernels);
}

static size_t family_scratch(const TrainSettings *settings, const Model *model)
{
    Shape shape = measurer_shape(model);
    const View view = measurer_blank_view(&shape, &(Visible){.length = shape.T}, NULL);
    return layout_scratch_bytes(settings->measure.states, &view);
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

/* The group and layer of a tensor by its name (model/README.md); 0 if it belongs to none. */
static int gradient_part_of(const Tensor *tensor, GradientPart *ret_part)
{
    static const struct {
        const char *word;
        GradientGroup group;
    } words[] = {{"attention.q.", GRADIENT_ATTENTION}, {"attention.k.", GRADIENT_ATTENTION},
                 {"attention.v.", GRADIENT_ATTENTION}, {"attention.out.", GRADIENT_ATTENTION},
                 {"mlp.gate.", GRADIENT_MLP},          {"mlp.up.", GRADIENT_MLP},
                 {"mlp.down.", GRADIENT_MLP}};
    int layer, at = 0;
    *ret_part = (GradientPart){GRADIENT_EMBEDDING, -1, (size_t)tensor->rows * tensor->cols, NULL};
    if (strncmp(tensor->name, "embedding.", strlen("embedding.")) == 0)
        return 1;
    if (sscanf(tensor->name, "blocks.%d.%n", &layer, &at) != 1)
        return 0;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        if (strncmp(tensor->name + at, words[w].word, strlen(words[w].word)) == 0) {
            ret_part->group = words[w].group, ret_part->layer = layer;
            return 1;
        }
    return 0;
}

static void list_gradient_parts(const Parameters *parameters, Worker *worker)
{
    for (int t = 0; t < parameters->n_tensors; t++) {
        GradientPart part;
        if (!gradient_part_of(&parameters->tensors[t], &part))
            continue;
        part.values = worker->gradient + parameters->tensors[t].offset;
        worker->parts[worker->n_parts++] = part;
    }
}

/* Takes memory from an arena, or, without one, only adds up what it would take: sizes are written down once. */
typedef struct {
    Arena *arena;
    size_t bytes;
} Taker;

static void *take(Taker *taker, size_t bytes)
{
    taker->bytes += arena_rounded(bytes);
    return taker->arena ? arena_alloc(taker->arena, bytes) : NULL;
}

static void take_set(Taker *taker, const TrainSettings *settings, int length, Set *set)
{
    size_t n = settings->measure.n_sequences, cells = n * length;
    set->n = (int)n, set->length = length;
    set->inputs = take(taker, cells * sizeof *set->inputs);
    set->corrupted = settings->objective->corrupts ? take(taker, cells * sizeof *set->corrupted) : NULL;
    set->targets = take(taker, cells * sizeof *set->targets);
    set->idle = take(taker, cells);
    set->unmasked = settings->objective->corrupts ? take(taker, cells) : NULL;
    set->groups = take(taker, cells);
    set->ends = take(taker, n * sizeof *set->ends);
}

static void take_extras(Taker *taker, unsigned needs, const Model *model, const real *panels, Worker *worker)
{
    Shape s = measurer_shape(model);
    const Parameters *parameters = model_parameters(model);
    if (needs & NEEDS_LAYER_MAPS)
        worker->layer_maps = take(taker, (size_t)s.L * s.T * s.T * sizeof *worker->layer_maps);
    if (needs & NEEDS_INTERVENTION)
        worker->ablated_losses = take(taker, (size_t)N_ABLATIONS * s.T * sizeof *worker->ablated_losses);
    if (!(needs & NEEDS_GRADIENT))
        return;
    worker->gradient = take(taker, parameters->n_values * sizeof *worker->gradient);
    worker->parts = take(taker, parameters->n_tensors * sizeof *worker->parts);
    taker->bytes += workspace_bytes(model, 1, 1, 1);
    if (taker->arena) {
        worker->backward = workspace_new(taker->arena, model, 1, 1, panels);
        list_gradient_parts(parameters, worker);
    }
}

static void take_scratch(Taker *taker, size_t bytes, Worker *worker)
{
    Arena *counting = arena_new_counting();
    arena_within(counting, bytes);
    taker->bytes += arena_used(counting);
    arena_free(counting);
    if (taker->arena)
        worker->scratch = arena_within(taker->arena, bytes);
}

static void take_visible(Taker *taker, const MaskRule *rule, int length, Visible *ret_visible)
{
    Arena *counting = arena_new_counting();
    *ret_visible = visible_new(counting, rule, length);
    taker->bytes += arena_used(counting);
    arena_free(counting);
    if (taker->arena)
        *ret_visible = visible_new(taker->arena, rule, length);
}

static void take_worker(Taker *taker, const TrainSettings *settings, const Model *model, const real *panels,
                        Worker *worker)
{
    Shape s = measurer_shape(model);
    size_t n = (size_t)measurer_group(&s), heads = n * (size_t)s.L * s.H, rows = heads * s.T * s.D;
    worker->capture.maps = take(taker, heads * s.T * s.T * sizeof(real));
    worker->capture.q = take(taker, rows * sizeof(real));
    worker->capture.k = take(taker, rows * sizeof(real));
    worker->capture.v = take(taker, rows * sizeof(real));
    worker->capture.heads = take(taker, rows * sizeof(real));
    worker->capture.residual = take(taker, n * (size_t)(s.L + 1) * s.T * s.C * sizeof(real));
    worker->capture.normed = take(taker, n * (size_t)s.T * s.C * sizeof(real));
    worker->capture.losses = take(taker, n * (size_t)s.T * sizeof(real));
    take_extras(taker, needs_of(settings), model, panels, worker);
    take_scratch(taker, family_scratch(settings, model), worker);
    worker->columns = take(taker, layout_most_columns() * sizeof *worker->columns);
    taker->bytes += workspace_bytes(model, (int)n, 0, 1) + sequence_bytes(s.T);
    if (taker->arena) {
        worker->workspace = workspace_new(taker->arena, model, (int)n, 0, panels);
        worker->sequence = sequence_new(taker->arena, s.T);
    }
}

static void take_passes(Taker *taker, const TrainSettings *settings, const Model *model, Measurer *measurer)
{
    Shape s = measurer_shape(model);
    size_t n = settings->measure.n_sequences, heads = (size_t)s.L * s.H, map = heads * s.T * s.T;
    Pass *pass = &measurer->pass, *half = &measurer->half_pass;
    pass->n = half->n = (int)n;
    pass->length = s.T, half->length = s.T / 2;
    pass->n_maps = settings->snapshot.maps;
    pass->values = take(taker, n * measurer->layout.n_values * sizeof *pass->values);
    pass->importance = take(taker, n * heads * s.T * sizeof *pass->importance);
    pass->map_sum = take(taker, MEASURE_LANES * map * sizeof *pass->map_sum);
    pass->maps = pass->n_maps ? take(taker, pass->n_maps * map * sizeof *pass->maps) : NULL;
    pass->losses = take(taker, n * MAX_LOSS_GROUPS * sizeof *pass->losses);
    pass->counts = take(taker, n * MAX_LOSS_GROUPS * sizeof *pass->counts);
    half->importance = take(taker, n * heads * half->length * sizeof *half->importance);
}

/* Where neither encoding nor score function learns, position alone gives the same at all steps. */
static void take_biases(Taker *taker, const Model *model, Measurer *measurer)
{
    Shape s = measurer_shape(model);
    const size_t full = model_bias_size(model, s.T) * sizeof(real),
                 half = model_bias_size(model, s.T / 2) * sizeof(real);
    measurer->bias = measurer->start_bias = take(taker, full);
    measurer->half_bias = measurer->start_half_bias = take(taker, half);
    if (!model_settings(model)->position->bias_backward && !model_settings(model)->score->prepare)
        return;
    measurer->start_bias = take(taker, full);
    measurer->start_half_bias = take(taker, half);
    measurer->start = take(taker, model_parameters(model)->n_values * sizeof *measurer->start);
}

/* Everything but the struct itself and its layout. */
static void take_all(Taker *taker, const TrainSettings *settings, const Model *model, Measurer *measurer)
{
    Shape s = measurer_shape(model);
    const unsigned needs = needs_of(settings);
    const int with_backward = (needs & NEEDS_GRADIENT) != 0;
    measurer->panels = take(taker, model_panels(model, with_backward) * sizeof *measurer->panels);
    measurer->n_packs = model_n_packs(model, with_backward);
    take_set(taker, settings, s.T, &measurer->full);
    take_set(taker, settings, s.T / 2, &measurer->half);
    for (int w = 0; w < measurer->n_workers; w++)
        take_worker(taker, settings, model, measurer->panels, &measurer->worker[w]);
    take_visible(taker, model_mask_rule(model), s.T / 2, &measurer->half_visible);
    take_passes(taker, settings, model, measurer);
    measurer->baseline = take(taker, (size_t)s.L * s.H * s.T * sizeof *measurer->baseline);
    measurer->row = take(taker, (size_t)s.T * sizeof *measurer->row);
    take_biases(taker, model, measurer);
    measurer->output_weights = take(taker, s.L * sizeof *measurer->output_weights);
}

static int count_workers(int threads)
{
    return threads < MEASURE_LANES ? threads : MEASURE_LANES;
}

Worker *measurer_worker(Measurer *measurer, int lane, int thread)
{
    return &measurer->worker[lanes_threads(measurer->lanes) <= measurer->n_workers ? thread : lane];
}

size_t measurer_bytes(const TrainSettings *settings, const Model *model, int threads)
{
    Arena *arena = arena_new();
    Shape s = measurer_shape(model);
    Measurer measurer = {.layout = layout_new(arena, s.L, s.H), .n_workers = count_workers(threads)};
    Taker counter = {0};
    take_all(&counter, settings, model, &measurer);
    arena_free(arena);
    return arena_rounded(sizeof measurer) + layout_bytes() + counter.bytes;
}

PositionOnly measurer_position_only(const Measurer *measurer, const Set *set)
{
    const int is_full = set == &measurer->full;
    return (PositionOnly){measurer, is_full ? measurer->start_bias : measurer->start_half_bias,
                          is_full ? model_visible(measurer->model) : &measurer->half_visible};
}

static void position_weights(const void *context, int layer, int head, int i, double *ret_weights)
{
    const PositionOnly *position = context;
    const Measurer *measurer = position->measurer;
    model_position_weights(measurer->model, measurer->start, position->bias, position->visible, layer, head, i,
                           ret_weights);
}

PositionRows measurer_position_rows(const PositionOnly *position)
{
    return (PositionRows){position, position_weights};
}

/* What position alone gave at step 0, from the seed: who resumes a run, or measures it again, has later parameters
 * only. */
static void fill_start(Measurer *measurer)
{
    const Model *model = measurer->model;
    const int T = model_settings(model)->context_length;
    if (measurer->start)
        parameters_initialise(model_parameters(model), measurer->settings->seed, measurer->start);
    model_position_bias(model, measurer->start, T, measurer->start_bias);
    model_position_bias(model, measurer->start, T / 2, measurer->start_half_bias);
    const Shape s = measurer_shape(model);
    const View shape = measurer_blank_view(&s, model_visible(model), NULL);
    const PositionOnly position = measurer_position_only(measurer, &measurer->full);
    const PositionRows rows = measurer_position_rows(&position);
    Arena *scratch = arena_new();
    anchor_baseline(&shape, &rows, scratch, measurer->baseline);
    arena_free(scratch);
}

/* ---- the measuring sets ---- */

/* Ideal loss summed over a sequence's targets: `next` predicts the token behind, `labelled` what follows from the
 * whole. */
static double ideal_loss(const Measurer *measurer, const Sequence *seq, const int32_t *targets)
{
    double sum = 0;
    for (int i = 0; i < seq->length; i++)
        if (targets[i] >= 0)
            sum += data_ideal_loss(measurer->data, seq, measurer->settings->objective->needs_labels ? i : i + 1);
    return sum;
}

static void draw_set(Measurer *measurer, const char *stream, Set *set)
{
    const TrainSettings *settings = measurer->settings;
    Pcg draws = pcg_named(settings->seed, stream), masks = pcg_named(settings->seed, "measure/mask");
    Sequence seq = measurer->worker[0].sequence;
    int T = set->length, vocab_size = model_settings(measurer->model)->vocab_size, n_targets = 0;
    double ideal = 0;
    seq.length = T;
    for (int s = 0; s < set->n; s++) {
        size_t row = (size_t)s * T;
        data_next(measurer->data, PART_HELD_OUT, T, &draws, &seq);
        int32_t *objective_inputs = set->corrupted ? set->corrupted + row : set->inputs + row;
        settings->objective->make(settings->settings, vocab_size, &seq, &masks, objective_inputs, set->targets + row,
                                  set->groups + row);
        memcpy(set->inputs + row, seq.ids, (size_t)T * sizeof *seq.ids);
        ideal += set->corrupted ? NAN : ideal_loss(measurer, &seq, set->targets + row);
        set->ends[s] = -1;
        for (int i = 0; i < T; i++) {
            n_targets += set->targets[row + i] >= 0;
            set->idle[row + i] = (seq.flags[i] & FLAG_IDLE) != 0;
            if (seq.flags[i] & FLAG_END)
                set->ends[s] = i;
            if (set->corrupted)
                set->unmasked[row + i] = set->idle[row + i] && set->targets[row + i] < 0;
        }
    }
    measurer->oracle_loss = n_targets ? ideal / n_targets : NAN;
}

double measurer_oracle_loss(const Measurer *measurer)
{
    return measurer->oracle_loss;
}

void measurer_new(Arena *arena, const TrainSettings *settings, const Model *model, const Data *data, Lanes *lanes,
                  Measurer **ret_measurer)
{
    Shape s = measurer_shape(model);
    Measurer *measurer = arena_alloc(arena, sizeof *measurer);
    measurer->settings = settings, measurer->model = model, measurer->data = data, measurer->lanes = lanes;
    measurer->layout = layout_new(arena, s.L, s.H);
    measurer->n_workers = count_workers(lanes_threads(lanes));
    Taker taker = {arena, 0};
    take_all(&taker, settings, model, measurer);
    fill_start(measurer);
    draw_set(measurer, "measure/half", &measurer->half);
    draw_set(measurer, "measure/full", &measurer->full); /* last: the oracle loss is this set's */
    for (int i = 0; i < measurer->full.n * s.T; i++)
        measurer->has_idle |= measurer->full.idle[i];
    *ret_measurer = measurer;
}
