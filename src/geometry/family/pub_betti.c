/* Betti numbers and persistence as published: Ruscio, Nanni & Silvestri, "What are you sinking? A geometric approach on
 * attention sink" (arXiv 2508.02546), with the conventions of the authors' public code, which hands ripser.py the
 * matrix
 *
 *   d = 1 - mean map of the layer   (float32; when n > 30 of the points floor(i (n-1) / 29), i = 0..29)
 *
 * as it is, neither symmetrised nor with a zero diagonal. What ripser.py makes of it: entries i < j are edges, none
 * where d is exactly 0 (a sparse matrix has no such entry; a diagonal of zeros alone keeps it dense); the diagonal is
 * the birth of a point in dimension 0 and nothing in dimension 1.
 *
 * Under a causal mask i < j is the half that the mask hides: every edge has distance 1. What is left are bars
 * (1 - a_ii, 1): Betti_0 counts the points, Betti_1 is 0, and persistence is the attention of tokens to themselves.
 */
#include <math.h>

#include "geometry/metric.h"
#include "geometry/persistence.h"
#include "geometry/published.h"

enum { BETTI0, BETTI1, MEAN0, MAX0, MEAN1, MAX1 };
enum { MOST_POINTS = 30 };

static PersistenceDesk *lay_desk(const View *view, Arena *arena)
{
    return persistence_desk(arena, view->length < MOST_POINTS ? view->length : MOST_POINTS, 1);
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

/* d of the points, and the birth of each. */
static void take_distances(int T, const double *map, double *ret_distances, double *ret_births)
{
    const int n = T < MOST_POINTS ? T : MOST_POINTS;
    int has_births = 0;
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++) {
            const int row = T > n ? i * (T - 1) / (n - 1) : i, column = T > n ? j * (T - 1) / (n - 1) : j;
            const float d = 1.0f - (float)map[(size_t)row * T + column];
            ret_distances[i * n + j] = d;
            if (i == j) {
                ret_births[i] = d;
                has_births |= d != 0;
            }
        }
    for (int e = 0; e < n * n && has_births; e++)
        if (e / n < e % n && ret_distances[e] == 0)
            ret_distances[e] = INFINITY;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length;
    double distances[MOST_POINTS * MOST_POINTS], births[MOST_POINTS];
    PersistenceDesk *desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++) {
        Persistence found;
        take_distances(T, view->layer_maps + (size_t)l * T * T, distances, births);
        persistence_find(desk, distances, births, &found);
        for (int d = 0; d < 2; d++) {
            double sum, longest;
            const int n_finite = persistence_lengths(&found, d, &sum, &longest);
            ret_columns[d ? BETTI1 : BETTI0][l] = found.n_bars[d];
            ret_columns[d ? MEAN1 : MEAN0][l] = n_finite ? sum / n_finite : NAN;
            ret_columns[d ? MAX1 : MAX0][l] = n_finite ? longest : NAN;
        }
    }
}

#define OF_A_LAYER .level = LEVEL_LAYER, .attention_only = 1, .source = RUSCIO

static const MetricColumn columns[] = {
    [BETTI0] = {.name = "pub_betti0",
                .unit = "bars",
                OF_A_LAYER,
                .min = 0,
                .max = MOST_POINTS,
                .summary = "bars in dimension 0, the infinite one included, of d = 1 - mean map on up to 30 points",
                .weakness = "min(n, 30) under a causal mask, whatever the attention, unless a token gives itself none"},
    [BETTI1] = {.name = "pub_betti1",
                .unit = "bars",
                OF_A_LAYER,
                .min = 0,
                .max = MOST_POINTS * MOST_POINTS / 4,
                .summary = "bars in dimension 1 of the same, infinite ones included",
                .weakness = "0 under a causal mask, where every edge has distance 1; of a full map only attention to "
                            "later tokens counts"},
    [MEAN0] = {.name = "pub_persistence0_mean",
               .unit = "distance",
               OF_A_LAYER,
               .min = 0,
               .max = 1,
               .summary = "mean length of the finite bars in dimension 0; missing without any",
               .weakness = "under a causal mask the mean attention of the points but the first to themselves"},
    [MAX0] = {.name = "pub_persistence0_max",
              .unit = "distance",
              OF_A_LAYER,
              .min = 0,
              .max = 1,
              .summary = "longest finite bar in dimension 0; missing without any",
              .weakness = "under a causal mask the largest attention of the points but the first to themselves"},
    [MEAN1] = {.name = "pub_persistence1_mean",
               .unit = "distance",
               OF_A_LAYER,
               .min = 0,
               .max = 1,
               .summary = "mean length of the finite bars in dimension 1; missing without any",
               .weakness =
                   "never there under a causal mask; elsewhere its mean is over those sequences that have a loop"},
    [MAX1] = {.name = "pub_persistence1_max",
              .unit = "distance",
              OF_A_LAYER,
              .min = 0,
              .max = 1,
              .summary = "longest finite bar in dimension 1; missing without any",
              .weakness =
                  "never there under a causal mask; elsewhere its mean is over those sequences that have a loop"},
};

const MetricFamily family_pub_betti = {
    .variant = {.name = "pub_betti",
                .summary = "Betti numbers and persistence of layers, as published",
                .source = RUSCIO},
    .needs = NEEDS_LAYER_MAPS,
    .cost = "O(L n^3) and more, n = min(T, 30)",
    .every = 4,
    .sequences = 8,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
