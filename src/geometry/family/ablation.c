/* What a token is worth to the others: the rise of their loss when no query may attend to it.
 *
 *   ablation_cost = mean over targets at queries i != s of loss_i(s hidden) - loss_i,   s = 0;
 *   _anchor: s the top anchor of the sequence;  _null: s a drawn position
 *
 * Hidden means masked in every head and layer, so that rows are renormalised; a query that sees nothing else keeps it.
 * Read it beside value drain (README.md): a drained token that costs nothing was a resting place, one that costs serves
 * by being there, and one that costs and is not drained is content.
 */
#include <math.h>

#include "geometry/metric.h"

static double cost(const View *view, int ablation)
{
    const int T = view->length, hidden = view->ablated[ablation];
    const real *ablated = view->ablated_losses + (size_t)ablation * T;
    double sum = 0;
    int n = 0;
    for (int i = 0; i < T; i++)
        if (i != hidden && !isnan(view->losses[i])) {
            sum += (double)ablated[i] - (double)view->losses[i];
            n++;
        }
    return hidden >= 0 && n > 0 ? sum / n : (double)NAN;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state, (void)scratch;
    for (int a = 0; a < N_ABLATIONS; a++)
        *ret_columns[a] = cost(view, a);
}

#define COST .unit = "loss per target", .level = LEVEL_MODEL, .min = -INFINITY, .max = INFINITY

static const MetricColumn columns[] = {
    [ABLATE_START] = {.name = "ablation_cost",
                      COST,
                      .direction = DIRECTION_RISES,
                      .summary = "rise of the loss at the other queries when position 0 is hidden from all heads",
                      .source = "-",
                      .weakness = "cannot tell a lost resting place from lost content, nor one head's from another's"},
    [ABLATE_ANCHOR] = {.name = "ablation_cost_anchor",
                       COST,
                       .direction = DIRECTION_RISES,
                       .summary = "the same for the key with the largest importance among all heads' anchors",
                       .source = "-",
                       .weakness = "the anchor may be another place in each sequence; not available without one"},
    [ABLATE_NULL] = {.name = "ablation_cost_null",
                     COST,
                     .summary = "the same for a position drawn per sequence: the null of both",
                     .source = "-",
                     .weakness = "one draw per sequence: noisy in small measuring sets"},
};

const MetricFamily family_ablation = {
    .variant = {.name = "ablation", .summary = "what hiding a token costs the others", .source = "-"},
    .needs = NEEDS_INTERVENTION,
    .cost = "3 forward passes",
    .every = 8,
    .sequences = 8,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
};
