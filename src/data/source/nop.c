/* No operation: a head that must give its input at some positions and (nearly) nothing at the others, so that it has to
 * attend somewhere where nothing is (arXiv 2606.08105, section 4 and table 2, and its notebook).
 *
 *   x_i ~ N(0, 1) in n_channels channels;   m_i = 1 if <x_i, g> > threshold, else 0;   |g| = 1, fixed
 *   goal   y_i = m_i gamma x_i + (1 - m_i) x_i,   of BOS and EOS 0
 *
 * m_i = 1 is idle: with gamma 0 nothing is asked for there. The share of idle positions is that of a normal deviate
 * above the threshold: half at 0. BOS and EOS are zero vectors; a learned position vector (`model.position.kind:
 * absolute`) makes of BOS the learned vector that the paper has there. g is drawn from a stream of its own, the same in
 * all runs. Ids are classes: content 3, idle 4. Invariants: the goal follows from the input, so an ideal predictor's
 * loss is 0. Normal deviates are drawn in pairs: one by one they would cost more than a step.
 */
#include "data/source/source.h"

#include <math.h>
#include <string.h>

enum { CLASS_CONTENT = TOKEN_CONTENT, CLASS_IDLE, N_CLASSES };
enum { GROUP_IDLE, GROUP_CONTENT };

typedef struct {
    int n_channels;
    double gamma, threshold;
    double *direction; /* (n_channels,) g */
} Nop;

static const char *const groups[] = {[GROUP_IDLE] = "idle", [GROUP_CONTENT] = "content", NULL};

static const SchemaRow params[] = {
    {"n_channels", VALUE_INT, "64", 1, 4096, NULL, "width of the vectors; d_model for `input: identity`",
     FIELD(Nop, n_channels)},
    {"gamma", VALUE_NUMBER, "0", 0, 1, NULL, "what an idle position is to give, as a share of its input",
     FIELD(Nop, gamma)},
    {"threshold", VALUE_NUMBER, "0", -4, 4, NULL,
     "idle is what lies above it along one direction, in standard deviations: half of the positions at 0",
     FIELD(Nop, threshold)},
};

static int nop_prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                       Error *err)
{
    (void)corpus, (void)length, (void)err;
    Nop *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    Pcg pcg = pcg_named(1, "data/nop");
    double squares = 0;
    state->direction = ARENA_ARRAY(arena, double, state->n_channels);
    for (int c = 0; c < state->n_channels; c++) {
        state->direction[c] = pcg_normal(&pcg);
        squares += state->direction[c] * state->direction[c];
    }
    for (int c = 0; c < state->n_channels; c++)
        state->direction[c] /= sqrt(squares);
    *ret_state = state;
    return STATUS_OK;
}

static int nop_vocab_size(const void *state)
{
    (void)state;
    return N_CLASSES;
}

static void nop_widths(const void *state, int *ret_in, int *ret_out)
{
    *ret_in = *ret_out = ((const Nop *)state)->n_channels;
}

static void nop_next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Nop *state = opaque;
    const size_t C = (size_t)state->n_channels;
    for (int i = first; i < first + length; i++) {
        real *x = seq->vectors + (size_t)i * C, *y = seq->goals + (size_t)i * C;
        double along = 0, pair[2] = {0, 0};
        for (size_t c = 0; c < C; c++) {
            if (c % 2 == 0)
                pcg_normal_pair(pcg, pair);
            x[c] = (real)pair[c % 2];
            along += (double)x[c] * state->direction[c];
        }
        const int is_idle = along > state->threshold;
        for (size_t c = 0; c < C; c++)
            y[c] = is_idle ? (real)state->gamma * x[c] : x[c];
        seq->ids[i] = seq->labels[i] = is_idle ? CLASS_IDLE : CLASS_CONTENT;
        seq->flags[i] |= is_idle ? FLAG_IDLE : 0;
        seq->groups[i] = is_idle ? GROUP_IDLE : GROUP_CONTENT;
    }
}

static void nop_frame(const void *opaque, int i, Sequence *seq)
{
    const size_t C = (size_t)((const Nop *)opaque)->n_channels;
    memset(seq->vectors + (size_t)i * C, 0, C * sizeof(real));
    memset(seq->goals + (size_t)i * C, 0, C * sizeof(real));
    seq->labels[i] = seq->ids[i];
    seq->groups[i] = GROUP_IDLE;
    seq->flags[i] |= FLAG_IDLE;
}

static double nop_oracle_loss(const void *state, Part part, int length, int first_is_target, double *ret_groups)
{
    (void)state, (void)part, (void)length, (void)first_is_target;
    if (ret_groups)
        ret_groups[GROUP_IDLE] = ret_groups[GROUP_CONTENT] = 0;
    return 0;
}

static double nop_ideal_loss(const void *state, const Sequence *seq, int first, int i)
{
    (void)state, (void)seq, (void)first, (void)i;
    return 0;
}

static const char *nop_token_text(const void *state, int id)
{
    static const char *const texts[] = {"<bos>", "<eos>", "<mask>", "content", "idle"};
    (void)state;
    return texts[id];
}

const Source source_nop = {
    .variant = {.name = "nop",
                .summary = "normal vectors; what lies on one side of a plane is to be given back, of the rest a share",
                .source = "arXiv 2606.08105, section 4",
                PARAMS(params)},
    .has_labels = 1,
    .allows_ends = 1,
    .has_idle = 1,
    .groups = groups,
    .prepare = nop_prepare,
    .vocab_size = nop_vocab_size,
    .next = nop_next,
    .widths = nop_widths,
    .frame = nop_frame,
    .oracle_loss = nop_oracle_loss,
    .ideal_loss = nop_ideal_loss,
    .token_text = nop_token_text,
};
