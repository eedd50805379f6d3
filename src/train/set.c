/* The measuring sets: their memory, and their sequences. */
#include <math.h>
#include <string.h>

#include "train/measurer.h"

static Widths widths_of(const Model *model)
{
    return (Widths){model_settings(model)->vector_width, model_settings(model)->goal_width};
}

/* What n layouts of a mask take, of sequences of up to `length`. */
static size_t visible_bytes(const Model *model, size_t n, int length)
{
    Arena *counting = arena_new_counting();
    for (size_t s = 0; s < n; s++)
        visible_new(counting, model_mask_rule(model), length);
    const size_t bytes = arena_used(counting);
    arena_free(counting);
    return bytes;
}

void lay_set(Arena *arena, const TrainSettings *settings, const Model *model, int least, int length, Set *set)
{
    size_t n = settings->measure.n_sequences, cells = n * length;
    Batch room = {.n = (int)n, .length = length};
    batch_add_vectors(arena, widths_of(model), &room);
    set->n = (int)n, set->length = length, set->varies = least < length;
    set->vectors = room.vectors, set->goals = room.goals;
    set->inputs = ARENA_ARRAY(arena, int32_t, cells);
    set->corrupted = settings->objective->corrupts ? ARENA_ARRAY(arena, int32_t, cells) : NULL;
    set->targets = ARENA_ARRAY(arena, int32_t, cells);
    set->idle = ARENA_ARRAY(arena, uint8_t, cells);
    set->unmasked = settings->objective->corrupts ? ARENA_ARRAY(arena, uint8_t, cells) : NULL;
    set->groups = ARENA_ARRAY(arena, uint8_t, cells);
    set->ends = ARENA_ARRAY(arena, int, n);
    set->lengths = ARENA_ARRAY(arena, int, n);
    set->visible = ARENA_ARRAY(arena, Visible, set->varies ? n : 1);
    set->room = arena_within(arena, visible_bytes(model, set->varies ? n : 1, length));
    if (set->visible && !set->varies)
        set->visible[0] = visible_new(set->room, model_mask_rule(model), length);
}

int set_count(const Set *set, int position)
{
    int n = 0;
    for (int s = 0; s < set->n; s++)
        n += set->lengths[s] > position;
    return n;
}

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

/* One sequence as the model is given it, and what is said of its positions. */
static void put_sequence(const Measurer *measurer, const Sequence *seq, Pcg *masks, int s, Set *set)
{
    const TrainSettings *settings = measurer->settings;
    const size_t row = (size_t)s * (size_t)set->length;
    int32_t *objective_inputs = set->corrupted ? set->corrupted + row : set->inputs + row;
    for (size_t i = row; i < row + (size_t)set->length; i++) {
        set->inputs[i] = set->targets[i] = -1;
        if (set->corrupted)
            set->corrupted[i] = -1;
    }
    settings->objective->make(settings->objective_state, model_settings(measurer->model)->vocab_size, seq, masks,
                              objective_inputs, set->targets + row, set->groups + row);
    memcpy(set->inputs + row, seq->ids, (size_t)seq->length * sizeof *seq->ids);
    set->lengths[s] = seq->length;
    if (set->varies)
        set->visible[s] = visible_new(set->room, model_mask_rule(measurer->model), seq->length);
    set->ends[s] = -1;
    for (int i = 0; i < seq->length; i++) {
        set->idle[row + i] = (seq->flags[i] & FLAG_IDLE) != 0;
        if (seq->flags[i] & FLAG_END)
            set->ends[s] = i;
        if (set->corrupted)
            set->unmasked[row + i] = set->idle[row + i] && set->targets[row + i] < 0;
    }
}

void put_given_set(Measurer *measurer, Set *set)
{
    const GivenSet *given = measurer->given;
    const int32_t *tokens = given->tokens, *targets = given->targets;
    for (int s = 0; s < given->n; s++) {
        const size_t row = (size_t)s * (size_t)set->length, length = (size_t)given->lengths[s];
        for (size_t i = row; i < row + (size_t)set->length; i++)
            set->inputs[i] = set->targets[i] = -1;
        memcpy(set->inputs + row, tokens, length * sizeof *tokens);
        if (targets)
            memcpy(set->targets + row, targets, length * sizeof *targets);
        set->lengths[s] = (int)length, set->ends[s] = -1;
        if (set->varies)
            set->visible[s] = visible_new(set->room, model_mask_rule(measurer->model), (int)length);
        tokens += length, targets = targets ? targets + length : NULL;
    }
}

void draw_set(Measurer *measurer, const char *stream, Set *set)
{
    Pcg draws = pcg_named(measurer->settings->data_seed, stream);
    Pcg masks = pcg_named(measurer->settings->data_seed, "measure/mask");
    Sequence seq = measurer->worker[0].sequence;
    const int is_known = settings_know_ideal(measurer->settings, data_source(measurer->data));
    const Batch room = {.n = set->n, .length = set->length, .vectors = set->vectors, .goals = set->goals};
    double ideal = 0;
    int n_targets = 0;
    for (int s = 0; s < set->n; s++) {
        const int32_t *targets = set->targets + (size_t)s * (size_t)set->length;
        sequence_write_to(&seq, &room, widths_of(measurer->model), s);
        data_next(measurer->data, PART_HELD_OUT, set->length, &draws, &seq);
        put_sequence(measurer, &seq, &masks, s, set);
        ideal += is_known ? ideal_loss(measurer, &seq, targets) : (double)NAN;
        for (int i = 0; i < seq.length; i++)
            n_targets += targets[i] >= 0;
    }
    measurer->oracle_loss = n_targets ? ideal / n_targets : NAN;
}
