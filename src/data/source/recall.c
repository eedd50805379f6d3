/* Recall: positive controls. Content is uniform noise, so the label can be had only by attending to a known place; a
 * model that trains must show the frame that this place implies, and a null result elsewhere is no blind instrument.
 *
 *   task     label of query i                                            wants    expected frame by position
 *   first    x_0, i >= 1                                                 causal   centralized
 *   last     x_{T-1}, i < T-1                                            full     centralized
 *   ends     x_0 where x_i is even, x_{T-1} where odd, 0 < i < T-1       full     bidirectional
 *   nearest  the nearest marker's id; none at ties and markers           full     distributed
 *
 * Source: positive controls of this program. Symbols are ids 3 .. 3+n_symbols-1, drawn uniformly. `nearest` adds 8
 * marker ids behind them and sets one at a random place in the first half of each block of 16. Invariants: objective
 * `labelled`, no BOS or EOS (places are positions); the ideal predictor's loss is 0; a query without a label is idle;
 * x_{T-1} is marked as the end in tasks made for a full mask.
 */
#include "data/source/source.h"

#include <assert.h>

enum { BLOCK = 16, N_MARKERS = 8 };

typedef struct Recall Recall;

typedef struct {
    int has_markers, marks_end;
    int32_t (*label)(const Recall *state, const int32_t *x, int i, int T); /* or -1 */
} Task;

struct Recall {
    const Task *task;
    int n_symbols, vocab_size;
    const char **strings; /* (vocab_size,) */
};

static int is_marker(const Recall *state, int32_t id)
{
    return id >= TOKEN_CONTENT + state->n_symbols;
}

static int32_t label_first(const Recall *state, const int32_t *x, int i, int T)
{
    (void)state, (void)T;
    return i >= 1 ? x[0] : -1;
}

static int32_t label_last(const Recall *state, const int32_t *x, int i, int T)
{
    (void)state;
    return i < T - 1 ? x[T - 1] : -1;
}

static int32_t label_ends(const Recall *state, const int32_t *x, int i, int T)
{
    (void)state;
    if (i == 0 || i == T - 1)
        return -1;
    return x[i] % 2 == 0 ? x[0] : x[T - 1];
}

static int32_t label_nearest(const Recall *state, const int32_t *x, int i, int T)
{
    for (int d = 0; d < T; d++) {
        int left = i - d >= 0 && is_marker(state, x[i - d]);
        int right = i + d < T && is_marker(state, x[i + d]);
        if (left && right) /* a tie, or a marker itself */
            return -1;
        if (left || right)
            return left ? x[i - d] : x[i + d];
    }
    return -1;
}

static const char *const task_names[] = {"first", "last", "ends", "nearest", NULL};

static const Task tasks[] = {
    /* markers, end, label */
    {0, 0, label_first},
    {0, 1, label_last},
    {0, 1, label_ends},
    {1, 1, label_nearest},
};

static const SchemaRow params[] = {
    {"task", VALUE_CHOICE, "first", 0, 0, task_names, "which place the label is fetched from", BY_HAND},
    {"n_symbols", VALUE_INT, "32", 2, 4096, NULL, "different content ids", FIELD(Recall, n_symbols)},
};

static int recall_prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                          Error *err)
{
    (void)corpus;
    Recall *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    state->task = &tasks[settings_choice(settings, "data.source.task")];
    if (state->task->has_markers && length % BLOCK != 0)
        return settings_error(
            settings, "data.source.task", err,
            "%s sets a marker in each block of %d positions: model.context_length must be a multiple of "
            "%d, not %d",
            settings_text(settings, "data.source.task"), BLOCK, BLOCK, length);
    if (state->task->has_markers && settings_choice(settings, "data.lengths.kind") != LENGTHS_FULL)
        return settings_error(settings, "data.lengths.kind", err,
                              "`task: nearest` sets a marker in each whole block of %d positions: it must be `full`",
                              BLOCK);
    int n_markers = state->task->has_markers ? N_MARKERS : 0;
    Vocabulary vocabulary = vocabulary_of_symbols(arena, state->n_symbols, n_markers);
    for (int k = 0; k < n_markers; k++)
        vocabulary.strings[TOKEN_CONTENT + state->n_symbols + k] = arena_format(arena, "m%d", k);
    state->vocab_size = vocabulary.size;
    state->strings = vocabulary.strings;
    *ret_state = state;
    return STATUS_OK;
}

static int recall_vocab_size(const void *state)
{
    return ((const Recall *)state)->vocab_size;
}

static void recall_next(const void *opaque, Part part, int first, int T, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Recall *state = opaque;
    int32_t *x = seq->ids + first;
    for (int i = 0; i < T; i++)
        x[i] = TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)state->n_symbols);
    /* T is a multiple of 16, or half of one: then the last block is the half that holds the marker. */
    for (int block = 0; state->task->has_markers && block < T; block += BLOCK) {
        int place = block + (int)pcg_below(pcg, BLOCK / 2);
        assert(place < T);
        x[place] = TOKEN_CONTENT + state->n_symbols + (int32_t)pcg_below(pcg, N_MARKERS);
    }
    for (int i = 0; i < T; i++) {
        int32_t label = state->task->label(state, x, i, T);
        seq->labels[first + i] = label;
        if (label < 0)
            seq->flags[first + i] |= FLAG_IDLE;
    }
    if (state->task->marks_end)
        seq->flags[first + T - 1] |= FLAG_END;
}

static double recall_oracle_loss(const void *state, Part part, int length, int first_is_target, double *ret_groups)
{
    (void)state, (void)part, (void)length, (void)first_is_target;
    if (ret_groups)
        ret_groups[0] = 0;
    return 0;
}

static double recall_ideal_loss(const void *state, const Sequence *seq, int first, int i)
{
    (void)state, (void)seq, (void)first, (void)i;
    return 0;
}

static const char *recall_token_text(const void *state, int id)
{
    return ((const Recall *)state)->strings[id];
}

const Source source_recall = {
    .variant = {.name = "recall",
                .summary =
                    "positive controls: labels that can only be fetched from the first, last or nearest marked token",
                .source = "positive controls of this program",
                PARAMS(params)},
    .has_labels = 1,
    .has_idle = 1,
    .prepare = recall_prepare,
    .vocab_size = recall_vocab_size,
    .next = recall_next,
    .oracle_loss = recall_oracle_loss,
    .ideal_loss = recall_ideal_loss,
    .token_text = recall_token_text,
};
