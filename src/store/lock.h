/* Who may write in a folder, of all processes on all hosts that share it: flock for this host, a lease (base/lease.h)
 * beside it for the others.
 */
#ifndef REFFRAME_STORE_LOCK_H
#define REFFRAME_STORE_LOCK_H

#include "base/lease.h"

typedef struct Lock Lock;

typedef enum {
    LOCK_TO_READ, /* of a results folder, which stays as it is: known to this host alone */
    LOCK_TO_WRITE,
    LOCK_TO_REMOVE /* goes without a lease where a full disk has no room for one, as it is there to make room */
} LockUse;

/* Results folders: nobody else replaces files of `folder`, which is there, until lock_free. Waits for whoever does.
 * Whoever may not write there gets a lock that only this host knows of. */
int lock_folder(const char *folder, LockUse use, Lock **ret_lock, Error *err);

/* The second half: to a flock that this process has, the lease of `folder`. STATUS_FAILED "... is in use by process N
 * on HOST" where another host has it. The descriptor is the lock's, or closed. */
int lock_with_lease(int descriptor, const char *folder, LockUse use, Lock **ret_lock, Error *err);

/* To be asked before a holder writes: STATUS_FAILED, saying who has it now, if it is no longer its own. NULL: a folder
 * that nobody else knows of. */
int lock_check(const Lock *lock, Error *err);

/* The status of what a holder did: where it failed while the lock was no longer its own, that is the reason told, since
 * whoever has it now removes what others left half-written. */
int lock_explain(const Lock *lock, int status, Error *err);

/* NULL allowed; returns NULL. */
Lock *lock_free(Lock *lock);

#endif
