/* What a model loses when something is taken from it: each intervention changes one thing in a forward pass or in a
 * copy of the weights, at `place` (position 0 by default), and again at a drawn place.
 *
 *   cost@KIND = mean over targets of the loss after - before;   sink@KIND = sink_mass_idle (sink_mass where the source
 *   has no idle queries) into `place` after it;   _null: the same at a drawn place, into that place
 *
 * What has no place (biases, an MLP) has no null. A model without the thing (no biases, no learned positions) has no
 * value. Losses by group are in the snapshot (results/README.md).
 */
#include "geometry/interventions.h"

#include <math.h>
#include <string.h>

const char *const intervention_names[N_INTERVENTIONS] = {
    [INTERVENE_HIDE] = "hide",
    [INTERVENE_ZERO_VALUE] = "zero_value",
    [INTERVENE_PUT_VALUE] = "put_value",
    [INTERVENE_SPREAD] = "spread",
    [INTERVENE_QUERY_BIAS] = "zero_query_bias",
    [INTERVENE_KEY_BIAS] = "zero_key_bias",
    [INTERVENE_ZERO_POSITION] = "zero_position",
    [INTERVENE_SWAP_POSITIONS] = "swap_positions",
    [INTERVENE_MLP] = "zero_mlp",
};

static const SchemaRow params[] = {
    {"place", VALUE_INT, "0", -65536, 65535, NULL, "what is changed; below 0 from the end: -1 is the last",
     FIELD(Interventions, place)},
    {"layer", VALUE_INT, "0", 0, 1023, NULL, "whose MLP is taken away", FIELD(Interventions, layer)},
};

/* The length that every sequence has at least: a place beyond it would be one in some sequences only, and its means
 * over others than those of the drawn place. NULL where maps alone are read. */
static const Setting *least_length(const Settings *settings)
{
    const Setting *kind = settings_find(settings, "data.lengths.kind");
    const int is_full = !kind || strcmp(kind->text, "full") == 0;
    return settings_find(settings, is_full ? "model.context_length" : "data.lengths.least");
}

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    const Setting *length = least_length(settings);
    const Setting *layers = settings_find(settings, "model.n_layers");
    Interventions *keys =
        settings_read_new(arena, settings, "measure.interventions", ROWS(params), sizeof(Interventions));
    if (length && (keys->place >= length->number || keys->place < -length->number))
        return settings_error(settings, "measure.interventions.place", err, "%d is no place of a sequence of %s %g",
                              keys->place, length->key, length->number);
    if (layers && keys->layer >= layers->number)
        return settings_error(settings, "measure.interventions.layer", err, "%d is none of model.n_layers %g layers",
                              keys->layer, layers->number);
    *ret_state = keys;
    return STATUS_OK;
}

enum { COST, COST_NULL, SINK, SINK_NULL, N_EACH };

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state, (void)scratch;
    const size_t heads = (size_t)view->n_layers * (size_t)view->n_heads;
    for (int k = 0; k < N_INTERVENTIONS; k++)
        for (int null = 0; null < 2; null++) {
            *ret_columns[k * N_EACH + COST + null] = view->intervened[k].cost[null];
            if (view->intervened[k].sink[null])
                memcpy(ret_columns[k * N_EACH + SINK + null], view->intervened[k].sink[null], heads * sizeof(double));
        }
}

#define OF_ONE(kind, word, what, paper)                                                                                \
    [INTERVENE_##kind * N_EACH +                                                                                       \
        COST] = {.name = "cost@" word,                                                                                 \
                 .unit = "loss per target",                                                                            \
                 .level = LEVEL_MODEL,                                                                                 \
                 .min = -INFINITY,                                                                                     \
                 .max = INFINITY,                                                                                      \
                 .summary = "rise of the loss when " what,                                                             \
                 .source = paper,                                                                                      \
                 .weakness = "of all heads and layers at once: it does not say whose it was"},                         \
        [INTERVENE_##kind * N_EACH +                                                                                   \
            COST_NULL] = {.name = "cost@" word "_null",                                                                \
                          .unit = "loss per target",                                                                   \
                          .level = LEVEL_MODEL,                                                                        \
                          .min = -INFINITY,                                                                            \
                          .max = INFINITY,                                                                             \
                          .summary = "the same at a drawn place; none where no place is changed",                      \
                          .source = "-",                                                                               \
                          .weakness = "one draw per sequence: noisy in small measuring sets"},                         \
        [INTERVENE_##kind * N_EACH + SINK] = {.name = "sink@" word,                                                    \
                                              .unit = "share of attention",                                            \
                                              .level = LEVEL_HEAD,                                                     \
                                              .min = 0,                                                                \
                                              .max = 1,                                                                \
                                              .summary = "attention into the place when " what,                        \
                                              .source = paper,                                                         \
                                              .weakness = "sees one place: it does not say where the attention went"}, \
        [INTERVENE_##kind * N_EACH + SINK_NULL] = {.name = "sink@" word "_null",                                       \
                                                   .unit = "share of attention",                                       \
                                                   .level = LEVEL_HEAD,                                                \
                                                   .min = 0,                                                           \
                                                   .max = 1,                                                           \
                                                   .summary = "the same at and into a drawn place",                    \
                                                   .source = "-",                                                      \
                                                   .weakness = "one draw per sequence: noisy in small measuring sets"}

static const MetricColumn columns[] = {
    OF_ONE(HIDE, "hide", "its key is hidden, in every head, from every query that sees another", "-"),
    OF_ONE(ZERO_VALUE, "zero_value", "its value is zero in every head", "arXiv 2606.08105, table 2"),
    OF_ONE(PUT_VALUE, "put_value", "its value is that of another place, drawn, in every head",
           "arXiv 2606.08105, table 2"),
    OF_ONE(SPREAD, "spread", "what a query would give to it goes evenly to the other keys that it sees",
           "arXiv 2606.08105, table 2"),
    OF_ONE(QUERY_BIAS, "zero_query_bias", "the biases of all queries are zero", "arXiv 2604.14722"),
    OF_ONE(KEY_BIAS, "zero_key_bias", "the biases of all keys are zero", "-"),
    OF_ONE(ZERO_POSITION, "zero_position", "its learned position vector is zero", "arXiv 2604.14722"),
    OF_ONE(SWAP_POSITIONS, "swap_positions",
           "its learned position vector and that of another place, drawn, are swapped", "arXiv 2502.01951"),
    OF_ONE(MLP, "zero_mlp", "the MLP of `layer` writes nothing", "arXiv 2604.14722"),
};

extern const MetricFamily family_interventions;
const MetricFamily family_interventions = {
    .variant = {.name = "interventions",
                .summary = "what a place, a bias or an MLP is worth: the loss and the sink without it",
                .source = "arXiv 2606.08105; arXiv 2604.14722",
                PARAMS(params)},
    .needs = NEEDS_INTERVENED,
    .cost = "15 forward passes",
    .every = 8,
    .sequences = 8,
    .is_off = 1,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .prepare = prepare,
    .measure = measure,
};
