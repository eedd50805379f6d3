/* Bigram-backcopy: a task whose queries have something to fetch only behind a trigger, so that a sink can be seen to
 * form on all others.
 *
 *   x_0 ~ unigram without triggers;   x_{i+1} = x_{i-1} if x_i is a trigger, else x_{i+1} ~ bigram(x_i)
 *
 * Source: Guo et al., "Active-Dormant Attention Heads", arXiv 2410.13835, section 2. Unigram and bigram are the
 * unsmoothed character counts of the corpus's training part; the triggers are its n_triggers most frequent characters
 * (ties: the smaller id); a character is whatever data.tokenizer makes a token. It is a generative source: held-out
 * sequences come from the same distribution, by another stream.
 *
 * Invariant: no two triggers stand side by side. If x_{i-1} and x_i were the first such pair, x_i would be a copy of
 * x_{i-2}, so x_{i-2} and x_{i-1} would be an earlier one; and x_0 is no trigger. Hence what follows a trigger is the
 * non-trigger before it, and the pair state (x_{i-1}, x_i) that the chain needs splits into one number per character.
 */
#include <math.h>

#include "data/source/rows.h"
#include "data/source/source.h"

enum { BIGRAM, COPY }; /* loss groups of a target: drawn (x_0 too), or copied */

typedef struct {
    Rows bigram;
    Rows first;                /* one row: x_0 */
    unsigned char *is_trigger; /* (V,) */
    double *p_drawn;           /* (length,) P(x_i is drawn, not copied) */
    double *entropy;           /* (length,) E[entropy of its distribution; drawn], nats */
} Backcopy;

/* Propagates the chain. With m_i(c) = P(x_i = c) for characters c that are no triggers, and P(c, d) the bigram,
 *
 *   m_{i+1}(d) = sum_c m_i(c) P(c, d)  [drawn]  +  m_{i-1}(d) sum_{t trigger} P(d, t)  [d, trigger, d again]
 *   P(x_{i+1} drawn) = sum_c m_i(c),   its expected entropy = sum_c m_i(c) H(P(c, .))
 */
static void propagate(Backcopy *state, int length)
{
    const Rows *rows = &state->bigram;
    int V = rows->V;
    Arena *scratch = arena_new();
    double *before = ARENA_ARRAY(scratch, double, V), *now = ARENA_ARRAY(scratch, double, V);
    double *next = ARENA_ARRAY(scratch, double, V);
    double *entropy = ARENA_ARRAY(scratch, double, V), *p_trigger = ARENA_ARRAY(scratch, double, V);
    for (int c = 0; c < V; c++) {
        entropy[c] = rows_entropy(rows, c);
        for (int k = rows->starts[c]; k < rows->starts[c + 1]; k++)
            p_trigger[c] += state->is_trigger[rows->ids[k]] ? rows_probability(rows, c, k) : 0;
    }
    for (int k = 0; k < state->first.starts[1]; k++)
        now[state->first.ids[k]] = rows_probability(&state->first, 0, k);
    state->p_drawn[0] = 1;
    state->entropy[0] = rows_entropy(&state->first, 0);
    for (int i = 1; i < length; i++) {
        for (int d = 0; d < V; d++)
            next[d] = before[d] * p_trigger[d];
        for (int c = 0; c < V; c++) {
            state->p_drawn[i] += now[c];
            state->entropy[i] += now[c] * entropy[c];
            for (int k = rows->starts[c]; now[c] > 0 && k < rows->starts[c + 1]; k++)
                if (!state->is_trigger[rows->ids[k]])
                    next[rows->ids[k]] += now[c] * rows_probability(rows, c, k);
        }
        double *spare = before;
        before = now, now = next, next = spare;
    }
    arena_free(scratch);
}

/* Marks the n most frequent characters and clears their counts, which leaves those of x_0. */
static void take_triggers(uint32_t *counts, int V, int n, unsigned char *ret_is_trigger)
{
    for (; n > 0; n--) {
        int best = 0;
        for (int c = 1; c < V; c++)
            if (counts[c] > counts[best])
                best = c;
        ret_is_trigger[best] = 1;
        counts[best] = 0;
    }
}

static int backcopy_prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                            Error *err)
{
    if (counts_check(settings, corpus, "bigram_backcopy", err) != STATUS_OK)
        return STATUS_INPUT;
    int V = corpus->vocabulary.size;
    Arena *scratch = arena_new();
    const Counts counts = counts_of(scratch, corpus);
    int n_triggers = (int)settings_int(settings, "data.source.n_triggers"), status = STATUS_OK;
    if (n_triggers >= counts.n_seen) {
        status =
            settings_error(settings, "data.source.n_triggers", err,
                           "%d triggers leave no other character: the training part of the text has %d different ones",
                           n_triggers, counts.n_seen);
        goto done;
    }
    Backcopy *state = ARENA_ARRAY(arena, Backcopy, 1);
    state->bigram = rows_new(arena, counts.bigram, V, V);
    state->is_trigger = ARENA_ARRAY(arena, unsigned char, V);
    take_triggers(counts.unigram, V, n_triggers, state->is_trigger);
    state->first = rows_new(arena, counts.unigram, 1, V);
    state->p_drawn = ARENA_ARRAY(arena, double, length);
    state->entropy = ARENA_ARRAY(arena, double, length);
    propagate(state, length);
    *ret_state = state;
done:
    arena_free(scratch);
    return status;
}

static int backcopy_vocab_size(const void *state)
{
    return ((const Backcopy *)state)->bigram.V;
}

static void backcopy_next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Backcopy *state = opaque;
    int32_t *x = seq->ids + first;
    for (int i = 0; i < length; i++) {
        int is_copy = i > 0 && state->is_trigger[x[i - 1]];
        x[i] = is_copy ? x[i - 2] : i > 0 ? rows_draw(&state->bigram, x[i - 1], pcg) : rows_draw(&state->first, 0, pcg);
        seq->groups[first + i] = is_copy ? COPY : BIGRAM;
        if (first + i < seq->length && !state->is_trigger[x[i]])
            seq->flags[first + i] |= FLAG_IDLE;
    }
}

/* -ln P(x_i | what stands before): a copy is certain. */
static double backcopy_ideal_loss(const void *opaque, const Sequence *seq, int first, int i)
{
    const Backcopy *state = opaque;
    if (i > first && state->is_trigger[seq->ids[i - 1]])
        return 0;
    return i > first ? rows_loss(&state->bigram, seq->ids[i - 1], seq->ids[i])
                     : rows_loss(&state->first, 0, seq->ids[i]);
}

static double backcopy_oracle_loss(const void *opaque, Part part, int length, int first_is_target, double *ret_groups)
{
    (void)part;
    const Backcopy *state = opaque;
    double entropy = 0, n_drawn = 0;
    int first = first_is_target ? 0 : 1;
    for (int i = first; i < length; i++) {
        entropy += state->entropy[i];
        n_drawn += state->p_drawn[i];
    }
    double n_copied = length - first - n_drawn;
    if (ret_groups) {
        ret_groups[BIGRAM] = entropy / n_drawn;
        ret_groups[COPY] = n_copied > 0 ? 0 : NAN;
    }
    return entropy / (length - first);
}

static const SchemaRow params[] = {
    {"files", VALUE_FILES, "[]", 0, 0, NULL,
     "text files, read in order; none: the built-in corpus; paths are relative to the file that names them", BY_HAND},
    {"n_triggers", VALUE_INT, "3", 0, 1000, NULL,
     "the most frequent characters, behind which the character before them is copied; 0: bigrams alone", BY_HAND},
};

static const char *const groups[] = {[BIGRAM] = "bigram", [COPY] = "copy", NULL};

const Source source_bigram_backcopy = {
    .variant = {.name = "bigram_backcopy",
                .summary = "character bigrams of a text; behind a trigger the character before it is copied",
                .source = "Guo et al., arXiv 2410.13835, section 2",
                PARAMS(params)},
    .needs_corpus = 1,
    .has_next = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .groups = groups,
    .prepare = backcopy_prepare,
    .vocab_size = backcopy_vocab_size,
    .next = backcopy_next,
    .oracle_loss = backcopy_oracle_loss,
    .ideal_loss = backcopy_ideal_loss,
};
