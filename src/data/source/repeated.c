/* One token again and again: every position holds the same, so that keys differ by place alone, if an encoding lets
 * them. A model without one makes all hidden states alike, and can have no sink.
 *
 *   x_i = s,   s uniform over the symbols, anew for each sequence
 *
 * Source: Gu et al., "When Attention Sink Emerges in Language Models", arXiv 2410.10781 (repeated tokens as input).
 * The ideal predictor pays log n_symbols for x_0 (a target behind BOS alone) and nothing for the rest. Every query is
 * idle: its own token is all it needs; the groups part what can be known from what cannot.
 */
#include "data/source/source.h"

#include <math.h>

enum { DRAWN, REPEATED }; /* loss groups: x_0, and the others */

typedef struct {
    int n_symbols;
    const char **strings; /* (vocab_size,) */
} Repeated;

static const SchemaRow params[] = {
    {"n_symbols", VALUE_INT, "32", 2, 4096, NULL, "different content ids", FIELD(Repeated, n_symbols)},
};

static int prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                   Error *err)
{
    (void)corpus, (void)length, (void)err;
    Repeated *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    state->strings = vocabulary_of_symbols(arena, state->n_symbols, 0).strings;
    *ret_state = state;
    return STATUS_OK;
}

static int vocab_size(const void *state)
{
    return TOKEN_CONTENT + ((const Repeated *)state)->n_symbols;
}

static void next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Repeated *state = opaque;
    const int32_t symbol = TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)state->n_symbols);
    for (int i = first; i < first + length; i++) {
        seq->ids[i] = symbol;
        seq->groups[i] = i > first ? REPEATED : DRAWN;
        if (i < seq->length)
            seq->flags[i] |= FLAG_IDLE;
    }
}

static double ideal_loss(const void *opaque, const Sequence *seq, int first, int i)
{
    (void)seq;
    return i > first ? 0 : log(((const Repeated *)opaque)->n_symbols);
}

static double oracle_loss(const void *opaque, Part part, int length, int first_is_target, double *ret_groups)
{
    (void)part;
    const double drawn = first_is_target ? log(((const Repeated *)opaque)->n_symbols) : 0;
    if (ret_groups) {
        ret_groups[DRAWN] = first_is_target ? drawn : NAN;
        ret_groups[REPEATED] = length > 1 ? 0 : NAN;
    }
    return drawn / (first_is_target ? length : length - 1);
}

static const char *token_text(const void *state, int id)
{
    return ((const Repeated *)state)->strings[id];
}

const Source source_repeated = {
    .variant = {.name = "repeated",
                .summary = "one token again and again, drawn for each sequence",
                .source = "Gu et al. 2024, arXiv 2410.10781 (repeated tokens)",
                PARAMS(params)},
    .has_next = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .groups = (const char *const[]){[DRAWN] = "first", [REPEATED] = "repeat", NULL},
    .prepare = prepare,
    .vocab_size = vocab_size,
    .next = next,
    .oracle_loss = oracle_loss,
    .ideal_loss = ideal_loss,
    .token_text = token_text,
};
