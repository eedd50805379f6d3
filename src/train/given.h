/* Measuring a model on sequences that somebody gives: a model of others (src/hub), by the driver that measures our
 * runs.
 *
 * The measurer runs over the given sequences as over a run's measuring set (measure.h): the same capture, Views,
 * families, baselines and interventions, so that a run's model has the metrics of its own snapshot to the bit. What
 * differs: values of every sequence are handed out instead of a snapshot; position alone is that of the parameters that
 * are measured; no query is idle, and no end is marked.
 */
#ifndef REFFRAME_TRAIN_GIVEN_H
#define REFFRAME_TRAIN_GIVEN_H

#include "geometry/layout.h"
#include "model/model.h"
#include "train/settings.h"

typedef struct {
    int n, shortest;
    const int *lengths;     /* (n) T of each */
    const int32_t *tokens;  /* one behind the other, (T) each */
    const int32_t *targets; /* the same: what is to be predicted at each position, -1: nothing; NULL: there is no loss,
                             * and no metric of one */
    real *const *maps;      /* (n) room for each one's maps, (L,H,T,T); NULL: they are not kept */
    int with_position;      /* whether position alone is measured, too: Measured.position */
    void (*on_sequence)(void *context, int n_done); /* of n given_passes: each is done once beside uniform attention,
                                                     * once by position alone where that is asked for, and once */
    void *context;
} GivenSet;

/* What was measured; memory is the measurer's. */
typedef struct {
    Layout layout;
    const double *values;   /* (n, layout.n_values), NaN where a metric has none */
    const double *uniform;  /* the same on uniform attention, of columns that see attention alone */
    const double *position; /* the same by position alone, with the parameters that are measured; NULL: not asked for */
    const float *afar;      /* (n,L,H,DISTANCES,T) importances from afar, NaN behind a sequence's own keys */
    const float *baseline; /* likewise, the larger of uniform and position-only ones; of one for all where all sequences
                            * have T tokens */
    double loss;           /* per target; NaN without one */
    int64_t n_targets;
} Measured;

/* Settings for n sequences by the keys measure.FAMILY of `families` (families_resolve). A family is measured unless its
 * `every` is 0. `sequences` holds as in a run; but where nobody gave it, a family of maps alone is measured on all. A
 * gradient takes the memory of two more models: its families are measured where their `every` was given. Memory from
 * arena. */
int given_settings(Arena *arena, const Settings *families, int n, TrainSettings *ret_settings, Error *err);

/* How often each sequence is done. */
static inline int given_passes(const GivenSet *set)
{
    return set->with_position ? 3 : 2;
}

/* Bytes that given_measure takes, on so many threads. */
double given_bytes(const TrainSettings *settings, const Model *model, const GivenSet *set, int threads);

/* T is the model's context, and no sequence longer. Threads change no bit. STATUS_INPUT where attention, what a
 * layer or the final norm gives, or a loss is not finite, with the first place; STATUS_FAILED without memory. What is
 * measured stands in *ret_memory, which is to be freed. */
int given_measure(const TrainSettings *settings, const Model *model, const real *parameters, const Kernels *kernels,
                  const GivenSet *set, int threads, Arena **ret_memory, Measured *ret_measured, Error *err);

#endif
