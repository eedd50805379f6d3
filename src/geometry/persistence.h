/* Persistent homology, in dimensions 0 and 1 with coefficients mod 2, of the flag complex of a weighted graph: as a
 * threshold rises, edges enter at their weight and a triangle with the last of its three edges. Of a full matrix of
 * distances this is the Vietoris-Rips complex. A bar (birth, death) is a component or a loop that lives for thresholds
 * in [birth, death).
 *
 * Dimension 0 is Kruskal's algorithm with the elder rule (Edelsbrunner & Harer, Computational Topology, 2010, VII.1);
 * dimension 1 the cohomology of Bauer, "Ripser" (J. Appl. Comput. Topol. 5, 2021): clearing, cofacets that are never
 * stored, apparent pairs. Numbers are compared and never computed with, so bars are exact, and those of n points in
 * another order are the same bars.
 */
#ifndef REFFRAME_GEOMETRY_PERSISTENCE_H
#define REFFRAME_GEOMETRY_PERSISTENCE_H

#include "base/arena.h"

typedef struct {
    double birth, death; /* death > birth, INFINITY for a class that stays */
} Bar;

/* Bars of positive length by dimension: at most n and n*n/4 of them. */
typedef struct {
    int n_bars[2];
    const Bar *bars[2]; /* dimension 0 by death, dimension 1 by falling birth */
} Persistence;

/* What n points and bars up to dimension 0 or 1 are worked out in: about 16 n*n bytes for dimension 0, 1 MiB for n = 64
 * with dimension 1, which grows as n^4. NULL from a counting arena. */
typedef struct PersistenceDesk PersistenceDesk;
PersistenceDesk *persistence_desk(Arena *arena, int n, int last_dimension);

/* weights (n,n): entry i < j is the edge's weight, INFINITY or NaN for none; others are not read.
 * births (n,): when a point appears, NULL for 0 each; dimension 0 alone knows of them. Where components merge, the one
 * that was born later dies; a death that is no later than its birth (an edge may come before its points) is no bar.
 * Equal weights enter one by one by (i, j), which the bars do not show: what is born and dies at one weight is no bar.
 * The bars lie on the desk, until the next call; without dimension 1 ret->n_bars[1] is 0. */
void persistence_find(PersistenceDesk *desk, const double *weights, const double *births, Persistence *ret);

/* Sum and largest of the finite bars' lengths, 0 without any; returns how many they are. */
int persistence_lengths(const Persistence *persistence, int dimension, double *ret_sum, double *ret_longest);

#endif
