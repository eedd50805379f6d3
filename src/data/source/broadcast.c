/* Broadcast: every position needs what stands at one of them, and nobody but that one position's content says which; so
 * that a token that has seen them all can hand it out (arXiv 2606.08105, section 5).
 *
 *   x_i ~ N(0, 1) in n_channels channels;   j* = argmax_i <x_i, u>, |u| = 1;   y_i = x_i + x_{j*} R
 *
 * u is a fixed direction and R a fixed rotation, of a stream of their own, the same in all runs. j* is the donor: a
 * class of its own, 4, the other content's is 3. BOS and EOS are zero vectors; a learned position vector
 * (`model.position.kind: absolute`) makes of BOS a learned one. `ends` says what they are to give: `copy`, the same
 * equation with x = 0; `zero`; or `none`, no goal at all. Invariants: goals follow from inputs, so an ideal predictor's
 * loss is 0, and that of y_i = x_i is |x_{j*}|^2 / n_channels at every content position; no query is idle.
 */
#include "data/source/source.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CLASS_CONTENT = TOKEN_CONTENT, CLASS_DONOR, N_CLASSES };
enum { GROUP_CONTENT, GROUP_DONOR, GROUP_ENDS };

typedef enum { ENDS_COPY, ENDS_ZERO, ENDS_NONE } Ends;

typedef struct {
    int n_channels;
    Ends ends;
    double *direction; /* (n_channels,) u */
    double *rotation;  /* (n_channels, n_channels) R */
} Broadcast;

static const char *const ends_choices[] = {[ENDS_COPY] = "copy", [ENDS_ZERO] = "zero", [ENDS_NONE] = "none", NULL};
static const char *const groups[] = {[GROUP_CONTENT] = "content", [GROUP_DONOR] = "donor", [GROUP_ENDS] = "ends", NULL};

static const SchemaRow params[] = {
    {"n_channels", VALUE_INT, "64", 1, 1024, NULL, "width of the vectors; d_model for `input: identity`",
     FIELD(Broadcast, n_channels)},
    {"ends", VALUE_CHOICE, "copy", 0, 0, ends_choices,
     "what BOS and EOS are to give: the donor's vector turned, like all others; zeros; or nothing is asked of them",
     FIELD(Broadcast, ends)},
};

static double dot(int n, const double *a, const double *b)
{
    double sum = 0;
    for (int c = 0; c < n; c++)
        sum += a[c] * b[c];
    return sum;
}

/* Fills row k of vectors (k+1, n) with normal deviates, takes what lies along the rows above out, twice for the sake of
 * rounding, and makes its length 1. */
static void draw_unit(Pcg *pcg, int n, int k, double *vectors)
{
    double *row = vectors + (size_t)k * n;
    for (int c = 0; c < n; c++)
        row[c] = pcg_normal(pcg);
    for (int pass = 0; pass < 2; pass++)
        for (int above = 0; above < k; above++) {
            const double *other = vectors + (size_t)above * n, along = dot(n, row, other);
            for (int c = 0; c < n; c++)
                row[c] -= along * other[c];
        }
    const double length = sqrt(dot(n, row, row));
    for (int c = 0; c < n; c++)
        row[c] /= length;
}

static int prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                   Error *err)
{
    (void)corpus, (void)length, (void)err;
    Broadcast *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    const int C = state->n_channels;
    Pcg pcg = pcg_named(1, "data/broadcast");
    state->direction = ARENA_ARRAY(arena, double, C);
    state->rotation = ARENA_ARRAY(arena, double, (int64_t)C *C);
    draw_unit(&pcg, C, 0, state->direction);
    for (int k = 0; k < C; k++)
        draw_unit(&pcg, C, k, state->rotation);
    *ret_state = state;
    return STATUS_OK;
}

static int vocab_size(const void *state)
{
    (void)state;
    return N_CLASSES;
}

static void widths(const void *state, int *ret_in, int *ret_out)
{
    *ret_in = *ret_out = ((const Broadcast *)state)->n_channels;
}

/* goal (C,) = x R, x the vector at `donor`. */
static void turn(const Broadcast *state, const Sequence *seq, int donor, real *ret_goal)
{
    const int C = state->n_channels;
    const real *x = seq->vectors + (size_t)donor * C;
    for (int c = 0; c < C; c++) {
        double sum = 0;
        for (int k = 0; k < C; k++)
            sum += (double)x[k] * state->rotation[(size_t)k * C + c];
        ret_goal[c] = (real)sum;
    }
}

static void next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Broadcast *state = opaque;
    const int C = state->n_channels;
    int donor = first;
    double highest = -INFINITY;
    for (int i = first; i < first + length; i++) {
        real *x = seq->vectors + (size_t)i * C;
        double along = 0, pair[2] = {0, 0};
        for (int c = 0; c < C; c++) {
            if (c % 2 == 0)
                pcg_normal_pair(pcg, pair);
            x[c] = (real)pair[c % 2];
            along += (double)x[c] * state->direction[c];
        }
        if (along > highest)
            highest = along, donor = i;
    }
    real *turned = seq->goals + (size_t)donor * C;
    turn(state, seq, donor, turned);
    for (int i = first; i < first + length; i++) {
        const real *x = seq->vectors + (size_t)i * C;
        real *y = seq->goals + (size_t)i * C;
        for (int c = 0; c < C && i != donor; c++)
            y[c] = x[c] + turned[c];
        seq->ids[i] = seq->labels[i] = i == donor ? CLASS_DONOR : CLASS_CONTENT;
        seq->groups[i] = i == donor ? GROUP_DONOR : GROUP_CONTENT;
    }
    for (int c = 0; c < C; c++)
        turned[c] += seq->vectors[(size_t)donor * C + c];
}

static void frame(const void *opaque, int i, Sequence *seq)
{
    const Broadcast *state = opaque;
    const size_t C = (size_t)state->n_channels;
    memset(seq->vectors + (size_t)i * C, 0, C * sizeof(real));
    memset(seq->goals + (size_t)i * C, 0, C * sizeof(real));
    seq->labels[i] = state->ends == ENDS_NONE ? -1 : seq->ids[i];
    seq->groups[i] = GROUP_ENDS;
    for (int donor = 0; donor < seq->length && state->ends == ENDS_COPY; donor++)
        if (seq->ids[donor] == CLASS_DONOR)
            turn(state, seq, donor, seq->goals + (size_t)i * C);
}

static double oracle_loss(const void *state, Part part, int length, int first_is_target, double *ret_groups)
{
    (void)state, (void)part, (void)length, (void)first_is_target;
    if (ret_groups)
        ret_groups[GROUP_CONTENT] = ret_groups[GROUP_DONOR] = ret_groups[GROUP_ENDS] = 0;
    return 0;
}

static double ideal_loss(const void *state, const Sequence *seq, int first, int i)
{
    (void)state, (void)seq, (void)first, (void)i;
    return 0;
}

static const char *token_text(const void *state, int id)
{
    static const char *const texts[] = {"<bos>", "<eos>", "<mask>", "content", "donor"};
    (void)state;
    return texts[id];
}

const Source source_broadcast = {
    .variant = {.name = "broadcast",
                .summary = "vectors; every position is to give its own and, turned, that of the one furthest along a "
                           "direction",
                .source = "arXiv 2606.08105, section 5",
                PARAMS(params)},
    .has_labels = 1,
    .allows_ends = 1,
    .groups = groups,
    .prepare = prepare,
    .vocab_size = vocab_size,
    .next = next,
    .widths = widths,
    .frame = frame,
    .oracle_loss = oracle_loss,
    .ideal_loss = ideal_loss,
    .token_text = token_text,
};
