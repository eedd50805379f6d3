/* The shape of a head's attention at every threshold at once: persistent homology of the Vietoris-Rips filtration of
 *
 *   d_ij = 1 - max(a_ij, a_ji),   d_ii = 0
 *
 * Dimension 0: the weights of a minimum spanning tree. Dimension 1: loops of tokens that attend along the loop more
 * than across it. Kushnareva et al., "Artificial Text Detection via Examining the Topology of Attention Maps" (arXiv
 * 2109.04825); bars by geometry/persistence.h. d breaks the triangle inequality: these are loops of a weighted graph,
 * not of points in a space.
 */
#include <math.h>

#include "geometry/metric.h"
#include "geometry/persistence.h"

enum { TOTAL0, LONGEST0, BARS1, TOTAL1, LONGEST1 };
enum { LONGEST_WITH_LOOPS = 64 }; /* T: the memory for loops grows as T^4 */

static int last_dimension(int T)
{
    return T <= LONGEST_WITH_LOOPS;
}

typedef struct {
    double *distances; /* (T,T), i < j */
    PersistenceDesk *persistence;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t T = (size_t)view->length;
    Desk desk;
    desk.distances = ARENA_ARRAY(arena, double, T *T);
    desk.persistence = persistence_desk(arena, view->length, last_dimension(view->length));
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length, n_maps = view->n_layers * view->n_heads;
    const Desk desk = lay_desk(view, scratch);
    for (int m = 0; m < n_maps; m++) {
        const real *map = view->maps + (size_t)m * T * T;
        Persistence found;
        for (int i = 0; i < T; i++)
            for (int j = i + 1; j < T; j++) {
                const double a = map[(size_t)i * T + j], b = map[(size_t)j * T + i];
                desk.distances[(size_t)i * T + j] = 1 - (a > b ? a : b);
            }
        persistence_find(desk.persistence, desk.distances, NULL, &found);
        persistence_lengths(&found, 0, &ret_columns[TOTAL0][m], &ret_columns[LONGEST0][m]);
        if (last_dimension(T) < 1)
            continue;
        ret_columns[BARS1][m] = found.n_bars[1];
        persistence_lengths(&found, 1, &ret_columns[TOTAL1][m], &ret_columns[LONGEST1][m]);
    }
}

#define KUSHNAREVA "Kushnareva et al. 2021, arXiv 2109.04825"
#define OF_A_HEAD  .level = LEVEL_HEAD, .attention_only = 1

static const MetricColumn columns[] = {
    [TOTAL0] = {.name = "rips0_total",
                .unit = "distance",
                OF_A_HEAD,
                .min = 0,
                .max = INFINITY,
                .summary = "sum of the finite bars in dimension 0: the minimum spanning tree of 1 - max(a_ij, a_ji)",
                .source = KUSHNAREVA,
                .weakness = "T - 1 less the largest total attention of a tree: a sink and a chain of previous tokens "
                            "are alike; grows with the length"},
    [LONGEST0] = {.name = "rips0_longest",
                  .unit = "distance",
                  OF_A_HEAD,
                  .min = 0,
                  .max = 1,
                  .summary = "longest finite bar in dimension 0: the distance at which all tokens hang together",
                  .source = KUSHNAREVA,
                  .weakness = "a single token that nobody attends to, and that spreads its own attention, decides it"},
    [BARS1] = {.name = "rips1_bars",
               .unit = "loops",
               OF_A_HEAD,
               .min = 0,
               .max = INFINITY,
               .summary = "bars of positive length in dimension 1, T <= 64 only",
               .source = KUSHNAREVA,
               .weakness =
                   "counts the shortest bar like the longest: noise in small entries is most of it; 0 for a sink"},
    [TOTAL1] = {.name = "rips1_total",
                .unit = "distance",
                OF_A_HEAD,
                .min = 0,
                .max = INFINITY,
                .summary = "sum of the bars' lengths in dimension 1, T <= 64 only",
                .source = KUSHNAREVA,
                .weakness = "many short bars weigh like a long one; 0 for a sink"},
    [LONGEST1] = {.name = "rips1_longest",
                  .unit = "distance",
                  OF_A_HEAD,
                  .min = 0,
                  .max = 1,
                  .summary = "longest bar in dimension 1 (0 without any), T <= 64 only",
                  .source = KUSHNAREVA,
                  .weakness = "one loop says nothing of the others; 0 for a sink as for uniform attention under a full "
                              "mask"},
};

const MetricFamily family_rips = {
    .variant = {.name = "rips",
                .summary = "components and loops of a head's attention at all thresholds: Vietoris-Rips persistence",
                .source = KUSHNAREVA},
    .needs = NEEDS_MAPS,
    .cost = "O(L H T^2 log T), loops O(L H T^3) and more",
    .every = 4,
    .sequences = 2,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
