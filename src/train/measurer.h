/* The inside of the measuring driver, shared by measurer.c (memory), set.c (the measuring sets), passes.c (model and
 * families over a set), measure.c (snapshots), given.c (sequences of others) and baselines.c. Nothing outside train/
 * includes it.
 */
#ifndef REFFRAME_TRAIN_MEASURER_H
#define REFFRAME_TRAIN_MEASURER_H

#include <stdatomic.h>

#include "train/given.h"
#include "train/measure.h"
#include "train/snapshot.h"

/* One set of sequences, drawn once. A sequence may be shorter than `length`; then its rows are filled as far as it
 * goes, and behind that ids and targets are -1 and all else 0. */
typedef struct {
    int n, length;
    int varies;                  /* some may be */
    int *lengths;                /* (n,) of each sequence */
    Visible *visible;            /* (n,) what the mask shows of each; (1,) of all where lengths do not vary */
    Arena *room;                 /* for the former */
    int32_t *inputs, *corrupted; /* (n,length); corrupted is NULL unless the objective corrupts */
    int32_t *targets;            /* (n,length) of the objective */
    real *vectors, *goals;       /* (n,length,C_in) and (n,length,C_out), of a source that has them */
    uint8_t *idle, *unmasked;    /* (n,length): idle queries; idle ones that the corruption left alone */
    uint8_t *groups;             /* (n,length) */
    int *ends;                   /* (n,) position of the end marker, -1 none */
} Set;

static inline const Visible *set_visible(const Set *set, int s)
{
    return &set->visible[set->varies ? s : 0];
}

/* How many sequences of a set have a position. */
int set_count(const Set *set, int position);

/* A tensor may be changed in every layer, and some more in one. */
enum { MORE_CHANGED = 4 };

/* What interventions work in, and what came of them on one sequence. */
typedef struct {
    real *parameters;       /* a copy of the block, in which tensors are changed and put back, */
    int is_copied;          /* made where it is first asked for */
    const Tensor **changed; /* (L + MORE_CHANGED) those that differ from the block */
    int n_changed;
    Workspace *workspace; /* of one sequence, which packs its own weights: for what changes a matrix */
    real *maps, *losses;  /* (L,H,T,T), (T) */
    double *sinks;        /* (N_INTERVENTIONS,2,L,H) */
    Intervened *intervened;
} Surgery;

/* What one thread works in, on one lane after another: nothing of a sequence outlives it. What only some needs of
 * families ask for is NULL when no family has them. */
typedef struct {
    Workspace *workspace; /* for CAPTURE_ROWS rows or so */
    Capture capture;      /* of as many sequences of full length */
    double *layer_maps;   /* (L,T,T) */
    double *norms;        /* (N_NORMS,L,H,T) */
    real *bias;           /* of the sequence under way, as model_position_bias lays it; where lengths vary */
    real *target_maps;    /* (L,H,T,T) of the queries with a target, rows of zeros of the others */
    real *ablated_losses; /* (N_ABLATIONS,T) */
    real *gradient;       /* a parameter block */
    GradientPart *parts;  /* (n_tensors) those of its tensors that belong to a group */
    int n_parts;
    Workspace *backward; /* a workspace for the gradient */
    Surgery surgery;
    Arena *scratch;   /* for families */
    double **columns; /* for one family's measure */
    Sequence sequence;
} Worker;

/* Rows of the model's products that are captured at a time: fewer make them slow, more take memory. */
enum { CAPTURE_ROWS = 256 };

struct Measurer {
    const TrainSettings *settings;
    const Model *model;
    const Data *data; /* NULL where sequences are given, and `given` NULL where they are drawn */
    const GivenSet *given;
    const Kernels *kernels;
    Lanes *lanes;
    Layout layout;
    int least;      /* length of the shortest sequence that the data may give */
    Set full, half; /* half.n is 0 where lengths vary: sequences of several lengths tell what it is asked for */
    int has_idle;
    double oracle_loss; /* per target on the full set */
    Worker *worker;     /* (n_workers) by thread; by lane where threads are more than lanes */
    int n_workers;
    atomic_int n_done; /* given sequences, on uniform attention and as they are */
    Pass pass, half_pass;
    real *bias, *half_bias;             /* (L,H,2T-1), or by query, of the snapshot under way */
    real *start_bias, *start_half_bias; /* of step 0, for baselines; the same memory where no bias is learned */
    double *baseline;                   /* (L,H,T) of the full set's keys, by step 0; of each where lengths vary */
    double *uniform, *position;         /* of given sequences: (N,n_values), their uniform baselines, those by position
                                         * alone (NULL: not asked for), */
    float *afar_baseline;               /* ([N,]L,H,DISTANCES,T) the larger of uniform and position-only ones, and */
    int *bad_heads;                     /* (N,) 1 + the first head whose attention is not finite, 0: there is none */
    int *bad_layers; /* (N,) the same of layers and what they give; behind the last one stands the final norm */
    double *row;     /* (T,) */
    double *work;    /* (S+T,) scratch of a row, S slots */
    const real
        *start; /* (n_values) parameters of step 0, for what position alone gives; NULL where none of it is learned */
    const real **output_weights; /* (L,) */
    const real *parameters;      /* of the snapshot under way */
    real *panels;                /* its weights, packed for the model's products */
    int n_packs;
    int64_t step;       /* likewise */
    int uses_corrupted; /* the pass under way looks at corrupted inputs */
    int is_baseline;    /* computed maps are being measured, the same for all sequences of one length: one will do for
                         * families that are costly by default, as these look at nothing else */
};

/* Whether a View that answers these needs has what norms are of: those families start from them that ask for both. */
static inline int wants_norms(unsigned needs)
{
    const unsigned both = NEEDS_QKV | NEEDS_WEIGHTS;
    return (needs & both) == both;
}

/* L H C D T of a model. */
typedef struct {
    int L, H, C, D, T;
} Shape;

Shape measurer_shape(const Model *model);

/* Sequences of full length that are captured at a time. */
int measurer_group(const Shape *shape);

/* A View of a model with shapes alone. */
View measurer_blank_view(const Model *model, const Visible *visible, const Kernels *kernels);

/* What the model is given from sequence s of a set on. */
Given measurer_given(const Measurer *measurer, const Set *set, int s);

/* The View of sequence s of a set, which is number `at` in a capture. */
View measurer_sequence_view(const Measurer *measurer, const Set *set, int s, const Capture *capture, int at,
                            int is_corrupted);

/* Whether the pass under way has losses: they belong to the inputs that the objective makes. */
int measurer_has_losses(const Measurer *measurer);

/* Whether sequences of such inputs are measured over their target queries, too. */
int measurer_has_targets(const Measurer *measurer, int is_corrupted);

/* Who works on a lane. */
Worker *measurer_worker(Measurer *measurer, int lane, int thread);

/* Whether a family of the registry takes part in the snapshot under way, on sequence s. */
int measurer_includes(const Measurer *measurer, int family, int s);

/* Runs the families that are due on the view of sequence s, each into its part of a row of values, NaN where one is
 * not. */
void measurer_measure_view(const Measurer *measurer, const View *view, int s, Worker *worker, double *row);

/* The same of the families that are means over queries, over those alone that have a target; NaN where none has. */
void measurer_measure_targets(const Measurer *measurer, const View *view, int s, Worker *worker, double *row);

/* What position alone gives at step 0 to sequence s of a set, and so to all of its length; until it is asked for
 * another, where lengths vary. */
typedef struct {
    const Measurer *measurer;
    const real *bias;
    const Visible *visible;
} PositionOnly;

PositionOnly measurer_position_only(const Measurer *measurer, const Set *set, int s);
PositionRows measurer_position_rows(const PositionOnly *position);

/* Sums of a sequence's losses (T) by group, and how many targets each has (NULL: not asked for). */
void measurer_group_losses(const Set *set, int s, const real *losses, double *ret_sums, double *ret_counts);

/* Memory of a set of sequences of up to `length`, as short as `least`; and its sequences, drawn from a stream, or those
 * that are given. */
void lay_set(Arena *arena, const TrainSettings *settings, const Model *model, int least, int length, Set *set);
void draw_set(Measurer *measurer, const char *stream, Set *set);
void put_given_set(Measurer *measurer, Set *set);

/* Everything but the struct itself, of a measurer whose n_workers, least and given are known: laid out, or counted on a
 * counting arena. Then, as its sets have been filled and `start` is known, what these say of themselves, and what
 * position alone gives them. */
void measurer_lay(Arena *arena, const TrainSettings *settings, const Model *model, Measurer *measurer);
void measurer_begin(Measurer *measurer);

/* The lanes of a pass: MEASURE_LANES of a set that was drawn, whose mean maps are summed by lane. Of given sequences
 * each group that is captured together is one, at most `group` sequences next to each other. */
int measurer_n_lanes(const Measurer *measurer);

/* Sequences [first, end) of the full set are a lane's. */
typedef struct {
    int first, end;
} LanePart;

LanePart measurer_lane_part(const Measurer *measurer, int lane);

/* A sequence is done: whoever gave it hears of it, on the caller's thread alone; of one that was drawn nobody does. */
void measurer_count(Measurer *measurer, const Worker *worker);

/* Rows (n,length) of importances become (n,wide) in place, NaN behind a sequence's own keys. */
void widen_rows(size_t n, int length, int wide, float *rows);

/* Lays uniform or position-only maps for sequence s of a set over a worker's: the same for all of its length. Position
 * alone is for one worker at a time. */
View measurer_lay_computed(Measurer *measurer, const Set *set, int s, int is_position, Worker *worker);

/* Measures uniform or position-only attention into the pass. */
void measurer_measure_computed(Measurer *measurer, int is_position, int is_corrupted);

/* The former, of clean sequences, lane by lane. */
void measurer_measure_uniform(Measurer *measurer);

/* The same of both, into a file. */
int write_baselines(Measurer *measurer, const Lock *lock, const char *path, Error *err);

/* Whether the set of half length takes part in the snapshot under way. */
int measurer_half_is_due(const Measurer *measurer);

/* Memory of interventions; the model under each of them on sequence s of the full set, whose View gets what came of it.
 * ret_losses: (N_INTERVENTIONS,2,MAX_LOSS_GROUPS) sums, NaN where there was nothing to change. */
void lay_interventions(Arena *arena, const Model *model, Surgery *surgery);
void take_interventions(const Measurer *measurer, int s, const Given *given, Worker *worker, View *view,
                        double *ret_losses);

/* The snapshot under way is of these parameters at that step, by which families are due. */
void measurer_prepare(Measurer *measurer, const real *parameters, int64_t step);

/* Both sets, clean or corrupted: fills the passes; block 0 of map_sum becomes the mean over the set. */
void measurer_run_passes(Measurer *measurer, int is_corrupted);

/* The column whose largest value over heads a summary holds. */
const Place *measurer_sink_place(const Measurer *measurer);

#endif
