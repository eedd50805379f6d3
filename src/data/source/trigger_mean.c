/* Trigger-conditional mean: what a head must do at one position only, and how it idles at all others (Ran-Milo,
 * arXiv 2603.11487, section 3 and figure 3: "attention sinks are provably necessary").
 *
 *   content   x_i = [0 ... | n_noise numbers, uniform on (-1, 1) | 1], but at the trigger j the last channel is 0 and
 *             the trigger's is 1; j uniform over all content but the first
 *   BOS, EOS  0 but for a 1 in their own channel
 *   goal      y_j = mean of x_i over content up to and with j (`mean: past`), or over all of it (`all`); elsewhere 0
 *   `base: input` (figures 4-8)  the same, and to every goal its own x_i is added
 *
 * Channels: BOS, trigger, EOS (with `data.eos: always` alone), noise, content; C_in = C_out. Every position has a goal,
 * zeros count; with `goals: trigger` the trigger alone has one. Ids are classes: content 3, trigger 4. What is no
 * trigger is idle. Invariants: the goal follows from the input, so an ideal predictor's loss is 0; the draws are
 * n_noise a content position, in their order, then one.
 */
#include "data/source/source.h"

#include <assert.h>
#include <string.h>

enum { CLASS_CONTENT = TOKEN_CONTENT, CLASS_TRIGGER, N_CLASSES };
enum { GROUP_IDLE, GROUP_TRIGGER };
enum { CHANNEL_BOS, CHANNEL_TRIGGER, CHANNEL_EOS };

typedef enum { MEAN_PAST, MEAN_ALL } Mean;
typedef enum { BASE_ZERO, BASE_INPUT } Base;
typedef enum { GOALS_ALL, GOALS_TRIGGER } Goals;

typedef struct {
    int n_noise;
    Mean mean;
    Base base;
    Goals goals;
    int first_noise, width; /* the channel behind the flags; C_in */
} TriggerMean;

static const char *const means[] = {[MEAN_PAST] = "past", [MEAN_ALL] = "all", NULL};
static const char *const bases[] = {[BASE_ZERO] = "zero", [BASE_INPUT] = "input", NULL};
static const char *const goal_choices[] = {[GOALS_ALL] = "all", [GOALS_TRIGGER] = "trigger", NULL};
static const char *const groups[] = {[GROUP_IDLE] = "idle", [GROUP_TRIGGER] = "trigger", NULL};

static const SchemaRow params[] = {
    {"n_noise", VALUE_INT, "13", 1, 4096, NULL,
     "channels of noise; d_model for `input: identity` is 3 more, 4 with EOS", FIELD(TriggerMean, n_noise)},
    {"mean", VALUE_CHOICE, "past", 0, 0, means,
     "what the trigger asks for the mean of: content up to it, or all content", FIELD(TriggerMean, mean)},
    {"base", VALUE_CHOICE, "zero", 0, 0, bases, "what a goal is beside the mean: nothing, or the position's own input",
     FIELD(TriggerMean, base)},
    {"goals", VALUE_CHOICE, "all", 0, 0, goal_choices,
     "positions that have a goal, zeros among them, or the trigger alone", FIELD(TriggerMean, goals)},
};

static int trigger_mean_prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length,
                                void **ret_state, Error *err)
{
    (void)corpus, (void)length, (void)err;
    TriggerMean *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    const int has_eos = strcmp(settings_text(settings, "data.eos"), "always") == 0;
    state->first_noise = has_eos ? CHANNEL_EOS + 1 : CHANNEL_EOS;
    state->width = state->first_noise + state->n_noise + 1;
    *ret_state = state;
    return STATUS_OK;
}

static int trigger_mean_vocab_size(const void *state)
{
    (void)state;
    return N_CLASSES;
}

static void trigger_mean_widths(const void *state, int *ret_in, int *ret_out)
{
    *ret_in = *ret_out = ((const TriggerMean *)state)->width;
}

/* What every position has: the goal of an idle one. */
static void set_goal(const TriggerMean *state, int i, int group, Sequence *seq)
{
    const size_t C = (size_t)state->width;
    const int is_trigger = group == GROUP_TRIGGER;
    seq->groups[i] = (uint8_t)group;
    seq->labels[i] = is_trigger || state->goals == GOALS_ALL ? seq->ids[i] : -1;
    if (state->base == BASE_INPUT)
        memcpy(seq->goals + (size_t)i * C, seq->vectors + (size_t)i * C, C * sizeof(real));
    else
        memset(seq->goals + (size_t)i * C, 0, C * sizeof(real));
}

static void add_mean(const TriggerMean *state, int first, int end, Sequence *seq, int trigger)
{
    real *goal = seq->goals + (size_t)trigger * (size_t)state->width;
    for (int c = 0; c < state->width; c++) {
        double sum = 0;
        for (int i = first; i < end; i++)
            sum += (double)seq->vectors[(size_t)i * (size_t)state->width + (size_t)c];
        goal[c] += (real)(sum / (end - first));
    }
}

static void trigger_mean_next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const TriggerMean *state = opaque;
    const int C = state->width;
    for (int i = first; i < first + length; i++) {
        real *x = seq->vectors + (size_t)i * (size_t)C;
        memset(x, 0, (size_t)C * sizeof *x);
        for (int c = state->first_noise; c < C - 1; c++)
            x[c] = (real)(2 * pcg_uniform(pcg) - 1);
        x[C - 1] = 1;
        seq->ids[i] = CLASS_CONTENT;
        seq->flags[i] |= FLAG_IDLE;
    }
    const int j = length > 1 ? first + 1 + (int)pcg_below(pcg, (uint32_t)(length - 1)) : first;
    real *x = seq->vectors + (size_t)j * (size_t)C;
    x[CHANNEL_TRIGGER] = 1, x[C - 1] = 0;
    seq->ids[j] = CLASS_TRIGGER;
    seq->flags[j] = (uint8_t)(seq->flags[j] & ~FLAG_IDLE);
    for (int i = first; i < first + length; i++)
        set_goal(state, i, i == j ? GROUP_TRIGGER : GROUP_IDLE, seq);
    add_mean(state, first, state->mean == MEAN_PAST ? j + 1 : first + length, seq, j);
}

static void trigger_mean_frame(const void *opaque, int i, Sequence *seq)
{
    const TriggerMean *state = opaque;
    real *x = seq->vectors + (size_t)i * (size_t)state->width;
    assert(seq->ids[i] == TOKEN_BOS || state->first_noise > CHANNEL_EOS);
    memset(x, 0, (size_t)state->width * sizeof *x);
    x[seq->ids[i] == TOKEN_BOS ? CHANNEL_BOS : CHANNEL_EOS] = 1;
    set_goal(state, i, GROUP_IDLE, seq);
    seq->flags[i] |= seq->labels[i] >= 0 ? FLAG_IDLE : 0;
}

static double trigger_mean_oracle_loss(const void *state, Part part, int length, int first_is_target,
                                       double *ret_groups)
{
    (void)state, (void)part, (void)length, (void)first_is_target;
    if (ret_groups)
        ret_groups[GROUP_IDLE] = ret_groups[GROUP_TRIGGER] = 0;
    return 0;
}

static double trigger_mean_ideal_loss(const void *state, const Sequence *seq, int first, int i)
{
    (void)state, (void)seq, (void)first, (void)i;
    return 0;
}

static const char *trigger_mean_token_text(const void *state, int id)
{
    static const char *const texts[] = {"<bos>", "<eos>", "<mask>", "content", "trigger"};
    (void)state;
    return texts[id];
}

const Source source_trigger_mean = {
    .variant = {.name = "trigger_mean",
                .summary = "vectors; at one trigger the mean of the content is asked for, elsewhere nothing",
                .source = "Ran-Milo, arXiv 2603.11487, section 3",
                PARAMS(params)},
    .has_labels = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .groups = groups,
    .prepare = trigger_mean_prepare,
    .vocab_size = trigger_mean_vocab_size,
    .next = trigger_mean_next,
    .widths = trigger_mean_widths,
    .frame = trigger_mean_frame,
    .oracle_loss = trigger_mean_oracle_loss,
    .ideal_loss = trigger_mean_ideal_loss,
    .token_text = trigger_mean_token_text,
};
