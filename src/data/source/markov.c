/* A Markov chain whose table is drawn, not counted: no language in it, and as sharp or as flat as asked for.
 *
 *   order 0:  x_i ~ p        order 1:  x_0 ~ p,  x_{i+1} ~ P(x_i, .)        p, P(a, .) ~ Dirichlet(concentration)
 *
 * Source: Edelman et al., "The Evolution of Statistical Induction Heads", arXiv 2402.11004, section 2, with one table
 * for a whole run (there each sequence has its own). The table comes from `table_seed` alone, so that all seeds of an
 * arm learn the same one; p is the same for both orders. Probabilities are rounded down to 2^-31, and the losses are
 * those of the rounded ones. A concentration near 0 leaves one successor, a large one makes all alike. Every query is
 * idle.
 */
#include "data/source/rows.h"

typedef struct {
    Chain chain; /* first: its functions get the whole */
    int n_symbols;
    int64_t table_seed;
    double concentration;
    const char **strings; /* (vocab_size,) */
} Markov;

static const SchemaRow params[] = {
    {"order", VALUE_INT, "1", 0, 1, NULL, "0: each symbol by itself; 1: each by the one before it",
     FIELD(Markov, chain.order)},
    {"n_symbols", VALUE_INT, "32", 2, 1024, NULL, "different content ids", FIELD(Markov, n_symbols)},
    {"concentration", VALUE_NUMBER, "0.2", 0.01, 1000, NULL,
     "of the Dirichlet distribution that the rows come from: small is sharp, 1 uniform, large flat",
     FIELD(Markov, concentration)},
    {"table_seed", VALUE_INT, "1", 0, 4294967295.0, NULL, "seed of the table, the same for all seeds of a run",
     FIELD(Markov, table_seed)},
};

/* Rows (n_rows, V) with content ids in each of those that a content id leads to. */
static Rows draw_rows(Arena *arena, const Markov *state, int is_first, Pcg *pcg)
{
    const int n = state->n_symbols, V = TOKEN_CONTENT + n, n_rows = is_first ? 1 : V;
    Arena *scratch = arena_new();
    uint32_t *counts = ARENA_ARRAY(scratch, uint32_t, (int64_t)n_rows * V);
    double *shares = ARENA_ARRAY(scratch, double, n);
    for (int a = is_first ? 0 : TOKEN_CONTENT; a < n_rows; a++) {
        pcg_dirichlet(pcg, state->concentration, n, shares);
        for (int b = 0; b < n; b++)
            counts[(int64_t)a * V + TOKEN_CONTENT + b] = (uint32_t)(shares[b] * 0x1p31);
    }
    Rows rows = rows_new(arena, counts, n_rows, V);
    arena_free(scratch);
    return rows;
}

static int prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                   Error *err)
{
    (void)corpus, (void)err;
    Markov *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    Pcg pcg = pcg_named((uint64_t)state->table_seed, "data/markov");
    state->strings = vocabulary_of_symbols(arena, state->n_symbols, 0).strings;
    state->chain.first = draw_rows(arena, state, 1, &pcg);
    if (state->chain.order > 0)
        state->chain.next = draw_rows(arena, state, 0, &pcg);
    chain_propagate(arena, &state->chain, length);
    *ret_state = state;
    return STATUS_OK;
}

static int vocab_size(const void *state)
{
    return ((const Markov *)state)->chain.first.V;
}

static const char *token_text(const void *state, int id)
{
    return ((const Markov *)state)->strings[id];
}

const Source source_markov = {
    .variant = {.name = "markov",
                .summary = "symbols drawn from a random table: each by itself, or by the one before it",
                .source = "Edelman et al. 2024, arXiv 2402.11004, section 2",
                PARAMS(params)},
    .has_next = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .prepare = prepare,
    .vocab_size = vocab_size,
    .next = chain_next,
    .oracle_loss = chain_oracle_loss,
    .ideal_loss = chain_ideal_loss,
    .token_text = token_text,
};
