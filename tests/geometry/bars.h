/* Persistence bars to hold others against: sorted, of random graphs, by slow and clear algorithms, by Ripser. */
#ifndef REFFRAME_TESTS_GEOMETRY_BARS_H
#define REFFRAME_TESTS_GEOMETRY_BARS_H

#include "base/arena.h"
#include "base/pcg.h"
#include "geometry/persistence.h"
#include "store/npz.h"

/* Weights (n,n), both halves alike, INFINITY for no edge. */
double *no_edges(Arena *arena, int n);
void set_edge(int n, int i, int j, double weight, double *weights);
/* Each edge with the given probability; weights are multiples of 1/16, n_values of them: few for ties. */
double *random_graph(Arena *arena, Pcg *pcg, int n, double share, uint32_t n_values);

/* What persistence_find says, sorted by birth, then death. Asserts that nothing beside the scratch is written, that
 * entries below the diagonal are not read, and that lengths are positive. */
Persistence bars_of(Arena *arena, int n, const double *weights, const double *births, int last_dimension);
void assert_bars(const Persistence *found, int dimension, int n, const Bar *expected);
void assert_same_bars(const Persistence *a, const Persistence *b);
/* Of the finite bars. */
double sum_of_lengths(const Persistence *bars, int dimension, double *ret_longest, int *ret_n);

/* Every simplex of up to three points, by weight, faces before what they bound; `ret` has room for n + n^2 + n^3. */
typedef struct {
    int n_points;  /* 1, 2 or 3 */
    int points[3]; /* rising, then -1 */
    double weight;
} Simplex;
int list_simplices(int n, const double *weights, Simplex *ret);
int is_face(const Simplex *face, const Simplex *simplex);

/* The textbook's algorithm for weights >= 0: columns of the boundary matrix from left to right, each reduced by those
 * before it. Births are 0. */
Persistence bars_by_reduction(Arena *arena, int n, const double *weights);

/* Dimension 0 with births: a point's component dies at the least weight at which it reaches an elder (born before; of
 * two born together, the one with the lower index). */
int components_by_elder_rule(int n, const double *weights, const double *births, Bar *ret);

/* fixtures/ripser.npz, and the bars of one of its cases. */
const Npz *ripser(Arena *arena);
Persistence ripser_bars(Arena *arena, const Npz *npz, const char *name);

#endif
