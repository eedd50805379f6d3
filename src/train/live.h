/* A run in memory alone, for whoever shows it while it trains: no folder, no files, one thread. The steps and the
 * figures are those that a run writes down.
 */
#ifndef REFFRAME_TRAIN_LIVE_H
#define REFFRAME_TRAIN_LIVE_H

#include "train/session.h"

typedef struct Live Live;

/* What is seen of the measuring set; arrays are the Live's, and good until it measures again. */
typedef struct {
    double loss;                          /* held out, per target */
    double group_losses[MAX_LOSS_GROUPS]; /* by the source's groups; NaN without a target */
    const double
        *sinks; /* (L,H) sink_mass_idle, or sink_mass where the source has no idle queries: means over the set */
    const double *ends;           /* (L,H) end_mass */
    const double *drains;         /* (L,H) value_drain */
    const real *map;              /* (L,H,T,T) attention on the set's first sequence */
    const double *norms;          /* (L,H,T) of its value vectors */
    double sink_floor, end_floor; /* the same two of uniform attention under the mask */
} LiveFigures;

/* Opens a run with these settings, which outlive it. */
int live_open(const Settings *settings, const Kernels *kernels, Live **ret_live, Error *err);

/* One step of training. STATUS_FAILED, with nothing changed, when the loss is not finite. */
int live_step(Live *live, StepResult *ret_result, Error *err);

/* Measures the weights as they are; never disturbs training. */
void live_measure(Live *live, LiveFigures *ret_figures);

/* What the figures are of: sizes, and the first sequence of the measuring set. */
typedef struct {
    int n_layers, n_heads, length, n_groups;
    int64_t n_parameters;
    const int32_t *tokens; /* (T) */
    const uint8_t *idle;   /* (T) queries with nothing to fetch */
} LiveShape;

LiveShape live_shape(const Live *live);
const char *live_token(const Live *live, int id);
const char *live_group(const Live *live, int group);
int64_t live_steps_done(const Live *live);

Live *live_close(Live *live); /* NULL allowed; returns NULL */

#endif
