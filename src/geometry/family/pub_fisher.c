/* The published Fisher information of a group of parameters: the squared gradient of one sequence's loss.
 *
 *   fisher_GROUP = sum over the group's parameters of (d loss / d w)^2,  loss the sequence's mean, GROUP of a layer:
 *   attention (q, k, v, out), mlp (up, down); of the model: embedding (tokens and positions)
 *
 * The mean over sequences is taken of the squares, not the square of the mean. Norms and the head are in no group.
 */
#include <math.h>

#include "geometry/metric.h"
#include "geometry/published.h"

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state, (void)scratch;
    for (int p = 0; p < view->n_gradients; p++) {
        const GradientPart *part = &view->gradients[p];
        double *sum = &ret_columns[part->group][part->layer < 0 ? 0 : part->layer];
        *sum = (isnan(*sum) ? 0 : *sum) + view->kernels->sum_of_squares(part->n, part->values);
    }
}

#define FISHER(group, of)                                                                                              \
    .name = "pub_fisher_" group, .unit = "squared gradient", .min = 0, .max = INFINITY, .source = RUSCIO,              \
    .summary = "squared gradient of a sequence's loss, summed over the " of,                                           \
    .weakness = "falls with the loss and with the number of targets in a sequence: compare at equal loss"

static const MetricColumn columns[] = {
    [GRADIENT_ATTENTION] = {FISHER("attention", "layer's q, k, v and out"), .level = LEVEL_LAYER},
    [GRADIENT_MLP] = {FISHER("mlp", "layer's up and down"), .level = LEVEL_LAYER},
    [GRADIENT_EMBEDDING] = {FISHER("embedding", "token and position embeddings"), .level = LEVEL_MODEL},
};

const MetricFamily family_pub_fisher = {
    .variant = {.name = "pub_fisher",
                .summary = "as published: squared gradients by layer and group",
                .source = RUSCIO},
    .needs = NEEDS_GRADIENT,
    .cost = "a forward and a backward pass",
    .every = 8,
    .sequences = 4,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
};
