/* Norms of queries, keys, values and of what values write, v W, W the head's slice of W_O: several families start from
 * them. A driver takes them once for a View; where it has not, each family takes those that it asks for.
 */
#ifndef REFFRAME_GEOMETRY_NORMS_H
#define REFFRAME_GEOMETRY_NORMS_H

#include "base/arena.h"
#include "geometry/view.h"

/* Room to take them in; all of it is scratch. */
typedef struct {
    real *matmul, *written; /* MATMUL_SCRATCH; (T,C) v W: for these alone */
    double *norms;          /* (T,) */
} NormDesk;

NormDesk norm_desk(const View *view, Arena *arena);

/* The norms (T,) of one head's rows: the View's, or such as lie in the desk until the next are asked for there. */
const double *norms_of(const View *view, NormsOf kind, int layer, int head, const NormDesk *desk);

/* All of them, (N_NORMS,L,H,T), of a View that has q, k, v and the weights. */
void norms_take(const View *view, const NormDesk *desk, double *ret_norms);

#endif
