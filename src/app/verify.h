/* What of a results folder stands as it was written, file by file (`refframe status --verify`). One file at a time is
 * looked at, and read piece by piece where a hash of it is known; what has none, but checks of its own, is read whole.
 */
#ifndef REFFRAME_APP_VERIFY_H
#define REFFRAME_APP_VERIFY_H

#include "app/app.h"

typedef enum {
    FINDING_DAMAGED, /* it is another than its hash, or its own check, says */
    FINDING_LOST,    /* it is listed, and gone */
    FINDING_FOREIGN, /* nobody knows it: what a process that was ended left half-written, and what others put there */
    FINDING_UNKNOWN, /* no hash of it is known */
    FINDING_COUNT
} Finding;

/* How many files. */
typedef struct {
    int n_whole; /* as they were written */
    int n[FINDING_COUNT];
    int n_in_use; /* folders that were not looked at: somebody writes in them */
    int n_sealed; /* runs whose run.yaml has its hash: SHA256SUMS was written before it */
} Verified;

/* A run's folder. Prints a line for each file that is damaged, lost or foreign, and one that names those without a
 * hash. */
void verify_run(const Program *program, const char *folder, Verified *verified);

/* The same of the files of the results folder itself; `planned` are the names of its plan's runs. */
void verify_results(const char *folder, const char *const *planned, int n_planned, Verified *verified);

/* Whether a folder in it is a run's, of this plan or another. */
int verify_is_run(const char *folder);

#endif
