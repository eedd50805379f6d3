/* A run's folder: names of its files, its status, its lock, its log.
 *
 * Invariant: at most one process of all hosts holds the lock and writes; everybody may read at any time, since what is
 * read is written atomically (manifest, snapshots, checkpoints) or only ever grows by whole lines (series, log).
 */
#include "store/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "store/manifest.h"

static const struct {
    const char *folder, *ending;
} step_files[] = {{RUN_SNAPSHOTS, ".npz"}, {RUN_CHECKPOINTS, ".safetensors"}};
#define N_STEP_FILES 2

/* ---- files that belong to a step ---- */

static const char *ending_of(const char *folder)
{
    return strcmp(folder, step_files[0].folder) == 0 ? step_files[0].ending : step_files[1].ending;
}

static char *step_path(Arena *arena, const char *run_folder, const char *folder, int64_t step)
{
    const char *name = arena_format(arena, "%s/step-%08" PRId64 "%s", folder, step, ending_of(folder));
    return file_join(arena, run_folder, name);
}

char *run_snapshot_path(Arena *arena, const char *run_folder, int64_t step)
{
    return step_path(arena, run_folder, RUN_SNAPSHOTS, step);
}

char *run_checkpoint_path(Arena *arena, const char *run_folder, int64_t step)
{
    return step_path(arena, run_folder, RUN_CHECKPOINTS, step);
}

/* The step of `step-00000012.npz`; -1 for any other name (temporary files, baselines, what others put there). */
static int64_t step_of_name(const char *name, const char *ending)
{
    char canonical[64];
    int64_t step = -1;
    if (sscanf(name, "step-%18" SCNd64, &step) != 1 || step < 0)
        return -1;
    snprintf(canonical, sizeof canonical, "step-%08" PRId64 "%s", step, ending);
    return strcmp(name, canonical) == 0 ? step : -1;
}

static int compare_steps(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int run_steps(Arena *arena, const char *run_folder, const char *folder, int64_t **ret_steps, int *ret_n, Error *err)
{
    char **names;
    int n_names, n = 0;
    const int status = file_list(arena, file_join(arena, run_folder, folder), &names, &n_names, err);
    if (status != STATUS_OK)
        return status;
    int64_t *steps = ARENA_ARRAY(arena, int64_t, n_names);
    for (int i = 0; i < n_names; i++) {
        const int64_t step = step_of_name(names[i], ending_of(folder));
        if (step >= 0)
            steps[n++] = step;
    }
    qsort(steps, (size_t)n, sizeof *steps, compare_steps); /* names of nine digits sort before those of eight */
    *ret_steps = steps;
    *ret_n = n;
    return STATUS_OK;
}

int64_t run_step_of(const char *folder, const char *name)
{
    return step_of_name(name, ending_of(folder));
}

int run_cut_back(const char *run_folder, int64_t step, Error *err)
{
    Arena *arena = arena_new();
    int status = file_remove_temporaries(run_folder, err);
    for (int i = 0; i < N_STEP_FILES && status == STATUS_OK; i++) {
        const char *folder = step_files[i].folder;
        int64_t *steps;
        int n = 0;
        status = file_remove_temporaries(file_join(arena, run_folder, folder), err);
        if (status == STATUS_OK)
            status = run_steps(arena, run_folder, folder, &steps, &n, err);
        for (int k = n; k-- > 0 && steps[k] > step && status == STATUS_OK;)
            status = file_remove(step_path(arena, run_folder, folder, steps[k]), err);
    }
    arena_free(arena);
    return status;
}

/* ---- who writes ---- */

static void sleep_shortly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Whether a process of this host has it. Asked for shared, and for the blink of an eye: two who ask do not see each
 * other. */
static int has_flock(const char *run_folder)
{
    Arena *arena = arena_new();
    const int descriptor = open(file_join(arena, run_folder, RUN_LOCK), O_RDONLY | O_CLOEXEC);
    arena_free(arena);
    if (descriptor < 0)
        return 0;
    const int is_held = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(descriptor);
    return is_held;
}

int run_lock(const char *run_folder, LockUse use, Lock **ret_lock, Error *err)
{
    Arena *arena = arena_new();
    const char *path = file_join(arena, run_folder, RUN_LOCK);
    const double deadline = clock_seconds() + RUN_PATIENCE;
    enum { AT_LEAST = 5 }; /* has_flock holds it for a moment, and is not seen by itself */
    int descriptor, status = file_lock(path, &descriptor, err);
    for (int n = 1; status != STATUS_OK; n++) {
        if (n >= AT_LEAST && !(has_flock(run_folder) && clock_seconds() < deadline))
            break;
        sleep_shortly();
        status = file_lock(path, &descriptor, err);
    }
    arena_free(arena);
    return status == STATUS_OK ? lock_with_lease(descriptor, run_folder, use, ret_lock, err) : status;
}

int run_wait(const char *run_folder)
{
    const double deadline = clock_seconds() + RUN_PATIENCE;
    while (has_flock(run_folder)) {
        if (clock_seconds() >= deadline)
            return -1;
        sleep_shortly();
    }
    return run_is_elsewhere(run_folder, NULL) ? -1 : 0;
}

int run_is_elsewhere(const char *run_folder, LeaseHolder *ret_holder)
{
    Arena *arena = arena_new();
    LeaseHost here;
    lease_here(&here);
    const int is_held = lease_is_held(file_join(arena, run_folder, RUN_LEASE), &here, ret_holder);
    arena_free(arena);
    return is_held;
}

int run_is_locked(const char *run_folder)
{
    return has_flock(run_folder) || run_is_elsewhere(run_folder, NULL);
}

RunStatus run_status(const char *run_folder)
{
    Arena *arena = arena_new();
    Manifest manifest;
    RunStatus status;
    /* Whether it is there as far as is known: what the system fails to tell must not look like nothing to report. */
    if (!file_exists(file_join(arena, run_folder, RUN_MANIFEST)))
        status = file_is_folder(run_folder) ? RUN_PENDING : RUN_ABSENT;
    else if (manifest_read(arena, run_folder, &manifest, NULL) != STATUS_OK)
        status = RUN_INTERRUPTED; /* damaged: it proves nothing, and going on from the checkpoint writes it anew */
    else
        status = manifest.status;
    if (status == RUN_RUNNING && !run_is_locked(run_folder))
        status = RUN_INTERRUPTED;
    arena_free(arena);
    return status;
}

/* ---- what happened when, and where ---- */

int run_log(const char *run_folder, const char *line, Error *err)
{
    Arena *arena = arena_new();
    const char *path = file_join(arena, run_folder, RUN_LOG);
    char when[32];
    const char *entry = arena_format(arena, "%s %s\n", clock_timestamp(when), line);
    const int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    size_t done = 0;
    ssize_t n = descriptor < 0 ? -1 : 0;
    int status = STATUS_OK;
    while (n >= 0 && done < strlen(entry)) { /* one write, if nothing is odd: lines of two processes don't mix */
        n = write(descriptor, entry + done, strlen(entry) - done);
        n = n < 0 && errno == EINTR ? 0 : n;
        done += n > 0 ? (size_t)n : 0;
    }
    if (n < 0)
        status = error_set(err, STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    arena_free(arena);
    return status;
}
