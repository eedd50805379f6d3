/* What the measuring driver holds: its memory, counted and taken by the same lines, and the measuring sets. */
#include "train/measurer.h"

#include <math.h>
#include <string.h>

#include "model/mask/mask.h"

Shape measurer_shape(const Model *model)
{
    const ModelSettings *m = model_settings(model);
    return (Shape){m->n_layers, m->n_heads, m->d_model, m->d_head, m->context_length};
}

View measurer_blank_view(const Shape *shape, int length, int is_causal)
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
    Shape shape = measurer_shape(model);
    View view = measurer_blank_view(&shape, shape.T, model_settings(model)->mask->is_causal);
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
    Shape s = measurer_shape(model);
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

/* Everything but the struct itself and its layout. */
static void take_all(Taker *taker, const TrainSettings *settings, const Model *model, Measurer *measurer)
{
    Shape s = measurer_shape(model);
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
    Shape s = measurer_shape(model);
    Measurer measurer = {.layout = layout_new(arena, s.L, s.H)};
    Taker counter = {0};
    take_all(&counter, settings, model, &measurer);
    arena_free(arena);
    return arena_rounded(sizeof measurer) + layout_bytes() + counter.bytes;
}

/* ---- the measuring sets ---- */

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
    Shape s = measurer_shape(model);
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
