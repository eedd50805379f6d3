/* An experiment as the verbs run, check, status and report meet it: file, overrides, results folder. */
#ifndef REFFRAME_APP_EXPERIMENT_H
#define REFFRAME_APP_EXPERIMENT_H

#include "app/app.h"

typedef struct {
    Arena *arena;
    const Kernels *kernels;
    Program program;
    Plan plan;
    const char *folder; /* results/NAME */
    int jobs, threads;
} Experiment;

/* Loads the file of the first word with its --set options; --results, --jobs, --threads where the verb has them. A file
 * that was changed by --set writes to NAME+set unless --results says where. */
int experiment_open(const Arguments *arguments, Experiment *ret_experiment, Error *err);
void experiment_close(Experiment *experiment);

/* Writes plan.json, metrics.json and reference.json into the results folder. */
int experiment_write_meta(const Experiment *experiment, Error *err);

/* What is to be said where a machine runs no kernels but the plain ones; NULL where it runs faster ones. */
const char *experiment_kernels_note(const Experiment *experiment);

/* Collects, writes all exports, prints the table and says where the report is. STATUS_FAILED, after all that, where a
 * finished run could not be read. */
int experiment_report(const char *folder, Error *err);

#endif
