/* Passes over the measuring sets: capture, View, families; then the snapshot. */
#include "train/measure.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "geometry/metric.h"
#include "model/mask/mask.h"
#include "store/run.h"
#include "train/snapshot.h"

/* One set of sequences, drawn once. */
typedef struct {
    int n, length;
    int32_t *inputs, *corrupted; /* (n,length); corrupted is NULL unless the objective corrupts */
    int32_t *targets;            /* (n,length) of the objective */
    uint8_t *idle, *unmasked;    /* (n,length): idle queries; idle ones that the corruption left alone */
    uint8_t *groups;             /* (n,length) */
    int *ends;                   /* (n,) position of the end marker, -1 none */
} Set;

typedef struct {
    Workspace *workspace;
    Capture capture;      /* of one sequence of full length */
    void *scratch;        /* for families */
    double **columns;     /* for one family's measure */
    Sequence sequence;
} Lane;

struct Measurer {
    const TrainSettings *settings;
    const Model *model;
    const Data *data;
    Lanes *lanes;
    Layout layout;
    Set full, half;
    int has_idle;
    double oracle_loss;              /* nats per target on the full set */
    Lane lane[MEASURE_LANES];
    Pass pass, half_pass;
    real *bias, *half_bias;          /* (L,H,2T-1) */
    const real **output_weights;     /* (L,) */
    const real *parameters;          /* of the snapshot under way */
    int uses_corrupted;              /* the pass under way looks at corrupted inputs */
};

/* ---- memory ------------------------------------------------------------------------------------------------------ */

typedef struct {
    int L, H, C, D, T;
} Shape;

static Shape shape_of(const Model *model)
{
    const ModelSettings *m = model_settings(model);
    return (Shape){m->n_layers, m->n_heads, m->d_model, m->d_head, m->context_length};
}

static View view_of(const Shape *shape, int length, int is_causal)
{
    return (View){.n_layers = shape->L,
                  .n_heads = shape->H,
                  .d_model = shape->C,
                  .d_head = shape->D,
                  .length = length,
                  .is_causal = is_causal,
                  .end = -1};
}

static size_t family_scratch(const Model *model)
{
    Shape shape = shape_of(model);
    View view = view_of(&shape, shape.T, model_settings(model)->mask->is_causal);
    size_t largest = 0;
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        size_t bytes = (*family)->scratch_bytes ? (*family)->scratch_bytes(&view) : 0;
        largest = bytes > largest ? bytes : largest;
    }
    return largest;
}

static int most_columns(void)
{
    int most = 0;
    for (const MetricFamily *const *family = family_registry; *family; family++)
        most = (*family)->n_columns > most ? (*family)->n_columns : most;
    return most;
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

static void take_lane(Taker *taker, const Model *model, Lane *lane)
{
    Shape s = shape_of(model);
    size_t heads = (size_t)s.L * s.H, rows = heads * s.T * s.D;
    lane->capture.maps = take(taker, heads * s.T * s.T * sizeof(real));
    lane->capture.q = take(taker, rows * sizeof(real));
    lane->capture.k = take(taker, rows * sizeof(real));
    lane->capture.v = take(taker, rows * sizeof(real));
    lane->capture.residual = take(taker, (size_t)(s.L + 1) * s.T * s.C * sizeof(real));
    lane->capture.losses = take(taker, (size_t)s.T * sizeof(real));
    lane->scratch = take(taker, family_scratch(model));
    lane->columns = take(taker, most_columns() * sizeof *lane->columns);
    taker->bytes += workspace_bytes(model, 1, 0) + sequence_bytes(s.T);
    if (taker->arena) {
        lane->workspace = workspace_new(taker->arena, model, 1, 0);
        lane->sequence = sequence_new(taker->arena, s.T);
    }
}

static void take_passes(Taker *taker, const TrainSettings *settings, const Model *model, Measurer *measurer)
{
    Shape s = shape_of(model);
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

/* Everything but the struct itself and its layout. */
static void take_all(Taker *taker, const TrainSettings *settings, const Model *model, Measurer *measurer)
{
    Shape s = shape_of(model);
    take_set(taker, settings, s.T, &measurer->full);
    take_set(taker, settings, s.T / 2, &measurer->half);
    for (int l = 0; l < MEASURE_LANES; l++)
        take_lane(taker, model, &measurer->lane[l]);
    take_passes(taker, settings, model, measurer);
    measurer->bias = take(taker, (size_t)s.L * s.H * (2 * s.T) * sizeof(real));
    measurer->half_bias = take(taker, (size_t)s.L * s.H * s.T * sizeof(real));
    measurer->output_weights = take(taker, s.L * sizeof *measurer->output_weights);
}

size_t measurer_bytes(const TrainSettings *settings, const Model *model)
{
    Arena *arena = arena_new();
    Shape s = shape_of(model);
    Measurer measurer = {.layout = layout_new(arena, s.L, s.H)};
    Taker counter = {0};
    take_all(&counter, settings, model, &measurer);
    arena_free(arena);
    return arena_rounded(sizeof measurer) + layout_bytes() + counter.bytes;
}

/* ---- the measuring set -------------------------------------------------------------------------------------------- */

/* Ideal loss summed over a sequence's targets: `next` predicts the token behind, `labelled` what follows from the whole. */
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
    Sequence seq = measurer->lane[0].sequence;
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
    Shape s = shape_of(model);
    Measurer *measurer = arena_alloc(arena, sizeof *measurer);
    measurer->settings = settings, measurer->model = model, measurer->data = data, measurer->lanes = lanes;
    measurer->layout = layout_new(arena, s.L, s.H);
    Taker taker = {arena, 0};
    take_all(&taker, settings, model, measurer);
    draw_set(measurer, "measure/half", &measurer->half);
    draw_set(measurer, "measure/full", &measurer->full); /* last: the oracle loss is this set's */
    for (int i = 0; i < measurer->full.n * s.T; i++)
        measurer->has_idle |= measurer->full.idle[i];
    *ret_measurer = measurer;
}

/* ---- passes ---------------------------------------------------------------------------------------------------------- */

/* Runs every family on a view, into one row of values. */
static void measure_view(const Layout *layout, const View *view, Lane *lane, int maps_only, double *row)
{
    const Place *place = layout->places;
    for (const MetricFamily *const *family = family_registry; *family; family++) {
        for (int c = 0; c < (*family)->n_columns; c++, place++) {
            lane->columns[c] = row + place->offset;
            for (int i = 0; i < place->size; i++)
                lane->columns[c][i] = NAN;
        }
        int sees_maps_only = ((*family)->needs & ~(unsigned)(NEEDS_MAPS | NEEDS_TOKENS)) == 0;
        if (sees_maps_only || !maps_only)
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

static View sequence_view(const Measurer *measurer, const Set *set, int s, const Capture *capture, int is_corrupted)
{
    Shape shape = shape_of(measurer->model);
    View view = view_of(&shape, set->length, model_settings(measurer->model)->mask->is_causal);
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
    Shape s = shape_of(measurer->model);
    size_t heads = (size_t)s.L * s.H, map = heads * s.T * s.T;
    real *map_sum = pass->map_sum + (size_t)index * map;
    memset(map_sum, 0, map * sizeof *map_sum);
    int first = index * set->n / MEASURE_LANES, end = (index + 1) * set->n / MEASURE_LANES;
    for (int n = first; n < end; n++) {
        const int32_t *targets = set->targets + (size_t)n * s.T;
        View view = sequence_view(measurer, set, n, &lane->capture, measurer->uses_corrupted);
        model_capture(measurer->model, measurer->parameters, view.tokens, targets, s.T, lane->workspace, &lane->capture);
        measure_view(&measurer->layout, &view, lane, 0, pass->values + (size_t)n * measurer->layout.n_values);
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
        View view = sequence_view(measurer, set, n, &maps_only, measurer->uses_corrupted);
        model_capture(measurer->model, measurer->parameters, view.tokens, NULL, set->length, lane->workspace, &maps_only);
        anchor_importance(&view, measurer->half_pass.importance + (size_t)n * heads * set->length);
    }
}

/* Both sets; block 0 of map_sum becomes the mean over the set. */
static void run_passes(Measurer *measurer, int is_corrupted)
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

/* ---- snapshots ------------------------------------------------------------------------------------------------------- */

static void add_importance(NpzWriter *npz, Arena *arena, const char *prefix, const Measurer *measurer)
{
    const Layout *layout = &measurer->layout;
    const Pass *pass = &measurer->pass, *half = &measurer->half_pass;
    npz_add(npz, arena_format(arena, "%simportance", prefix), NPY_FLOAT32, 4,
            (int64_t[]){pass->n, layout->n_layers, layout->n_heads, pass->length}, pass->importance);
    npz_add(npz, arena_format(arena, "%simportance_half", prefix), NPY_FLOAT32, 4,
            (int64_t[]){half->n, layout->n_layers, layout->n_heads, half->length}, half->importance);
}

static void add_loss_groups(NpzWriter *npz, const Data *data)
{
    const char *names[MAX_LOSS_GROUPS];
    int n = data_n_groups(data);
    for (int g = 0; g < n; g++)
        names[g] = data_group_name(data, g);
    npz_add_strings(npz, "loss_groups", n, names);
}

static void add_tokens(NpzWriter *npz, Arena *arena, const Measurer *measurer)
{
    const Set *full = &measurer->full, *half = &measurer->half;
    int n_strings = data_vocab_size(measurer->data);
    const char **strings = ARENA_ARRAY(arena, const char *, n_strings);
    for (int id = 0; id < n_strings; id++)
        strings[id] = data_token_text(measurer->data, id);
    npz_add(npz, "tokens", NPY_INT32, 2, (int64_t[]){full->n, full->length}, full->inputs);
    npz_add(npz, "tokens_half", NPY_INT32, 2, (int64_t[]){half->n, half->length}, half->inputs);
    npz_add_strings(npz, "token_strings", n_strings, strings);
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

static void add_weights(NpzWriter *npz, Arena *arena, const Measurer *measurer)
{
    const Parameters *parameters = model_parameters(measurer->model);
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        npz_add(npz, arena_format(arena, "weights/%s", tensor->name), NPY_FLOAT32, 2,
                (int64_t[]){tensor->rows, tensor->cols}, measurer->parameters + tensor->offset);
    }
}

/* Uniform and position-only attention, measured like any other on every sequence of the set (idle queries differ). */
static int write_baselines(Measurer *measurer, const char *path, Error *err)
{
    static const char *const prefixes[] = {"uniform", "position"};
    Arena *arena = arena_new();
    NpzWriter *npz = npz_new(arena);
    const Layout *layout = &measurer->layout;
    Pass *pass = &measurer->pass;
    Lane *lane = &measurer->lane[0];
    const int64_t L = layout->n_layers, H = layout->n_heads;
    for (int b = 0; b < 2; b++) {
        for (int is_half = 0; is_half < 2; is_half++) {
            const Set *set = is_half ? &measurer->half : &measurer->full;
            Capture maps = {.maps = lane->capture.maps};
            View view = sequence_view(measurer, set, 0, &maps, 0);
            if (b == 0)
                view_uniform_maps(&view, lane->capture.maps);
            else
                view_position_maps(&view, is_half ? measurer->half_bias : measurer->bias, lane->capture.maps);
            float *importance = ARENA_ARRAY(arena, float, L *H *set->length);
            anchor_importance(&view, importance);
            npz_add(npz, arena_format(arena, "%s/importance%s", prefixes[b], is_half ? "_half" : ""), NPY_FLOAT32, 3,
                    (int64_t[]){L, H, set->length}, importance);
            for (int s = 0; s < set->n && !is_half; s++) {
                view = sequence_view(measurer, set, s, &maps, 0);
                measure_view(layout, &view, lane, 1, pass->values + (size_t)s * layout->n_values);
            }
        }
        for (int p = 0; p < layout->n_places; p++) {
            const Place *place = &layout->places[p];
            if (!place->is_attention_only)
                continue;
            double *means = ARENA_ARRAY(arena, double, place->size), mean[3], sd[3];
            for (int i = 0; i < place->size; i++) {
                snapshot_mean(pass, layout->n_values, place->offset + i, mean, sd);
                means[i] = mean[0];
            }
            npz_add(npz, arena_format(arena, "%s/%s", prefixes[b], place->column->name), NPY_FLOAT64,
                    1 + (place->column->level == LEVEL_HEAD), (int64_t[]){L, H}, means);
        }
    }
    int status = npz_write(npz, path, err);
    arena_free(arena);
    return status;
}

static double largest_sink(const Measurer *measurer)
{
    const Place *place = layout_find(&measurer->layout, measurer->has_idle ? "sink_mass_idle" : "sink_mass");
    double largest = NAN, mean[3], sd[3];
    for (int i = 0; place && i < place->size; i++) {
        snapshot_mean(&measurer->pass, measurer->layout.n_values, place->offset + i, mean, sd);
        if (!(mean[0] <= largest))
            largest = mean[0];
    }
    return largest;
}

static void prepare(Measurer *measurer, const real *parameters)
{
    Shape s = shape_of(measurer->model);
    measurer->parameters = parameters;
    model_position_bias(measurer->model, parameters, s.T, measurer->bias);
    model_position_bias(measurer->model, parameters, s.T / 2, measurer->half_bias);
    for (int l = 0; l < s.L; l++)
        measurer->output_weights[l] = model_output_weight(measurer->model, parameters, l);
}

/* One pass and its members: the corrupted inputs' behind "corrupted/", the clean ones' bare. */
static void add_pass(NpzWriter *npz, Arena *arena, Measurer *measurer, const char *prefix, int is_corrupted)
{
    run_passes(measurer, is_corrupted);
    snapshot_add_metrics(npz, arena, prefix, &measurer->layout, &measurer->pass);
    add_importance(npz, arena, prefix, measurer);
}

int measure_snapshot(Measurer *measurer, const real *parameters, const char *run_folder, int64_t step, int64_t tokens,
                     int64_t targets, MeasureSummary *ret_summary, Error *err)
{
    Arena *arena = arena_new();
    NpzWriter *npz = npz_new(arena);
    int n_groups = data_n_groups(measurer->data), status = STATUS_OK;
    double losses[1 + MAX_LOSS_GROUPS];
    const char *baselines = file_join(arena, run_folder, RUN_BASELINES);
    prepare(measurer, parameters);
    if (step == 0 || !file_exists(baselines))
        status = write_baselines(measurer, baselines, err);

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
    add_tokens(npz, arena, measurer);
    add_maps(npz, measurer);
    if (measurer->settings->snapshot.weights)
        add_weights(npz, arena, measurer);

    if (status == STATUS_OK)
        status = npz_write(npz, run_snapshot_path(arena, run_folder, step), err);
    if (status == STATUS_OK)
        *ret_summary = (MeasureSummary){losses[0], largest_sink(measurer)};
    arena_free(arena);
    return status;
}
