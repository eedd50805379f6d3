/* The published specialisation of heads: whether a head's favourite token is the same one in most sequences.
 *
 *   top token of a sequence = token id at argmax_j mean_i A_ij;
 *   head_consistency = share of sequences with the modal one
 *
 * By id, not by place: a first token that differs from sequence to sequence never makes a head consistent.
 */
#include <string.h>

#include "geometry/metric.h"
#include "geometry/published.h"

static double *lay_sums(const View *view, Arena *arena)
{
    return ARENA_ARRAY(arena, double, view->length);
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_sums(view, scratch);
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int n = view->length;
    double *sums = lay_sums(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const real *map = view_map(view, l, h);
            int top = 0;
            memset(sums, 0, (size_t)n * sizeof *sums);
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    sums[j] += map[(size_t)i * n + j];
            for (int j = 1; j < n; j++)
                top = sums[j] > sums[top] ? j : top;
            ret_columns[0][l * view->n_heads + h] = view->tokens[top];
        }
}

static const MetricColumn columns[] = {
    {.name = "pub_head_consistency",
     .unit = "share of sequences",
     .level = LEVEL_HEAD,
     .min = 0,
     .max = 1,
     .pool = POOL_MODAL_SHARE,
     .attention_only = 1,
     .source = RUSCIO,
     .summary =
         "share of sequences whose most attended token is the most frequent such token id; specialised from 0.3 on",
     .weakness = "a frequent character passes 0.3 by its frequency; a token without a fixed place looks like none"},
};

const MetricFamily family_pub_head = {
    .variant = {.name = "pub_head", .summary = "as published: heads that favour one token", .source = RUSCIO},
    .needs = NEEDS_MAPS | NEEDS_TOKENS,
    .cost = "O(L H T^2)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
