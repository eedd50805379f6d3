/* See lease.h. */
#include "base/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/lease_file.h"
#include "base/sha256.h"

enum { BEATS = 6, TRIES = 50 };
#define FIRST_NUMBER 4194304 /* above the numbers that processes have */

struct Lease {
    Arena *arena;
    const char *path, *folder;
    const char *temporary; /* under which it is made, and a dead one is looked at again */
    const char *text;      /* what stands in it, and in no other */
    int seconds;
    pthread_t heart;
    int is_beating;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t ending;
    int is_ending;
    LeaseHolder taker;
    atomic_int is_lost;
    atomic_llong renewed; /* by nanoseconds() */
};

/* Also those in which a machine sleeps. */
static int64_t nanoseconds(void)
{
    struct timespec now;
#ifdef CLOCK_BOOTTIME
    clock_gettime(CLOCK_BOOTTIME, &now);
#else
    clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- the heart ---- */

static void lose(Lease *lease, const LeaseHolder *taker)
{
    lease->taker = *taker;
    atomic_store(&lease->is_lost, 1);
}

/* 1 if this one's lease stands; 0 if it does not; -1 if the system does not say. */
static int stands(Lease *lease)
{
    static const LeaseHolder nobody = {"", 0};
    LeaseSeen seen;
    const int reason = lease_look(lease->path, &seen) == 0 ? 0 : errno;
    if (reason && reason != ENOENT)
        return -1;
    if (!reason && strcmp(seen.text, lease->text) == 0)
        return 1;
    lose(lease, reason ? &nobody : &seen.holder);
    return 0;
}

/* The same bytes once more, where a file's times can't be set. */
static int write_again(const Lease *lease)
{
    char text[LEASE_BYTES + 1] = "";
    const int descriptor = open(lease->path, O_RDWR | O_CLOEXEC);
    const size_t n = strlen(lease->text);
    const int is_written = descriptor >= 0 && pread(descriptor, text, LEASE_BYTES, 0) == (ssize_t)n &&
                           strcmp(text, lease->text) == 0 && pwrite(descriptor, lease->text, n, 0) == (ssize_t)n;
    return descriptor >= 0 && close(descriptor) == 0 && is_written ? 0 : -1;
}

static int renew(const Lease *lease)
{
    if (utimensat(AT_FDCWD, lease->path, NULL, 0) == 0)
        return 0;
    return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? write_again(lease) : -1;
}

/* Looked at before and behind: whoever judged it dead before this, and took it, has seen another time or is seen. */
static void beat(Lease *lease)
{
    const int64_t now = nanoseconds();
    if (!lease->is_lost && stands(lease) == 1 && renew(lease) == 0 && stands(lease) == 1)
        atomic_store(&lease->renewed, now);
}

static int64_t interval(const Lease *lease)
{
    return (int64_t)lease->seconds * 1000000000 / BEATS;
}

static void *heart_main(void *argument)
{
    Lease *lease = argument;
    pthread_mutex_lock(&lease->mutex);
    while (!lease->is_ending) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        const int64_t then = until.tv_nsec + interval(lease);
        until.tv_sec += (time_t)(then / 1000000000);
        until.tv_nsec = (long)(then % 1000000000);
        if (pthread_cond_timedwait(&lease->ending, &lease->mutex, &until) == ETIMEDOUT)
            beat(lease);
    }
    pthread_mutex_unlock(&lease->mutex);
    return NULL;
}

/* 0, or why not. */
static int start_heart(Lease *lease)
{
    pthread_condattr_t clock;
    sigset_t all, before;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&lease->mutex, NULL);
    pthread_cond_init(&lease->ending, &clock);
    pthread_condattr_destroy(&clock);
    sigfillset(&all); /* signals are for the caller's thread, whose waits they end */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failure = pthread_create(&lease->heart, NULL, heart_main, lease);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    lease->is_beating = !failure;
    return failure;
}

int lease_check(Lease *lease, Error *err)
{
    char text[128];
    int64_t since = nanoseconds() - lease->renewed;
    if (!lease->is_lost && since > 3 * interval(lease) / 2) { /* it was suspended, or the file system does not answer */
        pthread_mutex_lock(&lease->mutex);
        beat(lease);
        pthread_mutex_unlock(&lease->mutex);
        since = nanoseconds() - lease->renewed;
    }
    if (lease->is_lost)
        return error_set(err, STATUS_FAILED,
                         "%s: its lease was taken over by %s, as it had not been renewed in time; nothing more is "
                         "written here",
                         lease->folder, lease_holder_text(&lease->taker, text));
    if (since > (int64_t)lease->seconds * 1000000000)
        return error_set(err, STATUS_FAILED, "%s: its lease could not be renewed for %.0f s, and may be another's now",
                         lease->folder, 1e-9 * (double)since);
    return STATUS_OK;
}

/* ---- taking and giving back ---- */

static Lease *new_lease(const char *path, const LeaseHost *here, int seconds)
{
    Arena *arena = arena_new();
    Lease *lease = arena_alloc(arena, sizeof *lease);
    char when[32], hex[65];
    struct timespec now;
    const char *host = arena_format(arena, "%s %s", here->name, here->boot);
    sha256_hex(host, strlen(host), hex);
    hex[7] = '\0';
    clock_gettime(CLOCK_REALTIME, &now);
    *lease = (Lease){.arena = arena, .path = arena_strdup(arena, path), .seconds = seconds};
    lease->folder = file_dirname(arena, path);
    /* One name a host, as the flock lets one process of it in at a time: the next one clears up after a kill. */
    lease->temporary = arena_format(arena, "%s.tmp-%ld", path, FIRST_NUMBER + strtol(hex, NULL, 16));
    lease->text = arena_format(arena, "host %s\nboot %s\nprocess %ld\nsince %s\nseconds %d\nmark %" PRId64 "\n",
                               here->name, here->boot, (long)getpid(), clock_timestamp(when), seconds,
                               (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    return lease;
}

/* Renamed away, and put back if it is not what was judged: then somebody has been quicker. */
static void remove_dead(const Lease *lease, const LeaseSeen *judged)
{
    LeaseSeen seen;
    if (lease_look(lease->path, &seen) != 0 || !lease_is_same(&seen, judged) ||
        rename(lease->path, lease->temporary) != 0)
        return;
    if ((lease_look(lease->temporary, &seen) != 0 || !lease_is_same(&seen, judged)) &&
        link(lease->temporary, lease->path) != 0 && errno != EEXIST)
        rename(lease->temporary, lease->path);
}

typedef enum { TAKEN, HELD, AGAIN, FAILED } Outcome;

/* File systems that know no second names of a file. */
static int has_no_links(int reason)
{
    return reason == EPERM || reason == EOPNOTSUPP || reason == ENOTSUP || reason == ENOSYS || reason == EMLINK;
}

/* The lease under its own name, if nothing stands there; else errno is EEXIST. */
static int lay_down(const Lease *lease)
{
    struct timespec ignored;
    if (link(lease->temporary, lease->path) == 0)
        return 0;
    return has_no_links(errno) ? lease_make(lease->path, lease->text, &ignored) : -1;
}

/* Once; a FAILED leaves the reason in errno. */
static Outcome try_to_take(const Lease *lease, const LeaseHost *here, LeaseHolder *ret_holder)
{
    Outcome outcome = TAKEN;
    struct timespec now;
    LeaseSeen seen;
    if (lease_make_anew(lease->temporary, lease->text, &now) != 0)
        return errno == EEXIST ? AGAIN : FAILED;
    if (lay_down(lease) != 0) {
        if (errno != EEXIST)
            outcome = errno == ENOENT ? AGAIN : FAILED; /* ENOENT: a holder has cleared up in its folder */
        else if (lease_look(lease->path, &seen) != 0)
            outcome = errno == ENOENT ? AGAIN : FAILED;
        else if (strcmp(seen.text, lease->text) == 0)
            outcome = TAKEN; /* the answer to the link was lost */
        else if (!lease_is_of(&seen, here) && !lease_has_expired(&seen, &now))
            outcome = HELD, *ret_holder = seen.holder;
        else
            outcome = AGAIN, remove_dead(lease, &seen);
    }
    const int reason = errno;
    unlink(lease->temporary);
    errno = reason;
    return outcome;
}

static int failed(Lease *lease, const char *path, int reason, Error *err)
{
    lease_free(lease);
    error_set(err, STATUS_FAILED, "cannot write %s: %s", path, strerror(reason));
    errno = reason;
    return STATUS_FAILED;
}

int lease_take(const char *path, const LeaseHost *here, Lease **ret_lease, LeaseHolder *ret_holder, Error *err)
{
    int seconds;
    const int status = lease_seconds(&seconds, err);
    if (status != STATUS_OK)
        return status;
    Lease *lease = new_lease(path, here, seconds);
    Outcome outcome = AGAIN;
    LeaseHolder holder = {"", 0};
    for (int n = 0; n < TRIES && outcome == AGAIN; n++)
        outcome = try_to_take(lease, here, &holder);
    if (outcome == FAILED || outcome == AGAIN)
        return failed(lease, path, outcome == FAILED ? errno : EBUSY, err);
    if (outcome == HELD) {
        arena_free(lease->arena); /* in which the lease itself is */
        *ret_lease = NULL;
        *ret_holder = holder;
        return STATUS_OK;
    }
    atomic_store(&lease->renewed, nanoseconds());
    const int failure = start_heart(lease);
    if (failure)
        return failed(lease, path, failure, err);
    *ret_lease = lease;
    return STATUS_OK;
}

Lease *lease_free(Lease *lease)
{
    LeaseSeen seen;
    if (!lease)
        return NULL;
    if (lease->is_beating) {
        pthread_mutex_lock(&lease->mutex);
        lease->is_ending = 1;
        pthread_cond_signal(&lease->ending);
        pthread_mutex_unlock(&lease->mutex);
        pthread_join(lease->heart, NULL);
        pthread_cond_destroy(&lease->ending);
        pthread_mutex_destroy(&lease->mutex);
    }
    if (!lease->is_lost && lease_look(lease->path, &seen) == 0 && strcmp(seen.text, lease->text) == 0)
        unlink(lease->path);
    arena_free(lease->arena);
    return NULL;
}
