/* A source to start from: independent uniform symbols, on which nothing can be learnt. It compiles and passes the
 * generic tests (tests/data) as it stands, but is not in the registry.
 *
 * To add one:
 *  1. Copy this file to NAME.c and rename `template_`, `Template` and `source_template` to NAME. In this header state
 * the distribution as an equation, its source (paper, section) and the invariants.
 *  2. Settings below data.source are rows in `params`, each with the member of your state that holds its value.
 *  3. prepare: read them, here and nowhere else, check them against `length`, the longest content asked for, and refuse
 * with settings_error. Memory from the arena; nothing is allocated later. With needs_corpus = 1 the text's tokens are
 * in `corpus`; use its training part for PART_TRAIN and what is learnt from text. Of libm use sqrt, floor and their
 * like, or the functions that store/machine.c tries (functions[], log is one): no others, in no function.
 *  4. next: write ids[first..first+length), at least TOKEN_CONTENT; data.c sets BOS and EOS. Draw from `pcg` alone,
 * always in the same order: the stream's value is the whole position. Flag what is idle or an end (has_idle), label
 * what objective `labelled` predicts (has_labels), say each token's loss group (groups). At seq->length there is no
 * flag.
 *     A source of vectors sets widths and frame, too, and writes vectors and goals (nop.c is the shortest).
 *  5. oracle_loss, if it is known: the entropy that remains for a predictor that knows the distribution. tests/data
 * compares it with nothing by itself: add a Monte Carlo check for your source.
 *  6. Set the has_ and allows_ fields; a source without documents leaves has_documents 0.
 *  7. Add the word NAME to 'data/source' in `variants` of src/meson.build, and a row to README.md. Help, validation,
 * `refframe list` and the generic tests follow from the registry.
 */
#include "data/source/source.h"

#include <math.h>

/* Step 3: what `next` needs. */
typedef struct {
    int n_symbols;
    const char **strings;
} Template;

/* Step 2. */
static const SchemaRow params[] = {
    {"n_symbols", VALUE_INT, "32", 1, 4096, NULL, "different content ids", FIELD(Template, n_symbols)},
};

/* Step 3. */
static int template_prepare(Arena *arena, const Settings *settings, const Corpus *corpus, int length, void **ret_state,
                            Error *err)
{
    (void)corpus, (void)length, (void)err;
    Template *state = settings_read_new(arena, settings, "data.source", ROWS(params), sizeof *state);
    state->strings = vocabulary_of_symbols(arena, state->n_symbols, 0).strings;
    *ret_state = state;
    return STATUS_OK;
}

static int template_vocab_size(const void *state)
{
    return TOKEN_CONTENT + ((const Template *)state)->n_symbols;
}

/* Step 4. */
static void template_next(const void *opaque, Part part, int first, int length, Pcg *pcg, Sequence *seq)
{
    (void)part;
    const Template *state = opaque;
    for (int i = first; i < first + length; i++)
        seq->ids[i] = TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)state->n_symbols);
}

/* Step 5. */
static double template_oracle_loss(const void *opaque, Part part, int length, int first_is_target, double *ret_groups)
{
    (void)part, (void)length, (void)first_is_target;
    double loss = log(((const Template *)opaque)->n_symbols);
    if (ret_groups)
        ret_groups[0] = loss;
    return loss;
}

static const char *template_token_text(const void *state, int id)
{
    return ((const Template *)state)->strings[id];
}

/* Steps 1 and 6: the strategy. The name is what the user writes in data.source.kind. */
const Source source_template = {
    .variant = {.name = "template", .summary = "independent uniform symbols", .source = "none", PARAMS(params)},
    .has_next = 1,
    .allows_ends = 1,
    .prepare = template_prepare,
    .vocab_size = template_vocab_size,
    .next = template_next,
    .oracle_loss = template_oracle_loss,
    .token_text = template_token_text,
};
