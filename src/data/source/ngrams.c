/* N-grams of a text: tokens drawn one by one from its counts, so that all that can be learnt is those. Order 0 has
 * nothing between tokens; order 1 needs the token before alone, which is the query's own. No head has anything to
 * fetch.
 *
 *   order 0:  x_i ~ unigram        order 1:  x_0 ~ unigram,  x_{i+1} ~ bigram(x_i)
 *
 * Source: Shannon, "A Mathematical Theory of Communication", 1948, section 3 (approximations of orders 1 and 2 there).
 * The counts are the unsmoothed ones of the corpus's training part, of whatever data.tokenizer makes a token. It is a
 * generative source: held-out sequences come from the same distribution, by another stream. Every query is idle.
 */
#include "data/source/rows.h"

static const SchemaRow params[] = {
    {"files", VALUE_FILES, "[]", 0, 0, NULL,
     "text files, read in order; none: the built-in corpus; paths are relative to the file that names them", BY_HAND},
    {"order", VALUE_INT, "1", 0, 1, NULL, "0: each token by itself; 1: each by the one before it", FIELD(Chain, order)},
};

static int prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                   Error *err)
{
    if (counts_check(settings, corpus, "ngrams", err) != STATUS_OK)
        return STATUS_INPUT;
    const int V = corpus->vocabulary.size;
    Arena *scratch = arena_new();
    const Counts counts = counts_of(scratch, corpus);
    Chain *chain = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *chain);
    chain->first = rows_new(arena, counts.unigram, 1, V);
    if (chain->order > 0)
        chain->next = rows_new(arena, counts.bigram, V, V);
    chain_propagate(arena, chain, length);
    *ret_state = chain;
    arena_free(scratch);
    return STATUS_OK;
}

static int vocab_size(const void *state)
{
    return ((const Chain *)state)->first.V;
}

const Source source_ngrams = {
    .variant = {.name = "ngrams",
                .summary = "tokens drawn from the counts of a text: each by itself, or by the one before it",
                .source = "Shannon 1948, A Mathematical Theory of Communication, section 3",
                PARAMS(params)},
    .needs_corpus = 1,
    .has_next = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .prepare = prepare,
    .vocab_size = vocab_size,
    .next = chain_next,
    .oracle_loss = chain_oracle_loss,
    .ideal_loss = chain_ideal_loss,
};
