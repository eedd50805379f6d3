/* What the report knows of a results folder: the plan, the metrics' schema, and every finished run's snapshots.
 *
 * Arrays follow the snapshot format (results/README.md): S snapshots, L layers, H heads; part 0 is the whole measuring
 * set, 1 its even sequences, 2 its odd ones. NaN is "not available". Everything lives in the report's arena.
 *
 * A snapshot holds the metrics that were due. A metric's series are over its own M <= S snapshots: one in which it was
 * not measured says nothing about it, while a NaN in one that measured it is a value that was not there.
 */
#ifndef REFFRAME_REPORT_RESULTS_H
#define REFFRAME_REPORT_RESULTS_H

#include "base/axis.h"
#include "base/claim.h"
#include "base/table.h"
#include "frame/frame.h"
#include "frame/onset.h"
#include "report/report.h"
#include "store/run.h"
#include "store/sums.h"

/* What stands before the names of what was measured on corrupted sequences, over target queries, or both. */
extern const char *const measured_on[];

enum { PART_ALL, PART_EVEN, PART_ODD, PART_COUNT };

/* What a metric has one value for. */
typedef enum { PER_HEAD, PER_LAYER, PER_MODEL, PER_COUNT } ReportLevel;

const char *report_level_name(ReportLevel level); /* "head", "layer", "model", as metrics.json has them */

/* What stands beside a metric: sd/NAME, n/NAME; uniform/NAME, position/NAME. */
enum { MEMBER_SD, MEMBER_N, MEMBER_UNIFORM, MEMBER_POSITION, METRIC_MEMBERS };

/* One column of metrics.json. */
typedef struct {
    const char *name, *family, *unit, *summary, *source, *weakness;
    ReportLevel level;
    int direction;    /* +1 rises, -1 falls, 0 none declared */
    double threshold; /* of emergence, NaN: none declared, so it has no onset */
    double ratio;
    double min, max;
    const char *members[METRIC_MEMBERS]; /* what they are called in a snapshot, and in the baselines */
} ReportMetric;

/* Fills in the names of a metric's members, once for all files. */
void metric_name_members(Arena *arena, ReportMetric *metric);

/* One metric of one run. R x W is (L,H) of a head metric, (L,1) of a layer metric, (1,1) of a model metric. */
typedef struct {
    int n;           /* M snapshots measured it; 0: none did */
    int *at;         /* (M,) which of the run's S, ascending */
    double *steps;   /* (M,) */
    double *values;  /* (M,3,R,W) */
    double *sd;      /* (M,R,W) over sequences */
    int32_t *counts; /* (M,R,W) sequences behind the value, -1 where not stored */
    double *uniform; /* (R,W): the computed baselines; NULL when the metric has none */
    double *position;
    int strongest; /* the cell of R x W that metric_strongest chooses */
} RunMetric;

/* Labels of one snapshot, by position and by token. */
typedef struct {
    Frame model;
    Frame *layers; /* (L,) */
    Frame *heads;  /* (L,H) */
} SnapshotFrames;

/* Which tokens a scope's anchors are, the largest share first: at most TOKENS_KEPT of them. */
enum { TOKENS_KEPT = 8 };
typedef struct {
    int n;
    const FrameAnchor *anchors; /* (n,) */
    const char **texts;         /* (n,) UTF-8, "?" where unknown */
} ScopeTokens;

typedef struct {
    ScopeTokens model;
    ScopeTokens *layers; /* (L,) */
    ScopeTokens *heads;  /* (L,H) */
} AnchorTokens;

typedef struct {
    const char *folder, *id;
    int arm;
    uint64_t seed;
    RunStatus status;
    const char *reason; /* one line on why it has no results, "" otherwise */
    int is_unreadable;  /* it finished, as far as is known, and its files are not what it left */
    double oracle_loss; /* per target, NaN where unknown */
    double n_parameters;
    int n_snapshots;                  /* 0 unless finished, or collected so far */
    double *steps, *tokens, *targets; /* (S,) */
    int n_losses;                     /* 1+G */
    const char **loss_names;          /* (1+G,) "held_out_loss", "held_out_loss:copy", ... */
    double *losses;                   /* (S,1+G) held-out, per target, */
    int loss_is_squared_error;        /* mean over a target's components, instead of nats */
    int n_layers, n_heads, length, n_sequences;
    Visible visible;        /* what the mask shows of `length` positions */
    const int32_t *lengths; /* (N,) of each sequence of the measuring set; NULL: all have `length` */
    Visible *visible_each;  /* (N,) what the mask shows of each; likewise */
    int has_afar;           /* whether its snapshots hold importances from afar, from which labels follow */
    int rows_sum_to_one;    /* whether the score function makes weights of a row sum to one */
    RunMetric *metrics;     /* (n_metrics,) */
    SnapshotFrames *frames; /* (S,) */
    AnchorTokens anchors;   /* of the last snapshot */
} ReportRun;

typedef AxisWords ReportAxis;

typedef struct {
    const char *name;
    const char **values; /* (n_axes,) label on each axis */
} ReportArm;

struct Report {
    Arena *arena;
    const char *folder; /* where snapshots are read again (maps); never written out */
    Sums sums;          /* what stood in it was to be, by an earlier report or run */
    const char *name, *title, *claim, *source;
    ReportAxis *axes;
    int n_axes;
    ReportArm *arms;
    int n_arms;
    uint64_t *seeds;
    int n_seeds;
    ReportMetric *metrics; /* those that at least one run measured */
    int n_metrics;
    ReportRun *runs; /* arm-major, then seed, as planned */
    int n_runs;
    const ReportRun **grid; /* (n_arms,n_seeds) of these, NULL where none is planned */
    Claim *claims;
    int n_claims;
    const char **notes; /* the plan's remarks, one line each */
    int n_notes;
    int headline;              /* index of the sink metric that tables show, -1 when nothing was measured */
    const char *headline_note; /* why it is not sink_mass_idle, "" otherwise */
    Table *columns;            /* of the tables written so far (export/columns.c); NULL: none */
};

int report_find_metric(const Report *report, const char *name); /* -1 if absent */

/* What a reader is told of a value of axis x: itself, behind its axis where it needs that. */
const char *report_value_name(Arena *arena, const Report *report, int x, const char *value);

/* What a run's losses are measured in, "nats" or "mean squared error"; and all runs', both where they differ. */
const char *run_loss_unit(const ReportRun *run);
const char *report_loss_unit(const Report *report);

/* R and W of a metric in a run. */
int metric_rows(const ReportMetric *metric, const ReportRun *run);
int metric_width(const ReportMetric *metric, const ReportRun *run);

/* Whether it has finished and brought results; snapshots alone may be those of a run that goes on. */
int run_has_finished(const ReportRun *run);

/* Fills the report's grid, once its runs are known. */
void report_lay_grid(Report *report);

/* The arm's run with the i-th seed, finished or not; NULL where none is planned. */
const ReportRun *report_run_at(const Report *report, int arm, int i);

/* The same if it is finished, or NULL. */
const ReportRun *report_finished_at(const Report *report, int arm, int i);

/* Runs of an arm: planned, and those with results (returned). */
int report_count_runs(const Report *report, int arm, int *ret_planned);

/* The cell whose final value on the even sequences is the most extreme in the metric's direction (0 counts as rising);
 * the first if none is known. */
int metric_strongest(Arena *arena, const ReportMetric *metric, const ReportRun *run, const RunMetric *own);

#endif
