/* What the report knows of a results folder: the plan, the metrics' schema, and every finished run's snapshots.
 *
 * Arrays follow the snapshot format (results/README.md): S snapshots, L layers, H heads; part 0 is the whole measuring
 * set, 1 its even sequences, 2 its odd ones. NaN is "not available". Everything lives in the report's arena.
 */
#ifndef REFFRAME_REPORT_COLLECT_H
#define REFFRAME_REPORT_COLLECT_H

#include "base/claim.h"
#include "frame/frame.h"
#include "frame/onset.h"
#include "report/report.h"
#include "store/run.h"

enum { PART_ALL, PART_EVEN, PART_ODD, PART_COUNT };

/* One column of metrics.json. */
typedef struct {
    const char *name, *family, *unit, *summary, *source, *weakness;
    int is_layer;     /* one value per layer; otherwise one per head */
    int direction;    /* +1 rises, -1 falls, 0 none declared */
    double threshold; /* of emergence, NaN: none declared, so it has no onset */
    double ratio;
    double min, max;
    int attention_only;
} ReportMetric;

/* One metric of one run. */
typedef struct {
    double *values;  /* (S,3,L,H), or (S,3,L) when is_layer; NULL: not measured */
    double *sd;      /* (S,L,H) or (S,L) over sequences; NULL where not stored */
    double *uniform; /* (L,H) or (L,): the computed baselines; NULL when the metric has none */
    double *position;
} RunMetric;

/* Labels of one snapshot, by position and by token. */
typedef struct {
    Frame model;
    Frame *layers; /* (L,) */
    Frame *heads;  /* (L,H) */
} SnapshotFrames;

typedef struct {
    const char *folder, *id;
    int arm;
    uint64_t seed;
    RunStatus status;
    const char *reason; /* one line on why it has no results, "" otherwise */
    double oracle_loss; /* nats per target, NaN where unknown */
    double n_parameters;
    int n_snapshots;                  /* 0 unless finished */
    double *steps, *tokens, *targets; /* (S,) */
    int n_losses;                     /* 1+G */
    const char **loss_names;          /* (1+G,) "held_out_loss", "held_out_loss:copy", ... */
    double *losses;                   /* (S,1+G) held-out, nats per target */
    int n_layers, n_heads, length, n_sequences, is_causal;
    RunMetric *metrics;     /* (n_metrics,) */
    SnapshotFrames *frames; /* (S,) */
} ReportRun;

typedef struct {
    const char *name;
    const char **values; /* labels */
    int n_values;
} ReportAxis;

typedef struct {
    const char *name;
    const char **values; /* (n_axes,) label on each axis */
} ReportArm;

struct Report {
    Arena *arena;
    const char *folder; /* where snapshots are read again (maps); never written out */
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
    Claim *claims;
    int n_claims;
    const char **notes; /* the plan's remarks, one line each */
    int n_notes;
    int headline;              /* index of the sink metric that tables show, -1 when nothing was measured */
    const char *headline_note; /* why it is not sink_mass_idle, "" otherwise */
};

int report_find_metric(const Report *report, const char *name); /* -1 if absent */

/* The arm's finished run with that seed, or NULL. */
const ReportRun *report_find_run(const Report *report, int arm, uint64_t seed);

/* Runs of an arm: planned, and finished (returned). */
int report_count_runs(const Report *report, int arm, int *ret_planned);

/* Reads one run's snapshots and baselines into `run` (status, folder, ... are kept); step < 0 reads all, otherwise the
 * one snapshot of that step. The metrics to read are the report's. */
int run_collect(Report *report, const char *run_folder, int64_t step, ReportRun *run, Error *err);

#endif
