/* An experiment as the verbs run, check, status and report meet it: file, overrides, results folder. */
#ifndef REFFRAME_APP_EXPERIMENT_H
#define REFFRAME_APP_EXPERIMENT_H

#include "app/app.h"
#include "sched/reuse.h"

typedef struct {
    Arena *arena;
    const Kernels *kernels;
    Program program;
    Plan plan;
    Plan part;           /* what of it this process trains: all, or those runs of --shard */
    int shard, n_shards; /* 0: all */
    const char *folder;  /* results/NAME */
    int jobs, threads;
    const char **notes; /* (n_notes,) what the user should know before anything is done */
    int n_notes;
} Experiment;

/* The most memory that one of its runs takes, on `threads`. */
size_t experiment_memory(const Experiment *experiment, int threads);

/* Seconds that all its runs are likely to take on this machine, experiment->jobs at a time, and its longest run alone.
 */
double experiment_seconds(const Experiment *experiment);
double experiment_longest(const Experiment *experiment);

/* A line for the user; it lives as long as the experiment. */
void experiment_add_note(Experiment *experiment, const char *note);

/* For each run of its part the machine that it runs on here, of the engine that it asks for. */
int experiment_machines(const Experiment *experiment, const Machine *const **ret_machines, Error *err);

/* Notes what else lies in the results folder (others.c). */
void experiment_note_others(Experiment *experiment);

/* What lies there under other names and could be used, which is noted (others.c). */
int experiment_find_reuse(Experiment *experiment, Reuse *ret_reuse, Error *err);

/* One line each, to stdout, behind `prefix`. */
void experiment_print_notes(const Experiment *experiment, const char *prefix);

/* Loads the file of the first word with its --set options; --results, --jobs, --threads where the verb has them. What
 * --set changes has a folder of its own, unless --results says where: NAME and override_suffix (override.c). */
int experiment_open(const Arguments *arguments, Experiment *ret_experiment, Error *err);
void experiment_close(Experiment *experiment);

/* STATUS_INPUT where a shard would begin beside those of another plan: its file was changed since they were started. */
int experiment_check_plan(const Experiment *experiment, Error *err);

/* Writes plan.json, metrics.json and reference.json into the results folder, and their hashes. */
int experiment_write_meta(const Experiment *experiment, Error *err);

/* "+seeds=2+train.steps=50": the overrides in the order of their keys, so that it is the same however they were
 * ordered; what a folder's name cannot have is replaced, a long one cut, and then their hash stands behind it. "" for
 * none. */
const char *override_suffix(Arena *arena, const char *const *sets, int n_sets);

/* What is to be said where a machine runs no kernels but the plain ones; NULL where it runs faster ones. */
const char *experiment_kernels_note(const Experiment *experiment);

/* Collects, writes all exports, those on request that are named here among them, prints the table and says where the
 * report is. STATUS_FAILED, after all that, where a finished run could not be read. */
int experiment_report(const char *folder, const char *const *requested, int n_requested, Error *err);

#endif
