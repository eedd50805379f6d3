/* Induction: random symbols, and a segment of them once more further on. Within the copy each token but the first can
 * be known from what stood behind the same tokens before; the copy starts anywhere, so that no distance and no place
 * tells.
 *
 *   x_i uniform over n_symbols;  x_{b+k} = x_{a+k}, 0 <= k < S,  (a, b) uniform over 0 <= a, a + S <= b, b + S <= n
 *
 * Source: Olsson et al., "In-context Learning and Induction Heads", arXiv 2209.11895 (repeated random tokens). n is the
 * content's length; S is `segment_length`, by default n/4, and n/2 where that is less (as in sequences of half the
 * length). A query is idle unless the token behind it can be known: unless it stands in the copy, but for its last.
 *
 * The ideal loss is exact. All pairs (a, b) are equally likely beforehand; one that has copied k tokens, all rightly,
 * is n_symbols^k times as likely as one that has not begun. So with the pairs that agree with what stands before x_i,
 *
 *   P(x_i = s) = sum_pairs n_symbols^k p(s) / sum_pairs n_symbols^k
 *
 * where p(s) is 1/n_symbols if the pair begins behind i or is done (k = S), and else 1 for the one token that it
 * copies.
 */
#include "data/source/source.h"

#include <math.h>

enum { RANDOM, COPY }; /* loss groups of a target; the copy's first token is random */

typedef struct {
    int n_symbols, segment_length; /* 0: a quarter */
    double *powers;                /* (length/2+1,) n_symbols^-k */
    const char **strings;          /* (vocab_size,) */
} Induction;

static const SchemaRow params[] = {
    {"n_symbols", VALUE_INT, "32", 2, 4096, NULL, "different content ids", FIELD(Induction, n_symbols)},
    {"segment_length", VALUE_INT, "0", 0, 65536, NULL, "tokens that stand a second time; 0: a quarter of the content",
     FIELD(Induction, segment_length)},
};

static int prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                   Error *err)
{
    (void)corpus;
    Induction *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    if (state->segment_length > length / 2)
        return settings_error(settings, "data.source.segment_length", err,
                              "a segment of %d and its copy do not fit into %d tokens of content: at most %d",
                              state->segment_length, length, length / 2);
    state->powers = ARENA_ARRAY(arena, double, length / 2 + 1);
    state->powers[0] = 1;
    for (int k = 1; k <= length / 2; k++)
        state->powers[k] = state->powers[k - 1] / state->n_symbols;
    state->strings = vocabulary_of_symbols(arena, state->n_symbols, 0).strings;
    *ret_state = state;
    return STATUS_OK;
}

static int vocab_size(const void *state)
{
    return TOKEN_CONTENT + ((const Induction *)state)->n_symbols;
}

/* S in content of n tokens. */
static int segment_of(const Induction *state, int n)
{
    const int wish = state->segment_length > 0 ? state->segment_length : n < 4 ? 1 : n / 4;
    return wish < n / 2 ? wish : n / 2;
}

static void next(const void *opaque, Part part, int first, int n, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Induction *state = opaque;
    int32_t *x = seq->ids + first;
    for (int i = 0; i < n; i++)
        x[i] = TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)state->n_symbols);
    /* Two different numbers u < v of 0..M, uniform, are a pair: a = u, b = v - 1 + S. */
    const int S = segment_of(state, n), M = n - 2 * S + 1;
    int u = (int)pcg_below(pcg, (uint32_t)M + 1), v = (int)pcg_below(pcg, (uint32_t)M);
    v += v >= u;
    const int a = u < v ? u : v, b = (u < v ? v : u) - 1 + S;
    for (int k = 0; k < S; k++)
        x[b + k] = x[a + k];
    for (int i = 0; i < n; i++) {
        const int is_copy = i > b && i < b + S, leads_to_copy = i >= b && i < b + S - 1;
        seq->groups[first + i] = is_copy ? COPY : RANDOM;
        if (first + i < seq->length && !leads_to_copy)
            seq->flags[first + i] |= FLAG_IDLE;
    }
}

/* ---- what the ideal predictor knows of x (n) at place i, lag by lag: a pair (a, b) has lag d = b - a ---- */

/* How many tokens before i, at most S - 1, agree with those d before them. */
static int agreement(const int32_t *x, int i, int d, int S)
{
    int k = 0;
    while (k < S - 1 && i - k - 1 >= d && x[i - k - 1] == x[i - k - 1 - d])
        k++;
    return k;
}

/* Pairs of lag d whose S tokens all stand before i and agree. Each holds one place q that S divides. */
static int64_t n_done(const int32_t *x, int i, int d, int S)
{
    int64_t n = 0;
    for (int q = (d + S - 1) / S * S; q < i; q += S) {
        int left = 0, right = 0;
        if (x[q] != x[q - d])
            continue;
        while (left < S - 1 && q - left - 1 >= d && x[q - left - 1] == x[q - left - 1 - d])
            left++;
        while (right < S - 1 && q + right + 1 < i && x[q + right + 1] == x[q + right + 1 - d])
            right++;
        n += left + right + 1 >= S ? left + right + 2 - S : 0;
    }
    return n;
}

static double ideal_loss(const void *opaque, const Sequence *seq, int first, int place)
{
    const Induction *state = opaque;
    const int32_t *x = seq->ids + first;
    const int n = seq->length - first + (seq->ids[seq->length - 1] == TOKEN_EOS ? -1 : 1);
    const int S = segment_of(state, n), i = place - first, starts_no_later = n - S;
    const int least = i > starts_no_later ? i - starts_no_later : 0; /* k of a pair that has begun */
    int64_t done = 0, waiting = 0;
    for (int b = i + 1 > S ? i + 1 : S; b <= starts_no_later; b++)
        waiting += b - S + 1;
    int most = 0; /* the largest k of all: the sums are in units of n_symbols^most */
    for (int d = S; d <= i; d++) {
        const int k = agreement(x, i, d, S);
        done += n_done(x, i, d, S);
        most = k >= least && k > most ? k : most;
    }
    most = done > 0 ? S : most;
    const double at_random = (double)waiting * state->powers[most] + (double)done;
    double all = at_random, right = at_random / state->n_symbols;
    for (int d = S; d <= i; d++) {
        double weight = 0;
        for (int k = agreement(x, i, d, S); k >= least; k--)
            weight += state->powers[most - k];
        all += weight;
        right += x[i] == x[i - d] ? weight : 0;
    }
    return log(all) - log(right);
}

static const char *token_text(const void *state, int id)
{
    return ((const Induction *)state)->strings[id];
}

static const char *const groups[] = {[RANDOM] = "random", [COPY] = "copy", NULL};

const Source source_induction = {
    .variant = {.name = "induction",
                .summary = "random symbols, and a segment of them once more further on",
                .source = "Olsson et al. 2022, arXiv 2209.11895 (repeated random tokens)",
                PARAMS(params)},
    .has_next = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .groups = groups,
    .prepare = prepare,
    .vocab_size = vocab_size,
    .next = next,
    .ideal_loss = ideal_loss,
    .token_text = token_text,
};
