/* Leases: who has a folder, told to other hosts by a small file in it.
 *
 * flock (file.h) is exact on one host; over a network file system it may be known to that host alone. So whoever has
 * the flock also lays a lease beside it: host, boot and process, which a thread of the holder renews by its time of
 * change every sixth of the seconds that it is good for (60, or REFFRAME_LEASE_SECONDS). Whoever finds a lease
 *
 *   of its own host and boot   replaces it: it has the flock, so the holder is dead;
 *   of another host            leaves it while it is younger than its seconds, by the clock of the file system (the
 *                              time of a file just made in that folder), never by its own; and replaces it after that.
 *
 * A lease is made by link, whole or not at all, and by one taker alone; a dead one is renamed away first, and put back
 * if it turns out to be another than was judged. A holder that was suspended for longer than its seconds is told by
 * lease_check that it holds no more. What can't be read as a lease is taken for another host's.
 *
 * Not covered, for a sixth of the seconds at most, after which one of the two is told: a host that stands still
 * together with all its clocks; a third host that comes in the instant between a wrong renaming and its putting back. A
 * file system's clock that jumps ahead lets leases expire; one that is set back keeps them.
 */
#ifndef REFFRAME_BASE_LEASE_H
#define REFFRAME_BASE_LEASE_H

#include "base/status.h"

#define LEASE_FILE "lease" /* what it is called in the folder that it is for */

typedef struct Lease Lease;

/* A host as it runs now; letters, digits and "._-" alone. */
typedef struct {
    char name[65], boot[65]; /* boot: "-" where the system doesn't tell */
} LeaseHost;

typedef struct {
    char host[65]; /* "" if it isn't known */
    long process;
} LeaseHolder;

void lease_here(LeaseHost *ret_here);

/* Lays the lease `path` down for this process, which has the flock beside it. Where another host has it: STATUS_OK, but
 * *ret_lease is NULL, and *ret_holder says who. STATUS_INPUT if REFFRAME_LEASE_SECONDS is no number in 1..3600;
 * STATUS_FAILED, with the reason in errno, if the system fails. */
int lease_take(const char *path, const LeaseHost *here, Lease **ret_lease, LeaseHolder *ret_holder, Error *err);

/* STATUS_FAILED, saying who has it now, if it was taken over, or if it was not renewed for so long that it may be. To
 * be asked before anything is written: a read of two variables, unless a heartbeat is late. */
int lease_check(Lease *lease, Error *err);

/* Removes the lease if it is still this one's; NULL allowed; returns NULL. */
Lease *lease_free(Lease *lease);

/* 1 if another host than `here` has it, or if that can't be known; then *ret_holder (NULL allowed) says who. Of `here`
 * itself the flock says more. */
int lease_is_held(const char *path, const LeaseHost *here, LeaseHolder *ret_holder);

/* "process 4711 on node7", or what is known of it. */
const char *lease_holder_text(const LeaseHolder *holder, char buffer[128]);

#endif
