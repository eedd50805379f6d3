/* What each slot of a head draws: keys that belong to no position, where a query that finds nothing to read may put its
 * mass (Gu et al. 2025, arXiv 2410.10781, section 5; Miller 2023, "Attention Is Off By One").
 *
 *   slot_mass@s = mean_i A_i,s, s the head's slots from 0, over queries that give anything to a slot or a key;
 *   slot_mass_most = max_s of it, over all slots, however many; slot_mass_most_at = its s, the first on ties
 *
 * slot_mass is what keys do not get, be it a slot's or lost in the score function: this says whose it is. Invariant: a
 * model without slots has none of these.
 */
#include <math.h>

#include "geometry/metric.h"

enum { N_SHOWN = 4, MOST = N_SHOWN, MOST_AT };

static double *lay_sums(const View *view, Arena *arena)
{
    return ARENA_ARRAY(arena, double, view->n_slots);
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_sums(view, scratch);
}

static int is_empty(int n, const real *weights)
{
    for (int s = 0; s < n; s++)
        if (weights[s] != 0)
            return 0;
    return 1;
}

/* sums (n_slots,) of the weights of a head's slots (T,n_slots). Returns over how many queries. */
static int add_queries(const View *view, const real *map, const real *slots, double *sums)
{
    const int T = view->length, S = view->n_slots;
    int n = 0;
    for (int s = 0; s < S; s++)
        sums[s] = 0;
    for (int i = 0; i < T; i++, slots += S) {
        if (view_row_is_empty(view, map + (size_t)i * T) && is_empty(S, slots))
            continue;
        n++;
        for (int s = 0; s < S; s++)
            sums[s] += slots[s];
    }
    return n;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int S = view->n_slots;
    double *sums = lay_sums(view, scratch);
    for (int at = 0; at < view->n_layers * view->n_heads; at++) {
        const real *map = view_map(view, at / view->n_heads, at % view->n_heads);
        const int n = add_queries(view, map, view->slots + (size_t)at * view->length * S, sums);
        int most = 0;
        for (int s = 1; s < S; s++)
            most = sums[s] > sums[most] ? s : most;
        for (int s = 0; s < S && s < N_SHOWN && n > 0; s++)
            ret_columns[s][at] = sums[s] / n;
        if (n > 0)
            ret_columns[MOST][at] = sums[most] / n, ret_columns[MOST_AT][at] = most;
    }
}

#define SLOT_MASS(number)                                                                                              \
    {                                                                                                                  \
        .name = "slot_mass@" #number, .unit = "share of attention", .level = LEVEL_HEAD, .min = 0, .max = 1,           \
        .summary = "mean attention into the head's slot " #number, .source = "Gu et al. 2025, arXiv 2410.10781",       \
        .weakness = "only a model with so many slots has it; says nothing of what the slot's value writes"             \
    }

static const MetricColumn columns[] = {
    SLOT_MASS(0),
    SLOT_MASS(1),
    SLOT_MASS(2),
    SLOT_MASS(3),
    [MOST] = {.name = "slot_mass_most",
              .unit = "share of attention",
              .level = LEVEL_HEAD,
              .min = 0,
              .max = 1,
              .summary = "mean attention into the head's slot that draws most, of all of its slots",
              .source = "-",
              .weakness = "a maximum over slots: above their mean however alike they are"},
    [MOST_AT] = {.name = "slot_mass_most_at",
                 .unit = "slot",
                 .level = LEVEL_HEAD,
                 .min = 0,
                 .max = INFINITY,
                 .summary = "number of that slot, from 0, the first on ties",
                 .source = "-",
                 .weakness = "its mean over sequences is a slot only where its spread is near 0"},
};

const MetricFamily family_slots = {
    .variant = {.name = "slots",
                .summary = "attention into each slot of a head; measured of models with slots alone",
                .source = "Gu et al. 2025, arXiv 2410.10781"},
    .needs = NEEDS_MAPS | NEEDS_SLOTS,
    .cost = "O(L H T S)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
