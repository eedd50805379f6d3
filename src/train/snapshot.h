/* From what a pass over a measuring set produced to the members of a snapshot (format: results/README.md). */
#ifndef REFFRAME_TRAIN_SNAPSHOT_H
#define REFFRAME_TRAIN_SNAPSHOT_H

#include "store/npz.h"
#include "geometry/layout.h"
#include "geometry/pool.h"

/* One pass over N sequences of `length` tokens. */
typedef struct {
    int n, length;
    double *values;        /* (N, n_values), NaN where a metric has none; NULL for the set of half length */
    double *target_values; /* likewise over queries with a target alone; NULL where nobody asks */
    float *importance;     /* (N,L,H,length) */
    float *afar;           /* (N,L,H,DISTANCES,length) */
    real *map_sum;         /* (MEASURE_LANES,L,H,T,T); block 0 holds the mean after the pass; NULL for the half set */
    real *maps;            /* (M,L,H,T,T) of the first M sequences, or NULL */
    int n_maps;
    double *intervened; /* (N, N_INTERVENTIONS, 2, MAX_LOSS_GROUPS) sums under interventions; NULL where nobody asks */
    double *losses;     /* (N, MAX_LOSS_GROUPS) sums, and */
    double *counts;     /* (N, MAX_LOSS_GROUPS) numbers of targets; NULL for the half set */
} Pass;

enum { N_PARTS = 3 }; /* all, even, odd sequences */

/* Value `index` of every sequence's row, pooled over a part of the set. */
Pooled snapshot_pooled(const Pass *pass, const Layout *layout, const Place *place, int index, int part);

/* Adds NAME, sd/NAME and n/NAME of a column, over all, even and odd sequences, each name behind `prefix`. */
void snapshot_add_metric(NpzWriter *npz, Arena *arena, const char *prefix, const Layout *layout, const Place *place,
                         const Pass *pass);

/* A pass whose values are those over target queries. */
Pass pass_of_targets(const Pass *pass);

/* held_out_loss (1+n_groups): over all targets, then by group; NaN for a group without targets. */
void snapshot_losses(const Pass *pass, int n_groups, double *ret_losses);

#endif
