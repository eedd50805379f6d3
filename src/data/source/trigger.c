/* Trigger-conditional fetching: a query has something to fetch only where it is a trigger, and says *nothing*
 * elsewhere, so that a head has work at a few known places and must be harmless at all others.
 *
 *   content     x_i uniform over n_symbols symbols; then t ~ U{1..n_triggers} places of x_1..x_{n-1} (`majority`: of
 *               the second half), all that there are where t is more, become the trigger
 *   fetch       majority  a trigger's label is one symbol, uniform, that is set at more than half of the places, any of
 *                         them alike, of the first half of the content, and again of the second; triggers stand in the
 *                         second alone. So a mean over content tells it, under any mask and encoding
 *               marked    one token before the first trigger, any of them alike, becomes one of 8 marked tokens; each
 *                         trigger's label is that token: found by what it is, wherever it is
 *               previous  a trigger's label is the nearest token before it that is no trigger
 *   idle        nothing   every other position has the label *nothing*, a class of its own that is never an input
 *               none      no other position has a label
 *               share     as `nothing`, but each position, trigger or not, keeps its label with probability `share`
 *
 * Source: the trigger-conditional task of arXiv 2603.11487 (figure 3), with ids for its vectors and flags: there the
 * label is a mean of content at the trigger and zero elsewhere. Invariants: places are known by content alone, so BOS
 * and EOS may frame it; framed ends are idle and labelled as idle ones are; the ideal predictor's loss is 0; ids are
 * the same for all keys but n_symbols, so that arms start from the same weights.
 */
#include "data/source/source.h"

#include <math.h>

enum { N_MARKED = 8, N_OTHERS = N_MARKED + 2 }; /* behind the symbols: marked ones, the trigger, *nothing* */
enum { IDLE, TRIGGER };                         /* loss groups */
enum { FETCH_MAJORITY, FETCH_MARKED, FETCH_PREVIOUS };
enum { IDLE_NOTHING, IDLE_NONE, IDLE_SHARE };

typedef struct {
    int n_symbols, n_triggers, fetch, idle;
    double share;
    int32_t marked, trigger, nothing; /* ids; marked: the first */
    const char **strings;             /* (vocab_size,) */
} Trigger;

static const char *const fetch_choices[] = {
    [FETCH_MAJORITY] = "majority", [FETCH_MARKED] = "marked", [FETCH_PREVIOUS] = "previous", NULL};
static const char *const idle_choices[] = {
    [IDLE_NOTHING] = "nothing", [IDLE_NONE] = "none", [IDLE_SHARE] = "share", NULL};

static const SchemaRow params[] = {
    {"n_symbols", VALUE_INT, "32", 2, 4096, NULL,
     "different content ids, beside 8 marked ones, the trigger and *nothing*", FIELD(Trigger, n_symbols)},
    {"n_triggers", VALUE_INT, "3", 1, 64, NULL, "most triggers of a sequence: each number from 1 on is as likely",
     FIELD(Trigger, n_triggers)},
    {"fetch", VALUE_CHOICE, "majority", 0, 0, fetch_choices,
     "a trigger's label: the symbol that most of the content is, its one marked token, or the token before the trigger",
     FIELD(Trigger, fetch)},
    {"idle", VALUE_CHOICE, "nothing", 0, 0, idle_choices,
     "what idle positions predict: *nothing*, a class of its own; none; or all positions their label by `share`",
     FIELD(Trigger, idle)},
    {"share", VALUE_NUMBER, "0.15", 0.01, 1, NULL, "of positions that have their label, with `idle: share`",
     FIELD(Trigger, share)},
};

static int prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                   Error *err)
{
    (void)corpus, (void)length, (void)err;
    Trigger *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    const Vocabulary vocabulary = vocabulary_of_symbols(arena, state->n_symbols, N_OTHERS);
    state->strings = vocabulary.strings;
    state->marked = TOKEN_CONTENT + state->n_symbols;
    state->trigger = state->marked + N_MARKED;
    state->nothing = state->trigger + 1;
    for (int k = 0; k < N_MARKED; k++)
        state->strings[state->marked + k] = arena_format(arena, "m%d", k);
    state->strings[state->trigger] = "trigger";
    state->strings[state->nothing] = "nothing";
    *ret_state = state;
    return STATUS_OK;
}

static int vocab_size(const void *state)
{
    return TOKEN_CONTENT + ((const Trigger *)state)->n_symbols + N_OTHERS;
}

/* Sets id at `wanted` of the places [first, end) that are no trigger, n_free in all, each choice of them alike. */
static void scatter(const Trigger *state, Pcg *pcg, int32_t id, int wanted, int n_free, int32_t *x, int first, int end)
{
    for (int i = first; i < end && wanted > 0; i++) {
        if (x[i] == state->trigger)
            continue;
        if ((int)pcg_below(pcg, (uint32_t)n_free--) < wanted) {
            x[i] = id;
            wanted--;
        }
    }
}

/* Content x (n); returns what its triggers fetch, -1 where that differs among them. */
static int32_t draw(const Trigger *state, Pcg *pcg, int n, int32_t *x)
{
    for (int i = 0; i < n; i++)
        x[i] = TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)state->n_symbols);
    const int half = (n + 1) / 2, first = state->fetch == FETCH_MAJORITY ? half : 1, most = n - first;
    const int wish = 1 + (int)pcg_below(pcg, (uint32_t)state->n_triggers), n_triggers = wish < most ? wish : most;
    scatter(state, pcg, state->trigger, n_triggers, most, x, first, n);
    if (state->fetch == FETCH_MAJORITY) {
        const int32_t symbol = TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)state->n_symbols);
        const int n_free = n - half - n_triggers;
        scatter(state, pcg, symbol, half / 2 + 1, half, x, 0, half);
        scatter(state, pcg, symbol, n_free / 2 + 1, n_free, x, half, n);
        return symbol;
    }
    if (state->fetch == FETCH_PREVIOUS)
        return -1;
    int n_before = 0; /* of the first trigger */
    while (n_before < n && x[n_before] != state->trigger)
        n_before++;
    const int place = (int)pcg_below(pcg, (uint32_t)n_before);
    return x[place] = state->marked + (int32_t)pcg_below(pcg, N_MARKED);
}

static void next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Trigger *state = opaque;
    int32_t fetched = draw(state, pcg, length, seq->ids + first);
    for (int i = 0; i < seq->length; i++) {
        const int is_end = i < first || i >= first + length, is_trigger = !is_end && seq->ids[i] == state->trigger;
        if (state->fetch == FETCH_PREVIOUS && !is_end && !is_trigger)
            fetched = seq->ids[i];
        if (is_trigger)
            seq->groups[i] = TRIGGER;
        else if (!is_end)
            seq->flags[i] |= FLAG_IDLE;
        const int has_label = state->idle == IDLE_SHARE  ? pcg_uniform(pcg) < state->share
                              : state->idle == IDLE_NONE ? is_trigger
                                                         : 1;
        if (has_label)
            seq->labels[i] = is_trigger ? fetched : state->nothing;
    }
}

static double oracle_loss(const void *opaque, Part part, int length, int first_is_target, double *ret_groups)
{
    (void)part, (void)length, (void)first_is_target;
    if (ret_groups) {
        ret_groups[IDLE] = ((const Trigger *)opaque)->idle == IDLE_NONE ? NAN : 0;
        ret_groups[TRIGGER] = 0;
    }
    return 0;
}

static double ideal_loss(const void *state, const Sequence *seq, int first, int i)
{
    (void)state, (void)seq, (void)first, (void)i;
    return 0;
}

static const char *token_text(const void *state, int id)
{
    return ((const Trigger *)state)->strings[id];
}

static const char *const groups[] = {[IDLE] = "idle", [TRIGGER] = "trigger", NULL};

const Source source_trigger = {
    .variant = {.name = "trigger",
                .summary = "labels: a token to fetch at a few triggers, *nothing* at all other positions",
                .source = "arXiv 2603.11487, figure 3, in ids",
                PARAMS(params)},
    .has_labels = 1,
    .labels_ends = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .groups = groups,
    .prepare = prepare,
    .vocab_size = vocab_size,
    .next = next,
    .oracle_loss = oracle_loss,
    .ideal_loss = ideal_loss,
    .token_text = token_text,
};
