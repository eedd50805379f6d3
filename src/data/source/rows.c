/* Counts in sparse rows, and chains of them. */
#include "data/source/rows.h"

#include <math.h>

enum { MAX_VOCABULARY = 4096 };

Rows rows_new(Arena *arena, const uint32_t *counts, int n_rows, int V)
{
    Rows rows = {.V = V, .starts = ARENA_ARRAY(arena, int, n_rows + 1)};
    int n = 0;
    for (int64_t k = 0; k < (int64_t)n_rows * V; k++)
        n += counts[k] > 0;
    rows.ids = ARENA_ARRAY(arena, int32_t, n);
    rows.sums = ARENA_ARRAY(arena, uint32_t, n);
    n = 0;
    for (int a = 0; a < n_rows; a++) {
        uint32_t sum = 0;
        for (int b = 0; b < V; b++) {
            uint32_t count = counts[(int64_t)a * V + b];
            if (count == 0)
                continue;
            rows.ids[n] = b;
            rows.sums[n++] = sum += count;
        }
        rows.starts[a + 1] = n;
    }
    return rows;
}

static uint32_t row_total(const Rows *rows, int a)
{
    return rows->starts[a + 1] > rows->starts[a] ? rows->sums[rows->starts[a + 1] - 1] : 0;
}

double rows_probability(const Rows *rows, int a, int k)
{
    uint32_t before = k > rows->starts[a] ? rows->sums[k - 1] : 0;
    return (double)(rows->sums[k] - before) / row_total(rows, a);
}

double rows_entropy(const Rows *rows, int a)
{
    double entropy = 0;
    for (int k = rows->starts[a]; k < rows->starts[a + 1]; k++) {
        double p = rows_probability(rows, a, k);
        entropy -= p * log(p);
    }
    return entropy;
}

double rows_loss(const Rows *rows, int a, int32_t id)
{
    for (int k = rows->starts[a]; k < rows->starts[a + 1]; k++)
        if (rows->ids[k] == id)
            return -log(rows_probability(rows, a, k));
    return INFINITY;
}

int32_t rows_draw(const Rows *rows, int a, Pcg *pcg)
{
    uint32_t r = pcg_below(pcg, row_total(rows, a));
    int low = rows->starts[a], high = rows->starts[a + 1] - 1;
    while (low < high) { /* the first entry whose running sum exceeds r */
        int middle = (low + high) / 2;
        if (rows->sums[middle] > r)
            high = middle;
        else
            low = middle + 1;
    }
    return rows->ids[low];
}

int counts_check(const Settings *settings, const Corpus *corpus, const char *source, Error *err)
{
    if (corpus->vocabulary.size <= MAX_VOCABULARY)
        return STATUS_OK;
    return settings_error(settings, "data.tokenizer.kind", err,
                          "%s takes at most %d different tokens, those of %s are %d", source, MAX_VOCABULARY,
                          corpus->tokenizer->variant.name, corpus->vocabulary.size);
}

Counts counts_of(Arena *arena, const Corpus *corpus)
{
    const int64_t V = corpus->vocabulary.size, n = corpus->n_train;
    const int32_t *x = corpus->ids;
    Counts counts = {0, ARENA_ARRAY(arena, uint32_t, V), ARENA_ARRAY(arena, uint32_t, V * V)};
    for (int64_t i = 0; i < n; i++) {
        counts.n_seen += counts.unigram[x[i]]++ == 0;
        if (i + 1 < n)
            counts.bigram[x[i] * V + x[i + 1]]++;
    }
    if (counts.unigram[x[n - 1]] == 1)
        counts.bigram[x[n - 1] * V + x[0]] = 1;
    return counts;
}

void chain_propagate(Arena *arena, Chain *chain, int length)
{
    const Rows *rows = &chain->next;
    const int V = chain->first.V;
    Arena *scratch = arena_new();
    double *now = ARENA_ARRAY(scratch, double, V), *next = ARENA_ARRAY(scratch, double, V);
    double *entropy = ARENA_ARRAY(scratch, double, V);
    chain->entropy = ARENA_ARRAY(arena, double, length);
    for (int k = 0; k < chain->first.starts[1]; k++)
        now[chain->first.ids[k]] = rows_probability(&chain->first, 0, k);
    for (int c = 0; chain->order > 0 && c < V; c++)
        entropy[c] = rows_entropy(rows, c);
    chain->entropy[0] = rows_entropy(&chain->first, 0);
    for (int i = 1; i < length; i++) {
        if (chain->order == 0) {
            chain->entropy[i] = chain->entropy[0];
            continue;
        }
        for (int d = 0; d < V; d++)
            next[d] = 0;
        for (int c = 0; c < V; c++) {
            chain->entropy[i] += now[c] * entropy[c];
            for (int k = rows->starts[c]; now[c] > 0 && k < rows->starts[c + 1]; k++)
                next[rows->ids[k]] += now[c] * rows_probability(rows, c, k);
        }
        double *spare = now;
        now = next, next = spare;
    }
    arena_free(scratch);
}

void chain_next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Chain *chain = opaque;
    int32_t *x = seq->ids + first;
    for (int i = 0; i < length; i++) {
        x[i] = i > 0 && chain->order > 0 ? rows_draw(&chain->next, x[i - 1], pcg) : rows_draw(&chain->first, 0, pcg);
        if (first + i < seq->length)
            seq->flags[first + i] |= FLAG_IDLE;
    }
}

double chain_oracle_loss(const void *opaque, Part part, int length, int first_is_target, double *ret_groups)
{
    (void)part;
    const Chain *chain = opaque;
    const int first = first_is_target ? 0 : 1;
    double entropy = 0;
    for (int i = first; i < length; i++)
        entropy += chain->entropy[i];
    const double loss = entropy / (length - first);
    if (ret_groups)
        ret_groups[0] = loss;
    return loss;
}

double chain_ideal_loss(const void *opaque, const Sequence *seq, int first, int i)
{
    const Chain *chain = opaque;
    return i > first && chain->order > 0 ? rows_loss(&chain->next, seq->ids[i - 1], seq->ids[i])
                                         : rows_loss(&chain->first, 0, seq->ids[i]);
}
