/* The runs of a plan as one job array of a Slurm cluster, and a job that reports when it has ended
 * (https://slurm.schedmd.com/job_array.html).
 *
 * A task is `refframe run FILE --shard I/N`, so a cluster adds nothing to how a run is trained. Queueing, priorities
 * and nodes that fail are Slurm's. What it is told by default: the threads, the memory that `check` promises and a
 * little, four times the time that it takes here; whatever the user gives comes last, and wins.
 *
 * Below results/NAME/slurm: jobs.txt (`ID array|report` a line, of the last submission), and what the jobs printed.
 */
#ifndef REFFRAME_APP_SLURM_H
#define REFFRAME_APP_SLURM_H

#include "app/experiment.h"

#define SLURM_FOLDER "slurm"

/* STATUS_INPUT while jobs of an earlier submission are in the queue. */
int slurm_check(const Experiment *experiment, Error *err);

/* Submits what has not finished. STATUS_INPUT where sbatch says no (bad options), STATUS_FAILED where there is none. */
int slurm_submit(const Experiment *experiment, const Arguments *arguments, Error *err);

/* One line on the jobs of the last submission; NULL without any. */
const char *slurm_line(Arena *arena, const char *folder);

#endif
