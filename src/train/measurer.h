/* The inside of the measuring driver, shared by measurer.c (memory and the measuring sets), passes.c (model and families over
 * a set) and measure.c (snapshots). Nothing outside train/ includes it.
 */
#ifndef REFFRAME_TRAIN_MEASURER_H
#define REFFRAME_TRAIN_MEASURER_H

#include "train/measure.h"
#include "train/snapshot.h"

/* One set of sequences, drawn once. */
typedef struct {
    int n, length;
    int32_t *inputs, *corrupted; /* (n,length); corrupted is NULL unless the objective corrupts */
    int32_t *targets;            /* (n,length) of the objective */
    uint8_t *idle, *unmasked;    /* (n,length): idle queries; idle ones that the corruption left alone */
    uint8_t *groups;             /* (n,length) */
    int *ends;                   /* (n,) position of the end marker, -1 none */
} Set;

typedef struct {
    Workspace *workspace;
    Capture capture;      /* of one sequence of full length */
    void *scratch;        /* for families */
    double **columns;     /* for one family's measure */
    Sequence sequence;
} Lane;

struct Measurer {
    const TrainSettings *settings;
    const Model *model;
    const Data *data;
    Lanes *lanes;
    Layout layout;
    Set full, half;
    int has_idle;
    double oracle_loss;              /* nats per target on the full set */
    Lane lane[MEASURE_LANES];
    Pass pass, half_pass;
    real *bias, *half_bias;          /* (L,H,2T-1) */
    const real **output_weights;     /* (L,) */
    const real *parameters;          /* of the snapshot under way */
    int uses_corrupted;              /* the pass under way looks at corrupted inputs */
};

/* L H C D T of a model. */
typedef struct {
    int L, H, C, D, T;
} Shape;

Shape measurer_shape(const Model *model);

/* A View of `length` tokens with shapes alone. */
View measurer_blank_view(const Shape *shape, int length, int is_causal);

/* The View of sequence s of a set, of what a capture holds. */
View measurer_sequence_view(const Measurer *measurer, const Set *set, int s, const Capture *capture, int is_corrupted);

/* Runs every family on a view, into one row of values; maps_only leaves those out that look at more than maps. */
void measurer_measure_view(const Layout *layout, const View *view, Lane *lane, int maps_only, double *row);

/* Both sets, clean or corrupted: fills the passes; block 0 of map_sum becomes the mean over the set. */
void measurer_run_passes(Measurer *measurer, int is_corrupted);

#endif
